"""Listens to one load: records what the metrics need, and notices what no page may do; ends nothing itself."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error

from probes.browser import net_errors
from probes.browser.egress_filter import Peer, may_reach
from probes.browser.network_log import NETWORK_EVENTS
from probes.browser.page_weight import CONSOLE_EVENTS
from probes.result import Failed, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from playwright.async_api import BrowserContext, CDPSession, Dialog, Page

    from probes.browser.protocol import Order

RECORDED = 100_000
"""Events kept at most."""

NAVIGATIONS, DIALOGS, POPUPS, COMPLAINTS = 20, 30, 30, 3000
"""So many are a page's own business. More are without end, and drown whoever listens."""


class Watch:
    """What is known of a load so far. ``failed`` is done when the page did what ends its load.

    Times are seconds of ``time.monotonic``. ``open`` are the numbers of the requests under way.
    """

    def __init__(self, order: Order) -> None:
        self.messages: list[dict[str, Any]] = []
        self.open: set[str] = set()
        self.network: float | None = None
        self.dcl: float | None = None
        self.loaded: float | None = None
        self.status: int | None = None
        self.navigations = self.dialogs = self.popups = self.complaints = self.received = 0
        self.failed: asyncio.Future[Failed] = asyncio.get_running_loop().create_future()
        self.overfed = ""
        self._order = order
        self._gate = order.gate()
        self._frame = ""
        self._chores: set[asyncio.Task[None]] = set()

    async def begin(self, context: BrowserContext, page: Page, session: CDPSession) -> None:
        """Listen from now on."""
        context.on("page", lambda opened: self._popup(page, opened))
        page.on("dialog", self._dialog)
        page.on("crash", lambda _page: self.crashed())
        page.on("download", lambda _download: self._download())
        for name in (*NETWORK_EVENTS, *CONSOLE_EVENTS):
            session.on(name, self._recorder(name))
        session.on("Page.frameNavigated", lambda told: self._navigated(told["frame"]))
        session.on("Page.domContentEventFired", lambda _told: self._note("dcl"))
        session.on("Page.loadEventFired", lambda _told: self._note("loaded"))
        for domain in ("Page", "Network", "Runtime", "Log"):
            await session.send(f"{domain}.enable")
        tree = await session.send("Page.getFrameTree")
        self._frame = str(tree["frameTree"]["frame"]["id"])

    @property
    def frame(self) -> str:
        """The main frame's number."""
        return self._frame

    async def end(self) -> None:
        """Let go of what is still being closed."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def fail(self, fault: Fault, detail: str) -> None:
        """Note the first reason why this load is over."""
        if not self.failed.done():
            self.failed.set_result(Failed(fault, detail))

    def crashed(self) -> None:
        """The page's process is gone."""
        self.fail(Fault.CRASHED, self.overfed or "the page's process crashed")

    def _note(self, what: str) -> None:
        setattr(self, what, time.monotonic())

    def _recorder(self, name: str) -> Callable[[dict[str, Any]], None]:
        step = {
            "Network.requestWillBeSent": self._sent,
            "Network.responseReceived": self._answered,
            "Network.dataReceived": self._data,
            "Network.loadingFinished": self._ended,
            "Network.loadingFailed": self._ended,
            "Network.requestServedFromCache": self._ended,
        }.get(name, self._complained)

        def record(params: dict[str, Any]) -> None:
            if len(self.messages) < RECORDED:
                self.messages.append({"method": name, "params": params})
            step(params)

        return record

    def _complained(self, _params: dict[str, Any]) -> None:
        self.complaints += 1
        if self.complaints > COMPLAINTS:
            self.fail(Fault.NOT_RENDERED, f"the page wrote more than {COMPLAINTS} lines on its console")

    def _sent(self, params: dict[str, Any]) -> None:
        if params["request"]["url"].startswith(("http:", "https:")):
            self.open.add(params["requestId"])
            self._note("network")

    def _ended(self, params: dict[str, Any]) -> None:
        if params["requestId"] in self.open:
            self.open.discard(params["requestId"])
            self._note("network")

    def _answered(self, params: dict[str, Any]) -> None:
        answer = params["response"]
        self._came_from(str(answer.get("remoteIPAddress", "")), int(answer.get("remotePort", 0)))
        if params.get("type") == "Document" and params.get("frameId") == self._frame:
            self.status = int(answer["status"])
        length = next((text for name, text in answer["headers"].items() if name.lower() == "content-length"), "")
        if length.isdecimal() and int(length) > self._order.largest:
            self._too_large(int(length))

    def _came_from(self, address: str, port: int) -> None:
        """Where the kernel has no fence: too late for this answer, and in time for what the page would do with it."""
        if address and not may_reach(Peer(ipaddress.ip_address(address.strip("[]")), port), self._gate):
            self.fail(Fault.PROBER, net_errors.SHUT_OUT)

    def _data(self, params: dict[str, Any]) -> None:
        self.received += int(params["encodedDataLength"] or params["dataLength"])
        if self.received > self._order.largest:
            self._too_large(self.received)

    def _too_large(self, size: int) -> None:
        most = self._order.largest
        self.fail(Fault.BODY_TOO_LARGE, f"{size / 1e6:.0f} MB and no end, more than {most / 1e6:g} MB")

    def _navigated(self, frame: dict[str, Any]) -> None:
        if frame.get("parentId"):
            return
        self.navigations += 1
        self.dcl = self.loaded = None
        if self.navigations > NAVIGATIONS:
            self.fail(Fault.REDIRECT_LOOP, f"the page sent its visitor on {NAVIGATIONS} times")

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs += 1
        self._do(dialog.dismiss())
        if self.dialogs > DIALOGS:
            self.fail(Fault.NOT_RENDERED, f"the page opened more than {DIALOGS} dialogs")

    def _popup(self, page: Page, opened: Page) -> None:
        if opened is page:
            return
        self.popups += 1
        self._do(opened.close())
        if self.popups > POPUPS:
            self.fail(Fault.NOT_RENDERED, f"the page opened more than {POPUPS} windows")

    def _download(self) -> None:
        if self.navigations == 0:
            self.fail(Fault.NOT_RENDERED, "the address is a file to download, not a page")

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Close something that the page opened; that it is gone already is as good."""

        async def quietly() -> None:
            with suppress(Error):
                await work

        chore = asyncio.get_running_loop().create_task(quietly(), name="close")
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)
