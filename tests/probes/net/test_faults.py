"""Every fault is brought about by a real server and named right, in the phase in which it happened."""

from __future__ import annotations

import errno
import gzip
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from probes.http import failures
from probes.net import sockets
from probes.net.sockets import NoRoute
from probes.result import Fault, Outcome, ProbeFailed
from tests.servers.delays import FullBacklog
from tests.servers.dns import REFUSED, SERVFAIL, Reply
from tests.servers.handshakes import HandshakeServer
from tests.servers.ports import free_port
from tests.servers.raw import Do, RawServer, answer, redirect
from tests.servers.tls import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.dns import NameServer
    from tests.servers.raw import Script

ProbeUrl = Any

HEAD = b"HTTP/1.1 200 OK\r\n"

ANSWERS: list[tuple[str, Script, Fault, str | None]] = [
    ("a connection reset instead of an answer", [Do.RESET], Fault.RESET, "wait"),
    ("a connection closed instead of an answer", [Do.CLOSE], Fault.RESET, "wait"),
    ("a connection closed within the headers", [HEAD + b"Content-", Do.CLOSE], Fault.RESET, "transfer"),
    (
        "a connection reset within the body",
        [HEAD + b"Content-Length: 9\r\n\r\nabc", 0.05, Do.RESET],
        Fault.RESET,
        "transfer",
    ),
    ("a body shorter than announced", [HEAD + b"Content-Length: 9\r\n\r\nabc", Do.CLOSE], Fault.PROTOCOL, "transfer"),
    (
        "a chunk size that is no number",
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"],
        Fault.PROTOCOL,
        "transfer",
    ),
    ("chunks without an end", [HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"], Fault.PROTOCOL, "transfer"),
    (
        "a chunk longer than its size",
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n"],
        Fault.PROTOCOL,
        "transfer",
    ),
    ("a status line that is none", [b"HELLO WORLD\r\n\r\n"], Fault.PROTOCOL, "transfer"),
    ("a status that is no number", [b"HTTP/1.1 abc OK\r\n\r\n"], Fault.PROTOCOL, "transfer"),
    (
        "chunks that break after the headers are read",
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", 0.05, b"3\r\nabc\r\n", 0.05, b"xyz\r\n", Do.STALL],
        Fault.PROTOCOL,
        "transfer",
    ),
    ("two lengths", [HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"], Fault.PROTOCOL, "transfer"),
    ("a negative length", [HEAD + b"Content-Length: -1\r\n\r\n"], Fault.PROTOCOL, "transfer"),
    ("a header without a colon", [HEAD + b"no colon here\r\n\r\n"], Fault.PROTOCOL, "transfer"),
    (
        "ten thousand headers",
        [HEAD + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + b"\r\n"],
        Fault.PROTOCOL,
        "transfer",
    ),
    ("a header of a megabyte", [HEAD + b"X: " + b"y" * 1_000_000 + b"\r\n\r\n"], Fault.PROTOCOL, "transfer"),
    (
        "gzip that is none",
        [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!"],
        Fault.PROTOCOL,
        "transfer",
    ),
    (
        "an encoding that was not requested",
        [answer(b"??", headers=["Content-Encoding: br"])],
        Fault.PROTOCOL,
        "transfer",
    ),
    ("not found", [answer(b"gone", status="404 Not Found")], Fault.HTTP_STATUS, None),
    ("a server error", [answer(b"oh", status="503 Service Unavailable")], Fault.HTTP_STATUS, None),
    ("a redirect without a target", [answer(b"", status="302 Found")], Fault.HTTP_STATUS, None),
    ("a redirect to an empty target", [redirect("")], Fault.HTTP_STATUS, None),
    (
        "a protocol switch that was not requested",
        [HEAD.replace(b"200 OK", b"101 Up") + b"Upgrade: x\r\n\r\n"],
        Fault.HTTP_STATUS,
        None,
    ),
    (
        "the page of a firewall",
        [answer(b"The requested URL was rejected. Please consult with your administrator.")],
        Fault.BLOCKED,
        None,
    ),
    ("a body over the limit", [answer(b"x" * 20_001)], Fault.BODY_TOO_LARGE, "transfer"),
]  # fmt: skip - a table


@pytest.mark.parametrize(("script", "fault", "phase"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_a_bad_answer_is_down_for_its_own_reason(
    probe_url: ProbeUrl, script: Script, fault: Fault, phase: str
) -> None:
    async with RawServer(script) as server:
        result = await probe_url(server.url(host="portal.test"), max_body=20_000)
    assert (result.outcome, result.fault, result.phase) == (Outcome.DOWN, fault, phase), result.detail
    assert result.detail
    assert server.connections == 1, "one request, no retry"


GOOD: list[tuple[str, Script]] = [
    ("HTTP/1.0 without a length ends with its connection", [b"HTTP/1.0 200 OK\r\n\r\nwelcome"]),
    ("HTTP/1.1 without a length ends with its connection", [HEAD + b"\r\nwelcome"]),
    (
        "chunks with extensions and trailers",
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n7;a=b\r\nwelcome\r\n0\r\nX: y\r\n\r\n"],
    ),
    ("lines that end in a bare LF", [b"HTTP/1.1 200 OK\nContent-Length: 7\n\nwelcome"]),
    ("early hints before the answer", [b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 3 + answer(b"welcome")]),
    (
        "an answer in single bytes",
        lambda _request: [answer(b"welcome")[i : i + 1] for i in range(60)] + [answer(b"welcome")[60:]],
    ),
    ("headers that are not UTF-8", [HEAD + b"X: \xff\xfe\r\nContent-Length: 7\r\n\r\nwelcome"]),
    ("a status without a reason", [b"HTTP/1.1 200\r\nContent-Length: 7\r\n\r\nwelcome"]),
    ("a policy header of 20 KB", [answer(b"welcome", headers=["Content-Security-Policy: " + "x " * 10_000])]),
    ("gzip", lambda _request: [answer(gzip.compress(b"welcome"), headers=["Content-Encoding: gzip"])]),
    ("the same header twice", [answer(b"welcome", headers=["Server: a", "Server: b"])]),
]  # fmt: skip - a table


@pytest.mark.parametrize("script", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
async def test_an_odd_but_readable_answer_is_up(probe_url: ProbeUrl, script: Script) -> None:
    async with RawServer(script) as server:
        result = await probe_url(server.url(host="portal.test"), body_matches=["welcome"])
    assert result.outcome is Outcome.UP, result.detail
    assert result.values["bytes_body"] == 7


CERTIFICATES: list[tuple[str, Callable[[Authority], ssl.SSLContext], Fault]] = [
    ("expired", Authority.expired, Fault.TLS_EXPIRED),
    ("not yet valid", Authority.not_yet_valid, Fault.TLS_EXPIRED),
    ("for another name", Authority.wrong_name, Fault.TLS_NAME),
    ("self-signed", Authority.self_signed, Fault.TLS_UNTRUSTED),
    ("by an unknown authority", Authority.unknown_authority, Fault.TLS_UNTRUSTED),
]


@pytest.mark.parametrize(("make", "fault"), [row[1:] for row in CERTIFICATES], ids=[row[0] for row in CERTIFICATES])
@pytest.mark.parametrize("host", ["portal.test", "127.0.0.1"])
async def test_a_bad_certificate_is_named(
    probe_url: ProbeUrl, authority: Authority, make: Callable[[Authority], ssl.SSLContext], fault: Fault, host: str
) -> None:
    async with RawServer([answer()], tls=make(authority)) as server:
        result = await probe_url(server.url(host=host))
    assert (result.fault, result.phase) == (fault, "tls"), result.detail
    assert server.requests == [], "nothing is requested from an untrusted server"


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("reset", Fault.RESET),
        ("close", Fault.RESET),
        ("http", Fault.TLS_OTHER),
        ("tls10", Fault.TLS_OTHER),
        ("no cipher", Fault.TLS_OTHER),
    ],
)
async def test_a_broken_handshake_is_named(probe_url: ProbeUrl, what: str, fault: Fault) -> None:
    async with HandshakeServer(what) as server:
        result = await probe_url(server.url(host="portal.test"))
    assert (result.fault, result.phase) == (fault, "tls"), result.detail


async def test_plain_http_to_a_tls_port_is_a_protocol_fault(probe_url: ProbeUrl, authority: Authority) -> None:
    async with RawServer([answer()], tls=authority.valid()) as server:
        result = await probe_url(server.url(host="portal.test", scheme="http"))
    assert result.fault in {Fault.PROTOCOL, Fault.RESET}


async def test_a_closed_port_refuses(probe_url: ProbeUrl) -> None:
    result = await probe_url(f"http://portal.test:{free_port()}/")
    assert (result.fault, result.phase) == (Fault.CONNECT_REFUSED, "connect")


async def test_a_connect_without_an_answer_is_a_connect_timeout(probe_url: ProbeUrl) -> None:
    """The kernel of the server drops SYN while its accept queue is full."""
    async with FullBacklog([answer()], seconds=60.0) as server:
        await server.fill()
        result = await probe_url(server.url(host="portal.test"), timeout=0.4)
    assert (result.fault, result.phase) == (Fault.CONNECT_TIMEOUT, "connect")


@pytest.mark.parametrize(
    "reply",
    [Reply(rcode=SERVFAIL), Reply(rcode=REFUSED), Reply(junk=True), Reply(silent=True), Reply(), None],
    ids=["SERVFAIL", "REFUSED", "junk", "silence", "no such address", "no such name"],
)
async def test_a_name_that_does_not_resolve_is_a_dns_fault(
    probe_url: ProbeUrl, names: NameServer, reply: Reply | None
) -> None:
    if reply is not None:
        names.records["broken.test", "A"] = reply
    result = await probe_url("http://broken.test/", timeout=0.5)
    assert (result.fault, result.phase) == (Fault.DNS, "resolve")
    assert names.queried_types("broken.test") == ["A"]


async def test_a_missing_route_is_an_internal_error(probe_url: ProbeUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "has_route", lambda _family, _target: False)
    result = await probe_url("http://portal.test/")
    assert (result.outcome, result.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)
    assert "ipv4_success" not in result.values, "an unknown result is neither good nor bad"


async def test_a_lack_of_descriptors_is_an_internal_error(probe_url: ProbeUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_kwargs: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", full)
    result = await probe_url("http://127.0.0.1:9/")
    assert (result.outcome, result.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)


NUMBERS = [
    (OSError(errno.ETIMEDOUT, "timed out"), "connect", Fault.CONNECT_TIMEOUT),
    (OSError(errno.ETIMEDOUT, "timed out"), "wait", Fault.TIMEOUT),
    (OSError(errno.EHOSTUNREACH, "no host"), "connect", Fault.CONNECT_REFUSED),
    (OSError(errno.ENETUNREACH, "no net"), "connect", Fault.INTERNAL_ERROR),
    (OSError(errno.EADDRNOTAVAIL, "no port left"), "connect", Fault.INTERNAL_ERROR),
    (OSError("who knows"), "wait", Fault.PROTOCOL),
    (NoRoute("none"), "connect", Fault.INTERNAL_ERROR),
]


@pytest.mark.parametrize(("error", "phase", "fault"), NUMBERS)
def test_what_only_a_kernel_can_do_is_named_too(error: Exception, phase: str, fault: Fault) -> None:
    verdict = failures.from_exception(error, phase)
    assert verdict.fault is fault


def test_an_internal_error_is_not_translated() -> None:
    with pytest.raises(ZeroDivisionError):
        failures.from_exception(ZeroDivisionError(), None)


def test_a_failure_stays_what_it_is() -> None:
    verdict = ProbeFailed(Fault.DNS, "x")
    assert failures.from_exception(verdict, None) is verdict
