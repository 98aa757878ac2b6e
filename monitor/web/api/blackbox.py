"""``/probe?target=&module=`` for who comes from blackbox_exporter: the newest look at a page of the inventory.

No look is taken: looks follow their timer, and a scrape that caused one would spoil the beat and let strangers choose
what is asked. ``docs/from-blackbox-exporter.md`` tells the differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from monitor.model.records import STATE_CHECK
from monitor.web.api.operations import text_response
from monitor.web.metrics.exposition import CONTENT_TYPE
from probes.http.urls import redacted_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Check
    from monitor.web.context import WebContext

MODULE_ALIASES = {"": STATE_CHECK, "http_2xx": STATE_CHECK}
"""Modules of blackbox_exporter's own sample configuration, by the kind of probe that does the same."""


class BlackboxHandler:
    """The handler of ``/probe``."""

    def __init__(self, context: WebContext) -> None:
        self._status_cache = context.status_cache
        self._exposition = context.exposition

    async def probe(self, request: web.Request) -> web.Response:
        """200 with the series, 400 for a wrong question, 404 for a stranger, 503 before the first look."""
        target, asked = request.query.get("target", "").strip(), request.query.get("module", "")
        if not target:
            return text_response(400, "target is missing: the id of a portal, or an address of the inventory")
        module = MODULE_ALIASES.get(asked, asked)
        known = {check.kind for check in self._status_cache.checks.values()} | set(MODULE_ALIASES.values())
        if module not in known:
            return text_response(
                400, f"no such module; there are {', '.join(sorted(known))}, and http_2xx for {STATE_CHECK}"
            )
        check = find_check(self._status_cache.checks.values(), target, module)
        if check is None:
            return text_response(404, "no page of the inventory is looked at under this target and module")
        newest = self._status_cache.latest.get(check.key)
        if newest is None:
            return text_response(503, "not looked at yet")
        body = self._exposition.render_measurement(check, newest).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def find_check(checks: Iterable[Check], target: str, kind: str) -> Check | None:
    """The check of ``kind`` that a target means: a portal's id, a page's address, or a host for its home page."""
    candidates = [check for check in checks if check.kind == kind]
    home = [check for check in candidates if check.name == kind]
    address = _normalized_url(target)
    return next(
        iter(
            (
                *(check for check in home if check.portal == target),
                *(check for check in candidates if redacted_url(URL(check.probe.url)) == address),
                *(check for check in home if address in _home_urls(URL(check.probe.url))),
            )
        ),
        None,
    )


def _normalized_url(target: str) -> str | None:
    """As the inventory shows it; without a scheme blackbox_exporter means http."""
    try:
        url = URL(target if "://" in target else f"http://{target}")
        return redacted_url(url) if url.host else None
    except ValueError:
        return None


def _home_urls(url: URL) -> set[str]:
    """What else means a home page: its host, with and without TLS."""
    return {redacted_url(url.with_path("/")), f"http://{url.host_port_subcomponent}/"}
