"""The small JSON API: the inventory with its states, and measurements as the journal holds them."""

from __future__ import annotations

import heapq
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.i18n.translator import iso
from monitor.model.records import State
from monitor.model.time_parsing import LAST, parse_time
from monitor.web.api import models
from monitor.web.api.incident_json import hop_json
from monitor.web.api.openapi import Operation, Parameter, document
from monitor.web.rendering import Shelf, join
from probes.http.urls import bare
from probes.registry import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from monitor.model.records import Check, Measurement, Portal
    from monitor.states.status_cache import Board
    from monitor.storage.journal.store import Reader
    from monitor.web.context import Site

KEPT_SECONDS = 1.0
LIMIT, MOST = 200, 5000
SCANNED = 200_000
"""Rows of a kind looked through at most for one answer: a rare check must not keep the reading thread busy."""

_TIME = {"type": "string", "examples": ["-1h", "2026-08-01T00:00:00Z", "1785542400000"]}
_ASKED = (
    Parameter(name="portal", help="Id of a portal.", schema={"type": "string"}),
    Parameter(name="check", help="Name of a check, such as uptime or uptime-search.", schema={"type": "string"}),
    Parameter(name="kind", help="Probe kind.", schema={"type": "string", "enum": list(KINDS)}),
    Parameter(name="since", help="First slot: ISO 8601, unix milliseconds, or such as -1h.", schema=_TIME),
    Parameter(name="until", help="The same; not included.", schema=_TIME),
    Parameter(
        name="limit",
        help="Measurements at most.",
        schema={"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT},
    ),
)


class BadRequest(Exception):
    """A parameter makes no sense; the message says which, to the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A question for measurements with ``since <= slot < until`` in UTC ms, judged whole."""

    portal: str | None
    check: str | None
    kinds: tuple[str, ...]
    since: int
    until: int
    limit: int

    @classmethod
    def read(cls, given: Mapping[str, str], board: Board, now: int) -> Wanted:
        """From a request's parameters. Raises :class:`BadRequest`."""
        if unknown := stranger(given, _ASKED):
            raise BadRequest(unknown)
        portal, check, kind = given.get("portal"), given.get("check"), given.get("kind")
        if portal is not None and portal not in board.portals:
            raise BadRequest(f"unknown portal {portal!r}")
        checks = [one for one in board.checks.values() if portal in (None, one.portal)]
        if check is not None and not any(one.name == check for one in checks):
            raise BadRequest(f"unknown check {check!r}")
        kinds = {one.kind for one in checks if check in (None, one.name)}
        if kind is not None and kind not in {one.kind for one in board.checks.values()}:
            raise BadRequest(f"unknown kind {kind!r}")
        return cls(
            portal=portal,
            check=check,
            kinds=tuple(sorted(kinds & {kind} if kind else kinds)),
            since=_time(given, "since", 0, now),
            until=_time(given, "until", LAST, now),
            limit=_limit(given.get("limit", str(LIMIT))),
        )

    def find(self, reader: Reader) -> list[Measurement]:
        """The newest matching measurements, newest first."""
        found = heapq.merge(
            *(self._of_kind(reader, kind) for kind in self.kinds), key=lambda one: (one.slot, one.seq), reverse=True
        )
        return list(islice(found, self.limit))

    def _of_kind(self, reader: Reader, kind: str) -> Iterator[Measurement]:
        rows = reader.measurements(
            kind=kind, portal=self.portal, since=self.since, until=self.until, limit=SCANNED, newest_first=True
        )
        return (one for one in rows if self.check in (None, one.check))


def stranger(given: Iterable[str], known: Iterable[Parameter]) -> str | None:
    """A complaint about the first of the ``given`` names that is no parameter; None when there is none."""
    names = sorted(one.name for one in known)
    unknown = next((name for name in given if name not in names), None)
    return None if unknown is None else f"unknown parameter {unknown!r}: there are {', '.join(names)}"


def _time(given: Mapping[str, str], name: str, otherwise: int, now: int) -> int:
    if name not in given:
        return otherwise
    try:
        return parse_time(given[name], now)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from None


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST)) and 1 <= int(text) <= MOST):
        raise BadRequest(f"limit: {text!r} is not a number from 1 to {MOST}")
    return int(text)


class Api:
    """Handlers of ``/api/v1``."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shelf: Shelf[bytes] = Shelf(site.clock, KEPT_SECONDS, room=1)

    def operations(self) -> tuple[Operation, ...]:
        """What can be asked."""
        return (
            Operation(
                name="portals",
                path="/api/v1/portals",
                help="The inventory with states and latest looks, at most a second old.",
                handler=self.portals,
                answer=models.Portals,
                refusals={},
            ),
            Operation(
                name="measurements",
                path="/api/v1/measurements",
                help="Measurements as the journal holds them, newest first.",
                handler=self.measurements,
                answer=models.Measurements,
                parameters=_ASKED,
                refusals={400: "A parameter makes no sense, or names what does not exist."},
            ),
        )

    async def portals(self, _request: web.Request) -> web.Response:
        """The inventory with states and latest looks."""
        return _json(await self._shelf.get("portals", self._portals))

    async def _portals(self) -> bytes:
        board = self._site.board
        checks: dict[str, list[Check]] = {}
        for check in board.checks.values():
            checks.setdefault(check.portal, []).append(check)
        pieces = (_dump(_portal(board, one, checks.get(one.id, []))) for one in list(board.portals.values()))
        return f'{{"prober": {_dump(_prober(board))}, "portals": [{await join(pieces, ",")}]}}'.encode()

    async def measurements(self, request: web.Request) -> web.Response:
        """Measurements, newest first. Found and written out on the reading thread."""
        try:
            wanted = Wanted.read(request.query, self._site.board, self._site.clock.now())
        except BadRequest as error:
            return refusal(400, str(error))
        return _json(await self._site.journal.read(lambda reader: _written(wanted.find(reader))))


class Description:
    """Serves what ``operations`` say of themselves, and of itself."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        own = Operation(
            name="description",
            path="/api/openapi.json",
            help="This description.",
            handler=self.serve,
            answer=dict[str, Any],
            refusals={},
        )
        self.operations = (*operations, own)
        self._body = _dump(document(self.operations)).encode()

    async def serve(self, _request: web.Request) -> web.Response:
        """Answer with it."""
        return _json(self._body)


def _written(found: list[Measurement]) -> bytes:
    return f'{{"measurements": [{",".join(_dump(_measurement(one)) for one in found)}]}}'.encode()


def _prober(board: Board) -> models.Prober:
    """Our own sight: since when and why it is as it is; up from the start unless told otherwise."""
    known = board.prober
    return {
        "location": board.location,
        "state": known.state if known else State.UP,
        "since": iso(known.at) if known else None,
        "reason": known.detail if known else "",
    }


def _portal(board: Board, portal: Portal, checks: list[Check]) -> models.PortalOf:
    look, change = board.deciding(portal.id), board.turned(portal.id)
    return {
        "id": portal.id,
        "code": portal.code,
        "name": {"vi": portal.name_vi, "en": portal.name_en},
        "kind": portal.kind,
        "group": portal.group,
        "url": bare(portal.url),
        "expect": portal.expect,
        "redirects_to": portal.redirects_to,
        "verified": portal.verified,
        "merged_into": portal.merged_into,
        "state": board.state(portal.id),
        "since": iso(board.since(portal.id)),
        "flapping": board.flapping(portal.id),
        "reason": change.detail if change else "",
        "last_look": _look(look) if look else None,
        "checks": [
            {"name": one.name, "kind": one.kind, "url": bare(one.probe.url), "interval_seconds": one.interval}
            for one in checks
        ],
    }


def _look(one: Measurement) -> models.Look:
    return {
        "slot": iso(one.slot),
        "started": iso(one.started),
        "outcome": one.outcome,
        "fault": one.fault,
        "void": one.void,
        "duration": one.duration,
        "detail": one.detail,
    }


def _measurement(one: Measurement) -> models.MeasurementOf:
    return {
        "seq": one.seq,
        "portal": one.portal,
        "check": one.check,
        "kind": one.kind,
        "location": one.location,
        "attempt": one.attempt,
        **_look(one),
        "phase": one.phase,
        "lateness": one.lateness,
        "config": one.config,
        "values": dict(one.values),
        "hops": [hop_json(hop) for hop in one.hops],
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(body: bytes, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8", headers=headers)


def refusal(status: int, error: str) -> web.Response:
    """An error as JSON: one sentence under ``error``."""
    return _json(_dump({"error": error}).encode(), status)
