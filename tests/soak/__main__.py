"""``make soak MINUTES=30``: runs the soak, prints its verdict, and ends with 1 when a promise was broken.

``--write FILE`` writes the verdict as a section of Markdown, ``--keep DIR`` keeps logs, journal and database there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.report import machine
from tests.chaos.promise import table, write_soak
from tests.soak.course import course
from tests.soak.drive import soak
from tests.soak.judge import rendered, verdict


def main() -> int:
    """Soak for so many minutes of looking; starts, absences and the drain come on top."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--write", type=Path, help="write the verdict to the end of this file")
    parser.add_argument("--keep", type=Path, help="work in this directory and leave it there")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:  # short: a browser's socket has to fit below it
        ground = options.keep or Path(scratch)
        ground.mkdir(parents=True, exist_ok=True)
        facts = asyncio.run(soak(course(options.minutes), ground))
    promises = verdict(facts)
    spent = (time.monotonic() - began) / 60
    loads = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(rendered(facts).items())) or "none"
    text = table(promises)
    print(f"\n{text}\nrenderings: {loads}; {spent:.1f} minutes; load {os.getloadavg()[1]:.1f}")
    broken = [f"{one.text}: {case}" for one in promises for case in one.broken]
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    if options.write is not None:
        write_soak(options.write, _section(text, options.minutes))
    return int(bool(broken))


def _section(text: str, minutes: float) -> str:
    head, _, rest = text.partition("\n")
    return f"""{head}

The demo fleet at ten times its speed for {minutes:g} minutes of looking: portals refuse, reset, hang, fail and flap,
the daemon is stopped and killed, InfluxDB and the webhook go away and come back. Written by
`make soak MINUTES={minutes:g} ARGS='--write docs/reliability.md'`; {machine()}.
{rest}"""


if __name__ == "__main__":
    raise SystemExit(main())
