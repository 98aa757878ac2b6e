"""The pages for people: fleet, portal, and what they see when there is nothing to show."""

from __future__ import annotations

import hashlib
import importlib.resources
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.i18n.translator import Tongue, iso
from monitor.model.records import PortalKind
from monitor.web.pages import fleet
from monitor.web.pages import portal as detail
from monitor.web.pages.query import Query
from monitor.web.rendering import Shelf, Stencils

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.web.context import Site

KEPT_SECONDS = 1.0
"""How old a page may be when it is shown: many readers cost one rendering a second."""

_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_WORDED = (404, 405, 413, 500)


class Static:
    """The few files that pages refer to, in memory; an address with the right version may be kept for ever."""

    def __init__(self) -> None:
        folder = importlib.resources.files("monitor.web") / "static"
        self._files = {
            entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.name.rpartition(".")[2] in _TYPES
        }
        self._versions = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

    def link(self, name: str) -> str:
        """The address of a file, with its version."""
        return f"/static/{name}?v={self._versions[name]}"

    async def serve(self, request: web.Request) -> web.Response:
        """Answer with the file."""
        name = request.match_info["name"]
        if name not in self._files:
            raise web.HTTPNotFound
        fresh = request.query.get("v") == self._versions[name]
        return web.Response(
            body=self._files[name],
            content_type=_TYPES[name.rpartition(".")[2]],
            charset="utf-8",
            headers={"Cache-Control": _FOREVER if fresh else _ASK_AGAIN},
        )


class Pages:
    """Handlers of the HTML pages."""

    def __init__(self, site: Site, static: Static) -> None:
        self._site = site
        self._static = static
        self._stencils = Stencils()
        self._shelf: Shelf[bytes] = Shelf(site.clock, KEPT_SECONDS)

    async def fleet(self, request: web.Request) -> web.Response:
        """All portals, or those that were searched for."""
        query = Query.read(request.query, self._site.language)

        async def make() -> bytes:
            tongue = self._tongue(query)
            page = await fleet.gather(self._site, query, tongue)
            return await self._fill("fleet.html", query, tongue, Query.fleet, page=page, kinds=list(PortalKind))

        return html(await self._shelf.get(query, make))

    async def portal(self, request: web.Request) -> web.Response:
        """One portal."""
        query = Query.read({"lang": request.query.get("lang", "")}, self._site.language)
        portal = self._site.board.portals.get(request.match_info["id"])
        if portal is None:
            raise web.HTTPNotFound

        async def make() -> bytes:
            tongue = self._tongue(query)
            page = await detail.gather(self._site, portal, query, tongue)
            return await self._fill("portal.html", query, tongue, lambda one: one.portal(portal.id), page=page)

        return html(await self._shelf.get((query, portal.id), make))

    async def trouble(self, request: web.Request, status: int) -> web.Response:
        """A page that says what went wrong, and never how."""
        query = Query.read({"lang": request.query.get("lang", "")}, self._site.language)
        key = f"error.{status}" if status in _WORDED else "error.other"
        tongue = self._tongue(query)

        async def make() -> bytes:
            return await self._fill("error.html", query, tongue, Query.home, key=key, status=status)

        return html(await self._shelf.get((query, "trouble", status), make), status)

    def _tongue(self, query: Query) -> Tongue:
        return Tongue(query.language, self._site.zone)

    async def _fill(
        self,
        template: str,
        query: Query,
        tongue: Tongue,
        here: Callable[[Query], str],
        **values: Any,  # noqa: ANN401 - each page has its own
    ) -> bytes:
        """Fill a template that stands on the common frame."""
        board, now = self._site.board, self._site.clock.now()
        other = "vi" if query.language == "en" else "en"
        return await self._stencils.fill(
            template,
            t=tongue,
            query=query,
            static=self._static.link,
            other=other,
            other_link=here(query.spoken(other)),
            location=board.location,
            rendered=tongue.moment(now),
            rendered_iso=iso(now),
            looked=tongue("last_look", age=tongue.ago(now - board.last_look)) if board.last_look else tongue("no_look"),
            **values,
        )


def html(body: bytes, status: int = 200) -> web.Response:
    """A page."""
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8", headers=headers)
