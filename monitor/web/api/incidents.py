"""The handlers about incidents: two pages for people, two answers for machines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.model.time_parsing import parse_time
from monitor.web.api import models
from monitor.web.api.handlers import error_response, unknown_parameter
from monitor.web.api.incident_json import incident_detail_json, incident_json
from monitor.web.api.openapi import Operation, Parameter

if TYPE_CHECKING:
    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext

MAX_INCIDENTS = 1000
_LIST_PARAMETERS = (
    Parameter(name="open", help="true: only those that go on.", schema={"type": "boolean", "default": False}),
    Parameter(
        name="since",
        help="Of those that are over, those that moved since then: ISO 8601, unix milliseconds, or such as -24h.",
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
        """What can be asked."""
        return (
            Operation(
                name="incidents",
                path="/api/v1/incidents",
                help="Incidents, newest first.",
                handler=self.incidents,
                response=models.Incidents,
                parameters=_LIST_PARAMETERS,
                error_responses={400: "A parameter makes no sense."},
            ),
            Operation(
                name="incident",
                path="/api/v1/incidents/{id}",
                help="One incident with its events, notes and messages.",
                handler=self.incident,
                response=models.IncidentWhole,
                parameters=(_ID_PARAMETER,),
                error_responses={404: "There is no such incident."},
            ),
        )

    async def incidents(self, request: web.Request) -> web.Response:
        """Incidents, newest first: all, or with ``open=true`` those that go on, or those that moved since ``since``."""
        now = self._context.clock.now()
        if unknown := unknown_parameter(request.query, _LIST_PARAMETERS):
            return error_response(400, unknown)
        wish = request.query.get("open", "false")
        if wish not in {"true", "false"}:
            return error_response(400, f"open: {wish!r} is not true or false")
        try:
            since = parse_time(request.query.get("since", "0"), now)
        except ValueError as error:
            return error_response(400, f"since: {error}")

        def build_json(reader: JournalReader) -> bytes:
            found = reader.incidents(open_only=wish == "true", since_ms=since, limit=MAX_INCIDENTS)
            return _dump({"incidents": [incident_json(one, now) for one in found]})

        return _json_response(await self._context.journal.read(build_json))

    async def incident(self, request: web.Request) -> web.Response:
        """One incident with its events, notes and messages."""
        identity, now = request.match_info["id"], self._context.clock.now()

        def build_json(reader: JournalReader) -> bytes | None:
            events = reader.incident_events(identity)
            return _dump(incident_detail_json(reader, events[-1], now)) if events else None

        body = await self._context.journal.read(build_json)
        return error_response(404, f"there is no incident {identity!r}") if body is None else _json_response(body)


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _json_response(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
