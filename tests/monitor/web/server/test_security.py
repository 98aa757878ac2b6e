"""Web security: TLS and its renewal, connection limits, slow clients, and warnings about missing protection."""
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
from tests.monitor.web.server.servers import opened, send, statuses

GET = b"GET /-/healthy HTTP/1.1\r\nHost: m\r\n\r\n"


def pem(directory: Path, name: str = "localhost") -> dict[str, str]:
    """Certificate and key of a fresh server, in one file."""
    newest = max(directory.glob(f"*-{name}.pem"), key=str)
    return {"certificate": str(newest), "key": str(newest)}


async def test_over_tls_everything_is_as_over_http_and_old_versions_are_refused(stage: Stage, tmp_path: Path):
    authority = CertificateAuthority(tmp_path / "tls")
    authority.issue(["localhost"])
    async with opened(stage, tls=pem(tmp_path / "tls")) as server:
        trusting = ssl.create_default_context(cafile=str(authority.ca_file))
        async with aiohttp.ClientSession() as client, client.get(server.url, ssl=trusting) as answer:
            assert answer.status == 200
            assert "Cổng" in await answer.text()
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(*server.where, ssl=old)
        assert b"HTTP/1.1 200" not in await send(server.where, GET)
        listen = "{}:{}".format(*server.where)
        assert await asyncio.to_thread(request_health, listen, HEALTHY, 10.0) == (True, "healthy")


async def test_a_renewed_certificate_is_used_for_the_next_connection(stage: Stage, tmp_path: Path):
    authority = CertificateAuthority(tmp_path / "tls")
    authority.issue(["localhost"])
    files = pem(tmp_path / "tls")

    async def serial(where: tuple[str, int]) -> int:
        context = ssl.create_default_context(cafile=str(authority.ca_file))
        _, writer = await asyncio.open_connection(*where, ssl=context)
        shown = writer.get_extra_info("peercert")
        writer.close()
        return int(shown["serialNumber"], 16)

    async with opened(stage, tls=files) as server:
        first = await serial(server.where)
        authority.issue(["localhost"])
        Path(files["certificate"]).write_bytes(Path(pem(tmp_path / "tls")["certificate"]).read_bytes())
        assert await serial(server.where) == first
        server.security.reload(WebBlock(tls=files))
        second = await serial(server.where)
        assert second != first
        Path(files["certificate"]).write_text("nonsense")
        server.security.reload(WebBlock(tls=files))
        assert await serial(server.where) == second, "a file that went bad changes nothing"


async def test_at_the_limit_the_client_with_most_connections_loses_its_oldest(stage: Stage):
    """One client uses its limit; others still connect, and the oldest connections of the first are closed."""
    async with opened(stage, max_connections=8, max_connections_per_client=7) as server, AsyncExitStack() as stack:

        async def connect(source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection(*server.where, local_addr=(source, 0))
            stack.callback(writer.close)
            return reader, writer

        async def healthy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(GET)
            await reader.readuntil(b"healthy")

        first = [await connect("127.0.0.2") for _ in range(7)]
        await healthy(*first[-1])
        refused, _ = await connect("127.0.0.2")
        assert statuses(await refused.read()) == [503]
        for source in ("127.0.0.3", "127.0.0.3", "127.0.0.4"):
            await healthy(*await connect(source))
        gone = [await asyncio.wait_for(reader.read(), 10) for reader, _ in first[:2]]
        assert gone == [b"", b""], "the two oldest of the client with most connections"
        assert (server.security.connection_limiter.rejected, server.security.connection_limiter.evicted) == (1, 2)
        for one in first[2:]:
            await healthy(*one)


def test_the_limiter_counts_and_releases_connections():
    limiter = ConnectionLimiter(max_connections=4, max_connections_per_client=3)
    closed: list[str] = []
    connections = [limiter.acquire("a") for _ in range(3)]
    assert limiter.acquire("a") is None
    for number, one in enumerate(connections):
        assert one is not None
        one.close = lambda number=number: closed.append(number)
    assert limiter.acquire("b") is not None
    assert limiter.acquire("c") is not None, "the new client would have fewer than a has"
    assert closed == [0]
    assert len(limiter) == 4
    assert limiter.acquire("c") is None, "no client has more than the new one would"
    for one in connections:
        assert one is not None
        limiter.release(one)
        limiter.release(one)
    assert len(limiter) == 2


@pytest.mark.parametrize(
    ("host", "known"),
    [("127.0.0.1", "127.0.0.1"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("::ffff:10.0.0.1", "10.0.0.1"),
     ("fe80::1%eth0", "fe80::/64"), ("", "")],
)  # fmt: skip
def test_what_counts_as_one_address(host: str, known: str):
    assert client_key(host) == known


async def test_slow_clients_are_closed_in_time(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """Nothing sent, a request without end, and a response that is not read: each has its timeout."""
    monkeypatch.setattr(connection, "FIRST_BYTE_TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_SECONDS", 0.6)
    monkeypatch.setattr(connection, "IDLE_TIMEOUT_SECONDS", 0.9)
    loop = asyncio.get_running_loop()
    async with opened(stage) as server:
        began = loop.time()
        assert await send(server.where) == b""
        assert 0.25 < loop.time() - began < 10
        began = loop.time()
        reader, writer = await asyncio.open_connection(*server.where)
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        with suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        assert 0.55 < loop.time() - began < 10
        writer.close()
        reader, writer = await asyncio.open_connection(*server.where)
        writer.write(GET)
        await reader.readuntil(b"healthy")
        began = loop.time()
        assert await reader.read() in {b"", b"\n"}
        assert 0.8 < loop.time() - began < 10, "between two requests there is more time"
        writer.close()
        assert len(server.security.connection_limiter) == 0


async def test_a_response_that_the_client_does_not_read_is_not_kept_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_SECONDS", 0.5)

    async def large() -> list[bytes]:
        return [b"x" * 8_000_000]

    stage.exposition.render = large  # type: ignore[method-assign] - more than any buffer takes
    async with opened(stage) as server:
        with socket.socket() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.setblocking(False)  # noqa: FBT003 - its only argument
            loop = asyncio.get_running_loop()
            await loop.sock_connect(one, server.where)
            await loop.sock_sendall(one, b"GET /metrics HTTP/1.1\r\nHost: m\r\n\r\n")
            for wanted in (1, 0):
                async with asyncio.timeout(20.0):
                    while len(server.security.connection_limiter) != wanted:  # noqa: ASYNC110 - it has no event
                        await asyncio.sleep(0.01)
        assert len(server.security.connection_limiter) == 0


async def test_a_client_without_a_tls_handshake_is_closed(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("monitor.web.server.listener.TLS_HANDSHAKE_TIMEOUT_SECONDS", 0.3)
    CertificateAuthority(tmp_path / "tls").issue(["localhost"])
    async with opened(stage, tls=pem(tmp_path / "tls")) as server:
        assert await send(server.where) == b""
        assert len(server.security.connection_limiter) == 0


@pytest.mark.parametrize(
    ("listen", "logged"),
    [("127.0.0.1:1", False), ("[::1]:1", False), ("localhost:1", False), ("0.0.0.0:1", True), ("[::]:1", True),
     ("192.0.2.1:1", True), ("monitor.example:1", True)],
)  # fmt: skip
def test_a_listener_without_protection_is_logged(capsys: pytest.CaptureFixture[str], listen: str, *, logged: bool):
    server = WebSecurity(WebBlock(), Clock())
    server.warn_if_exposed(listen)
    assert ("web_unauthenticated" in capsys.readouterr().out) is logged
