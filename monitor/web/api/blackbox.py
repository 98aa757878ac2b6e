"""``/probe?target=&module=`` as in blackbox_exporter: the newest measurement of a check of the inventory.

No probe is run: probes follow their schedule, and a scrape that started one would disturb it and let clients choose the
target. ``docs/from-blackbox-exporter.md`` lists the differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from yarl import URL

from monitor.model.records import STATE_CHECK, Check
from monitor.web.api.operations import text_response
from monitor.web.metrics.exposition import CONTENT_TYPE
from probes.http.urls import redacted_url

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.web.context import WebContext

MODULE_ALIASES = {"": STATE_CHECK, "http_2xx": STATE_CHECK}
"""Modules of blackbox_exporter's sample configuration, mapped to the probe kind that does the same."""


class BlackboxHandler:
    """The handler of ``/probe``."""

    def __init__(self, context: WebContext) -> None:
        self._status_cache = context.status_cache
        self._exposition = context.exposition

    async def probe(self, request: web.Request) -> web.Response:
        """Return 200 with the series, 400 for bad parameters, 404 for an unknown target, 503 before the first probe."""
        target, module = request.query.get("target", "").strip(), request.query.get("module", "")
        if not target:
            return text_response(400, "missing parameter target: a portal id or a URL of the inventory")
        module = MODULE_ALIASES.get(module, module)
        known = {check.kind for check in self._status_cache.checks.values()} | set(MODULE_ALIASES.values())
        if module not in known:
            expected = ", ".join(sorted(known))
            return text_response(400, f"unknown module: expected {expected}, or http_2xx for {STATE_CHECK}")
        check = find_check(self._status_cache.checks.values(), target, module)
        if check is None:
            return text_response(404, "unknown target: no check of the inventory has this target and module")
        newest = self._status_cache.latest.get(check.key)
        if newest is None:
            return text_response(503, "not probed yet")
        body = self._exposition.render_measurement(check, newest).encode()
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


def find_check(checks: Iterable[Check], target: str, kind: str) -> Check | None:
    """Return the check of ``kind`` that a target names: a portal id, the URL of a page, or a host for its home page."""
    candidates = [check for check in checks if check.kind == kind]
    home = [check for check in candidates if check.name == kind]
    url = _normalized_url(target)
    found = [check for check in home if check.portal == target]
    found += [check for check in candidates if redacted_url(URL(check.probe.url)) == url]
    found += [check for check in home if url in _home_urls(URL(check.probe.url))]
    return found[0] if found else None


def _normalized_url(target: str) -> str | None:
    """Return the URL as the inventory shows it; without a scheme it is http, as in blackbox_exporter."""
    try:
        url = URL(target if "://" in target else f"http://{target}")
        return redacted_url(url) if url.host else None
    except ValueError:
        return None


def _home_urls(url: URL) -> set[str]:
    """Return the other URLs of a home page: its host, with and without TLS."""
    return {redacted_url(url.with_path("/")), f"http://{url.host_port_subcomponent}/"}
