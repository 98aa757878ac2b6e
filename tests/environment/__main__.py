"""One life of a daemon inside of namespaces of its own: LIFE SCRATCH [--long]; its results are lines of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.environment import clock, disk, machine, memory, results, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.environment.verdict import Result

LIVES: dict[str, Callable[..., Iterator[Result]]] = {
    "disk": disk.life,
    "machine": machine.life,
    "clock": clock.life,
    "database": results.database_life,
    "people": results.people_life,
    "memory": memory.life,
    "start": start.life,
}


def main() -> int:
    """Exit code 1 when a life ended too early; what it found until then is printed."""
    name, scratch = sys.argv[1:3]
    for result in LIVES[name](Path(scratch), long="--long" in sys.argv):
        print(json.dumps(asdict(result)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
