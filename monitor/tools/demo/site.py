"""One portal of the fleet at work: it plays its part, in the weather it is given, at its own pace.

What the weather is, and when it turns, is left to the fleet.
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
from monitor.tools.demo.fault_profiles import FINE
from monitor.tools.demo.fault_schedule import Condition, Mode, first_byte
from monitor.tools.demo.listener import Gate, cut
from monitor.tools.demo.portals import FleetPortal, Part, Trait

_REFUSING: Final = Condition(mode=Mode.REFUSE)
_LISTENING: Final = frozenset(Mode) - {Mode.REFUSE}
_COOKIE: Final = "phien_dvc"
_STATIC_SHARE: Final = 0.25
"""A file is served this much faster than a page."""
_REMEMBERED: Final = 1000

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the portal became, and since when."""

    at: datetime
    condition: Condition


class Site:
    """A portal's gates and everything that is said through them."""

    def __init__(self, part: Part, seed: int, secure: ssl.SSLContext | None) -> None:
        """Keep its ports, shut; ``secure`` is needed by those that speak HTTPS at all."""
        self.part = part
        self.weather = FINE
        self.forced: Condition | None = None
        self.changes: deque[Change] = deque(maxlen=_REMEMBERED)
        self.paths: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self._seed = seed
        self._face = part.face
        self._inner = Gate(self.answer, secure)
        self._front = Gate(self.answer, None) if part.trait is Trait.COOKIE else self._inner
        self._national = ""
        self._turning = asyncio.Lock()
        self._turned = asyncio.Event()

    @property
    def condition(self) -> Condition:
        """What holds: a forced condition before the weather, and for a retired portal nothing but refusal."""
        return self.forced or (_REFUSING if self.part.trait is Trait.RETIRED else self.weather)

    @property
    def address(self) -> str:
        """Scheme, host and port at which visitors begin."""
        return self._front.address

    def portal(self, national: str) -> FleetPortal:
        """Describe itself; from now on it knows where the national portal is."""
        self._national = national
        return self.part.at(f"{self.address}/", national.partition("://")[2])

    async def settle(self) -> None:
        """Make the gates agree with the condition that holds now, and let go of those it kept waiting."""
        async with self._turning:
            now = self.condition
            if self.changes and self.changes[-1].condition == now:
                return
            known = bool(self.changes)
            self.changes.append(Change(at=datetime.now(UTC), condition=now))
            self._turned.set()
            self._turned = asyncio.Event()
            for gate in (self._front, self._inner):
                if now.mode in _LISTENING:
                    await gate.open()
                else:
                    gate.shut()
            if known:
                log.info("portal_turned", portal=self.part.id, mode=now.mode.value, status=now.status)

    async def force(self, condition: Condition | None) -> None:
        """Put a condition before the weather; with None the weather is back."""
        self.forced = condition
        await self.settle()

    async def close(self) -> None:
        """Give the ports back."""
        for gate in (self._front, self._inner):
            await gate.close()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer as the condition at the request's arrival wants it."""
        now, turned = self.condition, self._turned
        self._count(request, now)
        if now.mode is Mode.STALL:
            await turned.wait()
            return await cut(request)
        await asyncio.sleep(self._pace(request) * now.factor + now.delay)
        if now.mode in {Mode.RESET, Mode.REFUSE}:  # refused, but already inside when the gate was shut
            return await cut(request)
        if now.mode in {Mode.FINE, Mode.SLOW}:
            return self._as_usual(request)
        response = _send(request, self._bad_page(request, now), now.status)
        if now.mode is Mode.MAINTENANCE_PAGE:
            response.headers[hdrs.RETRY_AFTER] = str(error_pages.RETRY_AFTER_S)
        return response

    def _bad_page(self, request: web.BaseRequest, now: Condition) -> pages.Page:
        match now.mode:
            case Mode.MAINTENANCE_PAGE:
                return error_pages.maintenance(self._face)
            case Mode.BLOCKED:
                return error_pages.blocked()
            case Mode.WRONG_BODY:
                return error_pages.wrong_body(self._face, request.path)
            case _:
                return error_pages.error(now.status)

    def _as_usual(self, request: web.BaseRequest) -> web.Response:
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return web.Response(status=405, headers={hdrs.ALLOW: "GET, HEAD"})
        if self.part.trait is Trait.REDIRECTS:
            return _redirect(f"{self._national}/")
        if self.part.trait is Trait.COOKIE:
            hop = self._cookie_walk(request)
            if hop is not None:
                return hop
        page = pages.page(self._face, request.path)
        return _send(request, page or error_pages.error(404), 200 if page else 404)

    def _cookie_walk(self, request: web.BaseRequest) -> web.Response | None:
        """Lead from http to https, and round in a circle whoever does not bring back the cookie he got."""
        if not request.secure:
            return _redirect(f"{self._inner.address}{request.path_qs}")
        if request.path == pages.HOME:
            hop = _redirect(pages.LANDING)
            hop.set_cookie(_COOKIE, "da-ghe-tham", httponly=True, samesite="Lax")
            return hop
        if request.path == pages.LANDING and _COOKIE not in request.cookies:
            return _redirect(pages.HOME)
        return None

    def _count(self, request: web.BaseRequest, now: Condition) -> None:
        known = pages.page(self._face, request.path) is not None
        self.paths[request.path if known else "elsewhere"] += 1  # what callers invent must not fill the memory
        self.modes[now.mode.value] += 1

    def _pace(self, request: web.BaseRequest) -> float:
        seconds = first_byte(self._seed, self.part.id, self.paths.total())
        return seconds * (_STATIC_SHARE if request.path in assets.KINDS else 1.0)


def _redirect(target: str) -> web.Response:
    return web.Response(status=302, headers={hdrs.LOCATION: target, hdrs.SERVER: "nginx"})


def _send(request: web.BaseRequest, page: pages.Page, status: int = 200) -> web.Response:
    wants_zip = "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, "")
    headers = {hdrs.SERVER: "nginx", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if wants_zip and page.zipped is not None:
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    body = page.zipped if wants_zip and page.zipped is not None else page.body
    charset = "utf-8" if page.content_type.startswith("text/") else None
    return web.Response(status=status, body=body, content_type=page.content_type, charset=charset, headers=headers)
