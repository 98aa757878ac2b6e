"""What an operator may expect of a response, and what follows when it is not met."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from probes.latency import Latency
from probes.result import Fault, Outcome
from probes.uptime import Uptime
from tests.probes.conftest import USER_AGENT
from tests.servers.raw import RawServer, answer, redirect

if TYPE_CHECKING:
    from tests.servers.dns import NameServer

ProbeUrl = Any

TITLE = "Cổng Dịch vụ công"
UTF8 = ["Content-Type: text/html; charset=utf-8"]
PAGE = answer(f"<title>{TITLE}</title>".encode(), headers=[*UTF8, "Server: one", "Server: two"])
DECOMPOSED = answer(unicodedata.normalize("NFD", TITLE).encode(), headers=UTF8)
LEGACY = answer("Đ".encode("cp1258"), headers=["Content-Type: text/html; charset=windows-1258"])
BLOCK = b"<html><title>Attention Required! | Cloudflare</title>"


def typed(charset: str, body: bytes = b"ok") -> bytes:
    return answer(body, headers=[f"Content-Type: text/html; charset={charset}"])


CASES: list[tuple[str, bytes, dict[str, Any], Fault | None]] = [
    ("200 is in 200-299", PAGE, {}, None),
    ("204 is in 200-299", answer(b"", status="204 None"), {}, None),
    ("a status alone", answer(status="403 No"), {"status": 403}, None),
    ("a list of statuses and ranges", answer(status="401 No"), {"status": ["200-204", "401"]}, None),
    ("a status outside of every range", answer(status="404 No"), {"status": ["200-299", 401]}, Fault.HTTP_STATUS),
    ("a header that matches", PAGE, {"header_matches": {"content-type": "html"}}, None),
    ("any of several headers of one name", PAGE, {"header_matches": {"Server": "^two$"}}, None),
    ("a header that does not match", PAGE, {"header_matches": {"Server": "three"}}, Fault.BODY_MISMATCH),
    ("a header that is missing, even if anything would do", PAGE, {"header_matches": {"X": ".*"}}, Fault.BODY_MISMATCH),
    ("a text that is there", PAGE, {"body_matches": [TITLE, "<title>"]}, None),
    ("a text that is not there", PAGE, {"body_matches": ["Cổng khác"]}, Fault.BODY_MISMATCH),
    ("one of two texts", PAGE, {"body_matches": [TITLE, "Cổng khác"]}, Fault.BODY_MISMATCH),
    ("a text that must not be there", PAGE, {"body_not_matches": ["bảo trì", TITLE]}, Fault.BODY_MISMATCH),
    ("a text that is rightly not there", PAGE, {"body_not_matches": ["bảo trì"]}, None),
    ("a text in the other Unicode form", DECOMPOSED, {"body_matches": [TITLE]}, None),
    ("a pattern in the other Unicode form", PAGE, {"body_matches": [unicodedata.normalize("NFD", TITLE)]}, None),
    ("a page in a Vietnamese code page", LEGACY, {"body_matches": ["Đ"]}, None),
    ("a charset that does not exist", typed("nonsense"), {"body_matches": ["ok"]}, None),
    ("a charset that is no character set", typed("punycode"), {"body_matches": ["ok"]}, None),
    ("a charset that always fails", typed("undefined"), {"body_matches": ["ok"]}, None),
    ("a charset that is a compression", typed("zlib"), {"body_matches": ["ok"]}, None),
    ("bytes that are not UTF-8", answer(b"\xff\xfeok"), {"body_matches": ["ok"]}, None),
    ("a firewall's page with 200", answer(BLOCK), {}, Fault.BLOCKED),
    ("a firewall's page with 403 is blocked, not a status", answer(BLOCK, status="403 No"), {}, Fault.BLOCKED),
    ("a firewall's page where none is expected", answer(BLOCK), {"blocked_by": []}, None),
    ("a firewall of one's own", answer(b"Truy cap bi tu choi"), {"blocked_by": ["bi tu choi"]}, Fault.BLOCKED),
    ("the last host", PAGE, {"final_host": "portal.test"}, None),
    ("another last host", PAGE, {"final_host": "other.test"}, Fault.REDIRECT_TARGET),
    ("a redirect that did not come", PAGE, {"redirects_to": "portal.test"}, Fault.REDIRECT_TARGET),
]


@pytest.mark.parametrize(("page", "keys", "fault"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
async def test_a_response_is_checked_against_what_is_expected(
    probe_url: ProbeUrl, page: bytes, keys: dict[str, Any], fault: Fault | None
) -> None:
    async with RawServer([page]) as server:
        result = await probe_url(server.url(host="portal.test"), **keys)
    assert result.fault is fault, result.detail
    assert result.phase is None
    assert result.values["ipv4_success"] is (fault is None)


@pytest.mark.parametrize("wanted", ["other.test", "OTHER.test", "other.test.", "other.test:{port}"])
async def test_a_redirect_to_the_expected_host_is_up(probe_url: ProbeUrl, names: NameServer, wanted: str) -> None:
    names.add("other.test", a="127.0.0.1")
    async with RawServer([answer()]) as other, RawServer([redirect(other.url(host="other.test"))]) as server:
        keys = {"redirects_to": wanted.replace("{port}", str(other.port))}
        result = await probe_url(server.url(host="portal.test"), **keys)
    assert result.outcome is Outcome.UP, result.detail


async def test_an_expected_host_may_be_written_in_vietnamese(probe_url: ProbeUrl, names: NameServer) -> None:
    names.add("xn--cng-kna.test", a="127.0.0.1")
    async with RawServer([answer()]) as server:
        for wanted in ("công.test", "xn--cng-kna.test"):
            result = await probe_url(server.url(host="công.test"), final_host=wanted)
            assert result.outcome is Outcome.UP, result.detail
    assert all(b"Host: xn--cng-kna.test:" in request for request in server.requests)


async def test_head_requests_only_headers_and_checks_no_text(probe_url: ProbeUrl) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"
    async with RawServer([head]) as server:
        result = await probe_url(server.url(), method="HEAD", body_matches=["never there"])
    assert server.requests[0].startswith(b"HEAD / ")
    assert result.outcome is Outcome.UP
    assert result.values["content_length"] == 5000
    assert "bytes_body" not in result.values


async def test_the_user_agent_names_the_prober(probe_url: ProbeUrl) -> None:
    async with RawServer([answer()]) as server:
        await probe_url(server.url())
        await probe_url(server.url(), headers={"User-Agent": "special", "X-Allow": "monitor"})
    first, second = server.requests
    assert f"User-Agent: {USER_AGENT}\r\n".encode() in first
    assert b"User-Agent: special\r\n" in second
    assert b"X-Allow: monitor\r\n" in second


async def test_latency_wants_a_page_and_does_not_read_its_words(probe_url: ProbeUrl) -> None:
    async with RawServer([answer(BLOCK)]) as server:
        assert (await probe_url(server.url(), kind=Latency)).fault is None
    async with RawServer([answer(status="404 No")]) as server:
        assert (await probe_url(server.url(), kind=Latency)).fault is Fault.HTTP_STATUS


async def test_lengths_are_what_was_announced_received_and_decoded(probe_url: ProbeUrl) -> None:
    page = answer(b"x" * 500)
    async with RawServer([page]) as server:
        values = (await probe_url(server.url())).values
    assert (values["content_length"], values["bytes_body"], values["bytes_wire"]) == (500, 500, len(page))
    assert (values["status"], values["http_version"], values["redirects"], values["ssl"]) == (200, 1.1, 0, False)


@pytest.mark.parametrize(
    "keys",
    [
        {"url": "ftp://portal.test/"},
        {"url": "http://127.1/"},
        {"url": "http://"},
        {"url": "portal.test"},
        {"url": "http://a%3Ab:c@portal.test/"},
        {"timeout": 0},
        {"timeout": "-1s"},
        {"timeout": "soon"},
        {"timeout": float("inf")},
        {"headers": {"X": "a\r\nB: c"}},
        {"headers": {"X Y": "a"}},
        {"status": "600"},
        {"status": "299-200"},
        {"status": []},
        {"body_matches": ["("]},
        {"header_matches": {"X": "["}},
        {"max_redirects": -1},
        {"max_body": 0},
        {"family": "5"},
        {"family": True},
        {"method": "POST"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused_in_the_configuration(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Uptime(**({"url": "https://portal.test/"} | keys))
