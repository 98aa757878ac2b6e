"""A load is complete after some time without activity, when the page has no pending work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.browser.page_complete import (
    MAX_ACTIVE_SECONDS,
    POST_TIMER_SECONDS,
    QUIET_SECONDS,
    PageActivity,
    seconds_to_complete,
)

LOADED = PageActivity(now=10.0, fcp=2.0, dcl=3.0, loaded=4.0)
NOW = st.floats(0, 40)
TIMES = st.none() | st.floats(0, 20)


def test_a_load_is_over_a_while_after_its_last_event():
    assert seconds_to_complete(replace(LOADED, now=4.0)) == pytest.approx(QUIET_SECONDS)
    assert seconds_to_complete(replace(LOADED, now=5.0)) == pytest.approx(QUIET_SECONDS - 1)
    assert seconds_to_complete(LOADED) == 0.0


@pytest.mark.parametrize("field", ["last_request", "last_long_task", "last_paint"])
def test_activity_restarts_the_wait(field: str):
    assert seconds_to_complete(replace(LOADED, **{field: 9.5})) == pytest.approx(QUIET_SECONDS - 0.5)


@pytest.mark.parametrize("missing", ["fcp", "dcl", "loaded"])
def test_a_load_that_lacks_an_event_cannot_end(missing: str):
    assert seconds_to_complete(replace(LOADED, **{missing: None})) is None


def test_more_than_two_open_requests_keep_a_load_open():
    assert seconds_to_complete(replace(LOADED, open_requests=3)) is None
    assert seconds_to_complete(replace(LOADED, now=5.0, open_requests=2)) == pytest.approx(MAX_ACTIVE_SECONDS - 1)
    assert seconds_to_complete(replace(LOADED, open_requests=2)) == 0.0


def test_a_timer_that_is_due_soon_is_waited_for():
    assert seconds_to_complete(replace(LOADED, now=5.0, next_timer=7.0)) == pytest.approx(2.0 + POST_TIMER_SECONDS)


def test_a_timer_that_is_due_late_is_not():
    assert seconds_to_complete(replace(LOADED, next_timer=4.0 + MAX_ACTIVE_SECONDS + 1)) == 0.0


def test_what_never_rests_is_left_after_a_while():
    assert (
        seconds_to_complete(replace(LOADED, now=4.0 + MAX_ACTIVE_SECONDS, next_timer=4.0 + MAX_ACTIVE_SECONDS)) == 0.0
    )
    assert seconds_to_complete(replace(LOADED, now=7.0, next_timer=7.0)) == pytest.approx(POST_TIMER_SECONDS)


def test_a_late_request_does_not_extend_the_wait():
    """The browser requests every page's icon after the load event."""
    assert (
        seconds_to_complete(
            replace(LOADED, now=4.0 + MAX_ACTIVE_SECONDS, last_request=5.0, next_timer=4.0 + MAX_ACTIVE_SECONDS)
        )
        == 0.0
    )


@given(
    st.fixed_dictionaries(dict.fromkeys(("last_request", "last_long_task", "last_paint", "next_timer"), TIMES)),
    st.integers(0, 2),
    NOW,
)
def test_no_load_exceeds_its_last_activity_or_the_longest_wait(
    times: dict[str, float | None], open_requests: int, now: float
):
    left = seconds_to_complete(replace(LOADED, now=now, open_requests=open_requests, **times))
    last = max([4.0, *(at for name, at in times.items() if at is not None and name != "next_timer")])
    assert left is not None
    assert 0.0 <= left <= max(0.0, last + QUIET_SECONDS - now, 4.0 + MAX_ACTIVE_SECONDS - now) + 1e-9
    assert left >= min(QUIET_SECONDS, last + QUIET_SECONDS - now) - 1e-9
