"""Run work in a child process of this program: start it, send a request, read its lines, kill it and wait.

The daemon's loop then never waits for Python or DuckDB, and their memory is freed when the process exits. Each job and
its worker decide what the lines contain.
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MAX_LINE_BYTES = 2**24
"""The longest line that a worker process may write."""


class WorkerProcess:
    """A running worker process. ``name`` identifies it in error messages, such as ``sealing process``."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        """Take over a process with pipes. Raises :class:`JournalError` when it has none."""
        if process.stdin is None or process.stdout is None:
            raise JournalError(f"the {name} has no pipes")
        self._name, self._process = name, process
        self._input, self._output = process.stdin, process.stdout

    def send(self, line: bytes) -> None:
        """Write a line to the input of the process."""
        self._input.write(line)

    async def read_line(self) -> bytes:
        """Return the next line of its output. Raises :class:`JournalError` when there is none, also ValueError."""
        if line := await self._output.readline():
            return line
        raise JournalError(f"the {self._name} exited without a result, code {await self._process.wait()}")


@asynccontextmanager
async def worker_process(name: str, module: str, request: bytes) -> AsyncIterator[WorkerProcess]:
    """Run ``python -m module`` and send it ``request``; kill it at the end of the block, unless it has exited.

    Raises OSError when the process cannot be started, and as :class:`WorkerProcess`.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MAX_LINE_BYTES,
    )  # fmt: skip
    try:
        worker = WorkerProcess(name, process)
        worker.send(request)
        yield worker
    finally:
        if process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            process.kill()
        await process.wait()


def lower_priority() -> None:
    """Give this process the lowest CPU priority, where the system allows it."""
    with suppress(OSError):
        os.nice(19)
