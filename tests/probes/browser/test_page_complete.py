"""A load is over when nothing happened for a while and the page has nothing more in store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.browser.page_complete import (
    MAX_ACTIVE_SECONDS,
    QUIET_SECONDS,
    TIMER_SETTLE_SECONDS,
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


@pytest.mark.parametrize("sign", ["network", "busy", "painted"])
def test_a_sign_of_life_starts_the_wait_anew(sign: str):
    assert seconds_to_complete(replace(LOADED, **{sign: 9.5})) == pytest.approx(QUIET_SECONDS - 0.5)


@pytest.mark.parametrize("missing", ["fcp", "dcl", "loaded"])
def test_a_load_that_lacks_an_event_cannot_end(missing: str):
    assert seconds_to_complete(replace(LOADED, **{missing: None})) is None


def test_more_than_two_open_requests_keep_a_load_open():
    assert seconds_to_complete(replace(LOADED, open_requests=3)) is None
    assert seconds_to_complete(replace(LOADED, now=5.0, open_requests=2)) == pytest.approx(MAX_ACTIVE_SECONDS - 1)
    assert seconds_to_complete(replace(LOADED, open_requests=2)) == 0.0


def test_a_timer_that_is_due_soon_is_waited_for():
    assert seconds_to_complete(replace(LOADED, now=5.0, next_timer=7.0)) == pytest.approx(2.0 + TIMER_SETTLE_SECONDS)


def test_a_timer_that_is_due_late_is_not():
    assert seconds_to_complete(replace(LOADED, next_timer=4.0 + MAX_ACTIVE_SECONDS + 1)) == 0.0


def test_what_never_rests_is_left_after_a_while():
    assert (
        seconds_to_complete(replace(LOADED, now=4.0 + MAX_ACTIVE_SECONDS, next_timer=4.0 + MAX_ACTIVE_SECONDS)) == 0.0
    )
    assert seconds_to_complete(replace(LOADED, now=7.0, next_timer=7.0)) == pytest.approx(TIMER_SETTLE_SECONDS)


def test_a_late_request_does_not_make_us_more_patient():
    """Every page is asked for its icon after the load event."""
    assert (
        seconds_to_complete(
            replace(LOADED, now=4.0 + MAX_ACTIVE_SECONDS, last_request=5.0, next_timer=4.0 + MAX_ACTIVE_SECONDS)
        )
        == 0.0
    )


@given(st.fixed_dictionaries(dict.fromkeys(("network", "busy", "painted", "due"), TIMES)), st.integers(0, 2), NOW)
def test_no_load_outlasts_its_last_sign_of_life_or_our_patience(
    signs: dict[str, float | None], in_flight: int, now: float
):
    left = seconds_to_complete(replace(LOADED, now=now, open_requests=in_flight, **signs))
    last = max([4.0, *(at for name, at in signs.items() if at is not None and name != "due")])
    assert left is not None
    assert 0.0 <= left <= max(0.0, last + QUIET_SECONDS - now, 4.0 + MAX_ACTIVE_SECONDS - now) + 1e-9
    assert left >= min(QUIET_SECONDS, last + QUIET_SECONDS - now) - 1e-9
