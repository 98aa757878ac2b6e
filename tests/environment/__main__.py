"""One scenario of a daemon inside of separate namespaces: SCENARIO SCRATCH [--long]; its results are lines of JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.environment import clock, disk, machine, memory, receivers, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.environment.invariants import Result

SCENARIOS: dict[str, Callable[..., Iterator[Result]]] = {
    "disk": disk.scenario,
    "machine": machine.scenario,
    "clock": clock.scenario,
    "database": receivers.database_scenario,
    "targets": receivers.targets_scenario,
    "memory": memory.scenario,
    "start": start.scenario,
}


def main() -> int:
    """Exit code 1 when a scenario aborted; its results until then are printed."""
    name, scratch = sys.argv[1:3]
    for result in SCENARIOS[name](Path(scratch), long="--long" in sys.argv):
        print(json.dumps(asdict(result)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
