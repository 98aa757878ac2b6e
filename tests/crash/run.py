"""Runs of kills: the whole daemon again and again in one directory, and each work separately."""

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
from tests.crash.invariants import Invariants
from tests.crash.nursery import TOUCHED, kill_child, start_child, wait_for_group
from tests.crash.sealing import sweep
from tests.crash.stages import Page
from tests.crash.tally import Rule, Tally, share
from tests.crash.work import Work
from tests.crash.works import WORKS
from tests.factories import DAY

DAEMON = 0.4
"""Part of all kills that meet the whole daemon; a run of it takes the longest."""

MAX_DELAY_SECONDS = {"probe": 0.1, "alert": 0.02, "rollup": 0.8, "seal": 1.0, "score": 1.5}
"""Longest delay of a kill after its stage began; the other stages last a few milliseconds."""

SHORT_DELAY_SECONDS = 0.002
SOME = 50
"""Records that a sink may be behind when all is well: those of the last moment."""

STAGE_TIMEOUT_SECONDS = 8.0
"""Seconds to wait for a stage before the kill."""


def run(root: Path, kills: int, seed: int, days: int) -> Tally:
    """Kill at random moments over all stages. ``days`` are to be sealed while the daemon runs."""
    tally, random_source = Tally(), random.Random(seed)  # noqa: S311 - moments to kill at
    runs = share(kills, DAEMON)
    run_daemon(root / "daemon", tally, random_source, runs, days)
    left = kills - runs
    for number, (name, (kind, part)) in enumerate(WORKS.items(), start=1):
        some = kills - tally.kills if number == len(WORKS) else share(left, part)
        run_work(kind(root / name, tally), random_source, some)
    return tally


def run_daemon(root: Path, tally: Tally, random_source: random.Random, runs: int, days: int) -> None:
    """Kill the daemon ``runs`` times, in each stage; then let it complete its work."""
    root.mkdir(parents=True)
    data = root / "data"
    with world.world(root) as (place, influx):
        invariants = Invariants(data, load(root / "config"), place, influx, tally)
        invariants.wrote(world.fill(data, days))
        page = Page(root / "page", daemon.STAGES)
        wanted = daemon.SHORTLY_REACHED
        turns = [stage for _ in range(-(-runs // len(wanted))) for stage in random_source.sample(wanted, len(wanted))]
        for run_number, stage in enumerate(turns[:runs], start=1):
            page.clear()
            child = start_child(daemon.run_daemon, data, root / "config", run_number)
            with killed_at_end(child, root / "daemon.log", with_group=run_number % 2 == 0) as alive:
                if run_number == 1:
                    _wait_until(lambda: _has_started(data), alive)
                if _wait_until(lambda one=stage: page[one] > 0, alive, STAGE_TIMEOUT_SECONDS):
                    _read_and_close(data)
                    time.sleep(random_source.uniform(0.0, MAX_DELAY_SECONDS.get(stage, SHORT_DELAY_SECONDS)))
            tally.killed(page.active)
            invariants.check()
            assert child.pid is not None
            wait_for_group(child.pid)  # a process that was not killed with the daemon ends by itself
            invariants.wrote(world.late(data, days, run_number))
        place.fleet.healthy = True
        with killed_at_end(
            start_child(daemon.run_daemon, data, root / "config", runs + 1), root / "daemon.log"
        ) as alive:
            tally.hold(
                Rule.ALERTS, _wait_until(lambda: _is_complete(data), alive), "notified and delivered within a minute"
            )
        sweep(data, world.FIRST + (days + 2) * DAY)
        invariants.check(at_rest=True)
        page.close()


@contextmanager
def killed_at_end(child: BaseProcess, log: Path, *, with_group: bool = True) -> Iterator[Callable[[], bool]]:
    """Kill the child at the end of the block; yield a check whether it is alive."""
    try:
        yield child.is_alive
    finally:
        was_alive = kill_child(child, with_group=with_group)
    assert was_alive, f"it ended before the kill: {log.read_text()[-2000:]}"


def _read_and_close(data: Path) -> None:
    """Another program reads the journal while the daemon writes, and closes it: that must remove nothing."""
    with closing(sqlite3.connect(data / JOURNAL_FILE)) as db:
        db.execute("SELECT COUNT(*) FROM meta").fetchone()


def _has_started(data: Path) -> bool:
    """Return whether the incident consumer has started: earlier changes cause no notification."""
    reader = JournalReader(data / JOURNAL_FILE, PROBE_KINDS)
    try:
        return bool(reader.checkpoint(INCIDENTS_CONSUMER)[1])
    finally:
        reader.close()


def _is_complete(data: Path) -> bool:
    """Return whether all incidents are resolved, and all records and notifications delivered."""
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


def _wait_until(good: Callable[[], bool], alive: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not good():
        if time.monotonic() > end or not alive():
            return False
        time.sleep(0.0005)
    return True


def run_work(work: Work, random_source: random.Random, kills: int) -> None:
    """Kill a work ``kills`` times: in turn at a random time and at a file operation in a random stage.

    Short stages are hit as often as long ones that way.
    """
    work.root.mkdir(parents=True)
    work.prepare()
    page = Page(work.root / "page", ("touches", *work.stages))
    for _ in range(2):  # the first run has the most work
        work.add_work()
        touches, seconds = measured(work, page)
    done = work.tally.kills + kills
    while work.tally.kills < done:
        work.add_work()
        page.clear()
        by_touch = (done - work.tally.kills) % 2
        at = random_source.choice(touches[random_source.choice(sorted(touches))]) if by_touch else 0
        child = start_child(work.child, at)
        if by_touch:
            child.join(60)
        else:
            _wait_until(lambda: bool(page["touches"] or page.active), child.is_alive)
            time.sleep(random_source.uniform(0.0, seconds))
        kill_child(child)
        if child.exitcode == 0:  # it ended before the kill; the amount of work differs
            continue
        assert child.exitcode == -9, (work.root / "child.log").read_text()[-2000:]
        work.tally.killed(page.active - {"touches"})
        work.check()
    page.close()


def measured(work: Work, page: Page) -> tuple[dict[str, list[int]], float]:
    """Return stage -> numbers of its file operations, and the duration of the work without a kill."""
    page.clear()
    child = start_child(work.child, 0)
    _wait_until(lambda: bool(page["touches"] or page.active), child.is_alive)
    began = time.monotonic()
    child.join(60)
    assert child.exitcode == 0, (work.root / "child.log").read_text()[-2000:]
    seconds, touches = time.monotonic() - began, dict[str, list[int]]()
    for number, stages in enumerate((work.root / TOUCHED).read_text().splitlines(), start=1):
        touches.setdefault(stages, []).append(number)
    return touches, seconds
