"""Handlers of the two pages of incidents."""

from __future__ import annotations

from aiohttp import web

from monitor.web.pages.handlers import PageHandlers, html_response
from monitor.web.pages.incidents import build_incident_page, build_list_page, read_incident
from monitor.web.pages.query import PageQuery


class IncidentPageHandlers(PageHandlers):
    """All page handlers: those of incidents added to the others."""

    async def incidents(self, request: web.Request) -> web.Response:
        """Return the page of all incidents."""
        query = self._language_query(request)

        async def render() -> bytes:
            page = await build_list_page(self._context, query, self._translator(query))
            return await self._render("incidents.html", query, PageQuery.incidents_url, page=page)

        return html_response(await self._cache.get((query, "incidents"), render))

    async def incident(self, request: web.Request) -> web.Response:
        """Return the page of one incident."""
        query = self._language_query(request)
        incident_id = request.match_info["id"]

        async def render() -> bytes:
            journal = self._context.journal
            records = await journal.read(lambda reader: read_incident(reader, incident_id))
            if not records[0]:
                raise web.HTTPNotFound
            translator = self._translator(query)
            page = await journal.read(lambda _reader: build_incident_page(self._context, records, query, translator))
            return await self._render("incident.html", query, lambda one: one.incident_url(incident_id), page=page)

        return html_response(await self._cache.get((query, "incident", incident_id), render))
