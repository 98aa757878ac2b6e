"""What the kernel accounts to a process and its children: CPU seconds so far, resident memory now and at its peak."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU in seconds, memory in bytes; sums over all requested processes."""

    cpu: float
    resident: int
    peak: int

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.cpu + other.cpu, self.resident + other.resident, self.peak + other.peak)


def usage(*roots: int) -> Usage:
    """What ``roots`` and their living children use, and the CPU of those children that ended and were waited for."""
    total = Usage(0.0, 0, 0)
    for root in roots:
        for pid in (root, *_children(root)):
            total += _one(pid)
    return total


def _one(pid: int) -> Usage:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return Usage(sum(map(int, stat[11:15])) / TICK, int(stat[21]) * PAGE, peak)


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from _children(child)
