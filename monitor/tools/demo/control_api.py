"""The control door: by it drills and tests force a condition on a portal, lift it, and see what truly happened.

It listens on loopback and asks nobody for a name; what a condition does is left to the sites.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from monitor.tools.demo.fault_schedule import Condition, Mode
from monitor.tools.demo.listener import HOST
from monitor.tools.demo.site import Site

_STATUS: Final = {Mode.ERROR: 500, Mode.MAINTENANCE_PAGE: 503, Mode.BLOCKED: 403}
_FACTOR: Final = {Mode.SLOW: 6.0}
_DELAY_S: Final = {Mode.SLOW: 1.5}
_LONGEST_DELAY_S: Final = 600.0


class Door:
    """An HTTP server of its own port.

    ``GET /portals``, ``GET /portals/{id}/hits``, ``GET /portals/{id}/changes``, and on ``/portals/{id}/condition``
    POST ``{"mode": ..., "status": ..., "delay": ...}`` (all but the mode may be left out) or DELETE.
    """

    def __init__(self, sites: Mapping[str, Site], seconds: Callable[[], float]) -> None:
        """Know the sites by portal id, and how to ask for the fleet second."""
        self._sites = sites
        self._seconds = seconds
        app = web.Application()
        app.add_routes(
            [
                web.get("/portals", self._portals),
                web.get("/portals/{id}/hits", self._hits),
                web.get("/portals/{id}/changes", self._changes),
                web.post("/portals/{id}/condition", self._force),
                web.delete("/portals/{id}/condition", self._release),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    async def open(self) -> str:
        """Listen on a free port and give the URL."""
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _portals(self, _: web.Request) -> web.Response:
        shown = [_shown(site) for site in self._sites.values()]
        return web.json_response({"at_seconds": self._seconds(), "portals": shown})

    async def _hits(self, request: web.Request) -> web.Response:
        site = self._site(request)
        return web.json_response({"total": site.paths.total(), "paths": site.paths, "modes": site.modes})

    async def _changes(self, request: web.Request) -> web.Response:
        changes = self._site(request).changes
        return web.json_response([{"at": one.at.isoformat(), **asdict(one.condition)} for one in changes])

    async def _force(self, request: web.Request) -> web.Response:
        site = self._site(request)
        try:
            condition = wished(await request.json())
        except (ValueError, TypeError, KeyError) as error:
            raise web.HTTPBadRequest(text=f"not a condition: {error}\n") from None
        await site.force(condition)
        return web.json_response(_shown(site))

    async def _release(self, request: web.Request) -> web.Response:
        site = self._site(request)
        await site.force(None)
        return web.json_response(_shown(site))

    def _site(self, request: web.Request) -> Site:
        name = request.match_info["id"]
        if name not in self._sites:
            raise web.HTTPNotFound(text=f"no portal {name!r} in this fleet\n")
        return self._sites[name]


def wished(wish: Mapping[str, Any]) -> Condition:
    """Read a condition as the door is told it; ValueError, TypeError or KeyError where it is none."""
    mode = Mode(wish["mode"])
    status = int(wish.get("status", _STATUS.get(mode, 200)))
    delay = float(wish.get("delay", _DELAY_S.get(mode, 0.0)))
    if not 200 <= status <= 599:  # noqa: PLR2004 - what HTTP knows as a final status
        raise ValueError(f"status {status} is not a final status (200 to 599)")
    if not 0.0 <= delay <= _LONGEST_DELAY_S:
        raise ValueError(f"delay {delay} is not between 0 and {_LONGEST_DELAY_S:g} seconds")
    return Condition(mode=mode, status=status, factor=_FACTOR.get(mode, 1.0), delay=delay)


def _shown(site: Site) -> dict[str, Any]:
    return {"id": site.part.id, "forced": site.forced is not None, **asdict(site.condition)}
