"""Joins the handlers into one aiohttp application: routes, security headers, and errors that never show a traceback."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from monitor.web.api.blackbox import Blackbox
from monitor.web.api.handlers import Api, Description, refusal
from monitor.web.api.incidents import IncidentApi
from monitor.web.api.operations import Operations, plain
from monitor.web.pages.filmstrip import Film
from monitor.web.pages.handlers import Static
from monitor.web.pages.incident_handlers import IncidentPages
from monitor.web.rendering import Crowded
from monitor.web.server.headers import HEADERS
from monitor.web.server.listener import Listening
from monitor.web.server.middleware import LARGEST_REQUEST, Ease, accounts, limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

    from monitor.web.context import Site
    from monitor.web.pages.handlers import Pages
    from monitor.web.server.security import Door

log = structlog.get_logger(__name__)


def make_app(site: Site) -> web.Application:
    """The application, ready for an ``AppRunner``. It starts no task of its own; a timer tells how busy we are."""
    static = Static()
    pages, operations = IncidentPages(site, static), Operations(site)
    description = Description((*Api(site).operations(), *IncidentApi(site).operations()))
    film = Film(site)
    ease = Ease()
    middlewares = [limits(ease), _guard(pages), accounts(site.keeper)]
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=middlewares)
    app.cleanup_ctx.append(ease.keep)
    app.on_response_prepare.append(_protect)
    app.add_routes(
        [
            web.get("/", pages.fleet),
            web.get("/portals/{id}", pages.portal),
            web.get("/incidents", pages.incidents),
            web.get("/incidents/{id}", pages.incident),
            web.get("/static/{name}", static.serve),
            *(web.get(one.path, one.handler) for one in description.operations),
            web.get("/evidence/{portal}/{check}/{slot}/{file}", film.serve),
            web.get("/metrics", operations.metrics),
            web.get("/probe", Blackbox(site).probe),
            web.get("/config", operations.config),
            web.get("/-/healthy", operations.healthy),
            web.get("/-/ready", operations.ready),
            web.post("/-/reload", operations.reload),
        ]
    )
    return app


async def serve(site: Site, listen: str, door: Door) -> tuple[web.AppRunner, str]:
    """Listen on ``host:port`` (0: any free port); returns what to clean up in the end, and the address to open.

    Raises OSError when nobody can listen there.
    """
    runner = web.AppRunner(make_app(site), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    listening = Listening(runner, door.crowd, door.tls)
    try:
        await listening.bind(host.strip("[]"), int(port))
    except OSError:
        await runner.cleanup()
        raise
    await listening.start()
    door.say_how_open(listen)
    return runner, listening.name


async def _protect(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _guard(pages: Pages) -> Middleware:
    """Turn whatever goes wrong into an answer in the manner of what was asked for."""

    async def answer(request: web.Request, status: int) -> web.Response:
        if request.path.startswith("/api/"):
            return refusal(status, HTTPStatus(status).phrase)
        if request.path.startswith(("/-/", "/metrics", "/probe", "/config")):
            return plain(status, HTTPStatus(status).phrase)
        return await pages.trouble(request, status)

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | Handler
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as trouble:
            response = await answer(request, trouble.status)
            if "Allow" in trouble.headers:
                response.headers["Allow"] = trouble.headers["Allow"]
            return response
        except Crowded:
            raise  # no fault: the entrance says it
        except Exception:
            log.exception("web_request_failed", path=request.path)
            return await answer(request, 500)

    return guard
