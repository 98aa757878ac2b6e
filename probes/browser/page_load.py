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
from probes.browser.device_profiles import DEVICE_PROFILES
from probes.browser.network_log import read_network_log
from probes.browser.page_recorder import PageRecorder
from probes.browser.page_weight import read_page_weight
from probes.browser.protocol import ScreenshotFile
from probes.browser.throttling import throttle
from probes.browser.trace_events import CATEGORIES, DEVTOOLS_CATEGORIES, NoNavigation, read_trace
from probes.browser.vitals import read_vitals
from probes.result import Fault, ProbeFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from playwright.async_api import Browser, BrowserContext

    from probes.browser.protocol import LoadRequest
    from probes.browser.trace_events import TraceEvent
    from probes.result import Scalar

STEP_TIMEOUT_SECONDS = 10.0
"""Seconds for whatever a browser in good health does at once."""

POLL_SECONDS = 0.4
"""Seconds from one glance at the page to the next. A glance costs the page a millisecond."""

MAX_TRACE_BYTES = 64_000_000
"""Compressed bytes of a trace that is read; a longer one is no page that anybody waits for."""

MIN_ERROR_STATUS = 400
NARROW_WIDTH_PX, USUAL_WIDTH_PX = 360, 412
"""Widths in CSS pixels on which a page for phones must fit."""

DISABLE_FORMS_SCRIPT = """(() => {
  const still = () => {};
  HTMLFormElement.prototype.submit = still;
  HTMLFormElement.prototype.requestSubmit = still;
  addEventListener('submit', (event) => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
})()"""
"""Runs before the page's scripts: a look never submits a form, whatever the page wants."""

PAGE_ACTIVITY_SCRIPT = """(() => {
  const fcp = performance.getEntriesByName('first-contentful-paint')[0];
  return {fcp: fcp ? (performance.now() - fcp.startTime) / 1000 : null, ...SIGNS};
})()"""
"""Evaluated in the page: how many seconds ago it did what, and in how many its next timer is due."""


class PageLoad:
    """A load and what it found. ``spoiled``: the browser did not do something that it always does."""

    def __init__(self, request: LoadRequest, temp_dir: Path) -> None:
        self.request = request
        self.profile = DEVICE_PROFILES[request.profile]  # type: ignore[index] # the probe's own keys
        self.values: dict[str, Scalar] = {}
        self.screenshots: list[ScreenshotFile] = []
        self.phase: str | None = None
        self.failure: ProbeFailed | None = None
        self.browser_broken = False
        self._temp_dir = temp_dir

    async def run(self, browser: Browser, browser_version: str) -> None:
        """Make the load. Whatever the page does ends up in ``failure``; raises only what is our own fault."""
        profile = self.profile
        context = await browser.new_context(
            viewport={"width": profile.width, "height": profile.height},
            device_scale_factor=profile.device_scale_factor,
            is_mobile=profile.has_touch,
            has_touch=profile.has_touch,
            user_agent=f"{profile.user_agent.format(major=browser_version.partition('.')[0])} {self.request.user_agent}",
            locale="vi-VN",
            timezone_id="Asia/Ho_Chi_Minh",
            accept_downloads=False,
        )
        self._recorder = PageRecorder(self.request)
        try:
            await self._prepare(context)
            await self._record()
            await self._inspect_page()
        finally:
            await self._recorder.stop()
            with suppress(Error):
                self.browser_broken |= await self._with_timeout(context.close()) is None

    def on_memory_limit_exceeded(self, size_bytes: int) -> None:
        """The page's process was ended because it took so many bytes."""
        self._recorder.memory_limit_detail = (
            f"the page took {size_bytes / 1e6:.0f} MB of memory, more than {self.request.memory_limit_bytes / 1e6:g} MB"
        )

    async def _prepare(self, context: BrowserContext) -> None:
        await context.add_init_script(DISABLE_FORMS_SCRIPT)
        await context.add_init_script(page_complete.activity_script())
        self._page = await context.new_page()
        await self._page.goto("about:blank")  # its own first events would be taken for those of the page
        self._session = session = await context.new_cdp_session(self._page)
        await self._recorder.start(context, self._page, session)
        if self.request.blocked_hosts:
            patterns = [
                f"*://{host}{rest}"
                for name in self.request.blocked_hosts
                for host in (name, f"*.{name}")
                for rest in ("/*", ":*")
            ]
            await session.send("Network.setBlockedURLs", {"urls": patterns})
        await throttle(session, self.profile.cpu_slowdown, self.profile.network)

    async def _record(self) -> None:
        """Load the page and read what was recorded of it."""
        categories = DEVTOOLS_CATEGORIES if self.request.trace_file else CATEGORIES
        complete: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def on_complete(end: dict[str, Any]) -> None:
            if not complete.done():
                complete.set_result(end)

        self._session.on("Tracing.tracingComplete", on_complete)
        wish = {"recordMode": "recordUntilFull", "includedCategories": list(categories)}
        await self._session.send(
            "Tracing.start",
            {"transferMode": "ReturnAsStream", "streamCompression": "gzip", "traceConfig": wish},
        )
        self.failure = await self._load_until_complete()
        self.phase = self.phase if self.failure else None
        if self.failure is None or self.failure.fault is Fault.TIMEOUT:
            await self._read_recording(complete)

    async def _load_until_complete(self) -> ProbeFailed | None:
        """Go there and wait until the page is quiet; why it failed, or None."""
        visit = asyncio.create_task(self._navigate(), name="visit")
        try:
            ends: set[asyncio.Future[Any]] = {visit, self._recorder.failure}
            await asyncio.wait(ends, timeout=self.request.timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if visit.done() and isinstance(visit.exception(), Error):  # a crash says why in the next moment
                await asyncio.wait({self._recorder.failure}, timeout=1.0)
            if self._recorder.failure.done():
                return self._recorder.failure.result()
            return visit.result() if visit.done() else self._timeout_failure()
        finally:
            visit.cancel()
            await asyncio.wait({visit})

    async def _navigate(self) -> ProbeFailed | None:
        self.phase = "navigate"
        told = await self._session.send("Page.navigate", {"url": self.request.url})
        if told.get("isDownload"):
            return ProbeFailed(Fault.NOT_RENDERED, "the address is a file to download, not a page")
        if text := told.get("errorText"):
            return net_errors.to_failure(str(text))
        self.phase = "load"
        status = self._recorder.status
        if status is not None and status >= MIN_ERROR_STATUS:
            await asyncio.sleep(POLL_SECONDS)  # for the picture of it
            return ProbeFailed(Fault.HTTP_STATUS, f"the page came with status {status}")
        while (left := page_complete.seconds_to_complete(await self._page_activity())) != 0.0:  # noqa: ASYNC110 - a page has no such event
            await asyncio.sleep(POLL_SECONDS if left is None else min(left, POLL_SECONDS))
        return None

    def _timeout_failure(self) -> ProbeFailed | None:
        """The time is over. A page that stands and only never rests is good; its figures are those up to here."""
        after = f"after {self.request.timeout_seconds:g} s"
        if self._recorder.navigations == 0:
            return ProbeFailed(Fault.TIMEOUT, f"no page {after}")
        if self._evaluating:
            return ProbeFailed(Fault.TIMEOUT, f"the page keeps the processor busy {after}")
        if self._recorder.loaded is None:
            return ProbeFailed(
                Fault.TIMEOUT, f"still loading {after}, {len(self._recorder.open_requests)} requests are open"
            )
        return None if self._painted else ProbeFailed(Fault.NOT_RENDERED, f"nothing was painted {after}")

    _evaluating = False
    _painted = False

    async def _page_activity(self) -> page_complete.PageActivity:
        """What is known right now, all of it on our clock."""
        self._evaluating = True
        try:
            seen = await self._evaluate(PAGE_ACTIVITY_SCRIPT.replace("SIGNS", page_complete.activity_now_script()))
        except Error:  # the page went elsewhere meanwhile
            seen = {}
        now = time.monotonic()
        self._evaluating = False

        def seconds_at(name: str, sign: int = -1) -> float | None:
            seconds = seen.get(name)
            return None if seconds is None else now + sign * float(seconds)

        self._painted = seconds_at("fcp") is not None
        return page_complete.PageActivity(
            now=now, fcp=seconds_at("fcp"), dcl=self._recorder.dcl, loaded=self._recorder.loaded, last_request=self._recorder.last_request,
            open_requests=len(self._recorder.open_requests), last_long_task=seconds_at("busy"), last_paint=seconds_at("painted"), next_timer=seconds_at("due", 1),
        )  # fmt: skip

    async def _evaluate(self, script: str, world: str = "") -> Any:  # noqa: ANN401 - JSON
        wish: dict[str, Any] = {"expression": script, "awaitPromise": True, "returnByValue": True}
        if world:
            made = await self._session.send(
                "Page.createIsolatedWorld", {"frameId": self._recorder.main_frame_id, "worldName": world}
            )
            wish["contextId"] = made["executionContextId"]
        told = await self._session.send("Runtime.evaluate", wish)
        if "exceptionDetails" in told:
            raise Error("the page's own objects are in the way")
        return told["result"].get("value")

    async def _read_recording(self, complete: asyncio.Future[dict[str, Any]]) -> None:
        """Metrics and film out of the trace, weights out of the recorded events."""
        await self._session.send("Tracing.end")
        told = await self._with_timeout(_await_future(complete))
        events = [] if told is None else await self._read_trace_events(str(told["stream"]))
        self.browser_broken |= told is None
        messages = self._recorder.devtools_events
        self._set_values(asdict(read_page_weight(messages, self.request.url)))
        try:
            self._set_values(asdict(read_vitals(events, read_network_log(messages))))
            shots = read_trace(events).screenshots
        except NoNavigation:
            shots = ()
        for number, shot in enumerate(filmstrip.select_frames(shots)):
            self._save_screenshot(f"{number:02}.jpg", "image/jpeg", shot.jpeg, at_seconds=shot.at_seconds)
        if self.failure is None and "fcp_seconds" not in self.values:
            self.failure = ProbeFailed(Fault.NOT_RENDERED, "nothing was painted")

    async def _read_trace_events(self, stream: str) -> list[TraceEvent]:
        parts: list[bytes] = []
        size = 0
        while size < MAX_TRACE_BYTES:
            told = await self._session.send("IO.read", {"handle": stream, "size": 1 << 20})
            data = str(told["data"])
            parts.append(base64.b64decode(data) if told.get("base64Encoded") else data.encode())
            size += len(parts[-1])
            if told["eof"]:
                break
        await self._session.send("IO.close", {"handle": stream})
        if size >= MAX_TRACE_BYTES:
            return []
        text = gzip.decompress(b"".join(parts))
        if self.request.trace_file:
            Path(self.request.trace_file).write_bytes(text)  # noqa: ASYNC240 - nothing else goes on in this process
        found: list[TraceEvent] = json.loads(text)["traceEvents"]
        return found

    async def _inspect_page(self) -> None:
        """The last picture, and how fit the page is for phones: at full speed, and never longer than a few steps."""
        if self._recorder.navigations == 0 or self._recorder.failure.done() or self._evaluating:
            return
        with suppress(Error):
            if await self._with_timeout(throttle(self._session, 1.0, None)) is None:
                return
            told = await self._with_timeout(
                self._session.send("Page.captureScreenshot", {"format": "webp", "quality": 55})
            )
            if told is None:
                return
            body = base64.b64decode(told["data"])
            self._save_screenshot("last.webp", "image/webp", body, fingerprint=filmstrip.fingerprint(body))
            if self.failure is None and self.profile.has_touch:
                await self._measure_mobile_friendliness()

    async def _measure_mobile_friendliness(self) -> None:
        usual = await self._with_timeout(self._evaluate(mobile_friendliness.report_script(), world="look"))
        wish = {
            "width": NARROW_WIDTH_PX,
            "height": 640,
            "deviceScaleFactor": self.profile.device_scale_factor,
            "mobile": True,
        }
        await self._with_timeout(self._session.send("Emulation.setDeviceMetricsOverride", wish))
        await asyncio.sleep(0.2)
        narrow = await self._with_timeout(self._evaluate(mobile_friendliness.report_script(), world="look"))
        if usual is not None and narrow is not None:
            self._set_values(asdict(mobile_friendliness.read_mobile_friendliness(usual, narrow)))

    def _set_values(self, values: Mapping[str, Scalar | None]) -> None:
        self.values.update({name: value for name, value in values.items() if value is not None})

    def _save_screenshot(
        self, name: str, content_type: str, body: bytes, at_seconds: float | None = None, fingerprint: str = ""
    ) -> None:
        (self._temp_dir / name).write_bytes(body)
        self.screenshots.append(
            ScreenshotFile(file=name, content_type=content_type, at_seconds=at_seconds, fingerprint=fingerprint)
        )

    async def _with_timeout(self, operation: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it gives
        """Do it within a step's time; None when that passed. What gives None gives True."""
        try:
            async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
                found = await operation
        except TimeoutError:
            return None
        return True if found is None else found


async def _await_future(future: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
    return await future
