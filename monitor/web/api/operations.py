"""What operators and their tools ask for: health, readiness, metrics, the configuration, and reloading it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING

import yaml
from aiohttp import web

from monitor.config import redacted
from monitor.web.metrics.exposition import CONTENT_TYPE
from monitor.web.rendering import ResponseCache

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.web.context import WebContext

METRICS_CACHE_SECONDS = 0.5


class ManagementApi:
    """Handlers of ``/metrics``, ``/config`` and ``/-/``; they answer in plain English."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._cache: ResponseCache[list[bytes]] = ResponseCache(context.clock, METRICS_CACHE_SECONDS, max_entries=1)
        self._config_lock = asyncio.Lock()
        self._rendered_config: tuple[Config, str] | None = None

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """What Prometheus scrapes, piece by piece: with 10,000 checks it is 60 MB, and a copy would hold up looks."""
        pieces = await self._cache.get("metrics", self._context.exposition.render)
        length = str(sum(map(len, pieces)))
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE, "Content-Length": length})
        await response.prepare(request)
        for piece in pieces if request.method != "HEAD" else ():
            await response.write(piece)
            await asyncio.sleep(0)  # others have their turn: a fast reader's buffer is never full
        await response.write_eof()
        return response

    async def healthy(self, _request: web.Request) -> web.Response:
        """The process answers."""
        return text_response(200, "healthy")

    async def ready(self, _request: web.Request) -> web.Response:
        """Looks are completing."""
        now = self._context.readiness()
        return text_response(200 if now.ok else 503, now.reason or ("ready" if now.ok else "not ready"))

    async def config(self, _request: web.Request) -> web.Response:
        """The configuration that holds, redacted."""
        async with self._config_lock:
            now = self._context.config()
            if self._rendered_config is None or self._rendered_config[0] is not now:
                text = await asyncio.to_thread(_redacted_yaml, now)  # of a large inventory it takes a tenth of a second
                self._rendered_config = (now, text)
            return text_response(200, self._rendered_config[1])

    async def reload(self, request: web.Request) -> web.Response:
        """Read the configuration anew: 200, or 422 with the complaints while the old one goes on."""
        if self._context.reload is None or self._context.reload_token is None:
            return text_response(403, "reloading over HTTP is off")
        if not self._is_authorized(request):
            response = text_response(401, "a valid bearer token is required")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if self._is_cross_origin(request):
            return text_response(403, "a page of another site may not do this")
        complaints = await self._context.reload()
        return text_response(200, "reloaded") if complaints is None else text_response(422, complaints)

    def _is_authorized(self, request: web.Request) -> bool:
        token = self._context.reload_token
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if token is None or not token.get_secret_value():
            return False
        right = hmac.compare_digest(_digest(given.strip()), _digest(token.get_secret_value()))
        return right and scheme.lower() == "bearer"

    @staticmethod
    def _is_cross_origin(request: web.Request) -> bool:
        """A browser was led here by somebody else's page: browsers say so, scripts and tools say nothing."""
        origin = request.headers.get("Origin")
        return origin is not None and origin.partition("://")[2] != request.host


def _redacted_yaml(config: Config) -> str:
    return yaml.safe_dump(redacted(config), allow_unicode=True, sort_keys=False)


def _digest(text: str) -> bytes:
    """Of one length, so that a comparison does not tell that of the secret."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


def text_response(status: int, text: str) -> web.Response:
    """A text for a terminal."""
    text = text if text.endswith("\n") else f"{text}\n"
    return web.Response(text=text, status=status, headers={"Cache-Control": "no-store"})
