"""Whether figures can be believed: how fast this host is right now, and whether throttling really takes effect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from probes.browser.throttling import throttle

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

    from probes.browser.device_profiles import DeviceProfile

BENCHMARK_SCRIPT = """(milliseconds) => {
  const words = [], end = performance.now() + milliseconds;
  let mix = 1, rounds = 0;
  do {
    for (let step = 0; step < 1000; step += 1) mix = Math.imul(mix ^ step, 0x5bd1e995);
    words.push(mix.toString(36));
    rounds += 1;
  } while (performance.now() < end);
  return rounds / milliseconds;
}"""
"""Rounds of a fixed computation in a millisecond: numbers and short texts, as scripts of pages do."""

BENCHMARK_MS = 60
"""How long one count lasts; the better of two counts, since a count can only be disturbed downwards."""

CPU_LOAD_SCRIPT = """(rounds) => {
  let mix = 1;
  for (let step = 0; step < rounds; step += 1) mix = Math.imul(mix ^ step, 0x5bd1e995);
  return mix;
}"""
CPU_LOAD_ROUNDS = 40_000_000
"""The canary's known cost to the processor: tens of milliseconds unthrottled."""

DOWNLOAD_SCRIPT = """async () => {
  const start = performance.now();
  await (await fetch('/weight', {cache: 'no-store'})).arrayBuffer();
  return (performance.now() - start) / 1000;
}"""
DOWNLOAD_BYTES = 60_000
"""The canary's known cost to the network, in bytes."""

MIN_EFFECT_RATIO = 0.6
"""Part of the slowdown asked for that must be seen."""


async def measure_benchmark_index(page: Page) -> float:
    """The benchmark index of this moment, on an empty page that is never throttled."""
    return max([float(await page.evaluate(BENCHMARK_SCRIPT, BENCHMARK_MS)) for _ in range(2)])


async def verify_throttling(browser: Browser, profile: DeviceProfile) -> str:
    """Load a page of known cost on ``profile``; a sentence when throttling took no effect, else nothing.

    The page comes from a server of our own on loopback: what a ``data:`` address holds never meets the network.
    """
    if profile.cpu_slowdown == 1.0 and profile.network is None:
        return ""
    server = await asyncio.start_server(_serve_page, "127.0.0.1", 0)
    context = await browser.new_context()
    try:
        page = await context.new_page()
        await page.goto(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        session = await context.new_cdp_session(page)
        await session.send("Performance.enable")
        await _cpu_load_seconds(page, session)  # until it is compiled it costs more
        free = await _cpu_load_seconds(page, session)
        await throttle(session, profile.cpu_slowdown, profile.network)
        slowed = await _cpu_load_seconds(page, session)
        took = float(await page.evaluate(DOWNLOAD_SCRIPT))
    finally:
        await context.close()
        server.close()
    if slowed < MIN_EFFECT_RATIO * profile.cpu_slowdown * free:
        return f"the processor was slowed down {slowed / free:.1f} times instead of {profile.cpu_slowdown:g} times"
    least = (
        MIN_EFFECT_RATIO
        * (profile.network.latency_seconds + DOWNLOAD_BYTES / profile.network.download_bytes_per_second)
        if profile.network
        else 0.0
    )
    return f"the network took {took:.2f} s instead of {least / MIN_EFFECT_RATIO:.2f} s" if took < least else ""


async def _cpu_load_seconds(page: Page, session: CDPSession) -> float:
    """Seconds of the page's main thread. Chromium slows it down by spinning in it; a busy host does not disturb it."""

    async def thread_seconds() -> float:
        told = await session.send("Performance.getMetrics")
        return float(next(one["value"] for one in told["metrics"] if one["name"] == "ThreadTime"))

    before = await thread_seconds()
    await page.evaluate(CPU_LOAD_SCRIPT, CPU_LOAD_ROUNDS)
    return await thread_seconds() - before


async def _serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        body: Any = (
            bytes(DOWNLOAD_BYTES)
            if b"/weight" in head.partition(b"\r\n")[0]
            else b"<!doctype html><title>canary</title>"
        )
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the browser changed its mind
    finally:
        writer.close()
