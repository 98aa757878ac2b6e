"""Handlers of the JSON API: the inventory with its states, and the measurements of the journal."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.i18n.translator import iso
from monitor.model.records import Check, Measurement, Portal, State
from monitor.model.time_parsing import MAX_TIMESTAMP_MS, parse_time
from monitor.web.api import models
from monitor.web.api.incident_json import hop_json
from monitor.web.api.openapi import Operation, Parameter, openapi_document
from monitor.web.api.responses import error_response, json_response, to_json
from monitor.web.rendering import ResponseCache, join_cooperatively
from probes.http.urls import strip_credentials
from probes.registry import PROBE_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext

CACHE_SECONDS = 1.0
DEFAULT_LIMIT, MAX_LIMIT = 200, 5000
MAX_SCANNED_ROWS = 200_000
"""Rows of a kind scanned at most for one response: a rare check must not keep the reading thread busy."""

_TIME_SCHEMA = {"type": "string", "examples": ["-1h", "2026-08-01T00:00:00Z", "1785542400000"]}
_MEASUREMENT_PARAMETERS = (
    Parameter(name="portal", help="Id of a portal.", schema={"type": "string"}),
    Parameter(name="check", help="Name of a check, such as uptime or uptime-search.", schema={"type": "string"}),
    Parameter(name="kind", help="Probe kind.", schema={"type": "string", "enum": list(PROBE_KINDS)}),
    Parameter(name="since", help="First slot: ISO 8601, unix milliseconds, or such as -1h.", schema=_TIME_SCHEMA),
    Parameter(name="until", help="End of the slots, exclusive; the same formats.", schema=_TIME_SCHEMA),
    Parameter(
        name="limit",
        help="Maximum number of measurements.",
        schema={"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
)


class BadRequest(Exception):
    """A parameter is invalid; the message for the client names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementQuery:
    """A validated query for measurements with ``since_ms <= slot < until_ms``."""

    portal: str | None
    check: str | None
    kinds: tuple[str, ...]
    since_ms: int
    until_ms: int
    limit: int

    @classmethod
    def parse(cls, parameters: Mapping[str, str], status_cache: StatusCache, now_ms: int) -> MeasurementQuery:
        """Parse a request's parameters. Raises :class:`BadRequest`."""
        if unknown := unknown_parameter(parameters, _MEASUREMENT_PARAMETERS):
            raise BadRequest(unknown)
        portal, check, kind = parameters.get("portal"), parameters.get("check"), parameters.get("kind")
        if portal is not None and portal not in status_cache.portals:
            raise BadRequest(f"unknown portal {portal!r}")
        checks = [one for one in status_cache.checks.values() if portal in (None, one.portal)]
        if check is not None and not any(one.name == check for one in checks):
            raise BadRequest(f"unknown check {check!r}")
        kinds = {one.kind for one in checks if check in (None, one.name)}
        if kind is not None and kind not in {one.kind for one in status_cache.checks.values()}:
            raise BadRequest(f"unknown kind {kind!r}")
        return cls(
            portal=portal,
            check=check,
            kinds=tuple(sorted(kinds & {kind} if kind else kinds)),
            since_ms=_parse_time_parameter(parameters, "since", 0, now_ms),
            until_ms=_parse_time_parameter(parameters, "until", MAX_TIMESTAMP_MS, now_ms),
            limit=_parse_limit(parameters.get("limit", str(DEFAULT_LIMIT))),
        )

    def find(self, reader: JournalReader) -> list[Measurement]:
        """Return the newest matching measurements, newest first."""
        rows = (self._of_kind(reader, kind) for kind in self.kinds)
        found = heapq.merge(*rows, key=lambda one: (one.slot, one.seq), reverse=True)
        return list(islice(found, self.limit))

    def _of_kind(self, reader: JournalReader, kind: str) -> Iterator[Measurement]:
        window = {"since_ms": self.since_ms, "until_ms": self.until_ms}
        rows = reader.measurements(kind=kind, portal=self.portal, **window, limit=MAX_SCANNED_ROWS, newest_first=True)
        return (one for one in rows if self.check in (None, one.check))


def unknown_parameter(query_keys: Iterable[str], allowed: Iterable[Parameter]) -> str | None:
    """Return an error about the first key that is not an allowed parameter; None without one."""
    names = sorted(one.name for one in allowed)
    unknown = next((name for name in query_keys if name not in names), None)
    return None if unknown is None else f"unknown parameter {unknown!r}: expected one of {', '.join(names)}"


def _parse_time_parameter(parameters: Mapping[str, str], name: str, default_ms: int, now_ms: int) -> int:
    if name not in parameters:
        return default_ms
    try:
        return parse_time(parameters[name], now_ms)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from None


def _parse_limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) and 1 <= int(text) <= MAX_LIMIT):
        raise BadRequest(f"limit: {text!r} is not a number from 1 to {MAX_LIMIT}")
    return int(text)


class Api:
    """Handlers of ``/api/v1``."""

    def __init__(self, context: WebContext) -> None:
        self._context = context
        self._cache: ResponseCache[bytes] = ResponseCache(context.clock, CACHE_SECONDS, max_entries=1)

    def operations(self) -> tuple[Operation, ...]:
        """Return the operations, for routes and description."""
        return (
            Operation(
                name="portals",
                path="/api/v1/portals",
                help="The inventory with states and latest results, at most a second old.",
                handler=self.portals,
                response=models.PortalsResponse,
            ),
            Operation(
                name="measurements",
                path="/api/v1/measurements",
                help="Measurements as the journal holds them, newest first.",
                handler=self.measurements,
                response=models.MeasurementsResponse,
                parameters=_MEASUREMENT_PARAMETERS,
                error_responses={400: "Invalid parameter, or it names what does not exist."},
            ),
        )

    async def portals(self, _request: web.Request) -> web.Response:
        """Return the inventory with states and latest results."""
        return json_response(await self._cache.get("portals", self._portals))

    async def _portals(self) -> bytes:
        cache = self._context.status_cache
        checks: dict[str, list[Check]] = {}
        for check in cache.checks.values():
            checks.setdefault(check.portal, []).append(check)
        pieces = (to_json(_portal_json(cache, one, checks.get(one.id, []))) for one in list(cache.portals.values()))
        portals = await join_cooperatively(pieces, ",")
        return f'{{"prober": {to_json(_prober_json(cache))}, "portals": [{portals}]}}'.encode()

    async def measurements(self, request: web.Request) -> web.Response:
        """Return measurements, newest first. They are read and encoded on the reading thread."""
        try:
            query = MeasurementQuery.parse(request.query, self._context.status_cache, self._context.clock.now())
        except BadRequest as error:
            return error_response(400, str(error))
        return json_response(await self._context.journal.read(lambda reader: _measurements_json(query.find(reader))))


class OpenApiHandler:
    """Serves the OpenAPI description of ``operations`` and of itself."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        own = Operation(
            name="description",
            path="/api/openapi.json",
            help="This description.",
            handler=self.serve,
            response=dict[str, Any],
        )
        self.operations = (*operations, own)
        self._body = to_json(openapi_document(self.operations)).encode()

    async def serve(self, _request: web.Request) -> web.Response:
        """Return the description."""
        return json_response(self._body)


def _measurements_json(measurements: list[Measurement]) -> bytes:
    return f'{{"measurements": [{",".join(to_json(_measurement_json(one)) for one in measurements)}]}}'.encode()


def _prober_json(status_cache: StatusCache) -> models.ProberResponse:
    """Return the state of the prober: up before the first state change."""
    change = status_cache.prober_change
    return {
        "location": status_cache.location,
        "state": change.state if change else State.UP,
        "since": iso(change.at) if change else None,
        "reason": change.detail if change else "",
    }


def _portal_json(status_cache: StatusCache, portal: Portal, checks: list[Check]) -> models.PortalResponse:
    latest, change = status_cache.latest_state_check(portal.id), status_cache.current_state_change(portal.id)
    return {
        "id": portal.id,
        "code": portal.code,
        "name": {"vi": portal.name_vi, "en": portal.name_en},
        "kind": portal.kind,
        "group": portal.group,
        "url": strip_credentials(portal.url),
        "expect": portal.expect,
        "redirects_to": portal.redirects_to,
        "verified": portal.verified,
        "merged_into": portal.merged_into,
        "state": status_cache.state(portal.id),
        "since": iso(status_cache.state_since_ms(portal.id)),
        "flapping": status_cache.is_flapping(portal.id),
        "reason": change.detail if change else "",
        "latest": _attempt_json(latest) if latest else None,
        "checks": [_check_json(one) for one in checks],
    }


def _check_json(check: Check) -> models.CheckResponse:
    url = strip_credentials(check.probe.url)
    return {"name": check.name, "kind": check.kind, "url": url, "interval_seconds": check.interval}


def _attempt_json(measurement: Measurement) -> models.AttemptResponse:
    return {
        "slot": iso(measurement.slot),
        "started": iso(measurement.started),
        "outcome": measurement.outcome,
        "fault": measurement.fault,
        "unknown_reason": measurement.unknown_reason,
        "duration": measurement.duration,
        "detail": measurement.detail,
    }


def _measurement_json(measurement: Measurement) -> models.MeasurementResponse:
    return {
        "seq": measurement.seq,
        "portal": measurement.portal,
        "check": measurement.check,
        "kind": measurement.kind,
        "location": measurement.location,
        "attempt": measurement.attempt,
        **_attempt_json(measurement),
        "phase": measurement.phase,
        "start_delay": measurement.start_delay,
        "config": measurement.config,
        "values": dict(measurement.values),
        "hops": [hop_json(hop) for hop in measurement.hops],
    }
