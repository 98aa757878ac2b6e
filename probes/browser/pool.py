"""The life of the browser as the daemon sees it: started when needed, gated, recycled, and ended as a tree; no orphans.

The browser itself belongs to a process of its own (``renderer``): killing what descends from it leaves nothing behind,
and when the daemon dies without a word the renderer hears the end of its orders and cleans up by itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.browser import chromium, egress_filter
from probes.browser.process_tree import PROC, available_memory_bytes, kill_orphans, kill_tree
from probes.browser.protocol import LoadResponse
from probes.result import Fault, ProbeFailed, Screenshot

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from probes.browser.protocol import LoadRequest

log = structlog.get_logger(__name__)

TEMP_DIR_PREFIX = "portal-monitor-render-"
"""Scratch directories are called so, and then after the process that made them."""

WORKER_LOG = "renderer.log"

START_TIMEOUT_SECONDS = 60.0
"""Seconds for Python, Playwright and Chromium to start on a busy machine, over and above a load's own time."""

SHUTDOWN_TIMEOUT_SECONDS = 20.0
"""How long (seconds) the end of a browser may take: more than five were seen on a machine that was busy otherwise."""

POST_LOAD_TIMEOUT_SECONDS = 45.0
"""Seconds for what follows a load: the trace, the pictures, the benchmark, and the canary where it is due."""

_MAX_LINE_BYTES = 64 * 2**20

_ALLOWED_ENVIRONMENT = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|DISPLAY|FONTCONFIG_.*|XDG_.*|PLAYWRIGHT_.*|PYTHON.*"
    r"|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_.*|PORTAL_MONITOR_CHROMIUM"
)
"""What a browser is told of our environment: secrets are in the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPoolSettings:
    """What holds for every browser of this process. Sizes in bytes, times in seconds.

    ``chromium`` is the executable, found by itself when None. By ``niceness`` it leaves the processor to looks
    that time connections; where nobody else wants it this changes no figure. It is started only when ``memory`` is
    left, replaced after ``loads`` loads and when it has grown beyond ``growth``, and ended when idle for ``idle``. A
    load is void when the host's benchmark index falls below ``share`` of the best that was seen. Every ``canary``
    seconds a page of known cost has to show that throttling takes effect. ``reach`` are networks beside the Internet
    that pages may reach.
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
class _WorkerProcess:
    """A renderer at work."""

    process: Process
    temp_dir: Path
    loads: int = 0
    memory_bytes: int = 0
    idle_timer: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class BrowserPool:
    """Takes orders for loads. Opens nothing before the first one; :meth:`close` ends whatever was opened."""

    settings: BrowserPoolSettings = field(default_factory=BrowserPoolSettings)
    ca_file: Path | None = None
    trace_file: Path | None = None
    """Where the next load's trace is written to, for a person who wants to open it in DevTools."""

    _idle_workers: list[_WorkerProcess] = field(default_factory=list)
    _best_benchmark_index: float = 0.0
    _last_calibration: dict[str, float] = field(default_factory=dict)
    _logged_problem: str = ""
    _leftovers_removed: bool = False
    _unfiltered_logged: bool = False
    _shutdown_tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def unavailable_reason(self) -> str:
        """Empty when there is a browser to render with, else what is missing and how to get it; logged once."""
        try:
            chromium.find_executable(self.settings.executable)
        except chromium.BrowserNotFound as error:
            if self._logged_problem != str(error):
                self._logged_problem = str(error)
                log.warning("render_unavailable", reason=str(error))
            return str(error)
        return ""

    async def load(self, request: LoadRequest) -> tuple[LoadResponse, list[Screenshot]]:
        """Have a page loaded. Raises :class:`Failed` with :attr:`Fault.PROBER` when that cannot be done."""
        running = await self._acquire()
        good = False
        try:
            now = time.monotonic()
            proved = self._last_calibration.get(request.profile)
            sent = replace(
                request,
                best_benchmark_index=self._best_benchmark_index,
                min_speed_ratio=self.settings.min_speed_ratio,
                allowed_networks=self.settings.allowed_networks + request.allowed_networks,
                verify_throttling=proved is None or now - proved >= self.settings.calibration_interval_seconds,
                trace_file=str(self.trace_file.absolute()) if self.trace_file else "",
            )
            answer = await self._send_request(running, sent)
            pictures = await asyncio.to_thread(_read_screenshots, running.temp_dir, answer)
            good = not answer.browser_broken
            running.loads += 1
            running.memory_bytes = answer.memory_bytes
        finally:
            self._release(running, reusable=good)
        if answer.fault is None and not answer.egress_filtered and not self._unfiltered_logged:
            self._unfiltered_logged = True
            log.warning("render_without_fence", reason="this kernel cannot keep pages from private addresses")
        self._best_benchmark_index = max(self._best_benchmark_index, float(answer.values.get("benchmark_index", 0.0)))
        if answer.throttling_verified:
            self._last_calibration[request.profile] = time.monotonic()
        return answer, pictures

    async def close(self) -> None:
        """End every browser; returns when nothing of them is left."""
        while self._idle_workers:
            self._begin_shutdown(self._idle_workers.pop())
        while self._shutdown_tasks:
            await asyncio.wait(set(self._shutdown_tasks))

    async def _acquire(self) -> _WorkerProcess:
        """A browser that waits for work, or a new one."""
        while self._idle_workers:
            running = self._idle_workers.pop()
            if running.idle_timer is not None:
                running.idle_timer.cancel()
            if running.process.returncode is None:
                return running
            self._begin_shutdown(running)
        return await self._start_worker()

    def _release(self, worker: _WorkerProcess, *, reusable: bool) -> None:
        wanted = self.settings
        if not reusable or worker.loads >= wanted.max_loads or worker.memory_bytes > wanted.max_memory_bytes:
            self._begin_shutdown(worker)
            return
        self._idle_workers.append(worker)
        worker.idle_timer = asyncio.get_running_loop().call_later(wanted.idle_timeout_seconds, self._end_idle, worker)

    def _end_idle(self, worker: _WorkerProcess) -> None:
        """Nobody wanted this browser for a long time: its memory is better used."""
        if worker in self._idle_workers:
            self._idle_workers.remove(worker)
            self._begin_shutdown(worker)

    async def _start_worker(self) -> _WorkerProcess:
        if missing := self.unavailable_reason():
            raise ProbeFailed(Fault.PROBER, missing)
        left = available_memory_bytes()
        if left < self.settings.min_free_memory_bytes:
            detail = f"{left / 1e6:.0f} MB of memory are left, a browser needs {self.settings.min_free_memory_bytes / 1e6:.0f} MB"
            raise ProbeFailed(Fault.PROBER, detail)
        if not self._leftovers_removed:
            self._leftovers_removed = True
            await asyncio.to_thread(remove_leftovers)
            if not chromium.uses_sandbox():
                log.warning("render_without_sandbox", reason="this process belongs to root")
        scratch = Path(tempfile.mkdtemp(prefix=f"{TEMP_DIR_PREFIX}{os.getpid()}-"))
        executable = chromium.find_executable(self.settings.executable)
        places = (str(scratch), str(executable), str(self.settings.niceness))
        fenced = (
            "-E",
            "-s",
            "-S",
            "-m",
            egress_filter.__name__,
            str(scratch / egress_filter.ALLOWED_NETWORKS_FILE),
            sys.executable,
        )
        words = (*fenced, "-m", "probes.browser.worker", *places, *_trusted_key_hashes(self.ca_file))
        with (scratch / WORKER_LOG).open("wb") as diary:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *words),
                cwd=Path(__file__).parents[2],  # where "probes" is found, installed or not
                env={name: value for name, value in os.environ.items() if _ALLOWED_ENVIRONMENT.fullmatch(name)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=diary,
                limit=_MAX_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is for the daemon, which then ends this in order
            )
        return _WorkerProcess(process=process, temp_dir=scratch)

    async def _send_request(self, worker: _WorkerProcess, request: LoadRequest) -> LoadResponse:
        process = worker.process
        assert process.stdin is not None  # noqa: S101 - opened so above
        assert process.stdout is not None  # noqa: S101 - the same
        patience = (
            request.timeout_seconds + POST_LOAD_TIMEOUT_SECONDS + (START_TIMEOUT_SECONDS if worker.loads == 0 else 0.0)
        )
        try:
            async with asyncio.timeout(patience):
                process.stdin.write(request.to_json_line())
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            raise ProbeFailed(Fault.PROBER, f"the browser did not answer within {patience:g} s and was ended") from None
        except (OSError, ValueError) as error:
            raise ProbeFailed(Fault.PROBER, f"the renderer broke off: {type(error).__name__}") from None
        if not line:
            raise ProbeFailed(Fault.PROBER, "the renderer died during the look")
        return LoadResponse.from_json_line(line)

    def _begin_shutdown(self, worker: _WorkerProcess) -> None:
        """Kill a browser with everything below it and remove what it wrote; goes on while others look."""
        if worker.idle_timer is not None:
            worker.idle_timer.cancel()
        task = asyncio.get_running_loop().create_task(_shut_down(worker), name="end of a browser")
        self._shutdown_tasks.add(task)
        task.add_done_callback(self._shutdown_tasks.discard)


async def _shut_down(worker: _WorkerProcess) -> None:
    process = worker.process
    if process.returncode is None:
        gone = await asyncio.to_thread(kill_tree, process.pid, SHUTDOWN_TIMEOUT_SECONDS)
        if not gone:
            log.error("render_processes_remain", renderer=process.pid)
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.to_thread(_remove_temp_dir, worker.temp_dir)


def _remove_temp_dir(temp_dir: Path) -> None:
    """Remove what a browser wrote, once nobody of its kin is left to write more."""
    if not kill_orphans(temp_dir, SHUTDOWN_TIMEOUT_SECONDS):
        log.error("render_processes_remain", scratch=temp_dir.name)
    shutil.rmtree(temp_dir, ignore_errors=True)


def _read_screenshots(temp_dir: Path, response: LoadResponse) -> list[Screenshot]:
    """The pictures of an answer, read from where the renderer left them, which is then free again."""
    found = []
    for shown in response.screenshots:
        path = temp_dir / shown.file
        found.append(
            Screenshot(
                at_seconds=shown.at_seconds,
                content_type=shown.content_type,
                body=path.read_bytes(),
                fingerprint=shown.fingerprint,
            )
        )
        path.unlink()
    return found


def remove_leftovers() -> None:
    """Remove the scratch directories of daemons of this user that died without a word, and so did their renderers."""
    for path in Path(tempfile.gettempdir()).glob(f"{TEMP_DIR_PREFIX}*"):
        owner = re.match(rf"{TEMP_DIR_PREFIX}(\d+)-", path.name)
        with suppress(OSError):
            if owner and path.stat().st_uid == os.geteuid() and not (PROC / owner[1]).exists():
                shutil.rmtree(path, ignore_errors=True)


def _trusted_key_hashes(ca_file: Path | None) -> list[str]:
    """Fingerprints (SHA-256 of the public key, in base64) of the further authorities; Chromium reads no such file.

    It believes a server one of whose certificates, as presented, has such a key.
    """
    if ca_file is None:
        return []
    keys = [
        one.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for one in x509.load_pem_x509_certificates(ca_file.read_bytes())
    ]
    return [base64.b64encode(hashlib.sha256(key).digest()).decode() for key in keys]
