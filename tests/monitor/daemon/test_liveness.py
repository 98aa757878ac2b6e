"""Alive and ready are two questions: before the first probe it is one and not the other."""

from __future__ import annotations

from monitor.daemon.liveness import Liveness, status_line
from monitor.model.records import State
from monitor.states.status_cache import StatusCache
from tests import factories
from tests.monitor.web.scene import Clock

CHECKS = [factories.check(interval=60.0)]
MAX_IDLE_SECONDS = 150.0


def test_before_the_first_probe_it_is_alive_and_not_ready():
    clock = Clock()
    life = Liveness(clock)
    assert not life.readiness(CHECKS).ok
    assert life.is_alive(CHECKS)
    clock.turn(MAX_IDLE_SECONDS + 1)
    assert not life.is_alive(CHECKS), "a daemon that never probes is to be restarted"


def test_while_probes_complete_it_is_both_and_then_neither():
    clock = Clock()
    life = Liveness(clock)
    clock.turn(1000)
    life.record_completed()
    clock.turn(MAX_IDLE_SECONDS)
    assert life.readiness(CHECKS).ok
    assert life.is_alive(CHECKS)
    clock.turn(1)
    assert life.readiness(CHECKS).reason == "no probe has completed for 151 s"
    assert not life.is_alive(CHECKS)


def test_without_checks_it_is_alive_and_not_ready():
    clock = Clock()
    life = Liveness(clock)
    clock.turn(1e6)
    assert life.is_alive([])
    assert not life.readiness([]).ok


def test_the_status_line_counts():
    cache = StatusCache(clock=Clock(), location="hn-1")
    cache.set_inventory([factories.portal(id="a"), factories.portal(id="b")], [factories.check(portal="a")])
    cache.update(factories.change(portal="a", seq=1, state=State.DOWN))
    assert status_line(cache, 3) == "1 checks, 3 probes in flight; portals: 1 down, 1 unknown"
