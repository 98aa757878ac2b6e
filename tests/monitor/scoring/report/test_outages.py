"""Outages from state changes: clipped to the period, with their first fault and the time that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.model.records import PROBER_PORTAL, State, StateChange
from monitor.scoring.report.outages import Outage, outages
from monitor.scoring.rubric import Exclusion
from monitor.scoring.source import StateHistory
from probes.result import Fault
from tests.monitor.scoring.parts import DAYS, FIRST, HOUR, PERIOD, change
from tests.monitor.scoring.report.parts import POWER_CUT

UP = {"state": State.UP, "previous": State.DOWN}


def found(*within: StateChange, before: State = State.UP, exclusions: Sequence[Exclusion] = ()) -> tuple[Outage, ...]:
    changes = StateHistory(initial_states={("hue", "hn-1"): before}, changes=within)
    return outages(changes, exclusions, PERIOD.since_ms, PERIOD.until_ms)


def test_an_outage_goes_from_down_to_what_follows():
    (one,) = found(change(HOUR, State.DOWN, fault=Fault.TIMEOUT, detail="slow"), change(3 * HOUR, **UP))
    assert (one.start_ms - FIRST, one.duration_ms, one.counted_ms, one.fault) == (HOUR, 2 * HOUR, 2 * HOUR, "timeout")
    assert (one.began, one.ended, one.detail) == (True, True, "slow")


def test_a_flapping_mark_or_another_fault_within_it_ends_nothing():
    again = change(2 * HOUR, State.DOWN, State.DOWN, flapping=True)
    (one,) = found(change(HOUR, State.DOWN, fault=Fault.DNS), again, change(3 * HOUR, **UP))
    assert (one.duration_ms, one.fault) == (2 * HOUR, "dns")


def test_it_is_clipped_to_the_period_and_marked():
    (first,) = found(change(HOUR, **UP), before=State.DOWN)
    assert (first.start_ms, first.duration_ms, first.began, first.ended, first.fault) == (
        FIRST,
        HOUR,
        False,
        True,
        None,
    )
    (last,) = found(change(HOUR, State.DOWN))
    assert (last.end_ms, last.ended) == (PERIOD.until_ms, False)
    (all_of_it,) = found(before=State.DOWN)
    assert all_of_it.duration_ms == DAYS * 24 * HOUR


def test_what_an_exclusion_covers_does_not_count_and_overlaps_are_taken_once():
    down = (change(30 * HOUR, State.DOWN), change(33 * HOUR, **UP))
    twice = replace(
        POWER_CUT, id="again", since_ms=POWER_CUT.since_ms + HOUR // 2, until_ms=POWER_CUT.until_ms + HOUR // 2
    )
    (one,) = found(*down, exclusions=(POWER_CUT, twice))
    assert (one.counted_ms, one.excluded) == (3 * HOUR - HOUR - HOUR // 2, ("power-cut", "again"))
    (other,) = found(*down, exclusions=(replace(POWER_CUT, portals=frozenset({"ha-noi"})),))
    assert (other.counted_ms, other.excluded) == (3 * HOUR, ())
    (kept,) = found(*down, exclusions=(replace(POWER_CUT, state=State.DOWN),))
    assert kept.counted_ms == 3 * HOUR, "a correction to down takes nothing away"


def test_locations_stand_for_themselves_and_the_prober_is_no_portal():
    rows = [change(HOUR, State.DOWN, location=where) for where in ("hn-1", "sg-1")]
    assert [one.location for one in found(*rows)] == ["hn-1", "sg-1"]
    assert found(change(HOUR, State.DOWN, portal=PROBER_PORTAL)) == ()
