"""The small JSON API: the inventory with its states, and measurements as the journal holds them."""

from __future__ import annotations

import heapq
import json
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from aiohttp import web

from monitor.model import State
from monitor.web.render import Shelf, join
from monitor.web.speak import iso
from monitor.web.times import LAST, parse_time
from probes.address import bare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.board import Board
    from monitor.model import Check, Measurement, Portal
    from monitor.store import Reader
    from monitor.web.site import Site

KEPT_SECONDS = 1.0
LIMIT, MOST = 200, 5000
SCANNED = 200_000
"""Rows of a kind looked through at most for one answer: a rare check must not keep the reading thread busy."""

_PARAMETERS = frozenset({"portal", "check", "kind", "since", "until", "limit"})


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
        for name in given:
            if name not in _PARAMETERS:
                raise BadRequest(f"unknown parameter {name!r}: there are {', '.join(sorted(_PARAMETERS))}")
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
        self._shelf = Shelf(site.clock, KEPT_SECONDS, room=1)

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


def _written(found: list[Measurement]) -> bytes:
    return f'{{"measurements": [{",".join(_dump(_measurement(one)) for one in found)}]}}'.encode()


def _prober(board: Board) -> dict[str, Any]:
    """Our own sight: since when and why it is as it is; up from the start unless told otherwise."""
    known = board.prober
    return {
        "location": board.location,
        "state": known.state.value if known else State.UP.value,
        "since": iso(known.at) if known else None,
        "reason": known.detail if known else "",
    }


def _portal(board: Board, portal: Portal, checks: list[Check]) -> dict[str, Any]:
    look, change = board.deciding(portal.id), board.turned(portal.id)
    return {
        "id": portal.id,
        "code": portal.code,
        "name": {"vi": portal.name_vi, "en": portal.name_en},
        "kind": portal.kind.value,
        "group": portal.group,
        "url": bare(portal.url),
        "expect": portal.expect.value,
        "redirects_to": portal.redirects_to,
        "verified": portal.verified,
        "merged_into": portal.merged_into,
        "state": board.state(portal.id).value,
        "since": iso(board.since(portal.id)),
        "flapping": board.flapping(portal.id),
        "reason": change.detail if change else "",
        "last_look": _look(look) if look else None,
        "checks": [
            {"name": one.name, "kind": one.kind, "url": bare(one.probe.url), "interval_seconds": one.interval}
            for one in checks
        ],
    }


def _look(one: Measurement) -> dict[str, Any]:
    return {
        "slot": iso(one.slot),
        "started": iso(one.started),
        "outcome": one.outcome.value,
        "fault": one.fault.value if one.fault else None,
        "void": one.void.value if one.void else None,
        "duration": one.duration,
        "detail": one.detail,
    }


def _measurement(one: Measurement) -> dict[str, Any]:
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
        "hops": [asdict(hop) for hop in one.hops],
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _json(body: bytes, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8", headers=headers)


def refusal(status: int, error: str) -> web.Response:
    """An error as JSON: one sentence under ``error``."""
    return _json(_dump({"error": error}).encode(), status)
