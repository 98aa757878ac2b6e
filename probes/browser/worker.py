"""The browser worker process: owns Playwright and Chromium, runs the daemon's load requests, and never outlives it.

``python -m probes.browser.worker TEMP_DIR CHROMIUM [NICENESS [KEY...]]`` reads requests and writes responses as lines
of JSON; ``KEY`` are hashes of trusted public keys. When the requests end, because the daemon stopped or was killed, the
worker kills everything below this process and removes the temporary directory. A separate process keeps the daemon's
interpreter free: a trace of some megabytes takes a tenth of a second.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error, Playwright, async_playwright

from probes.browser import calibration, chromium, egress_filter, process_tree
from probes.browser.device_profiles import DEVICE_PROFILES
from probes.browser.page_load import PageLoad
from probes.browser.process_tree import PROC
from probes.browser.protocol import LOOPBACK_ADDRESSES, LoadRequest, LoadResponse
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, Page

MEMORY_CHECK_SECONDS = 0.5
_MEMORY_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SHUTDOWN_TIMEOUT_SECONDS = 60.0
"""Longest wait for the end of all child processes: a living one writes into the directory that is being removed."""
_POLL_SECONDS = 0.01


class BrowserWorker:
    """Own one browser and run loads with it, one after the other."""

    def __init__(self, playwright: Playwright, executable: Path, temp_dir: Path) -> None:
        self._playwright = playwright
        self._executable = executable
        self._temp_dir = temp_dir
        self._browser: Browser | None = None
        self._benchmark_page: Page | None = None
        self._launch_options = chromium.LaunchOptions()

    async def handle(self, request: LoadRequest, trusted_key_hashes: tuple[str, ...]) -> LoadResponse:
        """Run one load. Never raises: an internal error is logged, and the outcome is unknown."""
        try:
            return await self._handle(request, trusted_key_hashes)
        except Error as error:
            message = (str(error).strip().splitlines() or ["?"])[0]
            detail = f"the browser failed: {message}"[:300]
        except Exception as error:  # noqa: BLE001 - the slot gets its outcome after every error
            traceback.print_exc()
            detail = f"internal error in the probe: {type(error).__name__}"
        return LoadResponse(fault=Fault.INTERNAL_ERROR, detail=detail, browser_broken=True)

    async def _handle(self, request: LoadRequest, trusted_key_hashes: tuple[str, ...]) -> LoadResponse:
        options = chromium.LaunchOptions(blocked_hosts=request.blocked_hosts, trusted_key_hashes=trusted_key_hashes)
        browser, benchmark_page = await self._ensure_browser(options)
        self._write_allowed_networks("\n".join(LOOPBACK_ADDRESSES))
        profile = DEVICE_PROFILES[request.profile]  # type: ignore[index]
        if request.verify_throttling and (problem := await calibration.verify_throttling(browser, profile)):
            detail = f"throttling has no effect: {problem}"
            return LoadResponse(fault=Fault.INTERNAL_ERROR, detail=detail, browser_broken=True)
        before = await calibration.measure_benchmark_index(benchmark_page)
        if before < request.best_benchmark_index * request.min_speed_ratio:
            return self._overload_response(before, request)
        self._write_allowed_networks(request.egress_exceptions())
        load = await self._load_page(browser, request)
        index = before
        try:
            index = min(before, await calibration.measure_benchmark_index(benchmark_page))
        except Error:  # the benchmark page is gone: the value from before the load counts
            load.browser_broken = True
        if index < request.best_benchmark_index * request.min_speed_ratio:
            return self._overload_response(index, request)
        return LoadResponse(
            values=load.values | {"benchmark_index": index, "browser_version": browser.version},
            fault=load.failure.fault if load.failure else None,
            detail=load.failure.detail if load.failure else "",
            phase=load.phase,
            screenshots=tuple(load.screenshots),
            memory_bytes=process_tree.tree_memory_bytes(os.getpid()),
            throttling_verified=request.verify_throttling,
            browser_broken=load.browser_broken,
            egress_filtered=egress_filter.is_active(),
        )

    @staticmethod
    def _overload_response(index: float, request: LoadRequest) -> LoadResponse:
        share = index / request.best_benchmark_index
        return LoadResponse(
            values={"benchmark_index": index},
            fault=Fault.INTERNAL_ERROR,
            detail=f"this host is overloaded: {share:.0%} of its usual speed, {request.min_speed_ratio:.0%} is needed",
        )

    async def _ensure_browser(self, options: chromium.LaunchOptions) -> tuple[Browser, Page]:
        """Return the browser and its benchmark page; restart the browser if its options changed."""
        if self._browser is not None and options != self._launch_options:
            await self._browser.close()
            self._browser = None
        if self._browser is None or self._benchmark_page is None:
            self._launch_options = options
            self._browser = await self._playwright.chromium.launch(
                executable_path=self._executable,
                args=chromium.command_line_switches(options),
                chromium_sandbox=chromium.uses_sandbox(),
                handle_sigint=False, handle_sigterm=False, handle_sighup=False,
                timeout=60_000,
            )  # fmt: skip
            process_tree.lower_session_priority(os.getpid())
            self._benchmark_page = await (await self._browser.new_context()).new_page()
        return self._browser, self._benchmark_page

    def _write_allowed_networks(self, allowed_networks: str) -> None:
        """Replace the egress filter's exceptions atomically."""
        draft = self._temp_dir / f"{egress_filter.ALLOWED_NETWORKS_FILE}.new"
        draft.write_text(allowed_networks)
        draft.replace(self._temp_dir / egress_filter.ALLOWED_NETWORKS_FILE)

    async def _load_page(self, browser: Browser, request: LoadRequest) -> PageLoad:
        load = PageLoad(request, self._temp_dir)
        enforcement = _enforce_memory_limit(request.memory_limit_bytes, load.on_memory_limit_exceeded)
        monitor = asyncio.create_task(enforcement, name="memory")
        try:
            await load.run(browser, browser.version)
        finally:
            monitor.cancel()
        return load


async def _enforce_memory_limit(limit_bytes: int, on_exceeded: Callable[[int], None]) -> None:
    """Kill a page's process that grows beyond *limit_bytes*, to protect the other processes of this host."""
    while True:
        await asyncio.sleep(MEMORY_CHECK_SECONDS)
        for process in process_tree.descendants(os.getpid()):
            with suppress(OSError, ValueError, IndexError):
                size = int((PROC / str(process) / "statm").read_text().split()[1]) * _MEMORY_PAGE_BYTES
                if size > limit_bytes and b"--type=renderer" in (PROC / str(process) / "cmdline").read_bytes():
                    on_exceeded(size)
                    os.kill(process, signal.SIGKILL)


def _read_requests(loop: asyncio.AbstractEventLoop, requests: asyncio.Queue[bytes], temp_dir: Path) -> None:
    """Queue requests until they end, then clean up and exit. Runs on a thread, which a busy loop cannot delay long."""
    for line in iter(sys.stdin.buffer.readline, b""):
        loop.call_soon_threadsafe(requests.put_nowait, line)
    process_tree.kill_descendants(os.getpid(), _SHUTDOWN_TIMEOUT_SECONDS)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    end = time.monotonic() + _SHUTDOWN_TIMEOUT_SECONDS
    while temp_dir.exists() and time.monotonic() < end:  # the interrupted load may still write a file
        shutil.rmtree(temp_dir, ignore_errors=True)
        time.sleep(_POLL_SECONDS if temp_dir.exists() else 0.0)
    os._exit(0)


async def _serve(temp_dir: Path, executable: Path, trusted_key_hashes: tuple[str, ...], output: Any) -> None:  # noqa: ANN401 - a file
    requests: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read_requests, args=(loop, requests, temp_dir), name="requests").start()
    async with async_playwright() as playwright:
        worker = BrowserWorker(playwright, executable, temp_dir)
        while True:
            request = LoadRequest.from_json_line(await requests.get())
            response = await worker.handle(request, trusted_key_hashes)
            output.write(response.to_json_line())
            output.flush()


def main() -> None:
    """Reserve stdout for responses, lower the priority below HTTP probes, and serve.

    After serving ended in any way, the process lives until its requests end and the reading thread has cleaned up.
    """
    temp_dir, executable, niceness, *trusted = (*sys.argv[1:], *(["0"] if len(sys.argv) == 3 else []))  # noqa: PLR2004
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # other output goes to the log
    os.environ["TMPDIR"] = temp_dir
    process_tree.become_subreaper()
    process_tree.lower_priority(int(niceness))
    try:
        asyncio.run(_serve(Path(temp_dir), Path(executable), tuple(trusted), output))
    finally:
        with suppress(BrokenPipeError):
            output.close()  # a running daemon reads the end of the responses


if __name__ == "__main__":
    main()
