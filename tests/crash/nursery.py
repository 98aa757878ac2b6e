"""Children that are made to be killed: forked where everything is loaded, each the head of a group of its own."""

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
PATIENCE = 60.0
TOUCHED = "touched"


def born(life: Callable[..., None], *given: object) -> BaseProcess:
    """Start a child whose life is ``life(*given)``."""
    nursery = multiprocessing.get_context("forkserver")
    nursery.set_forkserver_preload(list(PRELOADED))
    child = nursery.Process(target=life, args=given, daemon=True)
    child.start()
    return child


def settle_in(log: Path) -> None:
    """In the child: a group of its own, for all whom it starts, and a diary instead of our output."""
    with suppress(PermissionError):
        os.setsid()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def slay(child: BaseProcess, *, family: bool = True) -> bool:
    """SIGKILL for the child, and for all whom it started unless they may live on: whether it had lived until then."""
    assert child.pid is not None
    lived = child.is_alive()
    if family:
        end_group(child.pid)
    child.kill()  # should it be so young that it heads no group yet
    child.join(PATIENCE)
    return lived


def end_group(group: int) -> None:
    """Kill whoever is left of a child's group; return when they are gone."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    bereaved(group)


def bereaved(group: int) -> None:
    """Return when nobody of that group goes on; they have :data:`PATIENCE` to find out that they are orphans."""
    end = time.monotonic() + PATIENCE
    while _going_on(group):
        assert time.monotonic() < end, "what a killed daemon started goes on without it"
        time.sleep(0.005)


def _going_on(group: int) -> bool:
    """Whether somebody of that process group is neither dead nor a zombie."""
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        with suppress(OSError):
            state, _, number = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(number) == group and state not in "ZX":
                return True
    return False


def trip(page: Page, root: Path, at: int) -> None:
    """In the child: count what is opened for writing, renamed, made or removed below ``root``; die at number ``at``.

    The count is the stage ``touches`` of the page. With 0 nobody dies, and a line beside the page tells for each touch
    in which stages it was.
    """
    place = str(root)
    diary = os.open(page.path.with_name(TOUCHED), os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if at == 0 else None

    def touched(event: str, given: tuple[object, ...]) -> None:
        writing = event == "open" and isinstance(given[2], int) and given[2] & _WRITING
        if not writing and event not in _TOUCHING:
            return
        if not any(isinstance(one, str | os.PathLike) and os.fspath(one).startswith(place) for one in given[:2]):
            return
        page.add("touches", 1)
        if diary is not None:
            os.write(diary, f"{' '.join(sorted(page.active - {'touches'}))}\n".encode())
        if page["touches"] == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touched)
