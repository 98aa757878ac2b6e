"""The status cache holds the newest of everything, whether it followed the journal or was loaded from it."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.model.records import PROBER_PORTAL, Check, Expect, Portal, State, StateChange, UnknownReason
from monitor.states.consumers import update_status_cache
from monitor.states.status_cache import DAY_MS, StatusCache
from monitor.storage.journal.store import CheckpointUpdate
from probes.result import Outcome
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.parts import HandClock, opened, until

PORTALS = [
    factories.portal(id="hue"),
    factories.portal(id="da-nang"),
    factories.portal(id="old", expect=Expect.RETIRED),
]
CHECKS = [factories.check(kind, portal=portal.id) for portal in PORTALS for kind in ("uptime", "latency")]


def status_cache(
    clock: HandClock | None = None, portals: list[Portal] | None = None, checks: list[Check] | None = None
) -> StatusCache:
    one = StatusCache(clock=clock or HandClock(), location="hn-1")
    one.set_inventory(PORTALS if portals is None else portals, CHECKS if checks is None else checks)
    return one


def measured(slot: int = 0, portal: str = "hue", **changes: object):
    return factories.measurement(portal=portal, slot=SLOT + slot * MINUTE, **changes)


def change(at: int, state: State, previous: State = State.UNKNOWN, **changes: object) -> StateChange:
    fields = {
        "portal": "hue",
        "at": SLOT + at,
        "state": state,
        "previous": previous,
        "fault": None,
        "seq": at + 2 * DAY_MS,
    }
    return factories.change(**(fields | changes))


def test_the_scheduled_attempt_of_the_newest_slot_is_held_and_the_others_are_counted():
    """Latency and phases come from the scheduled attempt, whatever confirmed or refuted it."""
    one = status_cache()
    for newest in (measured(1), measured(2)):
        one.update(newest)
        one.update(measured(1))
        one.update(measured(0))
        assert one.latest["hue/uptime"] is newest
    again = measured(2, attempt=2, started=newest.started + 9000)
    one.update(again)
    one.update(measured(1, attempt=3))
    assert one.latest_state_check("hue") is newest
    assert one.attempts["hue/uptime"] == 2
    assert one.last_probe_ms == again.started
    one.update(measured(3))
    assert one.attempts["hue/uptime"] == 1


@pytest.mark.parametrize("other", [{"portal": "gone"}, {"check": "uptime-gone"}, {"location": "other"}])
def test_what_is_not_ours_is_not_shown(other: dict[str, str]):
    one = status_cache()
    one.update(measured(**other))
    one.update(change(5, State.UP, **{key: value for key, value in other.items() if key != "check"}))
    assert not one.latest
    assert not one.states or "check" in other


def test_listeners_receive_each_new_outcome_once():
    one = status_cache()
    received: list[int] = []
    one.listeners.append(lambda measurement: received.append(measurement.slot))
    for slot in (0, 1, 1, 0, 2):
        one.update(measured(slot))
    assert received == [SLOT, SLOT + MINUTE, SLOT + 2 * MINUTE]


def test_another_inventory_forgets_what_is_gone():
    one = status_cache()
    for portal in ("hue", "da-nang"):
        one.update(measured(portal=portal))
        one.update(change(0, State.UP, portal=portal))
    one.set_inventory(PORTALS[:1], CHECKS[:1])
    assert (list(one.latest), list(one.states), list(one.changes)) == (["hue/uptime"], ["hue"], ["hue"])
    assert one.state("da-nang") is State.UNKNOWN
    assert one.state_since_ms("da-nang") is None


def test_a_state_holds_since_its_change():
    one = status_cache()
    assert (one.state("hue"), one.state_since_ms("hue")) == (State.UNKNOWN, None)
    one.update(change(7, State.DOWN))
    assert (one.state("hue"), one.state_since_ms("hue")) == (State.DOWN, SLOT + 7)
    one.update(change(3, State.UP))  # met again, from before
    assert one.state("hue") is State.DOWN


def test_retired_portals_are_not_evaluated():
    assert status_cache().evaluated_portals() == ["hue", "da-nang"]


@given(
    st.lists(
        st.tuples(st.integers(-2 * DAY_MS, DAY_MS), st.sampled_from(list(State))),
        max_size=12,
        unique_by=lambda one: one[0],
    )
)
def test_the_timeline_is_the_last_day_without_gaps(story: list[tuple[int, State]]):
    clock = HandClock(SLOT)
    one = status_cache(clock)
    for at, state in sorted(story, key=lambda entry: entry[0]):
        one.update(change(at, state))
    clock.hour = SLOT + DAY_MS // 2
    spans = one.last_day_timeline("hue")
    now = clock.now()
    assert spans[0].start_ms == now - DAY_MS
    assert spans[-1].end_ms == now
    assert all(left.end_ms == right.start_ms for left, right in itertools.pairwise(spans))
    assert all(span.end_ms > span.start_ms for span in spans)
    past = [state for at, state in sorted(story, key=lambda entry: entry[0]) if SLOT + at < now]
    assert spans[-1].state is (past[-1] if past else State.UNKNOWN)


def test_changes_of_before_yesterday_are_forgotten():
    """But for the one that made the state in which the day began."""
    clock = HandClock()
    one = status_cache(clock)
    for day in range(400):
        clock.hour = SLOT + day * DAY_MS
        one.update(change(day * DAY_MS, State.DOWN if day % 2 else State.UP))
    assert len(one.changes["hue"]) <= 3


def test_the_self_check_fails_when_most_evaluated_portals_are_unknown():
    one = status_cache()
    assert not one.self_check_failing()
    unknown = {"outcome": Outcome.UNKNOWN, "unknown_reason": UnknownReason.SELF_CHECK}
    one.update(measured(portal="old", **unknown))
    one.update(measured(portal="da-nang", **unknown))
    assert one.self_check_failing()
    one.update(measured(portal="hue"))
    assert not one.self_check_failing()
    one.update(measured(1, portal="hue", outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.LATE))
    assert not one.self_check_failing()
    one.update(measured(2, portal="hue", **unknown))
    assert one.self_check_failing()


async def test_following_and_recalling_show_the_same(tmp_path: Path):
    clock = HandClock(SLOT + 3 * DAY_MS)
    followed = status_cache(clock)
    async with opened(tmp_path) as journal:
        reader = asyncio.create_task(update_status_cache(journal, followed, 0))
        for number in range(300):
            portal = PORTALS[number % 3].id
            story = {
                "portal": portal,
                "slot": SLOT + number * 20 * MINUTE,
                "kind": "latency" if number % 7 else "uptime",
            }
            await journal.commit_all(
                [
                    factories.measurement(**story, outcome=list(Outcome)[number % 3]),
                    factories.measurement(**{**story, "location": "other"}),
                ]
            )
            if number % 10 == 0:
                tipped = factories.change(portal=portal, at=story["slot"], state=list(State)[number % 5])
                await journal.commit(CheckpointUpdate(consumer="states", seq=0, changes=(tipped,)))
        await until(
            lambda: followed.latest and max(one.seq for one in followed.latest.values()) >= journal.last_seq - 3
        )
        await asyncio.sleep(0.05)
        recalled = status_cache(clock)
        await journal.read(recalled.load)
        reader.cancel()
        await asyncio.wait([reader])
    assert recalled.latest == followed.latest
    assert recalled.states == followed.states
    assert recalled.last_probe_ms == followed.last_probe_ms
    for portal in PORTALS:
        assert recalled.last_day_timeline(portal.id) == followed.last_day_timeline(portal.id)


def test_the_prober_is_not_a_portal_and_marks_the_page():
    one = status_cache()
    failing = change(1, State.UNKNOWN, State.UP, portal=PROBER_PORTAL)
    one.update(failing)
    assert one.prober_change is failing
    assert one.self_check_failing()
    assert one.self_check_failing_since_ms() == failing.at
    assert PROBER_PORTAL not in one.states
    assert PROBER_PORTAL not in one.evaluated_portals()
    one.update(change(2, State.UP, State.UNKNOWN, portal=PROBER_PORTAL))
    one.update(failing)
    assert not one.self_check_failing()
    assert one.self_check_failing_since_ms() is None
    one.update(change(3, State.UNKNOWN, State.UP, portal=PROBER_PORTAL, location="other"))
    assert not one.self_check_failing()


def test_the_end_of_flapping_is_not_the_beginning_of_a_state():
    one = status_cache()
    one.update(change(1, State.UP))
    flaps = change(2, State.DOWN, State.UP, flapping=True)
    one.update(flaps)
    assert one.is_flapping("hue")
    one.update(change(3, State.DOWN, State.DOWN))
    assert not one.is_flapping("hue")
    assert one.state("hue") is State.DOWN
    assert one.state_since_ms("hue") == flaps.at
    assert one.current_state_change("hue") is flaps


async def test_the_prober_is_recalled(tmp_path: Path):
    async with opened(tmp_path) as journal:
        failing = change(1, State.UNKNOWN, State.UP, portal=PROBER_PORTAL)
        await journal.commit(CheckpointUpdate(consumer="states", seq=1, changes=(failing,)))
        one = status_cache()
        await journal.read(one.load)
        assert one.self_check_failing()


def test_a_clock_that_was_ahead_is_forgotten():
    """By a day and more: what it showed is older than what is measured now, whatever its date."""
    one = status_cache()
    one.update(measured(400 * DAY_MS // MINUTE, started=SLOT + 400 * DAY_MS, seq=1))
    one.update(change(400 * DAY_MS, State.UP, seq=2))
    one.update(measured(0, started=SLOT, seq=3))
    one.update(change(0, State.DOWN, State.UP, seq=4))
    shown = one.latest_state_check("hue")
    assert shown is not None
    assert (shown.slot, one.last_probe_ms, one.state_since_ms("hue")) == (SLOT, SLOT, SLOT)
    one.update(measured(-5, started=SLOT - 5 * MINUTE, seq=5))
    assert one.latest_state_check("hue") == shown, "a late measurement is still late"
