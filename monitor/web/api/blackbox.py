"""``/probe?target=&module=`` for who comes from blackbox_exporter: the newest look at a page of the inventory.

No look is taken: looks follow their timer, and a scrape that caused one would spoil the beat and let strangers choose
what is asked. ``docs/from-blackbox-exporter.md`` tells the differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from monitor.model.records import DECIDING
from monitor.web.api.operations import plain
from monitor.web.metrics.exposition import CONTENT_TYPE
from probes.http.urls import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Check
    from monitor.web.context import Site

ALIASES = {"": DECIDING, "http_2xx": DECIDING}
"""Modules of blackbox_exporter's own sample configuration, by the kind of probe that does the same."""


class Blackbox:
    """The handler of ``/probe``."""

    def __init__(self, site: Site) -> None:
        self._board = site.board
        self._exposition = site.exposition

    async def probe(self, request: web.Request) -> web.Response:
        """200 with the series, 400 for a wrong question, 404 for a stranger, 503 before the first look."""
        target, asked = request.query.get("target", "").strip(), request.query.get("module", "")
        if not target:
            return plain(400, "target is missing: the id of a portal, or an address of the inventory")
        module = ALIASES.get(asked, asked)
        known = {check.kind for check in self._board.checks.values()} | set(ALIASES.values())
        if module not in known:
            return plain(400, f"no such module; there are {', '.join(sorted(known))}, and http_2xx for {DECIDING}")
        check = find(self._board.checks.values(), target, module)
        if check is None:
            return plain(404, "no page of the inventory is looked at under this target and module")
        newest = self._board.latest.get(check.key)
        if newest is None:
            return plain(503, "not looked at yet")
        body = self._exposition.alone(check, newest).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def find(checks: Iterable[Check], target: str, kind: str) -> Check | None:
    """The check of ``kind`` that a target means: a portal's id, a page's address, or a host for its home page."""
    candidates = [check for check in checks if check.kind == kind]
    home = [check for check in candidates if check.name == kind]
    address = _address(target)
    return next(
        iter(
            (
                *(check for check in home if check.portal == target),
                *(check for check in candidates if shown(URL(check.probe.url)) == address),
                *(check for check in home if address in _roots(URL(check.probe.url))),
            )
        ),
        None,
    )


def _address(target: str) -> str | None:
    """As the inventory shows it; without a scheme blackbox_exporter means http."""
    try:
        url = URL(target if "://" in target else f"http://{target}")
        return shown(url) if url.host else None
    except ValueError:
        return None


def _roots(url: URL) -> set[str]:
    """What else means a home page: its host, with and without TLS."""
    return {shown(url.with_path("/")), f"http://{url.host_port_subcomponent}/"}
