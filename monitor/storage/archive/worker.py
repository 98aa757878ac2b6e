"""The sealing process, ``python -m monitor.storage.archive.worker``: it seals outside of the daemon's loop.

Its first line of input is the request as JSON. Each entry for the catalog is one line of output, which a line of input
acknowledges as durable; the work continues meanwhile. The last line of output is the number of files, or the error.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from monitor.storage.archive.compaction import run_maintenance
from monitor.storage.archive.protocol import DURABLE_ACK, SealRequest
from monitor.storage.journal.store import ArchiveUpdate, JournalError
from monitor.storage.worker_process import lower_priority

if TYPE_CHECKING:
    from typing import TextIO


def main(input_stream: TextIO = sys.stdin, output_stream: TextIO = sys.stdout) -> int:
    """Execute the request and return the exit code, 0 for success."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    lower_priority()
    data = json.loads(input_stream.readline())
    retention_days = data.pop("retention_days")
    request = SealRequest(**(data | {"directory": Path(data["directory"])}))

    def send(message: dict[str, Any]) -> None:
        output_stream.write(json.dumps(message) + "\n")
        output_stream.flush()

    pending: list[ArchiveUpdate] = []

    def commit(update: ArchiveUpdate) -> None:
        pending.append(update)
        send({"statements": update.statements})

    def wait_durable() -> None:
        while pending:
            if input_stream.readline() != DURABLE_ACK:
                raise JournalError("the daemon closed the pipe")
            pending.pop()

    try:
        sealed = run_maintenance(request, commit, wait_durable, retention_days=retention_days)
    except (JournalError, OSError) as error:
        with suppress(BrokenPipeError):
            send({"error": str(error)})
        return 1
    send({"files": sealed})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
