"""A trace is read down to the one page in it: its clock, its frames, its thread, its filmstrip."""

from __future__ import annotations

import pytest

from probes.browser.trace_events import NoNavigation, read_trace
from tests.probes.browser import traces


def test_times_count_from_the_start_of_the_navigation():
    page = read_trace(traces.page())
    assert page.origin_seconds == traces.ORIGIN / 1e6
    assert page.first_seconds_of("firstContentfulPaint") == pytest.approx(1.0)
    assert page.first_seconds_of("loadEventEnd") is None


def test_the_order_of_the_events_does_not_matter():
    events = traces.page(traces.task(0.2, 0.3), traces.screenshot(0.4, traces.jpeg()))
    assert read_trace(list(reversed(events))) == read_trace(events)


def test_a_redirect_by_script_starts_the_clock_anew():
    events = [*traces.page(), traces.navigation(3.0, "https://b.example/"), traces.event("firstContentfulPaint", 3.5)]
    assert read_trace(events).first_seconds_of("firstContentfulPaint") == pytest.approx(0.5)


@pytest.mark.parametrize("url", ["", "about:blank", "chrome-error://chromewebdata/"])
def test_an_empty_page_and_an_error_page_are_no_page(url: str):
    with pytest.raises(NoNavigation):
        read_trace([traces.frames(), traces.navigation(0.0, url)])


def test_a_trace_without_any_event_holds_no_page():
    with pytest.raises(NoNavigation):
        read_trace([])


def test_the_events_of_the_empty_document_that_a_page_replaces_are_not_its_own():
    early = [traces.event("domLoading", 0.01), traces.event("domContentLoadedEventEnd", 0.02)]
    page = read_trace(traces.page(*early))
    assert page.first_seconds_of(
        "domContentLoadedEventEnd", since_seconds=page.document_started_seconds
    ) == pytest.approx(0.5)


def test_the_main_frame_is_found_without_the_browser_naming_it():
    assert read_trace(traces.page()[1:]).first_seconds_of("firstContentfulPaint") == pytest.approx(1.0)


def test_frames_inside_belong_to_the_tree_and_others_do_not():
    own, inner = traces.shift(1.1, 0.1), traces.shift(1.2, 0.1, frame=traces.CHILD)
    other = traces.shift(1.3, 0.1, frame="ANOTHER TAB")
    page = read_trace(traces.page(traces.child(), own, inner, other))
    assert [event for event in page.frame_tree_events if event["name"] == "LayoutShift"] == [own, inner]
    assert [event for event in page.main_frame_events if event["name"] == "LayoutShift"] == [own]


def test_only_the_tasks_of_the_pages_own_thread_count():
    others = [traces.task(0.2, 0.9, tid=2), traces.task(0.2, 0.9, pid=8)]
    page = read_trace(traces.page(traces.task(0.1, 0.2), *others))
    assert [(task.start, task.end) for task in page.tasks] == [(pytest.approx(0.1), pytest.approx(0.2))]


def test_a_task_that_overlaps_the_next_ends_there():
    page = read_trace(traces.page(traces.task(0.1, 0.5), traces.task(0.3, 0.4)))
    assert page.tasks[0].end == pytest.approx(0.3)


def test_of_a_task_under_way_at_the_start_only_the_rest_counts():
    page = read_trace(traces.page(traces.task(-0.5, 0.2), traces.task(-0.9, -0.6)))
    assert [(task.start, task.end) for task in page.tasks] == [(0.0, pytest.approx(0.2))]


def test_the_filmstrip_excludes_repeated_and_earlier_and_broken_frames():
    red, blue = traces.jpeg(filled=0.5), traces.jpeg(filled=0.5, ink="blue")
    filmstrip = [traces.screenshot(at, frame) for at, frame in ((-1.0, red), (0.2, red), (0.3, red), (0.4, blue))]
    broken = traces.screenshot(0.5, b"") | {"args": {"snapshot": "not base64!"}}
    assert [
        (round(shot.at_seconds, 3), shot.jpeg) for shot in read_trace(traces.page(*filmstrip, broken)).screenshots
    ] == [
        (0.2, red),
        (0.4, blue),
    ]
