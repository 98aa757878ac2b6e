"""One load of one page in its own browser context: throttled, recorded until it is complete, inspected."""

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

from probes.browser import devtools, filmstrip, mobile_friendliness, net_errors, page_complete
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
    from collections.abc import Mapping

    from playwright.async_api import Browser, BrowserContext

    from probes.browser.protocol import LoadRequest
    from probes.browser.trace_events import TraceEvent
    from probes.result import Scalar

POLL_SECONDS = 0.4
"""Seconds between two checks of the page's activity. A check costs the page a millisecond."""

MAX_TRACE_BYTES = 64_000_000
"""Longest trace that is read, in compressed bytes; no page that a user would wait for has a longer one."""

MIN_ERROR_STATUS = 400
NARROW_WIDTH_PX = 360
"""The narrow width in CSS pixels on which a page for phones must fit."""

DISABLE_FORMS_SCRIPT = """(() => {
  const still = () => {};
  HTMLFormElement.prototype.submit = still;
  HTMLFormElement.prototype.requestSubmit = still;
  addEventListener('submit', (event) => { event.preventDefault(); event.stopImmediatePropagation(); }, true);
})()"""
"""Runs before the page's scripts: a probe never submits a form, whatever the page does."""

PAGE_ACTIVITY_SCRIPT = """(() => {
  const fcp = performance.getEntriesByName('first-contentful-paint')[0];
  return {fcp: fcp ? (performance.now() - fcp.startTime) / 1000 : null, ...ACTIVITY};
})()"""
"""Evaluated in the page: the seconds since its last activity of each type, and until its next timer."""


class PageLoad:
    """Run a load and hold its results. ``browser_broken``: the browser failed a step that always works."""

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
        """Run the load. Failures of the page are set as ``failure``; only internal errors are raised."""
        profile, major_version = self.profile, browser_version.partition(".")[0]
        context = await browser.new_context(
            viewport={"width": profile.width, "height": profile.height},
            device_scale_factor=profile.device_scale_factor,
            is_mobile=profile.has_touch,
            has_touch=profile.has_touch,
            user_agent=f"{profile.user_agent.format(major=major_version)} {self.request.user_agent}",
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
                self.browser_broken |= await devtools.with_timeout(context.close()) is None

    def on_memory_limit_exceeded(self, size_bytes: int) -> None:
        """Record that the page's process was killed at *size_bytes* of memory."""
        self._recorder.memory_limit_detail = (
            f"the page took {size_bytes / 1e6:.0f} MB of memory, more than {self.request.memory_limit_bytes / 1e6:g} MB"
        )

    async def _prepare(self, context: BrowserContext) -> None:
        await context.add_init_script(DISABLE_FORMS_SCRIPT)
        await context.add_init_script(page_complete.activity_script())
        self._page = await context.new_page()
        await self._page.goto("about:blank")  # its first events would otherwise count as those of the page
        self._session = session = await context.new_cdp_session(self._page)
        await self._recorder.start(context, self._page, session)
        if self.request.blocked_hosts:
            hosts = [host for name in self.request.blocked_hosts for host in (name, f"*.{name}")]
            patterns = [f"*://{host}{rest}" for host in hosts for rest in ("/*", ":*")]
            await session.send("Network.setBlockedURLs", {"urls": patterns})
        await throttle(session, self.profile.cpu_slowdown, self.profile.network)

    async def _record(self) -> None:
        """Load the page and read its recording."""
        categories = DEVTOOLS_CATEGORIES if self.request.trace_file else CATEGORIES
        complete: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def on_complete(event: dict[str, Any]) -> None:
            if not complete.done():
                complete.set_result(event)

        self._session.on("Tracing.tracingComplete", on_complete)
        options: dict[str, Any] = {"transferMode": "ReturnAsStream", "streamCompression": "gzip"}
        options["traceConfig"] = {"recordMode": "recordUntilFull", "includedCategories": list(categories)}
        await self._session.send("Tracing.start", options)
        self.failure = await self._load_until_complete()
        self.phase = self.phase if self.failure else None
        if self.failure is None or self.failure.fault is Fault.TIMEOUT:
            await self._read_recording(complete)

    async def _load_until_complete(self) -> ProbeFailed | None:
        """Navigate and wait until the page is complete; return the failure, or None."""
        navigation = asyncio.create_task(self._navigate(), name="navigation")
        try:
            ends: set[asyncio.Future[Any]] = {navigation, self._recorder.failure}
            await asyncio.wait(ends, timeout=self.request.timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
            if navigation.done() and isinstance(navigation.exception(), Error):  # the reason of a crash follows at once
                await asyncio.wait({self._recorder.failure}, timeout=1.0)
            if self._recorder.failure.done():
                return self._recorder.failure.result()
            return navigation.result() if navigation.done() else self._timeout_failure()
        finally:
            navigation.cancel()
            await asyncio.wait({navigation})

    async def _navigate(self) -> ProbeFailed | None:
        self.phase = "navigate"
        reply = await self._session.send("Page.navigate", {"url": self.request.url})
        if reply.get("isDownload"):
            return ProbeFailed(Fault.NOT_RENDERED, "the URL is a download, not a page")
        if text := reply.get("errorText"):
            return net_errors.to_failure(str(text))
        self.phase = "load"
        status = self._recorder.status
        if status is not None and status >= MIN_ERROR_STATUS:
            await asyncio.sleep(POLL_SECONDS)  # for its screenshot
            return ProbeFailed(Fault.HTTP_STATUS, f"the page came with status {status}")
        while (left := page_complete.seconds_to_complete(await self._page_activity())) != 0.0:  # noqa: ASYNC110 - a page has no such event
            await asyncio.sleep(POLL_SECONDS if left is None else min(left, POLL_SECONDS))
        return None

    def _timeout_failure(self) -> ProbeFailed | None:
        """Return the failure at the timeout; None if the page loaded and painted: it is measured as far as it came."""
        after = f"after {self.request.timeout_seconds:g} s"
        if self._recorder.counts["navigations"] == 0:
            return ProbeFailed(Fault.TIMEOUT, f"no response {after}")
        if self._evaluating:
            return ProbeFailed(Fault.TIMEOUT, f"the page keeps the processor busy {after}")
        if self._recorder.loaded is None:
            open_requests = len(self._recorder.open_requests)
            return ProbeFailed(Fault.TIMEOUT, f"still loading {after}, {open_requests} requests are open")
        return None if self._painted else ProbeFailed(Fault.NOT_RENDERED, f"nothing was painted {after}")

    _evaluating = False
    _painted = False

    async def _page_activity(self) -> page_complete.PageActivity:
        """Return the current activity, with all times on the monotonic clock of this process."""
        self._evaluating = True
        try:
            script = PAGE_ACTIVITY_SCRIPT.replace("ACTIVITY", page_complete.activity_now_script())
            activity = await devtools.evaluate(self._session, script)
        except Error:  # the page navigated meanwhile
            activity = {}
        now = time.monotonic()
        self._evaluating = False

        def seconds_at(name: str, sign: int = -1) -> float | None:
            seconds = activity.get(name)
            return None if seconds is None else now + sign * float(seconds)

        self._painted = seconds_at("fcp") is not None
        return page_complete.PageActivity(
            now=now,
            fcp=seconds_at("fcp"),
            dcl=self._recorder.dcl,
            loaded=self._recorder.loaded,
            last_request=self._recorder.last_request,
            open_requests=len(self._recorder.open_requests),
            last_long_task=seconds_at("busy"),
            last_paint=seconds_at("painted"),
            next_timer=seconds_at("due", 1),
        )

    async def _read_recording(self, complete: asyncio.Future[dict[str, Any]]) -> None:
        """Compute metrics and filmstrip from the trace, page weight from the recorded events."""
        await self._session.send("Tracing.end")
        event = await devtools.with_timeout(complete)
        events = [] if event is None else await self._read_trace_events(str(event["stream"]))
        self.browser_broken |= event is None
        messages = self._recorder.devtools_events
        self._set_values(asdict(read_page_weight(messages, self.request.url)))
        try:
            self._set_values(asdict(read_vitals(events, read_network_log(messages))))
            frames = read_trace(events).screenshots
        except NoNavigation:
            frames = ()
        for number, frame in enumerate(filmstrip.select_frames(frames)):
            self._save_screenshot(f"{number:02}.jpg", "image/jpeg", frame.jpeg, at_seconds=frame.at_seconds)
        if self.failure is None and "fcp_seconds" not in self.values:
            self.failure = ProbeFailed(Fault.NOT_RENDERED, "nothing was painted")

    async def _read_trace_events(self, stream: str) -> list[TraceEvent]:
        compressed = await devtools.read_stream(self._session, stream, MAX_TRACE_BYTES)
        if compressed is None:
            return []
        text = gzip.decompress(compressed)
        if self.request.trace_file:
            Path(self.request.trace_file).write_bytes(text)  # noqa: ASYNC240 - this process does nothing else
        events: list[TraceEvent] = json.loads(text)["traceEvents"]
        return events

    async def _inspect_page(self) -> None:
        """Take the last screenshot and measure mobile friendliness, at full speed and within a few steps' timeouts."""
        if self._recorder.counts["navigations"] == 0 or self._recorder.failure.done() or self._evaluating:
            return
        with suppress(Error):
            if await devtools.with_timeout(throttle(self._session, 1.0, None)) is None:
                return
            capture = self._session.send("Page.captureScreenshot", {"format": "webp", "quality": 55})
            if (reply := await devtools.with_timeout(capture)) is None:
                return
            body = base64.b64decode(reply["data"])
            self._save_screenshot("last.webp", "image/webp", body, fingerprint=filmstrip.fingerprint(body))
            if self.failure is None and self.profile.has_touch:
                await self._measure_mobile_friendliness()

    async def _measure_mobile_friendliness(self) -> None:
        at_412 = await self._mobile_report()
        metrics: dict[str, Any] = {"width": NARROW_WIDTH_PX, "height": 640, "mobile": True}
        metrics["deviceScaleFactor"] = self.profile.device_scale_factor
        await devtools.with_timeout(self._session.send("Emulation.setDeviceMetricsOverride", metrics))
        await asyncio.sleep(0.2)
        at_360 = await self._mobile_report()
        if at_412 is not None and at_360 is not None:
            self._set_values(asdict(mobile_friendliness.read_mobile_friendliness(at_412, at_360)))

    async def _mobile_report(self) -> Any:  # noqa: ANN401 - JSON
        script, frame_id = mobile_friendliness.report_script(), self._recorder.main_frame_id
        return await devtools.with_timeout(devtools.evaluate(self._session, script, isolated_frame_id=frame_id))

    def _set_values(self, values: Mapping[str, Scalar | None]) -> None:
        self.values.update({name: value for name, value in values.items() if value is not None})

    def _save_screenshot(
        self, name: str, content_type: str, body: bytes, at_seconds: float | None = None, fingerprint: str = ""
    ) -> None:
        (self._temp_dir / name).write_bytes(body)
        self.screenshots.append(ScreenshotFile(name, content_type, at_seconds, fingerprint))
