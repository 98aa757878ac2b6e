"""The pool of browsers of the daemon: started on demand, behind the egress filter, recycled, shut down as a tree.

The browser runs in its own process tree (``worker``): killing that tree leaves nothing behind, and when the daemon is
killed, the worker reads the end of its requests and cleans up by itself.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from probes.browser import chromium
from probes.browser.process_tree import available_memory_bytes
from probes.browser.protocol import LoadResponse
from probes.browser.worker_process import BrowserWorkerProcess, remove_leftovers, shut_down, start_worker
from probes.result import Fault, ProbeFailed, Screenshot

if TYPE_CHECKING:
    from pathlib import Path

    from probes.browser.protocol import LoadRequest

log = structlog.get_logger(__name__)

START_TIMEOUT_SECONDS = 60.0
"""Seconds for Python, Playwright and Chromium to start on a busy machine, in addition to a load's own timeout."""

POST_LOAD_TIMEOUT_SECONDS = 45.0
"""Seconds for the work after a load: the trace, the screenshots, the benchmark, and the calibration if it is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPoolSettings:
    """Hold the settings of all browsers of this process. Sizes are in bytes, times in seconds.

    ``executable`` None means that it is searched for. ``niceness`` leaves the processor to probes that time
    connections; without competing processes it changes no measured value. A browser is started only if
    ``min_free_memory_bytes`` are available, replaced after ``max_loads`` loads or above ``max_memory_bytes``, and shut
    down after ``idle_timeout_seconds`` without use. The outcome of a load is unknown when the host's benchmark index
    falls below ``min_speed_ratio`` of the best one measured. Every ``calibration_interval_seconds`` a page of known
    cost verifies that throttling has an effect. Pages may reach ``allowed_networks`` besides the Internet.
    """

    executable: Path | None = None
    niceness: int = 10
    min_free_memory_bytes: int = 750_000_000
    max_loads: int = 50
    max_memory_bytes: int = 1_500_000_000
    idle_timeout_seconds: float = 900.0
    min_speed_ratio: float = 0.4
    calibration_interval_seconds: float = 3600.0
    allowed_networks: tuple[str, ...] = ()


@dataclass(slots=True)
class BrowserPool:
    """Run load requests. Starts nothing before the first one; :meth:`close` ends whatever was started."""

    settings: BrowserPoolSettings = field(default_factory=BrowserPoolSettings)
    ca_file: Path | None = None
    trace_file: Path | None = None
    """Destination of the next load's trace, to open it in DevTools."""

    _idle_workers: list[BrowserWorkerProcess] = field(default_factory=list)
    _best_benchmark_index: float = 0.0
    _last_calibration: dict[str, float] = field(default_factory=dict)
    _logged_problem: str = ""
    _leftovers_removed: bool = False
    _unfiltered_logged: bool = False
    _shutdown_tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def unavailable_reason(self) -> str:
        """Return what is missing to run a browser and how to install it, else an empty string; logged once."""
        try:
            chromium.find_executable(self.settings.executable)
        except chromium.BrowserNotFound as error:
            if self._logged_problem != str(error):
                self._logged_problem = str(error)
                log.warning("browser_unavailable", reason=str(error))
            return str(error)
        return ""

    async def load(self, request: LoadRequest) -> tuple[LoadResponse, list[Screenshot]]:
        """Load a page. Raises :class:`ProbeFailed` with :attr:`Fault.INTERNAL_ERROR` when that is not possible."""
        worker = await self._acquire()
        reusable = False
        try:
            calibrated_at = self._last_calibration.get(request.profile, float("-inf"))
            interval = self.settings.calibration_interval_seconds
            request = replace(
                request,
                best_benchmark_index=self._best_benchmark_index,
                min_speed_ratio=self.settings.min_speed_ratio,
                allowed_networks=self.settings.allowed_networks + request.allowed_networks,
                verify_throttling=time.monotonic() - calibrated_at >= interval,
                trace_file=str(self.trace_file.absolute()) if self.trace_file else "",
            )
            response = await self._send_request(worker, request)
            screenshots = await asyncio.to_thread(_read_screenshots, worker.temp_dir, response)
            reusable = not response.browser_broken
            worker.loads += 1
            worker.memory_bytes = response.memory_bytes
        finally:
            self._release(worker, reusable=reusable)
        if response.fault is None and not response.egress_filtered and not self._unfiltered_logged:
            self._unfiltered_logged = True
            log.warning("browser_egress_unfiltered", reason="this kernel cannot keep pages from private addresses")
        self._best_benchmark_index = max(self._best_benchmark_index, float(response.values.get("benchmark_index", 0.0)))
        if response.throttling_verified:
            self._last_calibration[request.profile] = time.monotonic()
        return response, screenshots

    async def close(self) -> None:
        """Shut down every browser; return when no process of them is left."""
        while self._idle_workers:
            self._begin_shutdown(self._idle_workers.pop())
        while self._shutdown_tasks:
            await asyncio.wait(set(self._shutdown_tasks))

    async def _acquire(self) -> BrowserWorkerProcess:
        """Return an idle worker, or a new one."""
        while self._idle_workers:
            worker = self._idle_workers.pop()
            if worker.idle_timer is not None:
                worker.idle_timer.cancel()
            if worker.process.returncode is None:
                return worker
            self._begin_shutdown(worker)
        return await self._start_worker()

    def _release(self, worker: BrowserWorkerProcess, *, reusable: bool) -> None:
        settings = self.settings
        if not reusable or worker.loads >= settings.max_loads or worker.memory_bytes > settings.max_memory_bytes:
            self._begin_shutdown(worker)
            return
        self._idle_workers.append(worker)
        worker.idle_timer = asyncio.get_running_loop().call_later(settings.idle_timeout_seconds, self._end_idle, worker)

    def _end_idle(self, worker: BrowserWorkerProcess) -> None:
        """Shut down a browser that was idle for too long, to free its memory."""
        if worker in self._idle_workers:
            self._idle_workers.remove(worker)
            self._begin_shutdown(worker)

    async def _start_worker(self) -> BrowserWorkerProcess:
        if reason := self.unavailable_reason():
            raise ProbeFailed(Fault.INTERNAL_ERROR, reason)
        available = available_memory_bytes()
        needed = self.settings.min_free_memory_bytes
        if available < needed:
            detail = f"{available / 1e6:.0f} MB of memory available, a browser needs {needed / 1e6:.0f} MB"
            raise ProbeFailed(Fault.INTERNAL_ERROR, detail)
        if not self._leftovers_removed:
            self._leftovers_removed = True
            await asyncio.to_thread(remove_leftovers)
            if not chromium.uses_sandbox():
                log.warning("browser_sandbox_disabled", reason="this process belongs to root")
        executable = chromium.find_executable(self.settings.executable)
        return await start_worker(executable, self.settings.niceness, self.ca_file)

    async def _send_request(self, worker: BrowserWorkerProcess, request: LoadRequest) -> LoadResponse:
        process = worker.process
        assert process.stdin is not None  # noqa: S101 - opened by start_worker
        assert process.stdout is not None  # noqa: S101 - the same
        timeout = request.timeout_seconds + POST_LOAD_TIMEOUT_SECONDS
        timeout += START_TIMEOUT_SECONDS if worker.loads == 0 else 0.0
        try:
            async with asyncio.timeout(timeout):
                process.stdin.write(request.to_json_line())
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            detail = f"the browser worker did not respond within {timeout:g} s and was killed"
            raise ProbeFailed(Fault.INTERNAL_ERROR, detail) from None
        except (OSError, ValueError) as error:
            detail = f"connection to the browser worker lost: {type(error).__name__}"
            raise ProbeFailed(Fault.INTERNAL_ERROR, detail) from None
        if not line:
            raise ProbeFailed(Fault.INTERNAL_ERROR, "the browser worker exited during the probe")
        return LoadResponse.from_json_line(line)

    def _begin_shutdown(self, worker: BrowserWorkerProcess) -> None:
        """Shut down a worker in the background, while other probes run."""
        if worker.idle_timer is not None:
            worker.idle_timer.cancel()
        task = asyncio.get_running_loop().create_task(shut_down(worker), name="end of a browser")
        self._shutdown_tasks.add(task)
        task.add_done_callback(self._shutdown_tasks.discard)


def _read_screenshots(temp_dir: Path, response: LoadResponse) -> list[Screenshot]:
    """Read the screenshots of a response from the worker's temporary directory and delete their files."""
    screenshots = []
    for entry in response.screenshots:
        path = temp_dir / entry.file
        screenshots.append(Screenshot(entry.at_seconds, entry.content_type, path.read_bytes(), entry.fingerprint))
        path.unlink()
    return screenshots
