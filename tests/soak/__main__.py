"""``make soak MINUTES=30``: runs the soak, prints its results, and exits with 1 when a guarantee was broken.

``--write FILE`` writes the results as a section of Markdown, ``--keep DIR`` keeps logs, journal and database there.
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
from tests.chaos.guarantee import table, write_soak
from tests.soak.drive import soak
from tests.soak.evaluation import evaluate, rendered
from tests.soak.plan import soak_plan


def main() -> int:
    """Soak for so many minutes of probing; starts, downtimes and the drain come on top."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--write", type=Path, help="write the results to the end of this file")
    parser.add_argument("--keep", type=Path, help="work in this directory and leave it there")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:  # short: a browser's socket has to fit below it
        workspace = options.keep or Path(scratch)
        workspace.mkdir(parents=True, exist_ok=True)
        facts = asyncio.run(soak(soak_plan(options.minutes), workspace))
    guarantees = evaluate(facts)
    spent = (time.monotonic() - began) / 60
    loads = ", ".join(f"{count} {outcome.value}" for outcome, count in sorted(rendered(facts).items())) or "none"
    text = table(guarantees)
    print(f"\n{text}\nrenderings: {loads}; {spent:.1f} minutes; load {os.getloadavg()[1]:.1f}")
    broken = [f"{one.text}: {case}" for one in guarantees for case in one.broken]
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    if options.write is not None:
        write_soak(options.write, _section(text, options.minutes))
    return int(bool(broken))


def _section(text: str, minutes: float) -> str:
    head, _, rest = text.partition("\n")
    return f"""{head}

The demo fleet at ten times its speed for {minutes:g} minutes of probing: portals refuse, reset, hang, fail and flap,
the daemon is stopped and killed, InfluxDB and the webhook go server_outages and come back. Written by
`make soak MINUTES={minutes:g} ARGS='--write docs/reliability.md'`; {machine()}.
{rest}"""


if __name__ == "__main__":
    raise SystemExit(main())
