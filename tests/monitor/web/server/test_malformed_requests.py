"""Malformed requests: request smuggling, path traversal, and oversized requests."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.web.server import connection
from monitor.web.server.headers import SECURITY_HEADERS
from tests.monitor.web.scene import Stage
from tests.monitor.web.server.servers import opened, send, statuses

HOST = b"Host: m\r\n"
SECOND = b"POST /-/reload HTTP/1.1\r\nHost: m\r\nAuthorization: Bearer sesame\r\nContent-Length: 0\r\n\r\n"
"""What a smuggler hides inside of another request. It must never be answered."""

SMUGGLED: dict[str, bytes] = {
    "both lengths": b"POST /-/ready HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "both, the other way round": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\nContent-Length: 99\r\n\r\n",
    "a list of lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0, 99\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +0\r\n\r\n",
    "a negative length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length in words": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x10\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n Content-Length: 99\r\n\r\n",
    "a folded length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n 99\r\n\r\n",
    "a blank before the colon": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length : 99\r\n\r\n",
    "a bare line feed": b"POST / HTTP/1.1\n" + HOST + b"Content-Length: 0\n\n",
    "a bare line feed in a header": b"POST / HTTP/1.1\r\n" + HOST + b"X: a\nContent-Length: 99\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rContent-Length: 99\r\n\r\n",
    "an unknown encoding": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "chunked not last": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a chunk of no number": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a chunk of many digits": b"POST / HTTP/1.1\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff1\r\n\r\n",
    "a chunk ended by a line feed": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n",
    "a null in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "no name": b"GET / HTTP/1.1\r\n" + HOST + b": x\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "no request at all": b"\x16\x03\x01\x02\x00\x01\x00",
    "an old preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}


async def test_a_request_that_can_be_read_in_two_ways_is_read_in_none(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """Refused or closed, whatever follows is never read; and unauthenticated clients do not fill the log."""
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_SECONDS", 2.0)  # some are too short to be refused
    async with opened(stage, token="sesame") as server:
        responses = await asyncio.gather(*(send(server.where, one + SECOND) for one in SMUGGLED.values()))
    for name, answer in zip(SMUGGLED, responses, strict=True):
        assert b"reloaded" not in answer, name
        assert len(statuses(answer)) <= 1, (name, answer)
        assert set(statuses(answer)) <= {400, 404, 405, 411, 413, 501}, (name, answer)
    assert stage.calls == 0
    assert "Traceback" not in caplog.text


async def test_chunk_extensions_and_trailers_hide_nothing(stage: Stage):
    """They are allowed, carry nothing, and the request after them is a request of its own."""
    body = b'0;a="\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: m\r\n\r\n'
    head = b"POST /-/ready HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    async with opened(stage) as server:
        responses = await send(server.where, head + body)
        assert len(statuses(responses)) <= 1, responses


async def test_two_requests_in_a_row_are_two_answers(stage: Stage):
    """So the silence above is a refusal, not a server that answers once."""
    request = b"GET /-/healthy HTTP/1.1\r\n" + HOST + b"\r\n"
    async with opened(stage, token="sesame") as server:
        last = SECOND.replace(b"Content-Length", b"Connection: close\r\nContent-Length")
        responses = await send(server.where, request + last)
    assert statuses(responses) == [200, 200]
    assert stage.calls == 1


CHUNKED = b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
LARGE: dict[str, tuple[bytes, int]] = {
    "a long address": (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a long header": (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 9000 + b"\r\n\r\n", 400),
    "many headers": (b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X%d: a\r\n" % n for n in range(200)) + b"\r\n", 400),
    "a large body": (b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n\r\n" + b"x" * 100_000, 413),
    "an endless body": (CHUNKED + b"1000\r\n" + b"x" * 4096 + b"\r\n", 413),
    "a body that does not come": (b"POST /-/reload HTTP/1.1\r\n" + HOST + b"Content-Length: 5000\r\n\r\n", 413),
}  # fmt: skip


async def test_what_is_too_large_is_refused_at_once(stage: Stage):
    loop = asyncio.get_running_loop()
    async with opened(stage, token="sesame") as server:
        began = loop.time()
        responses = await asyncio.gather(*(send(server.where, sent) for sent, _ in LARGE.values()))
    assert loop.time() - began < connection.REQUEST_TIMEOUT_SECONDS
    for (name, (_, status)), answer in zip(LARGE.items(), responses, strict=True):
        assert statuses(answer) == [status], (name, answer[:300])
        assert b"Server: portal-monitor" in answer
    assert stage.calls == 0


CLIMBS = (
    "/static/../../../../etc/passwd", "/static/..%2f..%2f..%2fetc/passwd", "/static/%2e%2e/%2e%2e/etc/passwd",
    "/static/....//....//etc/passwd", "/static/..\\..\\etc\\passwd", "/static//etc/passwd", "/static/%00",
    "/static/style.css%00.js", "/static/style.css/..%2fapp.js", "/screenshots/../../../etc/passwd",
    "/screenshots/..%2f..%2f/x/1/lock", "/screenshots/a/b/1/..%2f..%2f..%2flock",
    "/screenshots/a/b/..%2f..%2f/journal.sqlite3", "/screenshots/%2e%2e/%2e%2e/1/journal.sqlite3",
    "/screenshots/a/b/-1/00.jpg", "/screenshots/a/b/1e9/00.jpg", "/screenshots/a/b/%D9%A1/00.jpg",
    "/portals/../config", "/portals/..%2f..%2fetc%2fpasswd", "/incidents/..%2f..%2fetc", "//etc/passwd",
    "/..;/config", "/static/%252e%252e%252fetc", "http://elsewhere.example/static/../../etc/passwd",
)  # fmt: skip


async def test_no_path_climbs_out(stage: Stage, tmp_path: Path):
    """Sent as written: no client normalises the path. Nothing but our own texts comes back."""
    (tmp_path / "lock").write_text("root:" + "x" * 10)
    end = "HTTP/1.1\r\nHost: m\r\nConnection: close\r\n\r\n"
    async with opened(stage) as server:
        responses = await asyncio.gather(*(send(server.where, f"GET {path} {end}".encode()) for path in CLIMBS))
    for path, answer in zip(CLIMBS, responses, strict=True):
        assert statuses(answer) in ([400], [404]), (path, answer[:300])
        assert b"root:" not in answer
        assert b"SQLite" not in answer
        for name in SECURITY_HEADERS:
            assert name.lower().encode() in answer.lower()


async def test_the_host_header_appears_nowhere(stage: Stage):
    """No link, redirect or script is made of the Host header, so a cache in front cannot be poisoned by it."""
    headers = b"Host: evil.example\r\nX-Forwarded-Host: evil.example\r\n"
    async with opened(stage) as server:
        responses = await send(server.where, b"GET / HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n")
    assert statuses(responses) == [200]
    assert b"evil.example" not in responses
