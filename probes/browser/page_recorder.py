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

MAX_NAVIGATIONS, MAX_DIALOGS, MAX_POPUPS, MAX_CONSOLE_MESSAGES = 20, 30, 30, 3000
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
        self.navigations = self.dialogs = self.popups = self.console_messages = self.received_bytes = 0
        self.failure: asyncio.Future[ProbeFailed] = asyncio.get_running_loop().create_future()
        self.memory_limit_detail = ""
        self._request = request
        self._egress_exceptions = request.egress_exceptions()
        self._main_frame_id = ""
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
        self._main_frame_id = str(tree["frameTree"]["frame"]["id"])

    @property
    def main_frame_id(self) -> str:
        """Return the main frame's id."""
        return self._main_frame_id

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
        }.get(name, self._on_console_message)

        def record(params: dict[str, Any]) -> None:
            if len(self.devtools_events) < MAX_RECORDED_EVENTS:
                self.devtools_events.append({"method": name, "params": params})
            handler(params)

        return record

    def _on_console_message(self, _params: dict[str, Any]) -> None:
        self.console_messages += 1
        if self.console_messages > MAX_CONSOLE_MESSAGES:
            self.fail(Fault.NOT_RENDERED, f"the page wrote more than {MAX_CONSOLE_MESSAGES} console messages")

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
        if params.get("type") == "Document" and params.get("frameId") == self._main_frame_id:
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
        if frame.get("parentId"):
            return
        self.navigations += 1
        self.dcl = self.loaded = None
        if self.navigations > MAX_NAVIGATIONS:
            self.fail(Fault.REDIRECT_LOOP, f"the page navigated more than {MAX_NAVIGATIONS} times")

    def _on_dialog(self, dialog: Dialog) -> None:
        self.dialogs += 1
        self._close_in_background(dialog.dismiss())
        if self.dialogs > MAX_DIALOGS:
            self.fail(Fault.NOT_RENDERED, f"the page opened more than {MAX_DIALOGS} dialogs")

    def _on_popup(self, page: Page, opened: Page) -> None:
        if opened is page:
            return
        self.popups += 1
        self._close_in_background(opened.close())
        if self.popups > MAX_POPUPS:
            self.fail(Fault.NOT_RENDERED, f"the page opened more than {MAX_POPUPS} windows")

    def _on_download(self) -> None:
        if self.navigations == 0:
            self.fail(Fault.NOT_RENDERED, "the URL is a download, not a page")

    def _close_in_background(self, closing: Coroutine[Any, Any, None]) -> None:
        """Close something that the page opened; it may be gone already."""

        async def close() -> None:
            with suppress(Error):
                await closing

        task = asyncio.get_running_loop().create_task(close(), name="close")
        self._close_tasks.add(task)
        task.add_done_callback(self._close_tasks.discard)
