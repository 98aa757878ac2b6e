"""What a tree of processes costs: time on the wall, on the processors, and memory at its peak.

``python -m tests.bench.tree_cost COMMAND ...`` runs a command to its end with every process that it leaves behind, and
prints the three as JSON on the last line. A tree that lives on (our browser) is measured before and after by
:func:`cpu_of`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from probes.browser.process_tree import become_subreaper, descendants, kill_descendants, tree_memory_bytes

TICK = os.sysconf("SC_CLK_TCK")
EVERY = 0.5
"""Seconds between two readings of the memory: each reads the page tables of all, which takes time from them."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """``wall`` and ``cpu`` in seconds, ``memory`` in bytes (shared pages shared out)."""

    wall: float
    cpu: float
    memory: int


def cpu_of(root: int) -> float:
    """Processor seconds of ``root``, of all that live below it and of all that died there and were waited for."""
    total = 0
    for process in (root, *descendants(root)):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / TICK


@contextlib.contextmanager
def peak(root: int) -> Iterator[list[int]]:
    """The most memory that the tree below ``root`` took while the block ran, as the list's only element."""
    found, over = [0], threading.Event()

    def sample() -> None:
        while not over.wait(EVERY):
            found[0] = max(found[0], tree_memory_bytes(root))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def run(command: list[str]) -> Cost:
    """The cost of a command and of all that it started, until the last of them is gone."""
    become_subreaper()
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=sys.stderr)
    with peak(child.pid) as most:
        status = child.wait()
    wall = time.perf_counter() - began
    kill_descendants(os.getpid())
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    if status:
        raise SystemExit(status)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, memory=most[0])


if __name__ == "__main__":
    print(json.dumps(asdict(run(sys.argv[1:]))))
