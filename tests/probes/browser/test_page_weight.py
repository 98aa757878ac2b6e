"""Requests are put together from DevTools events and weighed; errors on the console are counted."""

from __future__ import annotations

import pytest

from probes.browser.network_log import read_network_log
from probes.browser.page_weight import count_console_errors, read_page_weight, registrable_domain
from tests.probes.browser import traces

PAGE = "https://dichvucong.example.gov.vn/"


def document(total: int = 1000) -> list[traces.Made]:
    return traces.whole("1", PAGE, 1.0, total, resource_type="Document")


def test_a_request_has_its_times_and_its_bytes():
    [found] = read_network_log(document())
    assert (found.started_at, found.response_started_at, found.ended_at) == (1.0, 1.2, 1.5)
    assert (found.transferred_bytes, found.decoded_bytes, found.status, found.ok, found.is_document) == (
        1000,
        3000,
        200,
        True,
        True,
    )


def test_times_move_to_the_navigations_clock():
    [found] = [each.relative_to(1.0) for each in read_network_log(document())]
    assert (found.started_at, found.response_started_at, found.ended_at) == pytest.approx((0.0, 0.2, 0.5))


def test_each_step_of_a_redirect_is_a_request():
    answer = {"status": 301, "encodedDataLength": 250}
    messages = [
        traces.sent("1", "http://example.gov.vn/", 0.5, resource_type="Document"),
        traces.sent("1", PAGE, 0.8, resource_type="Document", redirectResponse=answer),
        *document()[1:],
    ]
    first, second = read_network_log(messages)
    assert (first.url, first.status, first.ended_at, first.transferred_bytes) == (
        "http://example.gov.vn/",
        301,
        0.8,
        250,
    )
    assert (second.url, second.status, second.transferred_bytes) == (PAGE, 200, 1000)


def test_what_moves_nothing_is_no_request():
    inline = traces.whole("2", "data:text/css,a{}", 1.1, 10)
    again = [traces.sent("3", f"{PAGE}x.js", 1.1)]
    again.append({"method": "Network.requestServedFromCache", "params": {"requestId": "3"}})
    assert len(read_network_log([*document(), *inline, *again])) == 1


def test_a_document_in_a_frame_is_not_the_page():
    inner = [traces.sent("2", f"{PAGE}frame", 1.1, resource_type="Document", frame=traces.CHILD)]
    assert [each.is_document for each in read_network_log([*document(), *inner])] == [True, False]


def test_bytes_are_counted_by_type_and_in_all():
    types = ("Script", "Stylesheet", "Image", "Font", "XHR")
    messages = document()
    for number, resource_type in enumerate(types, start=2):
        messages += traces.whole(str(number), f"{PAGE}{resource_type}", 1.1, 10**number, resource_type=resource_type)
    found = read_page_weight(messages, PAGE)
    assert found.bytes_html == 1000
    assert (found.bytes_script, found.bytes_style, found.bytes_image) == (100, 1000, 10_000)
    assert (found.bytes_font, found.bytes_other) == (100_000, 1_000_000)
    assert found.bytes_total == 1000 + 1_111_100
    assert found.bytes_decoded == 3 * found.bytes_total
    assert (found.requests, found.requests_failed) == (6, 0)


def test_bytes_that_came_before_a_failure_count():
    broken = [traces.sent("2", f"{PAGE}x.js", 1.1), traces.answered("2", 1.2, head=100), traces.data("2", 900, 300)]
    found = read_page_weight([*document(), *broken, traces.failed("2", 1.5)], PAGE)
    assert (found.bytes_script, found.requests_failed) == (400, 1)


def test_an_answer_of_404_is_a_failure_and_an_open_request_is_none():
    lost = [
        traces.sent("2", f"{PAGE}x.js", 1.1),
        traces.answered("2", 1.2, status=404),
        traces.finished("2", 1.3, 150),
        traces.sent("3", f"{PAGE}poll", 1.1, resource_type="XHR"),
    ]
    found = read_page_weight([*document(), *lost], PAGE)
    assert (found.requests, found.requests_failed) == (3, 1)


@pytest.mark.parametrize("why", [{"blockedReason": "inspector"}, {"errorText": "net::ERR_BLOCKED_BY_CLIENT.Inspector"}])
def test_what_the_prober_blocked_is_in_no_number(why: dict[str, str]):
    held = [traces.sent("2", "https://f-emc.ngsp.gov.vn/t.js", 1.1), traces.failed("2", 1.1, **why)]
    assert read_page_weight([*document(), *held], PAGE) == read_page_weight(document(), PAGE)


def test_the_share_of_others_is_by_bytes_and_by_owner():
    own = traces.whole("2", "https://cdn.example.gov.vn/x.js", 1.1, 500)
    foreign = traces.whole("3", "https://other.gov.vn/x.js", 1.1, 500)
    assert read_page_weight([*document(), *own, *foreign], PAGE).third_party_ratio == pytest.approx(0.25)
    assert read_page_weight([], PAGE).third_party_ratio is None


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://dichvucong.hanoi.gov.vn/", "hanoi.gov.vn"),
        ("https://HANOI.GOV.VN.:8443/x", "hanoi.gov.vn"),
        ("https://a.b.example.com/", "example.com"),
        ("https://www.bbc.co.uk/", "bbc.co.uk"),
        ("https://gov.vn/", "gov.vn"),
        ("https://x.vnpt.vn/", "vnpt.vn"),
        ("http://127.0.0.2:8080/", "127.0.0.2"),
        ("http://[::1]:80/", "::1"),
        ("http://localhost/", "localhost"),
    ],
)
def test_the_registrable_domain_of_a_url(url: str, domain: str):
    assert registrable_domain(url) == domain


def test_errors_on_the_console_are_counted_and_warnings_are_not():
    def printed(resource_type: str) -> traces.Made:
        return {"method": "Runtime.consoleAPICalled", "params": {"type": resource_type}}

    def logged(level: str, text: str = "404") -> traces.Made:
        return {"method": "Log.entryAdded", "params": {"entry": {"level": level, "text": text}}}

    thrown = {"method": "Runtime.exceptionThrown", "params": {}}
    counted = [printed("error"), printed("assert"), logged("error"), thrown]
    others = [printed("log"), printed("warning"), logged("warning"), logged("error", "x: net::ERR_BLOCKED_BY_CLIENT")]
    assert count_console_errors([*counted, *others, *document()]) == len(counted)
