"""Alive and ready are two questions: before the first look it is one and not the other."""

from __future__ import annotations

from monitor.daemon.liveness import Liveness, status_line
from monitor.model.records import State
from monitor.states.status_cache import StatusCache
from tests import factories
from tests.monitor.web.scene import Clock

CHECKS = [factories.check(interval=60.0)]
PATIENCE = 150.0


def test_before_the_first_look_it_is_alive_and_not_ready():
    clock = Clock()
    life = Liveness(clock)
    assert not life.readiness(CHECKS).ok
    assert life.is_alive(CHECKS)
    clock.turn(PATIENCE + 1)
    assert not life.is_alive(CHECKS), "a daemon that never looks is to be restarted"


def test_while_looks_complete_it_is_both_and_then_neither():
    clock = Clock()
    life = Liveness(clock)
    clock.turn(1000)
    life.record_completed()
    clock.turn(PATIENCE)
    assert life.readiness(CHECKS).ok
    assert life.is_alive(CHECKS)
    clock.turn(1)
    assert life.readiness(CHECKS).reason == "no look has been completed for 151 s"
    assert not life.is_alive(CHECKS)


def test_where_nothing_is_planned_nobody_waits():
    clock = Clock()
    life = Liveness(clock)
    clock.turn(1e6)
    assert life.is_alive([])
    assert not life.readiness([]).ok


def test_the_status_line_counts():
    board = StatusCache(clock=Clock(), location="hn-1")
    board.set_inventory([factories.portal(id="a"), factories.portal(id="b")], [factories.check(portal="a")])
    board.update(factories.change(portal="a", seq=1, state=State.DOWN))
    assert status_line(board, 3) == "1 checks, 3 looks going on; portals: 1 down, 1 unknown"
