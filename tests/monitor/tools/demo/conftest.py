"""Fixtures of the demo tests: a manual clock, a small fleet with it, and a client that trusts its authority."""

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest_asyncio

from monitor.tools.demo.fleet import DemoFleet

TIMEOUT_S = 0.5


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def fleet(tmp_path: Path, clock: Clock) -> AsyncIterator[DemoFleet]:
    """Twelve portals with every trait; a fleet second passes with each second of the manual clock."""
    async with DemoFleet(12, 7, 1.0, directory=tmp_path, clock=clock) as listening:
        yield listening


@pytest_asyncio.fixture
async def client(fleet: DemoFleet) -> AsyncIterator[aiohttp.ClientSession]:
    """A client that opens a new connection for each request and gives up after half a second."""
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=fleet.ca_file), force_close=True)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as one:
        yield one
