"""Processes as the Linux kernel tells of them: who descends from whom, what they take, what is left; ending a tree."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")

_PR_SET_CHILD_SUBREAPER = 36
_PR_CAPBSET_DROP, _CAP_SYS_NICE = 24, 23
_POLL_SECONDS = 0.01


def parent_pids() -> dict[int, int]:
    """Parent by process, of all that live (zombies are left out: they hold nothing but their number)."""
    found: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if state not in "ZX":
                    found[int(entry.name)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """Everybody below ``root``, nearest first; without itself."""
    children: dict[int, list[int]] = {}
    for process, parent in parent_pids().items():
        children.setdefault(parent, []).append(process)
    found = list(children.get(root, ()))
    for process in found:  # grows while it is walked
        found.extend(children.get(process, ()))
    return found


def kill_descendants(root: int, timeout_seconds: float = 5.0) -> bool:
    """Kill everybody below ``root``, also those that are born meanwhile; whether all are gone within ``patience`` s."""
    end = time.monotonic() + timeout_seconds
    while living := descendants(root):
        for process in living:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def kill_tree(root: int, timeout_seconds: float = 5.0) -> bool:
    """The same with ``root`` itself, which goes last: what it left behind would be nobody's child any more."""
    gone = kill_descendants(root, timeout_seconds)
    with suppress(ProcessLookupError):
        os.kill(root, signal.SIGKILL)
    return gone


def kill_orphans(temp_dir: Path, timeout_seconds: float = 5.0) -> bool:
    """Kill everybody whose temporary files go to ``scratch``, and all below them; whether they are gone in time.

    They are what a process that was killed itself left behind: nobody's children, which go on writing for a moment.
    """
    mine = f"TMPDIR={temp_dir}".encode()
    end = time.monotonic() + timeout_seconds
    while heirs := [process for process in parent_pids() if mine in _read_environment(process)]:
        for process in heirs:
            kill_tree(process, timeout_seconds)
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _read_environment(process: int) -> list[bytes]:
    try:
        return (PROC / str(process) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def become_subreaper() -> None:
    """From now on descendants of this process that lose their parent become its children, so that they are found."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lower_priority(niceness: int) -> None:
    """Leave the processor to others first, with all that will be started from here.

    Chromium of root raises its own priority; without the capability for that its processes stay where they are put.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)
    os.nice(niceness)
    lower_session_priority(os.getpid())


def lower_session_priority(root: int) -> None:
    """Give the sessions of ``root`` and of all below it the weight that this process has.

    Where the kernel shares the processor out among sessions (autogroup), niceness counts inside of a session only, and
    a browser begins one of its own, as heavy as the daemon's.
    """
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    for process in (root, *descendants(root)):
        with suppress(OSError):
            (PROC / str(process) / "autogroup").write_text(str(niceness))


def tree_memory_bytes(root: int) -> int:
    """Bytes that ``root`` and all below it take; shared pages are shared out among those who share them."""
    total = 0
    for process in (root, *descendants(root)):
        with suppress(OSError):
            for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def available_memory_bytes() -> int:
    """Bytes that this machine, or the control group that we live in, still has for newcomers."""
    left = 0
    for line in (PROC / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            left = int(line.split()[1]) * 1024
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        limit = int((CGROUP / "memory.max").read_text())
        left = min(left, limit - int((CGROUP / "memory.current").read_text()))
    return left
