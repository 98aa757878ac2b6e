"""One load of one page in a context of its own: throttled, recorded until it is quiet, judged, photographed."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error

from probes.browser import filmstrip, mobile_friendliness, net_errors, page_complete
from probes.browser.device_profiles import PROFILES
from probes.browser.network_log import read_exchanges
from probes.browser.page_recorder import Watch
from probes.browser.page_weight import read_traffic
from probes.browser.protocol import Shown
from probes.browser.throttling import throttle
from probes.browser.trace_events import CATEGORIES, DEVTOOLS_CATEGORIES, NoNavigation, read_trace
from probes.browser.vitals import read_vitals
from probes.result import Failed, Fault

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from playwright.async_api import Browser, BrowserContext

    from probes.browser.protocol import Order
    from probes.browser.trace_events import Event
    from probes.result import Scalar

STEP = 10.0
"""Seconds for whatever a browser in good health does at once."""

POLL = 0.4
"""Seconds from one glance at the page to the next. A glance costs the page a millisecond."""

LARGEST_TRACE = 64_000_000
"""Compressed bytes of a trace that is read; a longer one is no page that anybody waits for."""

BAD_STATUS = 400
NARROW, USUAL = 360, 412
"""Widths in CSS pixels on which a page for phones must fit."""

NO_FORMS = """(() => {
  const still = () => {};
  HTMLFormElement.prototype.submit = still;
  HTMLFormElement.prototype.requestSubmit = still;
  addEventListener('submit', (event) => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
})()"""
"""Runs before the page's scripts: a look never submits a form, whatever the page wants."""

GLANCE = """(() => {
  const fcp = performance.getEntriesByName('first-contentful-paint')[0];
  return {fcp: fcp ? (performance.now() - fcp.startTime) / 1000 : null, ...SIGNS};
})()"""
"""Evaluated in the page: how many seconds ago it did what, and in how many its next timer is due."""


class Load:
    """A load and what it found. ``spoiled``: the browser did not do something that it always does."""

    def __init__(self, order: Order, scratch: Path) -> None:
        self.order = order
        self.profile = PROFILES[order.profile]  # type: ignore[index] # the probe's own keys
        self.values: dict[str, Scalar] = {}
        self.pictures: list[Shown] = []
        self.phase: str | None = None
        self.failure: Failed | None = None
        self.spoiled = False
        self._scratch = scratch

    async def run(self, browser: Browser, version: str) -> None:
        """Make the load. Whatever the page does ends up in ``failure``; raises only what is our own fault."""
        profile = self.profile
        context = await browser.new_context(
            viewport={"width": profile.width, "height": profile.height},
            device_scale_factor=profile.scale,
            is_mobile=profile.touch,
            has_touch=profile.touch,
            user_agent=f"{profile.agent.format(major=version.partition('.')[0])} {self.order.agent}",
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            accept_downloads=False,
        )
        self._watch = Watch(self.order)
        try:
            await self._prepare(context)
            await self._record()
            await self._look_around()
        finally:
            await self._watch.end()
            with suppress(Error):
                self.spoiled |= await self._within(context.close()) is None

    def overfed(self, size: int) -> None:
        """The page's process was ended because it took so many bytes."""
        self._watch.overfed = f"the page took {size / 1e6:.0f} MB of memory, more than {self.order.memory / 1e6:g} MB"

    async def _prepare(self, context: BrowserContext) -> None:
        await context.add_init_script(NO_FORMS)
        await context.add_init_script(page_complete.signs_script())
        self._page = await context.new_page()
        await self._page.goto("about:blank")  # its own first events would be taken for those of the page
        self._session = session = await context.new_cdp_session(self._page)
        await self._watch.begin(context, self._page, session)
        if self.order.blocked:
            patterns = [
                f"*://{host}{rest}"
                for name in self.order.blocked
                for host in (name, f"*.{name}")
                for rest in ("/*", ":*")
            ]
            await session.send("Network.setBlockedURLs", {"urls": patterns})
        await throttle(session, self.profile.slowdown, self.profile.network)

    async def _record(self) -> None:
        """Load the page and read what was recorded of it."""
        categories = DEVTOOLS_CATEGORIES if self.order.trace else CATEGORIES
        complete: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def told(end: dict[str, Any]) -> None:
            if not complete.done():
                complete.set_result(end)

        self._session.on("Tracing.tracingComplete", told)
        wish = {"recordMode": "recordUntilFull", "includedCategories": list(categories)}
        await self._session.send(
            "Tracing.start",
            {"transferMode": "ReturnAsStream", "streamCompression": "gzip", "traceConfig": wish},
        )
        self.failure = await self._visit()
        self.phase = self.phase if self.failure else None
        if self.failure is None or self.failure.fault is Fault.TIMEOUT:
            await self._read(complete)

    async def _visit(self) -> Failed | None:
        """Go there and wait until the page is quiet; why it failed, or None."""
        visit = asyncio.create_task(self._go(), name="visit")
        try:
            ends: set[asyncio.Future[Any]] = {visit, self._watch.failed}
            await asyncio.wait(ends, timeout=self.order.timeout, return_when=asyncio.FIRST_COMPLETED)
            if visit.done() and isinstance(visit.exception(), Error):  # a crash says why in the next moment
                await asyncio.wait({self._watch.failed}, timeout=1.0)
            if self._watch.failed.done():
                return self._watch.failed.result()
            return visit.result() if visit.done() else self._late()
        finally:
            visit.cancel()
            await asyncio.wait({visit})

    async def _go(self) -> Failed | None:
        self.phase = "navigate"
        told = await self._session.send("Page.navigate", {"url": self.order.url})
        if told.get("isDownload"):
            return Failed(Fault.NOT_RENDERED, "the address is a file to download, not a page")
        if text := told.get("errorText"):
            return net_errors.translate(str(text))
        self.phase = "load"
        status = self._watch.status
        if status is not None and status >= BAD_STATUS:
            await asyncio.sleep(POLL)  # for the picture of it
            return Failed(Fault.HTTP_STATUS, f"the page came with status {status}")
        while (left := page_complete.remaining(await self._sight())) != 0.0:  # noqa: ASYNC110 - a page has no such event
            await asyncio.sleep(POLL if left is None else min(left, POLL))
        return None

    def _late(self) -> Failed | None:
        """The time is over. A page that stands and only never rests is good; its figures are those up to here."""
        after = f"after {self.order.timeout:g} s"
        if self._watch.navigations == 0:
            return Failed(Fault.TIMEOUT, f"no page {after}")
        if self._glancing:
            return Failed(Fault.TIMEOUT, f"the page keeps the processor busy {after}")
        if self._watch.loaded is None:
            return Failed(Fault.TIMEOUT, f"still loading {after}, {len(self._watch.open)} requests are open")
        return None if self._painted else Failed(Fault.NOT_RENDERED, f"nothing was painted {after}")

    _glancing = False
    _painted = False

    async def _sight(self) -> page_complete.Sight:
        """What is known right now, all of it on our clock."""
        self._glancing = True
        try:
            seen = await self._evaluate(GLANCE.replace("SIGNS", page_complete.signs_now_script()))
        except Error:  # the page went elsewhere meanwhile
            seen = {}
        now = time.monotonic()
        self._glancing = False

        def at(name: str, sign: int = -1) -> float | None:
            seconds = seen.get(name)
            return None if seconds is None else now + sign * float(seconds)

        self._painted = at("fcp") is not None
        return page_complete.Sight(
            now=now, fcp=at("fcp"), dcl=self._watch.dcl, loaded=self._watch.loaded, network=self._watch.network,
            in_flight=len(self._watch.open), busy=at("busy"), painted=at("painted"), due=at("due", 1),
        )  # fmt: skip

    async def _evaluate(self, script: str, world: str = "") -> Any:  # noqa: ANN401 - JSON
        wish: dict[str, Any] = {"expression": script, "awaitPromise": True, "returnByValue": True}
        if world:
            made = await self._session.send(
                "Page.createIsolatedWorld", {"frameId": self._watch.frame, "worldName": world}
            )
            wish["contextId"] = made["executionContextId"]
        told = await self._session.send("Runtime.evaluate", wish)
        if "exceptionDetails" in told:
            raise Error("the page's own objects are in the way")
        return told["result"].get("value")

    async def _read(self, complete: asyncio.Future[dict[str, Any]]) -> None:
        """Metrics and film out of the trace, weights out of the recorded events."""
        await self._session.send("Tracing.end")
        told = await self._within(_first(complete))
        events = [] if told is None else await self._events(str(told["stream"]))
        self.spoiled |= told is None
        messages = self._watch.messages
        self._put(asdict(read_traffic(messages, self.order.url)))
        try:
            self._put(asdict(read_vitals(events, read_exchanges(messages))))
            shots = read_trace(events).shots
        except NoNavigation:
            shots = ()
        for number, shot in enumerate(filmstrip.strip(shots)):
            self._keep(f"{number:02}.jpg", "image/jpeg", shot.jpeg, at=shot.at)
        if self.failure is None and "fcp_seconds" not in self.values:
            self.failure = Failed(Fault.NOT_RENDERED, "nothing was painted")

    async def _events(self, stream: str) -> list[Event]:
        parts: list[bytes] = []
        size = 0
        while size < LARGEST_TRACE:
            told = await self._session.send("IO.read", {"handle": stream, "size": 1 << 20})
            data = str(told["data"])
            parts.append(base64.b64decode(data) if told.get("base64Encoded") else data.encode())
            size += len(parts[-1])
            if told["eof"]:
                break
        await self._session.send("IO.close", {"handle": stream})
        if size >= LARGEST_TRACE:
            return []
        text = gzip.decompress(b"".join(parts))
        if self.order.trace:
            Path(self.order.trace).write_bytes(text)  # noqa: ASYNC240 - nothing else goes on in this process
        found: list[Event] = json.loads(text)["traceEvents"]
        return found

    async def _look_around(self) -> None:
        """The last picture, and how fit the page is for phones: at full speed, and never longer than a few steps."""
        if self._watch.navigations == 0 or self._watch.failed.done() or self._glancing:
            return
        with suppress(Error):
            if await self._within(throttle(self._session, 1.0, None)) is None:
                return
            told = await self._within(self._session.send("Page.captureScreenshot", {"format": "webp", "quality": 55}))
            if told is None:
                return
            body = base64.b64decode(told["data"])
            self._keep("last.webp", "image/webp", body, mark=filmstrip.fingerprint(body))
            if self.failure is None and self.profile.touch:
                await self._measure_fitness()

    async def _measure_fitness(self) -> None:
        usual = await self._within(self._evaluate(mobile_friendliness.script(), world="look"))
        wish = {"width": NARROW, "height": 640, "deviceScaleFactor": self.profile.scale, "mobile": True}
        await self._within(self._session.send("Emulation.setDeviceMetricsOverride", wish))
        await asyncio.sleep(0.2)
        narrow = await self._within(self._evaluate(mobile_friendliness.script(), world="look"))
        if usual is not None and narrow is not None:
            self._put(asdict(mobile_friendliness.read_fitness(usual, narrow)))

    def _put(self, found: Mapping[str, Scalar | None]) -> None:
        self.values.update({name: value for name, value in found.items() if value is not None})

    def _keep(self, name: str, kind: str, body: bytes, at: float | None = None, mark: str = "") -> None:
        (self._scratch / name).write_bytes(body)
        self.pictures.append(Shown(file=name, type=kind, at=at, print=mark))

    async def _within(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """Do it within a step's time; None when that passed. What gives None gives True."""
        try:
            async with asyncio.timeout(STEP):
                found = await work
        except TimeoutError:
            return None
        return True if found is None else found


async def _first(one: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    return await one
