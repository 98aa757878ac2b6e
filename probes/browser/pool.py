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
from probes.browser.process_tree import PROC, end_heirs, end_tree, memory_left
from probes.browser.protocol import Answer
from probes.result import Failed, Fault, Picture

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from probes.browser.protocol import Order

log = structlog.get_logger(__name__)

SCRATCH = "portal-monitor-render-"
"""Scratch directories are called so, and then after the process that made them."""

LOG = "renderer.log"

START = 60.0
"""Seconds for Python, Playwright and Chromium to start on a busy machine, over and above a load's own time."""

FAREWELL = 20.0
"""How long (seconds) the end of a browser may take: more than five were seen on a machine that was busy otherwise."""

AFTERWARDS = 45.0
"""Seconds for what follows a load: the trace, the pictures, the benchmark, and the canary where it is due."""

_LONGEST_LINE = 64 * 2**20

_HARMLESS = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|DISPLAY|FONTCONFIG_.*|XDG_.*|PLAYWRIGHT_.*|PYTHON.*"
    r"|VIRTUAL_ENV|LD_LIBRARY_PATH|SSL_CERT_.*|PORTAL_MONITOR_CHROMIUM"
)
"""What a browser is told of our environment: secrets are in the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSettings:
    """What holds for every browser of this process. Sizes in bytes, times in seconds.

    ``chromium`` is the executable, found by itself when None. By ``niceness`` it leaves the processor to looks
    that time connections; where nobody else wants it this changes no figure. It is started only when ``memory`` is
    left, replaced after ``loads`` loads and when it has grown beyond ``growth``, and ended when idle for ``idle``. A
    load is void when the host's benchmark index falls below ``share`` of the best that was seen. Every ``canary``
    seconds a page of known cost has to show that throttling takes effect. ``reach`` are networks beside the Internet
    that pages may reach.
    """

    chromium: Path | None = None
    niceness: int = 10
    memory: int = 750_000_000
    loads: int = 50
    growth: int = 1_500_000_000
    idle: float = 900.0
    share: float = 0.4
    canary: float = 3600.0
    reach: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    """A renderer at work."""

    process: Process
    scratch: Path
    loads: int = 0
    growth: int = 0
    idle: asyncio.TimerHandle | None = None


@dataclass(slots=True)
class Browsers:
    """Takes orders for loads. Opens nothing before the first one; :meth:`close` ends whatever was opened."""

    settings: RenderSettings = field(default_factory=RenderSettings)
    ca_file: Path | None = None
    trace: Path | None = None
    """Where the next load's trace is written to, for a person who wants to open it in DevTools."""

    _free: list[_Running] = field(default_factory=list)
    _best: float = 0.0
    _proved: dict[str, float] = field(default_factory=dict)
    _complained: str = ""
    _swept: bool = False
    _unfenced: bool = False
    _ends: set[asyncio.Task[None]] = field(default_factory=set)

    def ready(self) -> str:
        """Empty when there is a browser to render with, else what is missing and how to get it; logged once."""
        try:
            chromium.find(self.settings.chromium)
        except chromium.Missing as error:
            if self._complained != str(error):
                self._complained = str(error)
                log.warning("render_unavailable", reason=str(error))
            return str(error)
        return ""

    async def render(self, order: Order) -> tuple[Answer, list[Picture]]:
        """Have a page loaded. Raises :class:`Failed` with :attr:`Fault.PROBER` when that cannot be done."""
        running = await self._take()
        good = False
        try:
            now = time.monotonic()
            proved = self._proved.get(order.profile)
            sent = replace(
                order,
                best=self._best,
                share=self.settings.share,
                reach=self.settings.reach + order.reach,
                prove=proved is None or now - proved >= self.settings.canary,
                trace=str(self.trace.absolute()) if self.trace else "",
            )
            answer = await self._ask(running, sent)
            pictures = await asyncio.to_thread(_pictures, running.scratch, answer)
            good = not answer.spoiled
            running.loads += 1
            running.growth = answer.memory
        finally:
            self._give_back(running, good=good)
        if answer.fault is None and not answer.fenced and not self._unfenced:
            self._unfenced = True
            log.warning("render_without_fence", reason="this kernel cannot keep pages from private addresses")
        self._best = max(self._best, float(answer.values.get("benchmark_index", 0.0)))
        if answer.proved:
            self._proved[order.profile] = time.monotonic()
        return answer, pictures

    async def close(self) -> None:
        """End every browser; returns when nothing of them is left."""
        while self._free:
            self._end(self._free.pop())
        while self._ends:
            await asyncio.wait(set(self._ends))

    async def _take(self) -> _Running:
        """A browser that waits for work, or a new one."""
        while self._free:
            running = self._free.pop()
            if running.idle is not None:
                running.idle.cancel()
            if running.process.returncode is None:
                return running
            self._end(running)
        return await self._start()

    def _give_back(self, running: _Running, *, good: bool) -> None:
        wanted = self.settings
        if not good or running.loads >= wanted.loads or running.growth > wanted.growth:
            self._end(running)
            return
        self._free.append(running)
        running.idle = asyncio.get_running_loop().call_later(wanted.idle, self._rest, running)

    def _rest(self, running: _Running) -> None:
        """Nobody wanted this browser for a long time: its memory is better used."""
        if running in self._free:
            self._free.remove(running)
            self._end(running)

    async def _start(self) -> _Running:
        if missing := self.ready():
            raise Failed(Fault.PROBER, missing)
        left = memory_left()
        if left < self.settings.memory:
            detail = f"{left / 1e6:.0f} MB of memory are left, a browser needs {self.settings.memory / 1e6:.0f} MB"
            raise Failed(Fault.PROBER, detail)
        if not self._swept:
            self._swept = True
            await asyncio.to_thread(sweep)
            if not chromium.sandboxed():
                log.warning("render_without_sandbox", reason="this process belongs to root")
        scratch = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
        executable = chromium.find(self.settings.chromium)
        places = (str(scratch), str(executable), str(self.settings.niceness))
        fenced = ("-E", "-s", "-S", "-m", egress_filter.__name__, str(scratch / egress_filter.GATE), sys.executable)
        words = (*fenced, "-m", "probes.browser.worker", *places, *_trusted(self.ca_file))
        with (scratch / LOG).open("wb") as diary:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *words),
                cwd=Path(__file__).parents[2],  # where "probes" is found, installed or not
                env={name: value for name, value in os.environ.items() if _HARMLESS.fullmatch(name)},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=diary,
                limit=_LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is for the daemon, which then ends this in order
            )
        return _Running(process=process, scratch=scratch)

    async def _ask(self, running: _Running, order: Order) -> Answer:
        process = running.process
        assert process.stdin is not None  # noqa: S101 - opened so above
        assert process.stdout is not None  # noqa: S101 - the same
        patience = order.timeout + AFTERWARDS + (START if running.loads == 0 else 0.0)
        try:
            async with asyncio.timeout(patience):
                process.stdin.write(order.line())
                await process.stdin.drain()
                line = await process.stdout.readline()
        except TimeoutError:
            raise Failed(Fault.PROBER, f"the browser did not answer within {patience:g} s and was ended") from None
        except (OSError, ValueError) as error:
            raise Failed(Fault.PROBER, f"the renderer broke off: {type(error).__name__}") from None
        if not line:
            raise Failed(Fault.PROBER, "the renderer died during the look")
        return Answer.read(line)

    def _end(self, running: _Running) -> None:
        """Kill a browser with everything below it and remove what it wrote; goes on while others look."""
        if running.idle is not None:
            running.idle.cancel()
        task = asyncio.get_running_loop().create_task(_end(running), name="end of a browser")
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)


async def _end(running: _Running) -> None:
    process = running.process
    if process.returncode is None:
        gone = await asyncio.to_thread(end_tree, process.pid, FAREWELL)
        if not gone:
            log.error("render_processes_remain", renderer=process.pid)
    await process.wait()
    if process.stdin is not None:
        process.stdin.close()
    await asyncio.to_thread(_clear, running.scratch)


def _clear(scratch: Path) -> None:
    """Remove what a browser wrote, once nobody of its kin is left to write more."""
    if not end_heirs(scratch, FAREWELL):
        log.error("render_processes_remain", scratch=scratch.name)
    shutil.rmtree(scratch, ignore_errors=True)


def _pictures(scratch: Path, answer: Answer) -> list[Picture]:
    """The pictures of an answer, read from where the renderer left them, which is then free again."""
    found = []
    for shown in answer.pictures:
        path = scratch / shown.file
        found.append(Picture(at=shown.at, type=shown.type, body=path.read_bytes(), print=shown.print))
        path.unlink()
    return found


def sweep() -> None:
    """Remove the scratch directories of daemons of this user that died without a word, and so did their renderers."""
    for path in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        owner = re.match(rf"{SCRATCH}(\d+)-", path.name)
        with suppress(OSError):
            if owner and path.stat().st_uid == os.geteuid() and not (PROC / owner[1]).exists():
                shutil.rmtree(path, ignore_errors=True)


def _trusted(ca_file: Path | None) -> list[str]:
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
