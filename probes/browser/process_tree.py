"""Process trees on Linux: descendants, memory, priority, and how to kill a tree."""

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
    """Return the parent of every living process (without zombies, which hold only their id)."""
    found: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
                if state not in "ZX":
                    found[int(entry.name)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """Return all processes below *root*, nearest first, without *root*."""
    children: dict[int, list[int]] = {}
    for process, parent in parent_pids().items():
        children.setdefault(parent, []).append(process)
    found = list(children.get(root, ()))
    for process in found:  # grows during the iteration
        found.extend(children.get(process, ()))
    return found


def kill_descendants(root: int, timeout_seconds: float = 5.0) -> bool:
    """Kill all processes below *root*, including new ones; return whether all are gone within *timeout_seconds*."""
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
    """Kill *root* and all below it. *root* goes last: its orphans would no longer be found as its descendants."""
    gone = kill_descendants(root, timeout_seconds)
    with suppress(ProcessLookupError):
        os.kill(root, signal.SIGKILL)
    return gone


def kill_orphans(temp_dir: Path, timeout_seconds: float = 5.0) -> bool:
    """Kill all processes with *temp_dir* as TMPDIR, and all below them; return whether they are gone in time.

    They are orphans of a killed worker, which continue to write for a moment.
    """
    variable = f"TMPDIR={temp_dir}".encode()
    end = time.monotonic() + timeout_seconds
    while orphans := [process for process in parent_pids() if variable in _read_environment(process)]:
        for process in orphans:
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
    """Make orphaned descendants of this process its children, so that they are found."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def lower_priority(niceness: int) -> None:
    """Lower the CPU priority of this process and of all that it will start.

    Chromium of root raises its own priority; without the capability for that its processes keep this one.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_CAPBSET_DROP, _CAP_SYS_NICE, 0, 0, 0)
    os.nice(niceness)
    lower_session_priority(os.getpid())


def lower_session_priority(root: int) -> None:
    """Give the sessions of *root* and of all below it the niceness of this process.

    Where the kernel divides the processor among sessions (autogroup), niceness counts only inside a session, and a
    browser starts its own session, with the same weight as the daemon's.
    """
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    for process in (root, *descendants(root)):
        with suppress(OSError):
            (PROC / str(process) / "autogroup").write_text(str(niceness))


def tree_memory_bytes(root: int) -> int:
    """Return the memory of *root* and all below it in bytes; shared pages are divided among their users (PSS)."""
    total = 0
    for process in (root, *descendants(root)):
        with suppress(OSError):
            for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
                    break
    return total


def available_memory_bytes() -> int:
    """Return the bytes that this host, or this process's control group, has available."""
    available = 0
    for line in (PROC / "meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        limit = int((CGROUP / "memory.max").read_text())
        available = min(available, limit - int((CGROUP / "memory.current").read_text()))
    return available
