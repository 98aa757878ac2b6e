"""One portal of the fleet: serves its pages under the fault condition that holds, with its own delays.

The fleet decides which condition its fault schedule sets, and when.
"""

import asyncio
import ssl
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog
from aiohttp import hdrs, web

from monitor.tools.demo import assets, error_pages, pages
from monitor.tools.demo.fault_profiles import NO_FAULT
from monitor.tools.demo.fault_schedule import FaultCondition, FaultMode, first_byte_seconds
from monitor.tools.demo.listener import PortListener, reset_connection
from monitor.tools.demo.portals import FleetPortal, PortalSpec, Trait

_REFUSE_CONDITION: Final = FaultCondition(mode=FaultMode.REFUSE)
_LISTENING_MODES: Final = frozenset(FaultMode) - {FaultMode.REFUSE}
_COOKIE_NAME: Final = "phien_dvc"
_STATIC_DELAY_RATIO: Final = 0.25
"""Delay of a static file in relation to that of a page."""
_MAX_CHANGES: Final = 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionChange:
    """A condition of the portal and the time at which it began."""

    at: datetime
    condition: FaultCondition


class DemoSite:
    """A portal's listeners and its responses."""

    def __init__(self, spec: PortalSpec, seed: int, ssl_context: ssl.SSLContext | None) -> None:
        """Reserve the ports without listening; *ssl_context* is needed by portals with HTTPS."""
        self.spec = spec
        self.scheduled_condition = NO_FAULT
        self.forced_condition: FaultCondition | None = None
        self.changes: deque[ConditionChange] = deque(maxlen=_MAX_CHANGES)
        self.paths: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self._seed = seed
        self._page_settings = spec.page_settings
        self._main_listener = PortListener(self.handle, ssl_context)
        self._entry_listener = PortListener(self.handle, None) if spec.trait is Trait.COOKIE else self._main_listener
        self._national_url = ""
        self._change_lock = asyncio.Lock()
        self._condition_changed = asyncio.Event()

    @property
    def condition(self) -> FaultCondition:
        """Return the current condition: a forced one, else refusal for a retired portal, else the scheduled one."""
        own = _REFUSE_CONDITION if self.spec.trait is Trait.RETIRED else self.scheduled_condition
        return self.forced_condition or own

    @property
    def url(self) -> str:
        """Return scheme, host and port of the first request."""
        return self._entry_listener.url

    def fleet_portal(self, national_url: str) -> FleetPortal:
        """Describe this portal, and keep the URL of the national portal for redirects."""
        self._national_url = national_url
        return self.spec.to_fleet_portal(f"{self.url}/", national_url.partition("://")[2])

    async def apply_condition(self) -> None:
        """Start or stop the listeners by the current condition, and end stalled requests."""
        async with self._change_lock:
            now = self.condition
            if self.changes and self.changes[-1].condition == now:
                return
            is_change = bool(self.changes)
            self.changes.append(ConditionChange(at=datetime.now(UTC), condition=now))
            self._condition_changed.set()
            self._condition_changed = asyncio.Event()
            for listener in (self._entry_listener, self._main_listener):
                if now.mode in _LISTENING_MODES:
                    await listener.start_listening()
                else:
                    listener.stop_listening()
            if is_change:
                log.info("demo_portal_changed", portal=self.spec.id, mode=now.mode.value, status=now.status)

    async def force(self, condition: FaultCondition | None) -> None:
        """Force a condition; None returns to the fault schedule."""
        self.forced_condition = condition
        await self.apply_condition()

    async def close(self) -> None:
        """Release the ports."""
        for listener in (self._entry_listener, self._main_listener):
            await listener.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond by the condition that holds when the request arrives."""
        now, changed = self.condition, self._condition_changed
        self._count_request(request, now)
        if now.mode is FaultMode.STALL:
            await changed.wait()
            return await reset_connection(request)
        await asyncio.sleep(self._base_delay_seconds(request) * now.factor + now.delay)
        if now.mode in {FaultMode.RESET, FaultMode.REFUSE}:  # refused, but accepted before the listener stopped
            return await reset_connection(request)
        if now.mode in {FaultMode.FINE, FaultMode.SLOW}:
            return self._normal_response(request)
        response = _page_response(request, self._fault_page(request, now), now.status)
        if now.mode is FaultMode.MAINTENANCE_PAGE:
            response.headers[hdrs.RETRY_AFTER] = str(error_pages.RETRY_AFTER_S)
        return response

    def _fault_page(self, request: web.BaseRequest, condition: FaultCondition) -> pages.PageBody:
        match condition.mode:
            case FaultMode.MAINTENANCE_PAGE:
                return error_pages.maintenance_page(self._page_settings)
            case FaultMode.BLOCKED:
                return error_pages.blocked_page()
            case FaultMode.WRONG_BODY:
                return error_pages.wrong_body_page(self._page_settings, request.path)
            case _:
                return error_pages.error_page(condition.status)

    def _normal_response(self, request: web.BaseRequest) -> web.Response:
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return web.Response(status=405, headers={hdrs.ALLOW: "GET, HEAD"})
        if self.spec.trait is Trait.REDIRECTS:
            return _redirect(f"{self._national_url}/")
        if self.spec.trait is Trait.COOKIE:
            hop = self._cookie_redirect(request)
            if hop is not None:
                return hop
        page = pages.page(self._page_settings, request.path)
        return _page_response(request, page or error_pages.error_page(404), 200 if page else 404)

    def _cookie_redirect(self, request: web.BaseRequest) -> web.Response | None:
        """Redirect from http to https, and in a loop as long as the client does not return the cookie."""
        if not request.secure:
            return _redirect(f"{self._main_listener.url}{request.path_qs}")
        if request.path == pages.HOME:
            hop = _redirect(pages.LANDING)
            hop.set_cookie(_COOKIE_NAME, "da-ghe-tham", httponly=True, samesite="Lax")
            return hop
        if request.path == pages.LANDING and _COOKIE_NAME not in request.cookies:
            return _redirect(pages.HOME)
        return None

    def _count_request(self, request: web.BaseRequest, condition: FaultCondition) -> None:
        known = pages.page(self._page_settings, request.path) is not None
        self.paths[request.path if known else "other"] += 1  # unknown paths must not fill the memory
        self.modes[condition.mode.value] += 1

    def _base_delay_seconds(self, request: web.BaseRequest) -> float:
        seconds = first_byte_seconds(self._seed, self.spec.id, self.paths.total())
        return seconds * (_STATIC_DELAY_RATIO if request.path in assets.CONTENT_TYPES else 1.0)


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={hdrs.LOCATION: target, hdrs.SERVER: "nginx"})


def _page_response(request: web.BaseRequest, page: pages.PageBody, status: int = 200) -> web.Response:
    wants_zip = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    headers = {hdrs.SERVER: "nginx", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if wants_zip and page.gzip_body is not None:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    body = page.gzip_body if wants_zip and page.gzip_body is not None else page.body
    charset = "utf-8" if page.content_type.startswith("text/") else None
    return web.Response(status=status, body=body, content_type=page.content_type, charset=charset, headers=headers)
