"""The handlers of the two pages of incidents."""

from __future__ import annotations

from aiohttp import web

from monitor.web.pages import incidents as incident_page
from monitor.web.pages.handlers import Pages, html
from monitor.web.pages.query import Query


class IncidentPages(Pages):
    """All pages: those of incidents beside the others."""

    async def incidents(self, request: web.Request) -> web.Response:
        """The list."""
        query = Query.read({"lang": request.query.get("lang", "")}, self._site.language)

        async def make() -> bytes:
            tongue = self._tongue(query)
            page = await incident_page.listed(self._site, query, tongue)
            return await self._fill("incidents.html", query, tongue, Query.incidents, page=page)

        return html(await self._shelf.get((query, "incidents"), make))

    async def incident(self, request: web.Request) -> web.Response:
        """One incident."""
        query = Query.read({"lang": request.query.get("lang", "")}, self._site.language)
        identity = request.match_info["id"]

        async def make() -> bytes:
            found = await self._site.journal.read(lambda reader: incident_page.read(reader, identity))
            if not found[0]:
                raise web.HTTPNotFound
            tongue = self._tongue(query)
            page = await self._site.journal.read(lambda _reader: incident_page.page(self._site, found, query, tongue))
            return await self._fill("incident.html", query, tongue, lambda one: one.incident(identity), page=page)

        return html(await self._shelf.get((query, "incident", identity), make))
