"""The sealing process: ``python -m monitor.archive.worker``, so that the daemon's loop never waits for Python or disk.

Its first line of input is the order as JSON. Each entry for the ledger is one line of output, and a line of input says
that it is durable; the work goes on meanwhile. The last line of output tells how many files were made, or what failed.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from monitor.storage.archive.compaction import tend
from monitor.storage.archive.protocol import DURABLE, Order
from monitor.storage.journal.store import Chore, JournalError

if TYPE_CHECKING:
    from typing import TextIO


def main(given: TextIO = sys.stdin, answers: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with suppress(OSError):
        os.nice(19)
    order = json.loads(given.readline())
    keep = order.pop("keep")

    def tell(said: dict[str, Any]) -> None:
        answers.write(json.dumps(said) + "\n")
        answers.flush()

    waiting: list[Chore] = []

    def commit(chore: Chore) -> None:
        waiting.append(chore)
        tell({"statements": chore.statements})

    def settle() -> None:
        while waiting:
            if given.readline() != DURABLE:
                raise JournalError("the daemon is gone")
            waiting.pop()

    try:
        made = tend(Order(**(order | {"directory": Path(order["directory"])})), commit, settle, keep=keep)
    except (JournalError, OSError) as error:
        with suppress(BrokenPipeError):
            tell({"error": str(error)})
        return 1
    tell({"files": made})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
