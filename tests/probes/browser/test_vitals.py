"""The metrics of a load follow from its trace: by rule, and as Lighthouse has them for the very same recording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.browser.network_log import NetworkRequest, read_network_log
from probes.browser.trace_events import MainThreadTask
from probes.browser.vitals import (
    LONG_TASK_SECONDS,
    MAX_SESSION_GAP_SECONDS,
    MAX_SESSION_SECONDS,
    LayoutShift,
    cumulative_layout_shift,
    read_vitals,
    time_to_interactive,
    total_blocking_time,
)
from tests.golden import store
from tests.probes.browser import traces

SHIFTS = st.lists(st.builds(LayoutShift, at_seconds=st.floats(0, 30), score=st.floats(0, 1)), max_size=25).map(
    lambda shifts: sorted(shifts, key=lambda shift: shift.at_seconds)
)
TASKS = st.lists(st.tuples(st.floats(0, 2), st.floats(0.001, 1.0)), max_size=20).map(
    lambda pairs: [
        MainThreadTask(
            start=(start := sum(gap + length for gap, length in pairs[:index]) + pair[0]), end=start + pair[1]
        )
        for index, pair in enumerate(pairs)
    ]
)


@pytest.mark.parametrize("name", store.names())
def test_a_recorded_load_gives_what_lighthouse_made_of_it(name: str):
    golden = store.load(name)
    found, theirs = read_vitals(golden.events, read_network_log(golden.messages)), golden.lighthouse
    assert found.fcp_seconds == pytest.approx(theirs["fcp"], abs=0.001)
    assert found.lcp_seconds == pytest.approx(theirs["lcp"], abs=0.001)
    if "tbt" in theirs:  # Lighthouse has none for a page without five quiet seconds
        assert found.tbt_seconds == pytest.approx(theirs["tbt"], abs=0.001)
    assert found.cls == pytest.approx(theirs["cls"], abs=1e-6)
    assert found.dcl_seconds == pytest.approx(theirs["dcl"], abs=0.001)
    assert found.load_seconds == pytest.approx(theirs["load"], abs=0.001)
    if golden.step <= store.FINE:  # a filmstrip kept in coarser steps has another Speed Index
        assert found.speed_index_seconds == pytest.approx(theirs["si"], rel=0.02)


def test_there_are_golden_loads():
    assert len(store.names()) >= 8


def test_what_did_not_occur_is_missing():
    found = read_vitals([traces.frames(), traces.navigation()])
    assert found.fcp_seconds is found.lcp_seconds is found.lcp_element is found.speed_index_seconds is None
    assert found.tbt_seconds is found.cls is found.longest_task_seconds is found.main_thread_seconds is None
    assert found.ttfb_seconds is found.dcl_seconds is found.load_seconds is None


def test_a_page_that_painted_and_kept_still_has_zeros_that_mean_it():
    found = read_vitals(traces.page(traces.task(0.2, 0.24)))
    assert (found.cls, found.tbt_seconds) == (0.0, 0.0)
    assert found.longest_task_seconds == pytest.approx(0.04)


def test_the_largest_paint_is_the_last_candidate_and_is_described():
    first = traces.event("largestContentfulPaint::Candidate", 1.0, data={"nodeId": 3, "nodeName": "H1", "type": "text"})
    image = {"DOMNodeId": 9, "imageUrl": "https://a.example/img/hero.jpg?w=4"}
    second = {"nodeId": 9, "nodeName": "IMG class='hero'", "type": "image"}
    found = read_vitals(
        traces.page(
            first,
            traces.event("LargestImagePaint::Candidate", 2.0, data=image),
            traces.event("largestContentfulPaint::Candidate", 2.0, data=second),
        )
    )
    assert found.lcp_seconds == pytest.approx(2.0)
    assert found.lcp_element == "IMG class='hero' hero.jpg"


def test_a_largest_paint_that_was_taken_back_is_missing():
    candidate = traces.event("largestContentfulPaint::Candidate", 1.0, data={"nodeName": "H1"})
    found = read_vitals(traces.page(candidate, traces.event("largestContentfulPaint::Invalidate", 1.5)))
    assert found.lcp_seconds is None


def test_the_first_byte_is_the_documents():
    start = traces.ORIGIN / 1e6
    messages = [
        *traces.whole("1", "https://a.example/", start + 0.1, 900, resource_type="Document"),
        *traces.whole("2", "https://a.example/x.js", start + 0.7, 900),
    ]
    found = read_vitals(traces.page(), read_network_log(messages))
    assert found.ttfb_seconds == pytest.approx(0.3)


def test_shifts_in_frames_count_and_so_do_those_that_seem_to_follow_an_input():
    """Chromium takes the emulated screen for an input; a person who could make one is not there."""
    shifts = [traces.shift(1.0, 0.1), traces.shift(1.2, 0.2, frame=traces.CHILD), traces.shift(1.4, 0.4, recent=True)]
    assert read_vitals(traces.page(traces.child(), *shifts)).cls == pytest.approx(0.7)


@given(SHIFTS)
def test_the_layout_shift_is_that_of_the_worst_session(shifts: list[LayoutShift]):
    """At least the worst single shift, at most all of them; and no session can hold more than five seconds hold."""
    found = cumulative_layout_shift(shifts)
    assert max((shift.score for shift in shifts), default=0.0) - 1e-9 <= found
    most = max(
        (
            sum(s.score for s in shifts if first.at_seconds <= s.at_seconds <= first.at_seconds + MAX_SESSION_SECONDS)
            for first in shifts
        ),
        default=0.0,
    )
    assert found <= most + 1e-9


@given(SHIFTS, st.floats(0, 1))
def test_a_shift_a_second_after_all_others_opens_a_session_of_its_own(shifts: list[LayoutShift], score: float):
    late = LayoutShift(
        at_seconds=(shifts[-1].at_seconds if shifts else 0.0) + MAX_SESSION_GAP_SECONDS + 0.01, score=score
    )
    assert cumulative_layout_shift([*shifts, late]) == pytest.approx(max(cumulative_layout_shift(shifts), score))


@given(TASKS, st.floats(0, 30), st.floats(0, 30))
def test_blocking_time_lies_between_nothing_and_the_long_tasks(
    tasks: list[MainThreadTask], start: float, length: float
):
    found = total_blocking_time(tasks, start, start + length)
    long = [task.duration_seconds - LONG_TASK_SECONDS for task in tasks if task.duration_seconds > LONG_TASK_SECONDS]
    assert 0.0 <= found <= min(sum(long), length) + 1e-9


@given(TASKS, st.floats(0, 30), st.floats(0, 30), st.floats(0, 30))
def test_a_longer_window_never_blocks_less(tasks: list[MainThreadTask], start: float, length: float, more: float):
    assert (
        total_blocking_time(tasks, start, start + length)
        <= total_blocking_time(tasks, start, start + length + more) + 1e-9
    )


@given(TASKS, st.floats(0, 30))
def test_a_page_is_ready_after_its_first_paint_and_after_no_task_that_was_not_long(
    tasks: list[MainThreadTask], fcp: float
):
    end = max([fcp, *(task.end for task in tasks)])
    found = time_to_interactive(tasks, [], fcp, None, end)
    assert found == fcp or found in {task.end for task in tasks if task.duration_seconds >= LONG_TASK_SECONDS}
    assert found >= fcp


def exchange(start: float, end: float, method: str = "GET") -> NetworkRequest:
    return NetworkRequest(
        id="",
        url="https://a.example/",
        method=method,
        resource_type="other",
        is_document=False,
        started_at=start,
        ended_at=end,
        ok=True,
    )


def test_five_quiet_seconds_make_a_page_ready():
    early, late = MainThreadTask(start=2.0, end=2.2), MainThreadTask(start=7.3, end=7.5)
    assert time_to_interactive([early, late], [], 1.0, None, 8.0) == 2.2  # what comes later does not count any more
    assert time_to_interactive([early, MainThreadTask(start=7.0, end=7.5)], [], 1.0, None, 8.0) == 7.5


def test_a_busy_network_is_not_quiet():
    early, late = MainThreadTask(start=2.0, end=2.2), MainThreadTask(start=7.3, end=7.5)
    busy = [exchange(0.0, 6.0) for _ in range(3)]
    assert time_to_interactive([early, late], busy, 1.0, None, 8.0) == 7.5
    assert time_to_interactive([early, late], busy[:2], 1.0, None, 8.0) == 2.2
    posts = [exchange(0.0, 6.0, "POST") for _ in range(3)]
    assert time_to_interactive([early, late], posts, 1.0, None, 8.0) == 2.2


def test_a_page_is_not_ready_before_it_was_read():
    assert time_to_interactive([], [], 1.0, 4.0, 8.0) == 4.0
