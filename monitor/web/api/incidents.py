"""Handlers of the API for incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from monitor.model.time_parsing import parse_time
from monitor.web.api import models
from monitor.web.api.handlers import unknown_parameter
from monitor.web.api.incident_json import incident_detail_json, incident_json
from monitor.web.api.openapi import Operation, Parameter
from monitor.web.api.responses import error_response, json_response, to_json

if TYPE_CHECKING:
    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext

MAX_INCIDENTS = 1000
_LIST_PARAMETERS = (
    Parameter(name="open", help="true: only open incidents.", schema={"type": "boolean", "default": False}),
    Parameter(
        name="since",
        help="Only incidents that are open or changed since then: ISO 8601, unix milliseconds, or such as -24h.",
        schema={"type": "string", "default": "0", "examples": ["-24h", "2026-08-01T00:00:00Z"]},
    ),
)
_ID_PARAMETER = Parameter(
    name="id",
    place="path",
    help="The incident's id.",
    schema={"type": "string", "examples": ["ha-noi-20260801T000000Z"]},
)


class IncidentApi:
    """Handlers of ``/api/v1/incidents``."""

    def __init__(self, context: WebContext) -> None:
        self._context = context

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, for routes and description."""
        return (
            Operation(
                name="incidents",
                path="/api/v1/incidents",
                help="Incidents, newest first.",
                handler=self.incidents,
                response=models.IncidentsResponse,
                parameters=_LIST_PARAMETERS,
                error_responses={400: "Invalid parameter."},
            ),
            Operation(
                name="incident",
                path="/api/v1/incidents/{id}",
                help="One incident with its events, notes and messages.",
                handler=self.incident,
                response=models.IncidentDetailResponse,
                parameters=(_ID_PARAMETER,),
                error_responses={404: "There is no such incident."},
            ),
        )

    async def incidents(self, request: web.Request) -> web.Response:
        """Return incidents, newest first: open ones, and without ``open=true`` also those changed after ``since``."""
        now = self._context.clock.now()
        if unknown := unknown_parameter(request.query, _LIST_PARAMETERS):
            return error_response(400, unknown)
        open_only = request.query.get("open", "false")
        if open_only not in {"true", "false"}:
            return error_response(400, f"open: {open_only!r} is not true or false")
        try:
            since = parse_time(request.query.get("since", "0"), now)
        except ValueError as error:
            return error_response(400, f"since: {error}")

        def build_json(reader: JournalReader) -> bytes:
            found = reader.incidents(open_only=open_only == "true", since_ms=since, limit=MAX_INCIDENTS)
            return to_json({"incidents": [incident_json(one, now) for one in found]}).encode()

        return json_response(await self._context.journal.read(build_json))

    async def incident(self, request: web.Request) -> web.Response:
        """Return one incident with its events, notes and messages."""
        incident_id, now = request.match_info["id"], self._context.clock.now()

        def build_json(reader: JournalReader) -> bytes | None:
            events = reader.incident_events(incident_id)
            return to_json(incident_detail_json(reader, events[-1], now)).encode() if events else None

        body = await self._context.journal.read(build_json)
        return error_response(404, f"there is no incident {incident_id!r}") if body is None else json_response(body)
