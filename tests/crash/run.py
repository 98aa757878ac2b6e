"""The runs of kills: the whole daemon over and over in one directory, and each work by itself."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER
from monitor.config import load
from monitor.sinks.delivery import consumer_name
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
from probes.registry import PROBE_KINDS
from tests.crash import daemon, world
from tests.crash.ledger import Ledger
from tests.crash.nursery import TOUCHED, bereaved, born, slay
from tests.crash.sealing import sweep
from tests.crash.stages import Page
from tests.crash.tally import Rule, Tally, share
from tests.crash.work import Work
from tests.crash.works import WORKS
from tests.factories import DAY

DAEMON = 0.4
"""Which part of all kills meets the whole daemon; a life of it takes the longest."""

LINGER = {"look": 0.1, "alert": 0.02, "rollup": 0.8, "seal": 1.0, "score": 1.5}
"""Seconds up to which a kill comes after its stage began; the other stages last a few milliseconds."""

SHORTLY = 0.002
SOME = 50
"""Records that a courier may be behind when all is well: those of the last moment."""

PATIENCE = 8.0
"""Seconds to wait for a stage; then the kill comes anyhow."""


def run(root: Path, kills: int, seed: int, days: int) -> Tally:
    """So many kills at random moments over all stages. ``days`` are to be sealed while the daemon lives."""
    tally, dice = Tally(), random.Random(seed)  # noqa: S311 - moments to kill at
    lives = share(kills, DAEMON)
    run_daemon(root / "daemon", tally, dice, lives, days)
    left = kills - lives
    for number, (name, (kind, part)) in enumerate(WORKS.items(), start=1):
        some = kills - tally.kills if number == len(WORKS) else share(left, part)
        run_work(kind(root / name, tally), dice, some)
    return tally


def run_daemon(root: Path, tally: Tally, dice: random.Random, lives: int, days: int) -> None:
    """Kill the daemon ``lives`` times, each stage in its turn; then let it bring everything in order."""
    root.mkdir(parents=True)
    data = root / "data"
    with world.world(root) as (place, influx):
        ledger = Ledger(data, load(root / "config"), place, influx, tally)
        ledger.wrote(world.fill(data, days))
        page = Page(root / "page", daemon.STAGES)
        wanted = daemon.SHORTLY_REACHED
        turns = [stage for _ in range(-(-lives // len(wanted))) for stage in dice.sample(wanted, len(wanted))]
        for life, stage in enumerate(turns[:lives], start=1):
            page.clear()
            child = born(daemon.begin, data, root / "config", life)
            with slain(child, root / "daemon.log", family=life % 2 == 0) as alive:
                if life == 1:
                    _until(lambda: _begun(data), alive)
                if _until(lambda one=stage: page[one] > 0, alive, PATIENCE):
                    _visit(data)
                    time.sleep(dice.uniform(0.0, LINGER.get(stage, SHORTLY)))
            tally.killed(page.active)
            ledger.judge()
            assert child.pid is not None
            bereaved(child.pid)  # whoever was not killed with the daemon ends by himself
            ledger.wrote(world.late(data, days, life))
        place.fleet.well = True
        with slain(born(daemon.begin, data, root / "config", lives + 1), root / "daemon.log") as alive:
            tally.hold(Rule.ALERTS, _until(lambda: _calm(data), alive), "told and delivered within a minute")
        sweep(data, world.FIRST + (days + 2) * DAY)
        ledger.judge(at_rest=True)
        page.close()


@contextmanager
def slain(child: BaseProcess, log: Path, *, family: bool = True) -> Iterator[Callable[[], bool]]:
    """Kill the child at the end of the block, however that ends; it is asked for whether it is alive."""
    try:
        yield child.is_alive
    finally:
        lived = slay(child, family=family)
    assert lived, f"it died by itself: {log.read_text()[-2000:]}"


def _visit(data: Path) -> None:
    """Another program reads the journal while the daemon writes, and closes it: that must take nothing away."""
    with closing(sqlite3.connect(data / JOURNAL_FILE)) as db:
        db.execute("SELECT COUNT(*) FROM meta").fetchone()


def _begun(data: Path) -> bool:
    """Whether incidents are followed: before that first step, what was is not told."""
    reader = JournalReader(data / JOURNAL_FILE, PROBE_KINDS)
    try:
        return bool(reader.checkpoint(INCIDENTS_CONSUMER)[1])
    finally:
        reader.close()


def _calm(data: Path) -> bool:
    """Whether all is over, delivered and told."""
    reader = JournalReader(data / JOURNAL_FILE, PROBE_KINDS)
    try:
        sent = reader.checkpoint(consumer_name("influxdb"))[0]
        going_on = (
            reader.incidents(open_only=True)
            or reader.waiting_messages("on-call")
            or reader.records_after(sent, SOME + 1)[SOME:]
        )
    finally:
        reader.close()
    return not going_on


def _until(good: Callable[[], bool], alive: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not good():
        if time.monotonic() > end or not alive():
            return False
        time.sleep(0.0005)
    return True


def run_work(work: Work, dice: random.Random, kills: int) -> None:
    """Kill a work so many times: by turns at a moment of its time and at a touch of the directory in some stage.

    Stages that last a moment are so met as often as the long ones.
    """
    work.root.mkdir(parents=True)
    work.prepare()
    page = Page(work.root / "page", ("touches", *work.stages))
    for _ in range(2):  # the first time there is more to do than ever after
        work.more()
        touches, seconds = measured(work, page)
    done = work.tally.kills + kills
    while work.tally.kills < done:
        work.more()
        page.clear()
        by_touch = (done - work.tally.kills) % 2
        at = dice.choice(touches[dice.choice(sorted(touches))]) if by_touch else 0
        child = born(work.child, at)
        if by_touch:
            child.join(60)
        else:
            _until(lambda: bool(page["touches"] or page.active), child.is_alive)
            time.sleep(dice.uniform(0.0, seconds))
        slay(child)
        if child.exitcode == 0:  # it was done before its moment came; how much there is to do is not always the same
            continue
        assert child.exitcode == -9, (work.root / "child.log").read_text()[-2000:]
        work.tally.killed(page.active - {"touches"})
        work.judge()
    page.close()


def measured(work: Work, page: Page) -> tuple[dict[str, list[int]], float]:
    """Stages -> numbers of the touches of the directory in them, and how long the work takes, unharmed."""
    page.clear()
    child = born(work.child, 0)
    _until(lambda: bool(page["touches"] or page.active), child.is_alive)
    began = time.monotonic()
    child.join(60)
    assert child.exitcode == 0, (work.root / "child.log").read_text()[-2000:]
    seconds, touches = time.monotonic() - began, dict[str, list[int]]()
    for number, stages in enumerate((work.root / TOUCHED).read_text().splitlines(), start=1):
        touches.setdefault(stages, []).append(number)
    return touches, seconds
