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
from probes.browser.device_profiles import PROFILES
from probes.browser.page_load import Load
from probes.browser.process_tree import (
    PROC,
    adopt_orphans,
    descendants,
    end_below,
    memory_of,
    step_back,
    step_back_below,
)
from probes.browser.protocol import LOOPBACK, Answer, Order
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, Page

GLUTTON_EVERY = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FAREWELL = 60.0
"""How long to wait for the end of all that was started here: whoever still lives writes into what is being removed."""
_PAUSE = 0.01


class Renderer:
    """One browser and the loads made with it, one after the other."""

    def __init__(self, playwright: Playwright, executable: Path, scratch: Path) -> None:
        self._playwright = playwright
        self._executable = executable
        self._scratch = scratch
        self._browser: Browser | None = None
        self._bench: Page | None = None
        self._wish = chromium.Wish()

    async def serve(self, order: Order, trusted: tuple[str, ...]) -> Answer:
        """Make one load. Never raises: what we got wrong ourselves is on the log and makes the look void."""
        try:
            return await self._serve(order, trusted)
        except Error as error:
            said = (str(error).strip().splitlines() or ["?"])[0]
            return Answer(fault=Fault.PROBER, detail=f"the browser failed: {said}"[:300], spoiled=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the slot gets its outcome
            traceback.print_exc()
            return Answer(fault=Fault.PROBER, detail=f"{type(error).__name__} in the probe itself", spoiled=True)

    async def _serve(self, order: Order, trusted: tuple[str, ...]) -> Answer:
        browser, bench = await self._ready(chromium.Wish(blocked=order.blocked, trusted=trusted))
        self._open_gate("\n".join(LOOPBACK))
        if order.prove and (complaint := await calibration.prove(browser, PROFILES[order.profile])):  # type: ignore[index]
            return Answer(fault=Fault.PROBER, detail=f"throttling takes no effect: {complaint}", spoiled=True)
        before = await calibration.benchmark(bench)
        if before < order.best * order.share:
            return self._overloaded(before, order)
        self._open_gate(order.gate())
        load = await self._load(browser, order)
        index = before
        try:
            index = min(before, await calibration.benchmark(bench))
        except Error:  # our own empty page is gone: what was seen before stands
            load.spoiled = True
        if index < order.best * order.share:
            return self._overloaded(index, order)
        return Answer(
            values=load.values | {"benchmark_index": index, "browser_version": browser.version},
            fault=load.failure.fault if load.failure else None,
            detail=load.failure.detail if load.failure else "",
            phase=load.phase,
            pictures=tuple(load.pictures),
            memory=memory_of(os.getpid()),
            proved=order.prove,
            spoiled=load.spoiled,
            fenced=egress_filter.holds(),
        )

    @staticmethod
    def _overloaded(index: float, order: Order) -> Answer:
        share = index / order.best
        return Answer(
            values={"benchmark_index": index},
            fault=Fault.PROBER,
            detail=f"this host is overloaded: {share:.0%} of its usual speed, {order.share:.0%} is needed",
        )

    async def _ready(self, wish: chromium.Wish) -> tuple[Browser, Page]:
        """The browser and an empty page in it; started anew when other hosts are to be blocked."""
        if self._browser is not None and wish != self._wish:
            await self._browser.close()
            self._browser = None
        if self._browser is None or self._bench is None:
            self._wish = wish
            self._browser = await self._playwright.chromium.launch(
                executable_path=self._executable,
                args=chromium.switches(wish),
                chromium_sandbox=chromium.sandboxed(),
                handle_sigint=False, handle_sigterm=False, handle_sighup=False,
                timeout=60_000,
            )  # fmt: skip
            step_back_below(os.getpid())
            self._bench = await (await self._browser.new_context()).new_page()
        return self._browser, self._bench

    def _open_gate(self, reach: str) -> None:
        """From now on this may be reached beside the Internet; the fence never sees half of it."""
        draft = self._scratch / f"{egress_filter.GATE}.new"
        draft.write_text(reach)
        draft.replace(self._scratch / egress_filter.GATE)

    async def _load(self, browser: Browser, order: Order) -> Load:
        load = Load(order, self._scratch)
        guard = asyncio.create_task(_watch_memory(order.memory, load.overfed), name="memory")
        try:
            await load.run(browser, browser.version)
        finally:
            guard.cancel()
        return load


async def _watch_memory(most: int, tell: Callable[[int], None]) -> None:
    """Kill a page's process that grows beyond ``most`` bytes: the machine has others to feed."""
    while True:
        await asyncio.sleep(GLUTTON_EVERY)
        for process in descendants(os.getpid()):
            with suppress(OSError, ValueError, IndexError):
                size = int((PROC / str(process) / "statm").read_text().split()[1]) * _PAGE
                if size > most and b"--type=renderer" in (PROC / str(process) / "cmdline").read_bytes():
                    tell(size)
                    os.kill(process, signal.SIGKILL)


def _listen(loop: asyncio.AbstractEventLoop, orders: asyncio.Queue[bytes], scratch: Path) -> None:
    """On a thread of its own, which a busy interpreter cannot hold up for long: hand in orders, and end with them."""
    for line in iter(sys.stdin.buffer.readline, b""):
        loop.call_soon_threadsafe(orders.put_nowait, line)
    end_below(os.getpid(), _FAREWELL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    end = time.monotonic() + _FAREWELL
    while scratch.exists() and time.monotonic() < end:  # the load that broke off may still write a file
        shutil.rmtree(scratch, ignore_errors=True)
        time.sleep(_PAUSE if scratch.exists() else 0.0)
    os._exit(0)


async def _main(scratch: Path, executable: Path, trusted: tuple[str, ...], say: Any) -> None:  # noqa: ANN401 - a file
    orders: asyncio.Queue[bytes] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_listen, args=(loop, orders, scratch), name="orders").start()
    async with async_playwright() as playwright:
        renderer = Renderer(playwright, executable, scratch)
        while True:
            order = Order.read(await orders.get())
            answer = await renderer.serve(order, trusted)
            say.write(answer.line())
            say.flush()


def main() -> None:
    """Take the way to the answers for ourselves, step back behind the light looks, and serve.

    However serving ends, the process lives until its orders do, which is when its thread for them has cleared up.
    """
    scratch, executable, niceness, *trusted = (*sys.argv[1:], *(["0"] if len(sys.argv) == 3 else []))  # noqa: PLR2004
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else speaks here does so on the log
    os.environ["TMPDIR"] = scratch
    adopt_orphans()
    step_back(int(niceness))
    try:
        asyncio.run(_main(Path(scratch), Path(executable), tuple(trusted), answers))
    finally:
        with suppress(BrokenPipeError):
            answers.close()  # to a daemon that lives this is the end


if __name__ == "__main__":
    main()
