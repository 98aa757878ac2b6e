"""The door itself: TLS and its renewal, who is let in when the house is full, slow visitors, and how open it is."""
# ruff: noqa: ASYNC240 - a certificate is a small file

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp
import pytest

from monitor.cli.healthcheck import HEALTHY, request_health
from monitor.config.web import WebBlock
from monitor.tools.demo.certificate_authority import CertificateAuthority
from monitor.web import WebSecurity
from monitor.web.server import connection
from monitor.web.server.connection_limit import ConnectionLimiter, client_key
from tests.monitor.web.scene import Clock, Stage
from tests.monitor.web.server.servers import opened, say, statuses

GET = b"GET /-/healthy HTTP/1.1\r\nHost: m\r\n\r\n"


def pem(directory: Path, name: str = "localhost") -> dict[str, str]:
    """Certificate and key of a fresh server, in one file."""
    newest = max(directory.glob(f"*-{name}.pem"), key=str)
    return {"certificate": str(newest), "key": str(newest)}


async def test_over_tls_everything_is_as_over_http_and_old_versions_are_refused(stage: Stage, tmp_path: Path):
    authority = CertificateAuthority(tmp_path / "tls")
    authority.issue(["localhost"])
    async with opened(stage, tls=pem(tmp_path / "tls")) as door:
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        async with aiohttp.ClientSession() as client, client.get(door.url, ssl=trusting) as answer:
            assert answer.status == 200
            assert "Cổng" in await answer.text()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*door.where, ssl=old)
        assert b"HTTP/1.1 200" not in await say(door.where, GET)
        listen = "{}:{}".format(*door.where)
        assert await asyncio.to_thread(request_health, listen, HEALTHY, 10.0) == (True, "healthy")


async def test_a_renewed_certificate_holds_for_the_next_visitor(stage: Stage, tmp_path: Path):
    authority = CertificateAuthority(tmp_path / "tls")
    authority.issue(["localhost"])
    files = pem(tmp_path / "tls")

    async def serial(where: tuple[str, int]) -> int:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        _, writer = await asyncio.open_connection(*where, ssl=context)
        shown = writer.get_extra_info("peercert")
        writer.close()
        return int(shown["serialNumber"], 16)

    async with opened(stage, tls=files) as door:
        first = await serial(door.where)
        authority.issue(["localhost"])
        Path(files["certificate"]).write_bytes(Path(pem(tmp_path / "tls")["certificate"]).read_bytes())
        assert await serial(door.where) == first
        door.door.reload(WebBlock(tls=files))
        second = await serial(door.where)
        assert second != first
        Path(files["certificate"]).write_text("nonsense")
        door.door.reload(WebBlock(tls=files))
        assert await serial(door.where) == second, "a file that went bad changes nothing"


async def test_a_full_house_takes_from_who_has_most(stage: Stage):
    """One address fills what it may; others still come in, and the oldest of the first give way."""
    async with opened(stage, connections=8, per_address=7) as door, AsyncExitStack() as stack:

        async def come(source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection(*door.where, local_addr=(source, 0))
            stack.callback(writer.close)
            return reader, writer

        async def healthy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(GET)
            await reader.readuntil(b"healthy")

        first = [await come("127.0.0.2") for _ in range(7)]
        await healthy(*first[-1])
        refused, _ = await come("127.0.0.2")
        assert statuses(await refused.read()) == [503]
        for source in ("127.0.0.3", "127.0.0.3", "127.0.0.4"):
            await healthy(*await come(source))
        gone = [await asyncio.wait_for(reader.read(), 10) for reader, _ in first[:2]]
        assert gone == [b"", b""], "the two oldest of the most crowded address"
        assert (door.door.connection_limiter.rejected, door.door.connection_limiter.evicted) == (1, 2)
        for one in first[2:]:
            await healthy(*one)


def test_a_crowd_counts_and_forgets():
    crowd = ConnectionLimiter(max_connections=4, max_connections_per_client=3)
    dismissed: list[str] = []
    seats = [crowd.acquire("a") for _ in range(3)]
    assert crowd.acquire("a") is None
    for number, seat in enumerate(seats):
        assert seat is not None
        seat.close = lambda number=number: dismissed.append(number)
    assert crowd.acquire("b") is not None
    assert crowd.acquire("c") is not None, "the newcomer would have fewer than a has"
    assert dismissed == [0]
    assert len(crowd) == 4
    assert crowd.acquire("c") is None, "nobody has more than the newcomer would"
    for seat in seats:
        assert seat is not None
        crowd.release(seat)
        crowd.release(seat)
    assert len(crowd) == 2


@pytest.mark.parametrize(
    ("host", "known"),
    [("127.0.0.1", "127.0.0.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:10.0.0.1", "10.0.0.1"),
     ("fe80::1%eth0", "fe80::/64"), ("", "")],
)  # fmt: skip
def test_what_counts_as_one_address(host: str, known: str):
    assert client_key(host) == known


async def test_slow_visitors_are_ended_in_time(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """Nothing said, a request without end, and an answer that nobody takes: each has its time and no more."""
    monkeypatch.setattr(connection, "FIRST_BYTE_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_SECONDS", 0.6)
    monkeypatch.setattr(connection, "IDLE_TIMEOUT_SECONDS", 0.9)
    loop = asyncio.get_running_loop()
    async with opened(stage) as door:
        began = loop.time()
        assert await say(door.where) == b""
        assert 0.25 < loop.time() - began < 10
        began = loop.time()
        reader, writer = await asyncio.open_connection(*door.where)
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        assert 0.55 < loop.time() - began < 10
        writer.close()
        reader, writer = await asyncio.open_connection(*door.where)
        writer.write(GET)
        await reader.readuntil(b"healthy")
        began = loop.time()
        assert await reader.read() in {b"", b"\n"}
        assert 0.8 < loop.time() - began < 10, "between two requests there is more time"
        writer.close()
        assert len(door.door.connection_limiter) == 0


async def test_an_answer_that_nobody_takes_is_not_kept_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_SECONDS", 0.5)

    async def large() -> list[bytes]:
        return [b"x" * 8_000_000]

    stage.exposition.render = large  # type: ignore[method-assign] - more than any buffer takes
    async with opened(stage) as door:
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)  # noqa: FBT003 - its only argument
            loop = asyncio.get_running_loop()
            await loop.sock_connect(one, door.where)
            await loop.sock_sendall(one, b"GET /metrics HTTP/1.1\r\nHost: m\r\n\r\n")
            for wanted in (1, 0):
                async with asyncio.timeout(20.0):
                    while len(door.door.connection_limiter) != wanted:  # noqa: ASYNC110 - the door has no event for it
                        await asyncio.sleep(0.01)
        assert len(door.door.connection_limiter) == 0


async def test_who_never_shakes_hands_is_ended(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("monitor.web.server.listener.TLS_HANDSHAKE_TIMEOUT_SECONDS", 0.3)
    CertificateAuthority(tmp_path / "tls").issue(["localhost"])
    async with opened(stage, tls=pem(tmp_path / "tls")) as door:
        assert await say(door.where) == b""
        assert len(door.door.connection_limiter) == 0


@pytest.mark.parametrize(
    ("listen", "said"),
    [("127.0.0.1:1", False), ("[::1]:1", False), ("localhost:1", False), ("0.0.0.0:1", True), ("[::]:1", True),
     ("192.0.2.1:1", True), ("monitor.example:1", True)],
)  # fmt: skip
def test_an_open_door_to_others_is_told(capsys: pytest.CaptureFixture[str], listen: str, *, said: bool):
    door = WebSecurity(WebBlock(), Clock())
    door.warn_if_exposed(listen)
    assert ("web_open_to_others" in capsys.readouterr().out) is said
