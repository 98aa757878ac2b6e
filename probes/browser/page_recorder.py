"""Record the DevTools events of one load, and detect what ends it as a failure; does not end the load itself."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error

from probes.browser import net_errors
from probes.browser.egress_filter import Peer, is_allowed
from probes.browser.network_log import NETWORK_EVENTS
from probes.browser.page_weight import CONSOLE_EVENTS
from probes.result import Fault, ProbeFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from playwright.async_api import BrowserContext, CDPSession, Dialog, Page

    from probes.browser.protocol import LoadRequest

MAX_RECORDED_EVENTS = 100_000
"""Highest number of events kept."""

LIMITS = {
    "navigations": (20, Fault.REDIRECT_LOOP, "the page navigated more than {limit} times"),
    "dialogs": (30, Fault.NOT_RENDERED, "the page opened more than {limit} dialogs"),
    "popups": (30, Fault.NOT_RENDERED, "the page opened more than {limit} windows"),
    "console_messages": (3000, Fault.NOT_RENDERED, "the page wrote more than {limit} console messages"),
}
"""Limits of normal pages. More counts as endless and would overload the recorder."""


class PageRecorder:
    """Hold what is recorded of a load so far. ``failure`` is done when the page did what ends its load.

    Times are seconds of ``time.monotonic``. ``open_requests`` are the ids of the requests in progress.
    """

    def __init__(self, request: LoadRequest) -> None:
        self.devtools_events: list[dict[str, Any]] = []
        self.open_requests: set[str] = set()
        self.last_request: float | None = None
        self.dcl: float | None = None
        self.loaded: float | None = None
        self.status: int | None = None
        self.counts = dict.fromkeys(LIMITS, 0)
        self.received_bytes = 0
        self.failure: asyncio.Future[ProbeFailed] = asyncio.get_running_loop().create_future()
        self.memory_limit_detail = ""
        self._request = request
        self._egress_exceptions = request.egress_exceptions()
        self.main_frame_id = ""
        self._close_tasks: set[asyncio.Task[None]] = set()

    async def start(self, context: BrowserContext, page: Page, session: CDPSession) -> None:
        """Subscribe to the events."""
        context.on("page", lambda opened: self._on_popup(page, opened))
        page.on("dialog", self._on_dialog)
        page.on("crash", lambda _page: self.on_crash())
        page.on("download", lambda _download: self._on_download())
        for name in (*NETWORK_EVENTS, *CONSOLE_EVENTS):
            session.on(name, self._event_handler(name))
        session.on("Page.frameNavigated", lambda params: self._on_navigation(params["frame"]))
        session.on("Page.domContentEventFired", lambda _params: self._record_time("dcl"))
        session.on("Page.loadEventFired", lambda _params: self._record_time("loaded"))
        for domain in ("Page", "Network", "Runtime", "Log"):
            await session.send(f"{domain}.enable")
        tree = await session.send("Page.getFrameTree")
        self.main_frame_id = str(tree["frameTree"]["frame"]["id"])

    async def stop(self) -> None:
        """Cancel the closing of dialogs and windows that has not finished."""
        for task in self._close_tasks:
            task.cancel()
        await asyncio.gather(*self._close_tasks, return_exceptions=True)

    def fail(self, fault: Fault, detail: str) -> None:
        """Set the failure of this load; the first one counts."""
        if not self.failure.done():
            self.failure.set_result(ProbeFailed(fault, detail))

    def on_crash(self) -> None:
        """Fail the load: the page's process ended."""
        self.fail(Fault.CRASHED, self.memory_limit_detail or "the page's process crashed")

    def _count(self, name: str) -> None:
        limit, fault, detail = LIMITS[name]
        self.counts[name] += 1
        if self.counts[name] > limit:
            self.fail(fault, detail.format(limit=limit))

    def _record_time(self, attribute: str) -> None:
        setattr(self, attribute, time.monotonic())

    def _event_handler(self, name: str) -> Callable[[dict[str, Any]], None]:
        handler = {
            "Network.requestWillBeSent": self._on_request_sent,
            "Network.responseReceived": self._on_response,
            "Network.dataReceived": self._on_data,
            "Network.loadingFinished": self._on_request_ended,
            "Network.loadingFailed": self._on_request_ended,
            "Network.requestServedFromCache": self._on_request_ended,
        }.get(name, lambda _params: self._count("console_messages"))

        def record(params: dict[str, Any]) -> None:
            if len(self.devtools_events) < MAX_RECORDED_EVENTS:
                self.devtools_events.append({"method": name, "params": params})
            handler(params)

        return record

    def _on_request_sent(self, params: dict[str, Any]) -> None:
        if params["request"]["url"].startswith(("http:", "https:")):
            self.open_requests.add(params["requestId"])
            self._record_time("last_request")

    def _on_request_ended(self, params: dict[str, Any]) -> None:
        if params["requestId"] in self.open_requests:
            self.open_requests.discard(params["requestId"])
            self._record_time("last_request")

    def _on_response(self, params: dict[str, Any]) -> None:
        response = params["response"]
        self._verify_peer(str(response.get("remoteIPAddress", "")), int(response.get("remotePort", 0)))
        if params.get("type") == "Document" and params.get("frameId") == self.main_frame_id:
            self.status = int(response["status"])
        headers = response["headers"].items()
        length = next((text for name, text in headers if name.lower() == "content-length"), "")
        if length.isdecimal() and int(length) > self._request.max_page_bytes:
            self._fail_too_large(int(length))

    def _verify_peer(self, address: str, port: int) -> None:
        """Check the peer for kernels without the egress filter: too late for this response, in time for its use."""
        if address and not is_allowed(Peer(ipaddress.ip_address(address.strip("[]")), port), self._egress_exceptions):
            self.fail(Fault.INTERNAL_ERROR, net_errors.EGRESS_DENIED)

    def _on_data(self, params: dict[str, Any]) -> None:
        self.received_bytes += int(params["encodedDataLength"] or params["dataLength"])
        if self.received_bytes > self._request.max_page_bytes:
            self._fail_too_large(self.received_bytes)

    def _fail_too_large(self, size: int) -> None:
        limit = self._request.max_page_bytes
        self.fail(Fault.BODY_TOO_LARGE, f"more than {limit / 1e6:g} MB received ({size / 1e6:.0f} MB)")

    def _on_navigation(self, frame: dict[str, Any]) -> None:
        if not frame.get("parentId"):
            self.dcl = self.loaded = None
            self._count("navigations")

    def _on_dialog(self, dialog: Dialog) -> None:
        self._close_in_background(dialog.dismiss())
        self._count("dialogs")

    def _on_popup(self, page: Page, opened: Page) -> None:
        if opened is not page:
            self._close_in_background(opened.close())
            self._count("popups")

    def _on_download(self) -> None:
        if self.counts["navigations"] == 0:
            self.fail(Fault.NOT_RENDERED, "the URL is a download, not a page")

    def _close_in_background(self, closing: Coroutine[Any, Any, None]) -> None:
        """Close something that the page opened; it may be gone already."""

        async def close() -> None:
            with suppress(Error):
                await closing

        task = asyncio.get_running_loop().create_task(close(), name="close")
        self._close_tasks.add(task)
        task.add_done_callback(self._close_tasks.discard)
