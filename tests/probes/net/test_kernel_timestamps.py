"""Delays of the event loop do not count as the portal's time: kernel timestamps date its packets."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from probes.net.dns_query import DnsQuery
from probes.net.kernel_timestamps import StreamTimestamps
from tests.servers.dns import NameServer, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

ProbeUrl = Any

WAIT, TRANSFER, STALL = 0.05, 0.05, 0.6
"""Seconds before the answer, between its head and its end, and in which our loop does something else."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server on a thread, which our loop cannot hold up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server,))
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def _serve(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(4096)
        time.sleep(WAIT)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n")
        time.sleep(TRANSFER)
        connection.sendall(b"hello")


async def test_a_loop_that_is_busy_when_the_connection_stands_takes_no_longer_to_connect(
    probe_url: ProbeUrl, port: int
) -> None:
    task = asyncio.create_task(probe_url(f"http://127.0.0.1:{port}/"))
    asyncio.get_running_loop().call_soon(time.sleep, STALL)  # the probe's first step has sent SYN
    phases = (await task).hops[0].phases
    assert phases["connect"] < STALL / 3
    assert phases["send"] == pytest.approx(STALL, abs=STALL / 3)


async def test_a_loop_that_is_busy_when_the_answer_comes_makes_it_no_later(probe_url: ProbeUrl, port: int) -> None:
    asyncio.get_running_loop().call_later(WAIT / 2, time.sleep, STALL)
    phases = (await probe_url(f"http://127.0.0.1:{port}/")).hops[0].phases
    assert WAIT <= phases["wait"] + phases["transfer"] < STALL / 2


def _send_request(port: int) -> tuple[socket.socket, StreamTimestamps, float]:
    """A socket on which a request was sent, and when."""
    sock = socket.socket()
    timestamps = StreamTimestamps(sock)
    sock.connect(("127.0.0.1", port))
    sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
    return sock, timestamps, time.perf_counter()


@pytest.mark.parametrize("step", [-3600.0, -0.2, 0.2, 3600.0])
def test_a_clock_that_is_set_meanwhile_dates_nothing(port: int, step: float, monkeypatch: pytest.MonkeyPatch) -> None:
    sock, timestamps, sent_at = _send_request(port)
    with sock:
        time.sleep(WAIT + TRANSFER + 0.3)
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + step)
        _, came = timestamps.read_into(memoryview(bytearray(4096)))
        now = time.perf_counter()
    assert sent_at + WAIT + TRANSFER + 0.3 <= came <= now


def test_bytes_came_when_the_kernel_had_them(port: int) -> None:
    sock, timestamps, sent_at = _send_request(port)
    with sock:
        time.sleep(WAIT + TRANSFER + 0.3)
        size, came = timestamps.read_into(memoryview(bytearray(4096)))
    assert size
    assert sent_at + WAIT + TRANSFER <= came < sent_at + WAIT + TRANSFER + 0.3


@pytest.fixture
def slow_names() -> Iterator[str]:
    """A name server on a thread, which answers after ``WAIT``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = NameServer(fallback=lambda _name, _kind: Reply(addresses=("127.0.0.1",), delay=WAIT))
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    yield server.address
    asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


async def test_a_loop_that_is_busy_when_a_name_server_answers_makes_it_no_later(slow_names: str) -> None:
    question = DnsQuery([slow_names], 2.0)
    asyncio.get_running_loop().call_later(WAIT / 2, time.sleep, STALL)
    assert await question.resolve("portal.test", socket.AF_INET) == ["127.0.0.1"]
    question.close()
    assert WAIT <= question.answered_at - question.sent_at < STALL / 2
