"""The state machine: the same rows give the same history, wherever it stops and goes on; a change needs its run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import PROBER_PORTAL, Expect, Measurement, Portal, State, StateChange, UnknownReason
from monitor.states.maintenance import MaintenanceCalendar
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from probes.result import Outcome
from tests import factories
from tests.factories import DAY, MINUTE, SLOT

PORTALS = [factories.portal(id="hue"), factories.portal(id="da-nang", verified=False)]

FIELDS = {
    "U": {"outcome": Outcome.UP},
    "D": {"outcome": Outcome.DOWN},
    "V": {"outcome": Outcome.UNKNOWN, "unknown_reason": UnknownReason.SELF_CHECK},
    "O": {"outcome": Outcome.UNKNOWN, "unknown_reason": UnknownReason.OVERLAPPED},
}

words = st.text("UUUDDDVO", max_size=60)


def stream(word: str, **changes: object) -> list[Measurement]:
    """One code a slot: up, down, unknown, overlapped."""
    return [
        factories.measurement(**FIELDS[code], slot=SLOT + number * MINUTE, seq=number + 1, **changes)
        for number, code in enumerate(word)
    ]


def woven(one: str, other: str) -> list[Measurement]:
    """The measurements of two portals as they come into the journal."""
    both = stream(one, portal="hue") + stream(other, portal="da-nang")
    return sorted(both, key=lambda one: (one.slot, one.portal))


def state_machine(
    saved_state: str = "",
    portals: list[Portal] | None = None,
    calendar: MaintenanceCalendar | None = None,
    **rules: int,
) -> StateMachine:
    return StateMachine(PORTALS if portals is None else portals, StateRules(**rules), calendar, saved_state=saved_state)


def changes_of(rows: list[Measurement], portals: list[Portal] | None = None, **more: object) -> list[StateChange]:
    """The changes of portals, without those of the prober."""
    return [
        change for change in state_machine(portals=portals, **more).process_all(rows) if change.portal != PROBER_PORTAL
    ]


def states_of(word: str, portal: Portal | None = None) -> list[tuple[int, str]]:
    """(number of the slot, state) of each change."""
    portal = portal or PORTALS[0]
    changes = changes_of(stream(word, portal=portal.id), [portal])
    return [((change.at - SLOT) // MINUTE, change.state.value) for change in changes]


@pytest.mark.parametrize(
    ("word", "changes"),
    [
        ("U", [(0, "up")]),
        ("D", []),
        ("DD", [(0, "down")]),
        ("UDUDUD", [(0, "up")]),
        ("UUDDU", [(0, "up"), (2, "down")]),
        ("UUDDUU", [(0, "up"), (2, "down"), (4, "up")]),
        ("UDVD", [(0, "up"), (1, "down")]),  # a single unknown neither breaks
        ("UDVVD", [(0, "up"), (2, "unknown")]),
        ("UDVU", [(0, "up")]),  # nor lengthens a run
        ("UVDVD", [(0, "up"), (2, "down")]),
        ("UVV", [(0, "up"), (1, "unknown")]),
        ("UVVU", [(0, "up"), (1, "unknown"), (3, "up")]),
        ("UVVDD", [(0, "up"), (1, "unknown"), (3, "down")]),
        ("UVUVUVU", [(0, "up")]),
        ("VVVV", []),
        ("DDVVUVVDD", [(0, "down"), (2, "unknown"), (4, "up"), (5, "unknown"), (7, "down")]),
        ("UDOD", [(0, "up"), (1, "down")]),  # an overlapped slot is ignored, however many there are
        ("UDOOOD", [(0, "up"), (1, "down")]),
        ("UVOV", [(0, "up"), (1, "unknown")]),
    ],
)
def test_what_a_row_of_slots_makes(word: str, changes: list[tuple[int, str]]):
    assert states_of(word) == changes


@given(words, words)
def test_a_replay_gives_the_same_changes_and_the_same_state(one: str, other: str):
    rows = woven(one, other)
    first, second = state_machine(), state_machine()
    assert repr(first.process_all(rows)) == repr(second.process_all(rows))
    assert first.serialize() == second.serialize()


@given(words, words, st.data())
def test_the_stream_may_be_cut_anywhere(one: str, other: str, data: st.DataObject):
    rows = woven(one, other)
    whole = state_machine()
    changes = whole.process_all(rows)
    cut = data.draw(st.integers(0, len(rows)))
    before = state_machine()
    parts = before.process_all(rows[:cut])
    after = state_machine(before.serialize())
    parts += after.process_all(rows[cut:])
    assert repr(parts) == repr(changes)
    assert after.serialize() == whole.serialize()


@given(words, st.data())
def test_rows_met_again_change_nothing(word: str, data: st.DataObject):
    """Readers meet a record at least once; slots met before, or older than the newest, are no news."""
    rows = stream(word, portal="hue")
    one = state_machine()
    one.process_all(rows)
    saved_state = one.serialize()
    again = data.draw(st.lists(st.sampled_from(rows), max_size=10)) if rows else []
    assert one.process_all(again) == []
    assert one.serialize() == saved_state


@given(words)
def test_changes_alternate_and_never_go_back(word: str):
    changes = changes_of(stream(word, portal="hue"))
    previous = State.UNKNOWN
    at = -1
    for change in changes:
        assert change.previous is previous
        assert change.state is not previous
        assert change.at > at
        previous, at = change.state, change.at


@given(words)
def test_a_change_names_the_measurement_that_caused_it(word: str):
    rows = stream(word, portal="hue")
    for change in changes_of(rows):
        cause = rows[change.cause - 1]
        assert (change.fault, change.detail) == (cause.fault, cause.detail)
        assert change.at <= cause.slot
        assert {"up": "up", "down": "down", "unknown": "unknown"}[change.state.value] == cause.outcome.value


@given(words, st.data())
def test_a_single_unknown_slot_neither_breaks_nor_extends_a_run(word: str, data: st.DataObject):
    """Put one unknown slot between two others: the same measurements give the same states."""
    seen = word.replace("V", "").replace("O", "")
    place = data.draw(st.integers(0, len(seen)))
    with_unknown = [*stream(seen, portal="hue")]
    unknown = factories.measurement(**FIELDS["V"], portal="hue", slot=SLOT + place * MINUTE - MINUTE // 2, seq=999)
    with_unknown.insert(place, unknown)
    assert repr(changes_of(with_unknown)) == repr(changes_of(stream(seen, portal="hue")))


@given(words)
def test_a_retired_portal_is_never_evaluated(word: str):
    assert states_of(word, factories.portal(id="retired", expect=Expect.RETIRED)) == []


@given(words)
def test_an_unverified_portal_is_not_down_before_it_was_up(word: str):
    changes = states_of(word, PORTALS[1])
    states = [state for _, state in changes]
    assert "down" not in states[: states.index("up")] if "up" in states else "down" not in states


def test_an_unverified_portal_that_was_up_can_go_down():
    assert states_of("DDDUDD", PORTALS[1]) == [(3, "up"), (4, "down")]


@pytest.mark.parametrize("other", [{"check": "uptime-search"}, {"attempt": 2}, {"portal": "gone"}])
def test_only_first_attempts_at_the_home_page_of_known_portals_decide(other: dict[str, object]):
    rows = [
        factories.measurement(**{"portal": "hue", "slot": one.slot, **FIELDS["D"], **other}) for one in stream("DDD")
    ]
    assert state_machine().process_all(rows) == []


def test_each_location_is_evaluated_separately():
    """Rows of another location, imported into this journal, change nothing here."""
    here, there = stream("UUUU", portal="hue"), stream("DDDD", portal="hue", location="other")
    rows = [one for pair in zip(here, there, strict=True) for one in pair]
    changes = state_machine().process_all(rows)
    assert [(change.location, change.state) for change in changes] == [("hn-1", State.UP), ("other", State.DOWN)]


def test_another_configuration_forgets_portals_that_are_gone_and_keeps_the_rest():
    one = state_machine()
    one.process_all(woven("UUDD", "UUDD"))
    one.reconfigure(PORTALS[:1], StateRules(down_slots=3, up_slots=1), MaintenanceCalendar())
    assert one.serialize() == state_machine(one.serialize(), PORTALS[:1]).serialize()
    assert "da-nang" not in one.serialize()
    later = factories.measurement(portal="hue", slot=SLOT + 9 * MINUTE)
    assert [change.state for change in one.process_all([later])] == [State.UP]
    assert "da-nang" not in state_machine(woven_state(), PORTALS[:1]).serialize()


def woven_state() -> str:
    one = state_machine()
    one.process_all(woven("U", "U"))
    return one.serialize()


def test_a_change_is_a_complete_record():
    (change,) = state_machine().process_all(stream("DD", portal="hue"))
    assert change == StateChange(
        portal="hue",
        location="hn-1",
        at=SLOT,
        state=State.DOWN,
        previous=State.UNKNOWN,
        fault=change.fault,
        detail="no end after 10 s, in phase connect",
        cause=2,
    )


@given(words, words)
def test_after_a_clock_that_was_a_year_ahead_times_are_those_of_the_right_one(wrong: str, right: str):
    """What is known holds on; every change from then on is dated by its measurements, in order."""
    ahead = [factories.measurement(**FIELDS[code], slot=SLOT + 365 * DAY + n * MINUTE) for n, code in enumerate(wrong)]
    one, (portal, *_) = state_machine(), PORTALS
    one.process_all(replace(each, portal=portal.id) for each in ahead)
    found = [change for change in one.process_all(stream(right, portal=portal.id)) if change.portal == portal.id]
    assert all(SLOT - 1 <= change.at <= SLOT + len(right) * MINUTE for change in found)
    assert [change.at for change in found] == sorted(change.at for change in found)
    again = state_machine(one.serialize())
    assert again.process_all(stream(right, portal=portal.id)) == [], "met again, they change nothing"


def test_an_outage_after_a_wrong_clock_is_found():
    ahead = factories.measurement(portal="hue", slot=SLOT + 365 * DAY)
    found = [one for one in state_machine().process_all([ahead, *stream("UDDD", portal="hue")]) if one.portal == "hue"]
    assert [(one.state, one.at) for one in found][-1] == (State.DOWN, SLOT + MINUTE)
