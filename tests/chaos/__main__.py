"""``make chaos`` runs all long tests, ``make chaos ARGS='crash access'`` some; ``--write FILE`` keeps the tables.

Each module of this package with a function ``guarantees`` is a part; the function returns what it tried.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import tests.chaos
from tests.bench.report import machine
from tests.chaos.guarantee import Guarantee, table, write_parts

if TYPE_CHECKING:
    from collections.abc import Callable


def _parts() -> dict[str, Callable[[], list[Guarantee]]]:
    found = {}
    for module in pkgutil.iter_modules(tests.chaos.__path__):
        if module.name not in {"__main__", "guarantee"}:
            code = importlib.import_module(f"tests.chaos.{module.name}")
            if hasattr(code, "guarantees"):
                found[module.name] = code.guarantees
    return found


def main() -> int:
    """Run the named parts, or all; return 1 when a guarantee was broken or a part could not run to its end."""
    parts = _parts()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("names", nargs="*", metavar="PART", help=f"of {', '.join(parts)}")
    parser.add_argument("--write", type=Path, help="write the tables to this file")
    options = parser.parse_args()
    if unknown := set(options.names) - parts.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    kept: list[Guarantee] = []
    began = time.monotonic()
    for name in options.names or parts:
        print(f"\n== {name} ==", flush=True)
        start = time.monotonic()
        kept += _run_part(name, parts[name])
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    minutes = (time.monotonic() - began) / 60
    text = table(kept)
    print(f"\n{text}\n{minutes:.1f} minutes")
    broken = [f"{one.text}: {case}" for one in kept for case in one.broken]
    for line in broken:
        print(f"broken: {line}", file=sys.stderr)
    if options.write is not None:
        write_parts(options.write, _page(text, minutes))
    return int(bool(broken))


def _run_part(name: str, part: Callable[[], list[Guarantee]]) -> list[Guarantee]:
    """Return the guarantees of a part; an aborted part is a broken guarantee like any other, and the rest goes on."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001 - printed, and counted as broken
        traceback.print_exc()
        broken = (f"{type(error).__name__}: {error}",)
        return [Guarantee(part=name, text="runs to its end", test=f"tests/chaos/{name}.py", cases=1, broken=broken)]


def _page(text: str, minutes: float) -> str:
    return f"""# Reliability

What the daemon guarantees under hostile portals, failures of its host and hostile clients, and the test of each
guarantee. Written by `make chaos ARGS='--write docs/reliability.md'` in {minutes:.0f} minutes; {machine()}.

{text}"""


if __name__ == "__main__":
    raise SystemExit(main())
