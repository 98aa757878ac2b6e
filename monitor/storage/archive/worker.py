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

from monitor.storage.archive.compaction import run_maintenance
from monitor.storage.archive.protocol import DURABLE_ACK, SealRequest
from monitor.storage.journal.store import ArchiveUpdate, JournalError

if TYPE_CHECKING:
    from typing import TextIO


def main(input_stream: TextIO = sys.stdin, output_stream: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with suppress(OSError):
        os.nice(19)
    order = json.loads(input_stream.readline())
    keep = order.pop("keep")

    def send(message: dict[str, Any]) -> None:
        output_stream.write(json.dumps(message) + "\n")
        output_stream.flush()

    waiting: list[ArchiveUpdate] = []

    def commit(update: ArchiveUpdate) -> None:
        waiting.append(update)
        send({"statements": update.statements})

    def wait_durable() -> None:
        while waiting:
            if input_stream.readline() != DURABLE_ACK:
                raise JournalError("the daemon is gone")
            waiting.pop()

    try:
        made = run_maintenance(
            SealRequest(**(order | {"directory": Path(order["directory"])})), commit, wait_durable, retention_days=keep
        )
    except (JournalError, OSError) as error:
        with suppress(BrokenPipeError):
            send({"error": str(error)})
        return 1
    send({"files": made})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
