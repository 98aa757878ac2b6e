"""The control API: drills and tests force a condition on a portal, clear it, and read what happened.

It listens on loopback without authentication; `site` implements the conditions.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from monitor.tools.demo.fault_schedule import FaultCondition, FaultMode
from monitor.tools.demo.listener import HOST
from monitor.tools.demo.site import DemoSite

_DEFAULT_STATUS: Final = {FaultMode.ERROR: 500, FaultMode.MAINTENANCE_PAGE: 503, FaultMode.BLOCKED: 403}
_DEFAULT_FACTOR: Final = {FaultMode.SLOW: 6.0}
_DEFAULT_DELAY_SECONDS: Final = {FaultMode.SLOW: 1.5}
_MAX_DELAY_SECONDS: Final = 600.0


class ControlApi:
    """An HTTP server on a separate port.

    ``GET /portals``, ``GET /portals/{id}/hits``, ``GET /portals/{id}/changes``, and on ``/portals/{id}/condition``
    POST ``{"mode": ..., "status": ..., "delay": ...}`` (all but the mode are optional) or DELETE.
    """

    def __init__(self, sites: Mapping[str, DemoSite], fleet_seconds: Callable[[], float]) -> None:
        """Keep the sites by portal id and the function that returns the fleet second."""
        self._sites = sites
        self._fleet_seconds = fleet_seconds
        app = web.Application()
        app.add_routes(
            [
                web.get("/portals", self._portals),
                web.get("/portals/{id}/hits", self._hits),
                web.get("/portals/{id}/changes", self._changes),
                web.post("/portals/{id}/condition", self._force_condition),
                web.delete("/portals/{id}/condition", self._clear_condition),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> str:
        """Listen on a free port and return the URL."""
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _portals(self, _: web.Request) -> web.Response:
        shown = [_portal_json(site) for site in self._sites.values()]
        return web.json_response({"at_seconds": self._fleet_seconds(), "portals": shown})

    async def _hits(self, request: web.Request) -> web.Response:
        site = self._site(request)
        return web.json_response({"total": site.paths.total(), "paths": site.paths, "modes": site.modes})

    async def _changes(self, request: web.Request) -> web.Response:
        changes = self._site(request).changes
        return web.json_response([{"at": one.at.isoformat(), **asdict(one.condition)} for one in changes])

    async def _force_condition(self, request: web.Request) -> web.Response:
        site = self._site(request)
        try:
            condition = parse_condition(await request.json())
        except (ValueError, TypeError, KeyError) as error:
            raise web.HTTPBadRequest(text=f"invalid fault condition: {error}\n") from None
        await site.force(condition)
        return web.json_response(_portal_json(site))

    async def _clear_condition(self, request: web.Request) -> web.Response:
        site = self._site(request)
        await site.force(None)
        return web.json_response(_portal_json(site))

    def _site(self, request: web.Request) -> DemoSite:
        name = request.match_info["id"]
        if name not in self._sites:
            raise web.HTTPNotFound(text=f"no portal {name!r} in this fleet\n")
        return self._sites[name]


def parse_condition(data: Mapping[str, Any]) -> FaultCondition:
    """Read a condition from JSON. Raises ValueError, TypeError or KeyError for an invalid one."""
    mode = FaultMode(data["mode"])
    status = int(data.get("status", _DEFAULT_STATUS.get(mode, 200)))
    delay = float(data.get("delay", _DEFAULT_DELAY_SECONDS.get(mode, 0.0)))
    if not 200 <= status <= 599:  # noqa: PLR2004 - the final statuses of HTTP
        raise ValueError(f"status {status} is not a final status (200 to 599)")
    if not 0.0 <= delay <= _MAX_DELAY_SECONDS:
        raise ValueError(f"delay {delay} is not between 0 and {_MAX_DELAY_SECONDS:g} seconds")
    return FaultCondition(mode=mode, status=status, factor=_DEFAULT_FACTOR.get(mode, 1.0), delay=delay)


def _portal_json(site: DemoSite) -> dict[str, Any]:
    return {"id": site.spec.id, "forced": site.forced_condition is not None, **asdict(site.condition)}
