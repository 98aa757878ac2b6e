"""The service manager's socket is a real one here: what is sent, in which order, and when nothing is."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.daemon.systemd import ServiceManager


class Listener:
    """The other end, as systemd has it."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(30.0)

    def received(self) -> list[str]:
        """The lines of the next datagram."""
        return self._socket.recv(4096).decode().split("\n")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    one = Listener(str(tmp_path / "notify"))
    yield one
    one.close()


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}


def test_the_life_of_a_service(tmp_path: Path, listener: Listener):
    manager = ServiceManager(environment(tmp_path))
    manager.ready("212 checks")
    assert listener.received() == ["READY=1", "STATUS=212 checks"]
    manager.reloading()
    first, second = listener.received()
    assert first == "RELOADING=1"
    assert second.removeprefix("MONOTONIC_USEC=").isdigit()
    manager.stopping()
    assert listener.received()[0] == "STOPPING=1"


def test_an_abstract_address_works_too():
    name = f"portal-monitor-test-{os.getpid()}"
    one = Listener(f"\0{name}")
    ServiceManager({"NOTIFY_SOCKET": f"@{name}"}).stopping()
    assert one.received()[0] == "STOPPING=1"
    one.close()


async def test_the_watchdog_is_fed_only_while_probes_complete(tmp_path: Path, listener: Listener):
    alive = True
    manager = ServiceManager(environment(tmp_path, WATCHDOG_USEC="60000", WATCHDOG_PID=str(os.getpid())))
    assert manager.watchdog_seconds == 0.06
    task = asyncio.create_task(manager.run_watchdog(lambda: alive, lambda: "well"))
    assert await asyncio.to_thread(listener.received) == ["WATCHDOG=1", "STATUS=well"]
    alive = False
    while "WATCHDOG=1" in await asyncio.to_thread(listener.received):
        pass
    assert await asyncio.to_thread(listener.received) == ["STATUS=well"]
    alive = True
    while "WATCHDOG=1" not in await asyncio.to_thread(listener.received):
        pass
    task.cancel()


@pytest.mark.parametrize(
    "given", [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "x"}, {"WATCHDOG_USEC": "5", "WATCHDOG_PID": "1"}]
)
def test_a_watchdog_that_does_not_mean_us_is_none(tmp_path: Path, given: dict[str, str]):
    assert ServiceManager(environment(tmp_path, **given)).watchdog_seconds is None


async def test_without_a_manager_nothing_is_sent():
    manager = ServiceManager({"WATCHDOG_USEC": "60000"})
    manager.ready("not received")
    await manager.run_watchdog(lambda: True, lambda: "not received")
    assert manager.watchdog_seconds is None, "a watchdog without a manager is not fed"


def test_a_manager_that_is_gone_is_ignored(tmp_path: Path):
    ServiceManager(environment(tmp_path)).ready("not received")
