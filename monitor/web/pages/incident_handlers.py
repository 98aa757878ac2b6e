"""The handlers of the two pages of incidents."""

from __future__ import annotations

from aiohttp import web

from monitor.web.pages import incidents as incident_page
from monitor.web.pages.handlers import PageHandlers, html_response
from monitor.web.pages.query import PageQuery


class IncidentPageHandlers(PageHandlers):
    """All pages: those of incidents beside the others."""

    async def incidents(self, request: web.Request) -> web.Response:
        """The list."""
        query = PageQuery.parse({"lang": request.query.get("lang", "")}, self._context.language)

        async def render() -> bytes:
            tongue = self._translator(query)
            page = await incident_page.build_list_page(self._context, query, tongue)
            return await self._render("incidents.html", query, tongue, PageQuery.incidents_url, page=page)

        return html_response(await self._cache.get((query, "incidents"), render))

    async def incident(self, request: web.Request) -> web.Response:
        """One incident."""
        query = PageQuery.parse({"lang": request.query.get("lang", "")}, self._context.language)
        identity = request.match_info["id"]

        async def render() -> bytes:
            found = await self._context.journal.read(lambda reader: incident_page.read_incident(reader, identity))
            if not found[0]:
                raise web.HTTPNotFound
            tongue = self._translator(query)
            page = await self._context.journal.read(
                lambda _reader: incident_page.build_incident_page(self._context, found, query, tongue)
            )
            return await self._render("incident.html", query, tongue, lambda one: one.incident_url(identity), page=page)

        return html_response(await self._cache.get((query, "incident", identity), render))
