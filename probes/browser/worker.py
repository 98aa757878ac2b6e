"""The process that renders: it owns Playwright and Chromium, takes the daemon's orders, and never outlives it.

``python -m probes.renderer SCRATCH CHROMIUM [NICENESS [KEY...]]``: orders come in as lines of JSON, answers go out the
same way; ``KEY`` are fingerprints of certificates to believe. When the orders end, because the daemon stopped or was
killed, everything below this process is killed and the scratch directory removed. A process of its own keeps the
daemon's interpreter free: a trace of some megabytes takes it a tenth of a second.
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

from probes.browser import calibration, chromium, egress_filter
from probes.browser.device_profiles import DEVICE_PROFILES
from probes.browser.page_load import PageLoad
from probes.browser.process_tree import (
    PROC,
    become_subreaper,
    descendants,
    kill_descendants,
    lower_priority,
    lower_session_priority,
    tree_memory_bytes,
)
from probes.browser.protocol import LOOPBACK_ADDRESSES, LoadRequest, LoadResponse
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, Page

MEMORY_CHECK_SECONDS = 0.5
_MEMORY_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SHUTDOWN_TIMEOUT_SECONDS = 60.0
"""How long to wait for the end of all that was started here: whoever still lives writes into what is being removed."""
_POLL_SECONDS = 0.01


class BrowserWorker:
    """One browser and the loads made with it, one after the other."""

    def __init__(self, playwright: Playwright, executable: Path, temp_dir: Path) -> None:
        self._playwright = playwright
        self._executable = executable
        self._temp_dir = temp_dir
        self._browser: Browser | None = None
        self._benchmark_page: Page | None = None
        self._launch_options = chromium.LaunchOptions()

    async def handle(self, request: LoadRequest, trusted_key_hashes: tuple[str, ...]) -> LoadResponse:
        """Make one load. Never raises: what we got wrong ourselves is on the log and makes the look void."""
        try:
            return await self._handle(request, trusted_key_hashes)
        except Error as error:
            said = (str(error).strip().splitlines() or ["?"])[0]
            return LoadResponse(fault=Fault.PROBER, detail=f"the browser failed: {said}"[:300], browser_broken=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the slot gets its outcome
            traceback.print_exc()
            return LoadResponse(
                fault=Fault.PROBER, detail=f"{type(error).__name__} in the probe itself", browser_broken=True
            )

    async def _handle(self, request: LoadRequest, trusted_key_hashes: tuple[str, ...]) -> LoadResponse:
        browser, bench = await self._ensure_browser(
            chromium.LaunchOptions(blocked_hosts=request.blocked_hosts, trusted_key_hashes=trusted_key_hashes)
        )
        self._write_allowed_networks("\n".join(LOOPBACK_ADDRESSES))
        profile = DEVICE_PROFILES[request.profile]  # type: ignore[index]
        if request.verify_throttling and (complaint := await calibration.verify_throttling(browser, profile)):
            return LoadResponse(
                fault=Fault.PROBER, detail=f"throttling takes no effect: {complaint}", browser_broken=True
            )
        before = await calibration.measure_benchmark_index(bench)
        if before < request.best_benchmark_index * request.min_speed_ratio:
            return self._overload_response(before, request)
        self._write_allowed_networks(request.egress_exceptions())
        load = await self._load_page(browser, request)
        index = before
        try:
            index = min(before, await calibration.measure_benchmark_index(bench))
        except Error:  # our own empty page is gone: what was seen before stands
            load.browser_broken = True
        if index < request.best_benchmark_index * request.min_speed_ratio:
            return self._overload_response(index, request)
        return LoadResponse(
            values=load.values | {"benchmark_index": index, "browser_version": browser.version},
            fault=load.failure.fault if load.failure else None,
            detail=load.failure.detail if load.failure else "",
            phase=load.phase,
            screenshots=tuple(load.screenshots),
            memory_bytes=tree_memory_bytes(os.getpid()),
            throttling_verified=request.verify_throttling,
            browser_broken=load.browser_broken,
            egress_filtered=egress_filter.is_active(),
        )

    @staticmethod
    def _overload_response(index: float, request: LoadRequest) -> LoadResponse:
        share = index / request.best_benchmark_index
        return LoadResponse(
            values={"benchmark_index": index},
            fault=Fault.PROBER,
            detail=f"this host is overloaded: {share:.0%} of its usual speed, {request.min_speed_ratio:.0%} is needed",
        )

    async def _ensure_browser(self, options: chromium.LaunchOptions) -> tuple[Browser, Page]:
        """The browser and an empty page in it; started anew when other hosts are to be blocked."""
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
            lower_session_priority(os.getpid())
            self._benchmark_page = await (await self._browser.new_context()).new_page()
        return self._browser, self._benchmark_page

    def _write_allowed_networks(self, allowed_networks: str) -> None:
        """From now on this may be reached beside the Internet; the fence never sees half of it."""
        draft = self._temp_dir / f"{egress_filter.ALLOWED_NETWORKS_FILE}.new"
        draft.write_text(allowed_networks)
        draft.replace(self._temp_dir / egress_filter.ALLOWED_NETWORKS_FILE)

    async def _load_page(self, browser: Browser, request: LoadRequest) -> PageLoad:
        load = PageLoad(request, self._temp_dir)
        guard = asyncio.create_task(
            _enforce_memory_limit(request.memory_limit_bytes, load.on_memory_limit_exceeded), name="memory"
        )
        try:
            await load.run(browser, browser.version)
        finally:
            guard.cancel()
        return load


async def _enforce_memory_limit(limit_bytes: int, on_exceeded: Callable[[int], None]) -> None:
    """Kill a page's process that grows beyond ``most`` bytes: the machine has others to feed."""
    while True:
        await asyncio.sleep(MEMORY_CHECK_SECONDS)
        for process in descendants(os.getpid()):
            with suppress(OSError, ValueError, IndexError):
                size = int((PROC / str(process) / "statm").read_text().split()[1]) * _MEMORY_PAGE_BYTES
                if size > limit_bytes and b"--type=renderer" in (PROC / str(process) / "cmdline").read_bytes():
                    on_exceeded(size)
                    os.kill(process, signal.SIGKILL)


def _read_requests(loop: asyncio.AbstractEventLoop, requests: asyncio.Queue[bytes], temp_dir: Path) -> None:
    """On a thread of its own, which a busy interpreter cannot hold up for long: hand in orders, and end with them."""
    for line in iter(sys.stdin.buffer.readline, b""):
        loop.call_soon_threadsafe(requests.put_nowait, line)
    kill_descendants(os.getpid(), _SHUTDOWN_TIMEOUT_SECONDS)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    end = time.monotonic() + _SHUTDOWN_TIMEOUT_SECONDS
    while temp_dir.exists() and time.monotonic() < end:  # the load that broke off may still write a file
        shutil.rmtree(temp_dir, ignore_errors=True)
        time.sleep(_POLL_SECONDS if temp_dir.exists() else 0.0)
    os._exit(0)


async def _serve(temp_dir: Path, executable: Path, trusted_key_hashes: tuple[str, ...], output: Any) -> None:  # noqa: ANN401 - a file
    orders: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_read_requests, args=(loop, orders, temp_dir), name="orders").start()
    async with async_playwright() as playwright:
        renderer = BrowserWorker(playwright, executable, temp_dir)
        while True:
            order = LoadRequest.from_json_line(await orders.get())
            answer = await renderer.handle(order, trusted_key_hashes)
            output.write(answer.to_json_line())
            output.flush()


def main() -> None:
    """Take the way to the answers for ourselves, step back behind the light looks, and serve.

    However serving ends, the process lives until its orders do, which is when its thread for them has cleared up.
    """
    scratch, executable, niceness, *trusted = (*sys.argv[1:], *(["0"] if len(sys.argv) == 3 else []))  # noqa: PLR2004
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else speaks here does so on the log
    os.environ["TMPDIR"] = scratch
    become_subreaper()
    lower_priority(int(niceness))
    try:
        asyncio.run(_serve(Path(scratch), Path(executable), tuple(trusted), answers))
    finally:
        with suppress(BrokenPipeError):
            answers.close()  # to a daemon that lives this is the end


if __name__ == "__main__":
    main()
