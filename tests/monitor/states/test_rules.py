"""The rules of the states, one by one: attempts within a slot, degraded, flapping, maintenance, the prober."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import PROBER_PORTAL, Measurement, Portal, State, StateChange, UnknownReason
from monitor.states.maintenance import MaintenanceCalendar, MaintenanceWindow
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

HUE = factories.portal(id="hue", group="trung")
FIELDS = {
    "U": {"outcome": Outcome.UP},
    "D": {"outcome": Outcome.DOWN},
    "V": {"outcome": Outcome.UNKNOWN, "unknown_reason": UnknownReason.SELF_CHECK},
    "S": {"outcome": Outcome.UP, "duration": 7.5},
    "X": {"outcome": Outcome.UNKNOWN, "unknown_reason": UnknownReason.STOPPED},
}


def measured(code: str, slot: int, attempt: int = 1, **changes: object) -> Measurement:
    fields: dict[str, object] = {"portal": "hue", "slot": SLOT + slot * MINUTE, "attempt": attempt}
    return factories.measurement(**(fields | FIELDS[code] | changes))


def row(words: str, first: int = 0, **changes: object) -> Iterator[Measurement]:
    """One word a slot, one code an attempt: ``U DDD DU``."""
    for slot, word in enumerate(words.split(), start=first):
        for attempt, code in enumerate(word, start=1):
            yield measured(code, slot, attempt, **changes)


def state_machine(
    calendar: MaintenanceCalendar | None = None, portals: tuple[Portal, ...] = (HUE,), **rules: float
) -> StateMachine:
    return StateMachine(portals, StateRules(**rules), calendar)  # type: ignore[arg-type] # numbers, whole or not


def states_of(changes: list[StateChange]) -> list[tuple[int, str]]:
    """(number of the slot, state); a mark for flapping, and none for the prober."""
    return [
        ((one.at - SLOT) // MINUTE, one.state.value + ("~" if one.flapping else ""))
        for one in changes
        if one.portal != PROBER_PORTAL
    ]


def after(words: str, calendar: MaintenanceCalendar | None = None, **rules: float) -> list[tuple[int, str]]:
    return states_of(state_machine(calendar, **rules).process_all(row(words)))


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("U DDD", [(0, "up"), (1, "down")]),  # three failed attempts within one slot
        ("DDD", [(0, "down")]),
        ("U DD", [(0, "up")]),
        ("U DD D", [(0, "up"), (1, "down")]),  # two failing slots
        ("U DDU", [(0, "up")]),  # the failure was refuted: a finding, no outage
        ("U DU DU DU DU", [(0, "up")]),
        ("U D DU D", [(0, "up"), (1, "down")]),  # two slots in a row, whatever the second one's attempts show later
        ("U DU D DU", [(0, "up"), (2, "down")]),
        ("U DVD", [(0, "up")]),  # an unknown attempt counts for nothing
        ("U DVD D", [(0, "up"), (1, "down")]),
        ("U DDD U U", [(0, "up"), (1, "down"), (2, "up")]),
        (
            "U DDD U DU U U",
            [(0, "up"), (1, "down"), (4, "up")],
        ),  # a portal that responds on the second attempt is not up again
        ("U DDD DU DU", [(0, "up"), (1, "down")]),
        ("U V DDD", [(0, "up"), (2, "down")]),
    ],
)
def test_attempts_within_a_slot(words: str, changes: list[tuple[int, str]]):
    assert after(words) == changes


def test_how_many_attempts_it_takes_is_configured():
    assert after("U DD", down_attempts=2) == [(0, "up"), (1, "down")]
    assert after("U DDD D D", down_attempts=4, down_slots=3) == [(0, "up"), (1, "down")]
    assert after("U DDD U", up_slots=1) == [(0, "up"), (1, "down"), (2, "up")]


def test_a_confirmation_that_comes_late_or_alone_is_ignored():
    one = state_machine()
    assert states_of(
        one.process_all(
            [measured("U", 0), measured("D", 1), measured("U", 2), measured("D", 1, 2), measured("D", 1, 3)]
        )
    ) == [(0, "up")]
    assert one.process_all([measured("D", 5, 2), measured("D", 5, 3)]) == []


def test_slow_answers_degrade_after_three_and_recover_after_three():
    assert after("U S S U S S S U U S U U U") == [(0, "up"), (4, "degraded"), (10, "up")]


def test_a_page_that_is_shown_may_take_longer():
    measurements = [*row("U"), *(measured("S", number, check="render", kind="render") for number in range(1, 9))]
    assert states_of(state_machine().process_all(measurements)) == [(0, "up")]


def test_a_slow_portal_that_fails_is_down_and_then_evaluated_afresh():
    assert after("U S S S DDD U U U") == [(0, "up"), (1, "degraded"), (4, "down"), (5, "up")]


def test_a_page_that_fails_while_the_home_page_answers_degrades():
    measurements = [
        *row("U"),
        *row("D D D", 1, check="uptime-search"),
        *row("U", 4),
        *row("U U U", 5, check="uptime-search"),
    ]
    changes = state_machine().process_all(measurements)
    assert states_of(changes) == [(0, "up"), (1, "degraded"), (5, "up")]
    assert changes[1].detail == "uptime-search fails while the home page responds"


def test_pages_that_fail_with_the_home_page_are_the_same_outage():
    measurements = [*row("U"), *row("DDD", 1), *row("D D D D", 2, check="uptime-search"), *row("U U", 6)]
    assert states_of(state_machine().process_all(measurements)) == [(0, "up"), (1, "down"), (6, "up")]


def test_one_family_only_degrades():
    values = {True: factories.values(ipv6_success=True), False: factories.values(ipv6_success=False)}
    measurements = [measured("U", number, values=values[number % 9 in {0, 5, 6, 7, 8}]) for number in range(9)]
    changes = state_machine().process_all(measurements)
    assert states_of(changes) == [(0, "up"), (1, "degraded"), (5, "up")]
    assert changes[1].detail == "responds over one address family only"
    alone = {name: value for name, value in values[True].items() if name != "ipv6_success"}
    assert states_of(state_machine().process_all([measured("U", number, values=alone) for number in range(9)])) == [
        (0, "up")
    ]


def test_a_certificate_near_its_end_degrades_at_once():
    ends = factories.values(cert_chain_expiry=SLOT / 1000 + 14 * 86_400.0)
    measurements = [measured("U", 0, values=ends), measured("U", 1, values=ends), measured("U", 2)]
    changes = state_machine().process_all(measurements)
    assert states_of(changes) == [(0, "up"), (1, "degraded"), (2, "up")]
    assert changes[1].detail == "the certificate ends in less than 14 days"


def test_several_reasons_are_one_state():
    measurements = [*row("U S S S"), *row("D D D", 1, check="latency"), *row("U U U", 4)]
    changes = state_machine().process_all(measurements)
    assert states_of(changes) == [(0, "up"), (1, "degraded")]
    one = state_machine()
    one.process_all(measurements[:1] + measurements[4:7])
    assert states_of(one.process_all(measurements[1:4])) == []


def test_flapping_is_recorded_once_when_it_begins_and_once_when_it_ends():
    words = "U DDD U U DDD U U DDD U U DDD U U" + " U" * 40
    changes = state_machine().process_all(row(words))
    marks = [(one.state.value, one.flapping) for one in changes]
    assert [state for state, flapping in marks if not flapping] == ["up", "down", "up", "down", "up", "up"]
    first = next(one for one in changes if one.flapping)
    assert (first.state, (first.at - SLOT) // MINUTE) == (State.DOWN, 7)
    last = changes[-1]
    assert (last.previous, last.state, last.flapping) == (State.UP, State.UP, False)
    assert last.at - changes[-2].at >= 30 * MINUTE
    assert last.detail == "no change for 30 min"


def test_a_portal_that_flapped_and_stays_down_is_recorded_down_at_the_end():
    words = "U DDD U U DDD U U DDD" + " D" * 31
    changes = state_machine().process_all(row(words))
    assert (changes[-1].previous, changes[-1].state, changes[-1].flapping) == (State.DOWN, State.DOWN, False)


def test_changes_far_apart_are_no_flapping():
    words = ("U " * 20 + "DDD ") * 12
    assert not any(one.flapping for one in state_machine().process_all(row(words)))


def window(start: int, length: int, **changes: object) -> MaintenanceCalendar:
    """From slot ``start`` on, for so many minutes."""
    fields: dict[str, object] = {
        "zone": ZoneInfo("UTC"),
        "dates": frozenset({date(2026, 8, 1)}),
        "start_minute": start,
        "duration_ms": length * MINUTE,
        "reason": "new release",
        "approved_by": "CIO",
        "groups": frozenset({"trung"}),
    }
    return MaintenanceCalendar((MaintenanceWindow(**(fields | changes)),))  # type: ignore[arg-type] # the fields that a test replaces


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("U U U U U U U", [(0, "up"), (2, "maintenance"), (5, "up")]),
        ("U U DDD D D D D", [(0, "up"), (2, "maintenance"), (5, "down")]),  # still down pages now
        ("U U DDD D U U U", [(0, "up"), (2, "maintenance"), (5, "up")]),  # recovered inside
        ("U U DDD D D U U", [(0, "up"), (2, "maintenance"), (5, "up")]),  # one success is enough
        ("U U U U U DD U", [(0, "up"), (2, "maintenance"), (6, "up")]),  # a failure at the end waits to be believed
        ("U U U U U DDD D", [(0, "up"), (2, "maintenance"), (5, "down")]),
        ("U U U U U D D", [(0, "up"), (2, "maintenance"), (6, "down")]),
        ("U DDD D D D D U U", [(0, "up"), (1, "down"), (2, "maintenance"), (5, "down"), (6, "up")]),
        ("U U V V V V U", [(0, "up"), (2, "maintenance"), (5, "unknown"), (6, "up")]),
        ("U U S S S S U U U", [(0, "up"), (2, "maintenance"), (5, "degraded"), (6, "up")]),
    ],
)
def test_what_maintenance_of_three_slots_makes(words: str, changes: list[tuple[int, str]]):
    assert after(words, window(2, 3)) == changes


def test_maintenance_details_have_reason_approver_and_end():
    changes = state_machine(window(2, 3)).process_all(row("U U DDD D U U"))
    assert [one.detail for one in changes[1:]] == [
        "new release (approved by CIO)",
        "maintenance is over; it was down inside and has recovered",
    ]
    down = state_machine(window(2, 3)).process_all(row("U U DDD D D D"))[-1]
    assert (down.previous, down.fault) == (State.MAINTENANCE, Fault.CONNECT_TIMEOUT)
    assert down.detail == "still down at the end of maintenance: no end after 10 s, in phase connect"
    assert state_machine(window(2, 3)).process_all(row("U U U U U U"))[-1].detail == "maintenance is over"


def test_an_unverified_portal_leaves_maintenance_too():
    shy = factories.portal(id="hue", group="trung", verified=False)
    changes = state_machine(window(1, 2), (shy,)).process_all(row("D D D D D"))
    assert states_of(changes) == [(1, "maintenance"), (3, "unknown")]


def test_maintenance_of_others_is_not_ours():
    assert after("U DDD", window(0, 60, groups=frozenset({"nam"}))) == [(0, "up"), (1, "down")]


def test_windows_that_meet_are_one_maintenance():
    both = MaintenanceCalendar((*window(1, 2).windows, *window(3, 2).windows))
    assert after("U DDD D D D D", both) == [(0, "up"), (1, "maintenance"), (5, "down")]


def test_a_window_added_later_changes_no_earlier_state():
    one = state_machine()
    before = one.process_all(row("U DDD D"))
    one.reconfigure((HUE,), StateRules(), window(1, 60))
    later = one.process_all(row("D", 3))
    assert states_of(before) == [(0, "up"), (1, "down")]
    assert states_of(later) == [(3, "maintenance")]


def test_maintenance_ends_flapping():
    words = "U DDD U U DDD U U DDD U U DDD U U U U U U"
    changes = state_machine(window(12, 3)).process_all(row(words))
    assert [one.flapping for one in changes if one.state is State.MAINTENANCE] == [False]
    assert changes[-1].flapping is False


FLEET = tuple(factories.portal(id=f"p{number}") for number in range(8))


def sweep(codes: str, slot: int, **changes: object) -> list[Measurement]:
    """The first portals' measurements of one slot, a code each."""
    return [measured(code, slot, portal=f"p{number}", **changes) for number, code in enumerate(codes)]


def prober_states(changes: list[StateChange]) -> list[tuple[int, str]]:
    return [((one.at - SLOT) // MINUTE, one.state.value) for one in changes if one.portal == PROBER_PORTAL]


def test_the_prober_fails_when_most_results_are_unknown_and_recovers_when_most_are_known():
    one = state_machine(portals=FLEET)
    assert prober_states(one.process_all(sweep("UUUUUUUU", 0))) == []
    assert prober_states(one.process_all(sweep("VVVVUUUU", 1))) == []
    failing = one.process_all(sweep("VVVVVUUU", 2))
    assert prober_states(failing) == [(1, "unknown")]
    assert prober_states(one.process_all(sweep("VVVVVVVV", 3))) == []
    assert prober_states(one.process_all(sweep("UUUUUVVV", 4))) == []
    assert prober_states(one.process_all(sweep("UUUUUUVV", 5))) == [(5, "up")]


def test_the_change_of_the_prober_comes_before_those_of_the_portals():
    one = state_machine(portals=FLEET[:1])
    changes = one.process_all([*sweep("U", 0), *sweep("V", 1), *sweep("V", 2)])
    assert [(change.portal, change.state.value) for change in changes[1:]] == [
        (PROBER_PORTAL, "unknown"),
        ("p0", "unknown"),
    ]
    assert changes[1].previous is State.UP


def test_a_stopped_daemon_is_no_failing_prober():
    one = state_machine(portals=FLEET)
    one.process_all(sweep("UUUUUUUU", 0))
    assert prober_states(one.process_all([*sweep("XXXXXXXX", 1), *sweep("XXXXXXXX", 2)])) == []


def test_while_the_self_check_fails_nothing_becomes_down():
    """Also a portal that responds with an error: it is down after the recovery, from its first failure on."""
    one = state_machine(portals=FLEET)
    one.process_all(sweep("UUUUUUUU", 0))
    one.process_all(sweep("VVVVVVV", 1))
    held = [measured("D", 1 + number, portal="p7") for number in range(3)]
    assert states_of(one.process_all(held)) == []
    one.process_all(sweep("UUUUUUU", 4))
    assert states_of(one.process_all([measured("D", 5, portal="p7")])) == [(1, "down")]


def test_removed_portals_do_not_count_for_the_prober():
    one = state_machine(portals=FLEET)
    one.process_all([*sweep("UUUVVVVV", 0), *sweep("UUUVVVVV", 1)])
    one.reconfigure(FLEET[:3], StateRules(), MaintenanceCalendar())
    assert prober_states(one.process_all(sweep("UUU", 2))) == [(2, "up")]


words = st.lists(st.sampled_from(["U", "S", "DDD", "DU", "D", "V", "X", "DVD"]), max_size=40)


@given(words, words, st.data())
def test_replay_is_the_same_wherever_it_is_cut(one: list[str], other: list[str], data: st.DataObject):
    """With maintenance, flapping, pages, and confirmation attempts; times of a portal only grow."""
    measurements = [*row(" ".join(one)), *row(" ".join(other), portal="p0"), *row("D D D U U U", check="uptime-list")]
    measurements = [
        replace(each, seq=number)
        for number, each in enumerate(
            sorted(measurements, key=lambda each: (each.slot, each.portal, each.check)), start=1
        )
    ]
    portals, rules, calendar = (HUE, FLEET[0]), StateRules(flap_changes=3), window(7, 6)
    whole = StateMachine(portals, rules, calendar)
    changes = whole.process_all(measurements)
    cut = data.draw(st.integers(0, len(measurements)))
    first = StateMachine(portals, rules, calendar)
    parts = first.process_all(measurements[:cut])
    second = StateMachine(portals, rules, calendar, saved_state=first.serialize())
    parts += second.process_all(measurements[cut:])
    assert repr(parts) == repr(changes)
    assert second.serialize() == whole.serialize()
    for portal in ("hue", "p0", PROBER_PORTAL):
        mine = [change for change in changes if change.portal == portal]
        assert all(earlier.at < later.at for earlier, later in pairwise(mine))
        assert all(earlier.state is later.previous for earlier, later in pairwise(mine))


def test_a_slow_portal_that_times_out_must_do_so_from_slot_to_slot():
    late = {"fault": Fault.TIMEOUT}
    slow = list(row("U S S S"))
    within = [measured("D", 4, attempt, **late) for attempt in (1, 2, 3)]
    assert states_of(state_machine().process_all([*slow, *within])) == [(0, "up"), (1, "degraded")]
    assert states_of(state_machine().process_all([*slow, *within, measured("D", 5, **late)])) == [
        (0, "up"),
        (1, "degraded"),
        (4, "down"),
    ]
    assert states_of(state_machine().process_all([*row("U U U U"), *within])) == [(0, "up"), (4, "down")]
    assert states_of(state_machine().process_all([*slow, *row("DDD", 4)])) == [(0, "up"), (1, "degraded"), (4, "down")]


def test_a_few_portals_right_after_the_start_are_not_the_fleet():
    one = state_machine(portals=FLEET)
    assert prober_states(one.process_all([*sweep("VVVV", 0), *sweep("VVVV", 1)])) == []
    assert prober_states(one.process_all(sweep("VVVVV", 2))) == [(0, "unknown")]
