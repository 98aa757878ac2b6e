"""What operators and their tools ask for: health, readiness, metrics, the configuration, and reloading it."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.exposition import CONTENT_TYPE
from monitor.web.render import Shelf

if TYPE_CHECKING:
    from monitor.web.site import Site

METRICS_KEPT_SECONDS = 0.5


class Operations:
    """Handlers of ``/metrics``, ``/config`` and ``/-/``; they answer in plain English."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shelf = Shelf(site.clock, METRICS_KEPT_SECONDS, room=1)

    async def metrics(self, _request: web.Request) -> web.Response:
        """What Prometheus scrapes."""
        body = await self._shelf.get("metrics", self._site.exposition.render)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def healthy(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return plain(200, "healthy")

    async def ready(self, _request: web.Request) -> web.Response:
        """Looks are completing."""
        now = self._site.ready()
        return plain(200 if now.ok else 503, now.reason or ("ready" if now.ok else "not ready"))

    async def config(self, _request: web.Request) -> web.Response:
        """The configuration that holds, redacted."""
        return plain(200, self._site.config_text())

    async def reload(self, request: web.Request) -> web.Response:
        """Read the configuration anew: 200, or 422 with the complaints while the old one goes on."""
        if self._site.reload is None:
            return plain(403, "reloading over HTTP is off")
        if not self._may(request):
            response = plain(401, "a valid bearer token is required")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if self._foreign(request):
            return plain(403, "a page of another site may not do this")
        complaints = await self._site.reload()
        return plain(200, "reloaded") if complaints is None else plain(422, complaints)

    def _may(self, request: web.Request) -> bool:
        token = self._site.reload_token
        if token is None:
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(errors="replace"), token.get_secret_value().encode())
        return right and scheme.lower() == "bearer"

    @staticmethod
    def _foreign(request: web.Request) -> bool:
        """A browser was led here by somebody else's page: browsers say so, scripts and tools say nothing."""
        origin = request.headers.get("Origin")
        return origin is not None and origin.partition("://")[2] != request.host


def plain(status: int, text: str) -> web.Response:
    """A text for a terminal."""
    text = text if text.endswith("\n") else f"{text}\n"
    return web.Response(text=text, status=status, headers={"Cache-Control": "no-store"})
