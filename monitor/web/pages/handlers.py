"""Handlers of the HTML pages of fleet, portal and errors, and of the static files."""

from __future__ import annotations

import hashlib
import importlib.resources
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.i18n.translator import Translator, iso
from monitor.model.records import PortalKind
from monitor.web.pages import fleet
from monitor.web.pages.portal import build_portal_page
from monitor.web.pages.query import PageQuery
from monitor.web.rendering import ResponseCache, Templates

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.web.context import WebContext

CACHE_SECONDS = 1.0  # largest age of a page: many clients cost one rendering a second

_CONTENT_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_CACHE_IMMUTABLE = "public, max-age=31536000, immutable"
_CACHE_REVALIDATE = "no-cache"
_STATUSES_WITH_TEXT = (404, 405, 413, 500)


class StaticFiles:
    """The static files of the pages, in memory; a URL with the current version may be cached for ever."""

    def __init__(self) -> None:
        directory = importlib.resources.files("monitor.web") / "static"
        found = [one for one in directory.iterdir() if one.name.rpartition(".")[2] in _CONTENT_TYPES]
        self._files = {one.name: one.read_bytes() for one in found}
        self._versions = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

    def url(self, name: str) -> str:
        """Return the URL of a file, with its version."""
        return f"/static/{name}?v={self._versions[name]}"

    async def serve(self, request: web.Request) -> web.Response:
        """Return the file."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        is_current = request.query.get("v") == self._versions[name]
        return web.Response(
            body=self._files[name],
            content_type=_CONTENT_TYPES[name.rpartition(".")[2]],
            charset="utf-8",
            headers={"Cache-Control": _CACHE_IMMUTABLE if is_current else _CACHE_REVALIDATE},
        )


class PageHandlers:
    """Handlers of the HTML pages."""

    def __init__(self, context: WebContext, static: StaticFiles) -> None:
        self._context = context
        self._static = static
        self._templates = Templates()
        self._cache: ResponseCache[bytes] = ResponseCache(context.clock, CACHE_SECONDS)

    async def fleet(self, request: web.Request) -> web.Response:
        """Return the page of all portals, or of those that match the query."""
        query = PageQuery.parse(request.query, self._context.language)

        async def render() -> bytes:
            page = await fleet.build_fleet_page(self._context, query, self._translator(query))
            return await self._render("fleet.html", query, PageQuery.fleet_url, page=page, kinds=list(PortalKind))

        return html_response(await self._cache.get(query, render))

    async def portal(self, request: web.Request) -> web.Response:
        """Return the page of one portal."""
        query = self._language_query(request)
        portal = self._context.status_cache.portals.get(request.match_info["id"])
        if portal is None:
            raise web.HTTPNotFound

        async def render() -> bytes:
            page = await build_portal_page(self._context, portal, query, self._translator(query))
            return await self._render("portal.html", query, lambda one: one.portal_url(portal.id), page=page)

        return html_response(await self._cache.get((query, portal.id), render))

    async def error(self, request: web.Request, status: int) -> web.Response:
        """Return a page that names the error without internals."""
        query = self._language_query(request)
        key = f"error.{status}" if status in _STATUSES_WITH_TEXT else "error.other"

        async def render() -> bytes:
            return await self._render("error.html", query, PageQuery.home_url, key=key, status=status)

        return html_response(await self._cache.get((query, "error", status), render), status)

    def _language_query(self, request: web.Request) -> PageQuery:
        """Return a query with the language of the request, for pages without search and filters."""
        return PageQuery.parse({"lang": request.query.get("lang", "")}, self._context.language)

    def _translator(self, query: PageQuery) -> Translator:
        return Translator(query.language, self._context.zone)

    async def _render(
        self,
        template: str,
        query: PageQuery,
        current_url: Callable[[PageQuery], str],
        **values: Any,  # noqa: ANN401 - each template has its own values
    ) -> bytes:
        """Render a template that extends the base template."""
        cache, now, translator = self._context.status_cache, self._context.clock.now(), self._translator(query)
        age = translator.ago(now - cache.last_probe_ms) if cache.last_probe_ms else None
        other = "vi" if query.language == "en" else "en"
        return await self._templates.render(
            template,
            t=translator,
            query=query,
            static=self._static.url,
            other=other,
            other_link=current_url(query.with_language(other)),
            location=cache.location,
            rendered=translator.date_time(now),
            rendered_iso=iso(now),
            last_probe=translator("no_probe") if age is None else translator("last_probe", age=age),
            **values,
        )


def html_response(body: bytes, status: int = 200) -> web.Response:
    """Return a response with a page."""
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)
