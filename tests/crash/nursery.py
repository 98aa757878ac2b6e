"""Child processes that are killed: forked from a server with everything loaded, each the leader of a process group."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

from tests.crash.stages import Page

PRELOADED = ("tests.crash.daemon", "tests.crash.works")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_TOUCHING = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate"}
TIMEOUT_SECONDS = 60.0
TOUCHED = "touched"


def start_child(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a child that runs ``target(*arguments)``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    child = context.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def detach(log: Path) -> None:
    """In the child: create a process group for all that it starts, and log to a file."""
    with suppress(PermissionError):
        os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def kill_child(child: BaseProcess, *, with_group: bool = True) -> bool:
    """Kill the child, and its group unless that may go on; return whether it was alive until then."""
    assert child.pid is not None
    was_alive = child.is_alive()
    if with_group:
        end_group(child.pid)
    child.kill()  # it may not lead a group yet
    child.join(TIMEOUT_SECONDS)
    return was_alive


def end_group(group: int) -> None:
    """Kill what is left of a child's group, and wait for its end."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    wait_for_group(group)


def wait_for_group(group: int) -> None:
    """Return when no process of that group runs; they have :data:`TIMEOUT_SECONDS` to notice the kill."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while _is_running(group):
        assert time.monotonic() < end, "a process of a killed daemon still runs"
        time.sleep(0.005)


def _is_running(group: int) -> bool:
    """Return whether a process of that group is neither dead nor a zombie."""
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        with suppress(OSError):
            state, _, number = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(number) == group and state not in "ZX":
                return True
    return False


def kill_at_touch(page: Page, root: Path, at: int) -> None:
    """In the child: count files opened for writing, renamed, created or removed below ``root``; die at number ``at``.

    The count is the stage ``touches`` of the page. With 0 no process is killed, and a line in a file beside the page
    lists the stages of each touch.
    """
    place = str(root)
    log = os.open(page.path.with_name(TOUCHED), os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if at == 0 else None

    def touched(event: str, arguments: tuple[object, ...]) -> None:
        writing = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if not writing and event not in _TOUCHING:
            return
        if not any(isinstance(one, str | os.PathLike) and os.fspath(one).startswith(place) for one in arguments[:2]):
            return
        page.add("touches", 1)
        if log is not None:
            os.write(log, f"{' '.join(sorted(page.active - {'touches'}))}\n".encode())
        if page["touches"] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touched)
