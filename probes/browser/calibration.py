"""Calibration: how fast this host is now (benchmark index), and whether throttling has an effect."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

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
"""Returns rounds of a fixed computation per millisecond: numbers and short texts, as scripts of pages do."""

BENCHMARK_MS = 60
"""Duration of one run; the better of two runs counts, since a disturbance can only lower the result."""

CPU_LOAD_SCRIPT = """(rounds) => {
  let mix = 1;
  for (let step = 0; step < rounds; step += 1) mix = Math.imul(mix ^ step, 0x5bd1e995);
  return mix;
}"""
CPU_LOAD_ROUNDS = 40_000_000
"""The calibration page's known CPU cost: tens of milliseconds unthrottled."""

DOWNLOAD_SCRIPT = """async () => {
  const start = performance.now();
  await (await fetch('/download', {cache: 'no-store'})).arrayBuffer();
  return (performance.now() - start) / 1000;
}"""
DOWNLOAD_BYTES = 60_000
"""The calibration page's known network cost, in bytes."""

MIN_EFFECT_RATIO = 0.6
"""Part of the requested slowdown that must be measured."""


async def measure_benchmark_index(page: Page) -> float:
    """Measure the current benchmark index on an empty page that is never throttled."""
    return max([float(await page.evaluate(BENCHMARK_SCRIPT, BENCHMARK_MS)) for _ in range(2)])


async def verify_throttling(browser: Browser, profile: DeviceProfile) -> str:
    """Load a page of known cost on *profile*; return what is wrong if throttling has no effect, else an empty string.

    The page comes from a server on loopback: a ``data:`` URL is not loaded over the network.
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
        await _cpu_load_seconds(page, session)  # the first run also compiles the script
        unthrottled = await _cpu_load_seconds(page, session)
        await throttle(session, profile.cpu_slowdown, profile.network)
        throttled = await _cpu_load_seconds(page, session)
        download_seconds = float(await page.evaluate(DOWNLOAD_SCRIPT))
    finally:
        await context.close()
        server.close()
    if throttled < MIN_EFFECT_RATIO * profile.cpu_slowdown * unthrottled:
        slowdown = throttled / unthrottled
        return f"the processor was slowed down {slowdown:.1f} times instead of {profile.cpu_slowdown:g} times"
    if profile.network is None:
        return ""
    expected = profile.network.latency_seconds + DOWNLOAD_BYTES / profile.network.download_bytes_per_second
    if download_seconds < MIN_EFFECT_RATIO * expected:
        return f"the network took {download_seconds:.2f} s instead of {expected:.2f} s"
    return ""


async def _cpu_load_seconds(page: Page, session: CDPSession) -> float:
    """Return CPU seconds of the page's main thread. Chromium throttles by spinning in it; a busy host has no effect."""

    async def thread_seconds() -> float:
        reply = await session.send("Performance.getMetrics")
        return float(next(metric["value"] for metric in reply["metrics"] if metric["name"] == "ThreadTime"))

    before = await thread_seconds()
    await page.evaluate(CPU_LOAD_SCRIPT, CPU_LOAD_ROUNDS)
    return await thread_seconds() - before


async def _serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        is_download = b"/download" in head.partition(b"\r\n")[0]
        body = bytes(DOWNLOAD_BYTES) if is_download else b"<!doctype html><title>calibration</title>"
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the browser closed the connection
    finally:
        writer.close()
