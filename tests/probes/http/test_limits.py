"""A hostile server can exhaust neither memory nor time, and no secret of a URL is leaked."""
# ruff: noqa: FBT001 - parametrize passes by name

from __future__ import annotations

import gzip
import itertools
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from probes.latency import Latency
from probes.result import Fault, Outcome
from probes.uptime import MAX_SEARCHED_BYTES
from tests.servers.raw import Do, RawServer, answer, redirect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.raw import Script

ProbeUrl = Any

HEAD = b"HTTP/1.1 200 OK\r\n"
MIB = 1 << 20


def endless_headers(_request: bytes) -> Iterator[bytes]:
    yield HEAD
    for number in itertools.count():
        yield b"X-%d: %b\r\n" % (number, b"y" * 1000)


def endless_header(_request: bytes) -> Iterator[bytes]:
    yield HEAD + b"X: "
    yield from itertools.repeat(b"y" * 65536)


def endless_hints(_request: bytes) -> Iterator[bytes]:
    yield from itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


def endless_body(_request: bytes) -> Iterator[bytes]:
    yield HEAD + b"\r\n"
    yield from itertools.repeat(b"y" * 65536)


def endless_chunks(_request: bytes) -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from itertools.repeat(b"1\r\nx\r\n" * 5000)


def endless_trailers(_request: bytes) -> Iterator[bytes]:
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    yield from itertools.repeat(b"X: y\r\n" * 5000)


ZEROS = gzip.compress(bytes(64 * MIB))


def bomb(_request: bytes) -> Iterator[bytes]:
    """64 MiB of zeros in 64 KiB."""
    yield HEAD + b"Content-Encoding: gzip\r\n\r\n"
    yield ZEROS


def sixteen_bombs(_request: bytes) -> Iterator[bytes]:
    """A gigabyte in members of one gzip stream."""
    yield HEAD + b"Content-Encoding: gzip\r\nConnection: close\r\n\r\n"
    yield ZEROS * 16


HOSTILE: list[tuple[Script, set[Fault]]] = [
    (endless_headers, {Fault.PROTOCOL}),
    (endless_header, {Fault.PROTOCOL}),
    (endless_hints, {Fault.PROTOCOL}),
    (endless_body, {Fault.BODY_TOO_LARGE}),
    (endless_chunks, {Fault.BODY_TOO_LARGE, Fault.TIMEOUT}),
    (endless_trailers, {Fault.PROTOCOL}),
    (bomb, {Fault.BODY_TOO_LARGE}),
    (sixteen_bombs, {Fault.BODY_TOO_LARGE}),
]


@pytest.mark.parametrize(("script", "faults"), HOSTILE, ids=lambda value: getattr(value, "__name__", ""))
async def test_memory_and_time_stay_bounded(probe_url: ProbeUrl, script: Script, faults: set[Fault]) -> None:
    async with RawServer(script) as server:
        tracemalloc.start()
        begun = time.perf_counter()
        result = await probe_url(server.url(), max_body=MIB, timeout=1.0)
        took = time.perf_counter() - begun
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert result.fault in faults, result.detail
    assert took < 4.0, "it ends by its timeout of a second; the rest is what a busy machine may add"
    assert peak < 12 * MIB
    assert len(result.detail) <= 500


@pytest.mark.parametrize(("size", "fault"), [(50_000, None), (50_001, Fault.BODY_TOO_LARGE)])
@pytest.mark.parametrize("packed", [False, True])
async def test_the_limit_is_in_decoded_bytes_and_exact(
    probe_url: ProbeUrl, size: int, fault: Fault | None, packed: bool
) -> None:
    body = b"x" * size
    page = answer(gzip.compress(body), headers=["Content-Encoding: gzip"]) if packed else answer(body)
    async with RawServer([page]) as server:
        result = await probe_url(server.url(), kind=Latency, max_body=50_000)
    assert result.fault is fault
    assert "bytes_body" in result.values or fault


@pytest.mark.parametrize(
    ("before", "fault"), [(MAX_SEARCHED_BYTES - 4, None), (MAX_SEARCHED_BYTES - 3, Fault.BODY_MISMATCH)]
)
async def test_only_the_beginning_of_a_page_is_searched(probe_url: ProbeUrl, before: int, fault: Fault | None) -> None:
    async with RawServer([answer(b" " * before + b"word" + b" " * 100_000)]) as server:
        result = await probe_url(server.url(), body_matches=["word"])
    assert result.fault is fault
    assert result.values["bytes_body"] == before + 100_004, "all of it is counted"


async def test_a_long_page_of_a_firewalls_words_does_not_hold_up_the_loop(probe_url: ProbeUrl) -> None:
    page = answer(b"<title>Access Denied</title>" * 300_000)
    async with RawServer([page]) as server:
        begun = time.perf_counter()
        result = await probe_url(server.url())
    assert result.outcome is Outcome.UP
    assert time.perf_counter() - begun < 5.0, "searching all of it would take a minute"


@pytest.mark.parametrize(
    "script",
    [
        [answer()],
        [answer(status="500 No")],
        [Do.RESET],
        [b"HTTP/1.1 abc\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"],
        [redirect("/next;jsessionid=S3CRET?token=S3CRET#S3CRET")],
        [redirect("ftp://S3CRET:S3CRET@portal.test/?S3CRET")],
        [redirect("javascript:S3CRET")],
        [redirect("http://S3CRET:S3CRET@[::1")],
        [Do.STALL],
    ],
    ids=str,
)
async def test_secrets_of_a_url_appear_nowhere(
    probe_url: ProbeUrl, script: Script, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    async with RawServer(script) as server:
        url = server.url("/in;jsessionid=S3CRET/page?token=S3CRET#S3CRET", host="portal.test")
        url = url.replace("//", "//S3CRET:S3CRET@")
        result = await probe_url(url, timeout=0.3, max_redirects=2, headers={"X-Key": "S3CRET"})
    assert "S3CRET" in repr(server.requests), "the server itself gets them"
    assert "S3CRET" not in repr(result)
    assert "S3CRET" not in caplog.text + "".join(capsys.readouterr())
    assert result.hops[0].url.endswith("/in/page")
