"""Killed fifty times at any moment, the journal opens again, and what was told as done is there, once."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import select
import time
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from monitor import readers
from monitor.clock import SystemClock
from monitor.journal import Journal
from monitor.judging.rules import Rules
from monitor.model import Measurement, StateChange
from monitor.readers import STATES, fold_states
from monitor.states import Fold
from monitor.store import FILE, Lock, Reader
from probes.base import Outcome
from probes.kinds import KINDS
from tests import factories

KILLS = 50
PORTALS = [factories.portal(id=name) for name in ("hue", "da-nang", "can-tho")]


def fold(memo: str = "") -> Fold:
    return Fold(PORTALS, Rules(), memo=memo)


async def write_on(journal: Journal, portal: str, life: int, told: int) -> None:
    """Commit looks of one portal without end, alone or many at once, and tell each identity once it is safe."""
    dice = random.Random(f"{portal} {life}")  # noqa: S311 - a story, no secret
    slot = life * 1_000_000
    while True:
        looks = []
        for _ in range(dice.choice((1, 1, 1, 2, 40))):
            slot += 1
            outcome = dice.choices(list(Outcome), (6, 3, 1))[0]
            looks.append(factories.measurement(portal=portal, slot=slot, outcome=outcome))
        await journal.commit_all(looks)
        os.write(told, "".join(f"{portal} {look.slot}\n" for look in looks).encode())
        await asyncio.sleep(0.005)


async def live(directory: Path, life: int, told: int) -> None:
    """What the daemon does with its journal, until somebody kills it."""
    lock = Lock(directory)  # nobody releases it but the kernel
    journal = Journal.open(directory, KINDS, commit_every=0.002)
    seq, memo = await journal.read(lambda reader: reader.bookmark(STATES))
    async with asyncio.TaskGroup() as group:
        group.create_task(fold_states(journal, fold(memo), SystemClock(), seq))
        for portal in PORTALS:
            group.create_task(write_on(journal, portal.id, life, told))
    lock.release()


def begin(directory: Path, life: int, end: Connection) -> None:
    """The child's whole life. The bookmark moves often, so that kills meet it as well."""
    readers.REMARK_SECONDS = 0.01
    asyncio.run(live(directory, life, end.fileno()))


def kill_at_some_moment(child: BaseProcess, pipe: int, seconds: float) -> bytes:
    """All that the child told before it was killed, ``seconds`` after its first word."""
    heard = os.read(pipe, 65536)
    assert heard, "the child died by itself"
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([pipe], [], [], left)[0]:
            heard += os.read(pipe, 65536)
    child.kill()
    child.join()
    while more := os.read(pipe, 65536):
        heard += more
    return heard


def judge(directory: Path, told: set[tuple[str, int]]) -> tuple[int, int]:
    """Look at what is there as another process would; (measurements, changes)."""
    reader = Reader(directory / FILE, KINDS)
    records = reader.after(0, 10_000_000)
    seq, memo = reader.bookmark(STATES)
    reader.close()
    assert [one.seq for one in records] == list(range(1, len(records) + 1))
    looks = [one for one in records if isinstance(one, Measurement)]
    there = Counter((one.portal, one.slot) for one in looks)
    assert not told - there.keys(), "told as done, and not there"
    assert set(there.values()) <= {1}
    assert seq <= len(records)
    again = fold()
    changes = again.feed_all(one for one in looks if one.seq <= seq)
    kept = [(one.portal, one.at, one.state, one.previous, one.cause) for one in records if isinstance(one, StateChange)]
    assert kept == [(one.portal, one.at, one.state, one.previous, one.cause) for one in changes]
    assert memo == ("" if seq == 0 else again.memo())
    return len(looks), len(changes)


def test_killed_fifty_times(tmp_path: Path):
    """One journal, fifty lives; each goes on where the last was killed."""
    nursery = multiprocessing.get_context("forkserver")
    nursery.set_forkserver_preload(["tests.test_crash"])
    dice = random.Random(7)  # noqa: S311 - moments to kill at
    told: set[tuple[str, int]] = set()
    looks = changes = 0
    for life in range(1, KILLS + 1):
        pipe, mouth = os.pipe()
        with Connection(mouth, readable=False) as end:
            child = nursery.Process(target=begin, args=(tmp_path, life, end))
            child.start()
        try:
            heard = kill_at_some_moment(child, pipe, dice.uniform(0.0, 0.2))
        finally:
            os.close(pipe)
            child.close()
        lines = heard.decode().splitlines(keepends=True)
        told |= {(line.split()[0], int(line.split()[1])) for line in lines if line.endswith("\n")}
        looks, changes = judge(tmp_path, told)
    assert looks >= len(told) > KILLS * 3
    assert changes > KILLS
