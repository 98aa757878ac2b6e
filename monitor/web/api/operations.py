"""Handlers of the management API: health, readiness, metrics, the configuration and its reload."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING

import yaml
from aiohttp import web

from monitor.config import Config, redacted
from monitor.web.metrics.exposition import CONTENT_TYPE
from monitor.web.rendering import ResponseCache

if TYPE_CHECKING:
    from monitor.web.context import WebContext

METRICS_CACHE_SECONDS = 0.5


class ManagementApi:
    """Handlers of ``/metrics``, ``/config`` and ``/-/``; they respond with plain text in English."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._cache: ResponseCache[list[bytes]] = ResponseCache(context.clock, METRICS_CACHE_SECONDS, max_entries=1)
        self._config_lock = asyncio.Lock()
        self._rendered_config: tuple[Config, str] | None = None

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """Write the exposition piece by piece: with 10,000 checks it has 60 MB, and a copy would delay probes."""
        pieces = await self._cache.get("metrics", self._context.exposition.render)
        length = str(sum(map(len, pieces)))
        response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE, "Content-Length": length})
        await response.prepare(request)
        for piece in pieces if request.method != "HEAD" else ():
            await response.write(piece)
            await asyncio.sleep(0)  # let other tasks run: the buffer of a fast client is never full
        await response.write_eof()
        return response

    async def healthy(self, _request: web.Request) -> web.Response:
        """Return 200: the process responds."""
        return text_response(200, "healthy")

    async def ready(self, _request: web.Request) -> web.Response:
        """Return 200 while probes are completing, else 503 with the reason."""
        readiness = self._context.readiness()
        text = readiness.reason or ("ready" if readiness.ok else "not ready")
        return text_response(200 if readiness.ok else 503, text)

    async def config(self, _request: web.Request) -> web.Response:
        """Return the configuration in use, redacted."""
        async with self._config_lock:
            config = self._context.config()
            if self._rendered_config is None or self._rendered_config[0] is not config:
                text = await asyncio.to_thread(_redacted_yaml, config)  # 0.1 s for a large inventory
                self._rendered_config = (config, text)
            return text_response(200, self._rendered_config[1])

    async def reload(self, request: web.Request) -> web.Response:
        """Load the configuration again: 200, or 422 with the errors while the old one stays in use."""
        if self._context.reload is None or self._context.reload_token is None:
            return text_response(403, "reload over HTTP is disabled")
        if not self._is_authorized(request):
            response = text_response(401, "a valid bearer token is required")
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        if self._is_cross_origin(request):
            return text_response(403, "cross-origin request refused")
        errors = await self._context.reload()
        return text_response(200, "reloaded") if errors is None else text_response(422, errors)

    def _is_authorized(self, request: web.Request) -> bool:
        token = self._context.reload_token
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if token is None or not token.get_secret_value():
            return False
        matches = hmac.compare_digest(_digest(given.strip()), _digest(token.get_secret_value()))
        return matches and scheme.lower() == "bearer"

    @staticmethod
    def _is_cross_origin(request: web.Request) -> bool:
        """Return whether a page of another origin sent the request: browsers send ``Origin``, tools send none."""
        origin = request.headers.get("Origin")
        return origin is not None and origin.partition("://")[2] != request.host


def _redacted_yaml(config: Config) -> str:
    return yaml.safe_dump(redacted(config), allow_unicode=True, sort_keys=False)


def _digest(text: str) -> bytes:
    """Return a digest: its length is fixed, so a comparison does not reveal the length of the secret."""
    return hashlib.sha256(text.encode(errors="replace")).digest()


def text_response(status: int, text: str) -> web.Response:
    """Return a plain-text response that ends with a line break."""
    text = text if text.endswith("\n") else f"{text}\n"
    return web.Response(text=text, status=status, headers={"Cache-Control": "no-store"})
