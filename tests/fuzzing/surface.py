"""Try the cases of a surface, which reads input of others; each case is timed and repeatable."""

from __future__ import annotations

import os
import random
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SEED = os.environ.get("FUZZ_SEED", "2026")
"""Begins the seed of every case. Another one tries other cases."""

LONGEST = 2.0
"""Seconds of processor time that a case may take, whatever else this machine has to do."""

STUCK = 20.0
"""Seconds by the clock after which a case is taken for one that never ends."""

MOST = 20
"""Broken cases after which a surface is given up: more would show the same."""

Draw = random.Random
Case = Callable[[Draw], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """``open`` gives what tries a case and raises when the contract is broken; the long form tries ``cases``."""

    name: str
    contract: str
    cases: int
    open: Callable[[Path], AbstractContextManager[Case]]


@dataclass(slots=True)
class Found:
    """Cases tried, the longest in seconds of processor time, and those that broke the contract."""

    name: str
    cases: int = 0
    worst: float = 0.0
    broken: list[str] = field(default_factory=list)


class Stuck(BaseException):
    """A case does not end. No parser may catch it, so it is no Exception."""


def drawn(surface: str, number: int) -> Draw:
    """What the case takes its chances from, the same in every run."""
    return random.Random(f"{SEED}:{surface}:{number}")  # noqa: S311 - chances, no secrets


def attempt(surface: Surface, scratch: Path, numbers: range) -> Found:
    """Try the cases with these numbers."""
    found = Found(surface.name)
    with surface.open(scratch) as case:
        for number in numbers:
            found.cases += 1
            if (problem := _tried(case, drawn(surface.name, number), found)) is not None:
                found.broken.append(f"{surface.name} {number} (FUZZ_SEED={SEED}): {problem}")
            if len(found.broken) >= MOST:
                break
    return found


def _tried(case: Case, draw: Draw, found: Found) -> str | None:
    """What was wrong with the case, None when nothing was."""
    began = time.process_time()
    try:
        with _deadline():
            case(draw)
    except (Exception, Stuck) as error:  # noqa: BLE001 - any error is a finding
        way = " < ".join(
            f"{Path(one.filename).name}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)[:1:-1]
        )
        return f"{type(error).__name__}: {str(error)[:300]} ({way[:300]})"
    took = time.process_time() - began
    found.worst = max(found.worst, took)
    return f"took {took:.1f} s of processor time" if took > LONGEST else None


@contextmanager
def _deadline() -> Iterator[None]:
    def stop(_number: int, _frame: object) -> None:
        raise Stuck(f"no end after {STUCK:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, STUCK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fresh(scratch: Path, files: dict[str, bytes]) -> None:
    """Make ``scratch`` hold exactly these files, by their path below it."""
    scratch.mkdir(exist_ok=True)
    for path in sorted(scratch.rglob("*"), reverse=True):
        if path.is_symlink() or not path.is_dir():
            if path.relative_to(scratch).as_posix() not in files:
                path.unlink()
        elif not any(path.iterdir()):
            path.rmdir()
    for name, body in files.items():
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def held(directory: Path) -> dict[str, bytes]:
    """The files below ``directory`` and what is in them."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
