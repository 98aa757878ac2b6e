"""Builds the aiohttp application from the handlers: routes, security headers, and errors without a traceback."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from monitor.web.api.blackbox import BlackboxHandler
from monitor.web.api.handlers import Api, OpenApiHandler
from monitor.web.api.incidents import IncidentApi
from monitor.web.api.operations import ManagementApi, text_response
from monitor.web.api.responses import error_response
from monitor.web.pages.filmstrip import ScreenshotHandler
from monitor.web.pages.handlers import PageHandlers, StaticFiles
from monitor.web.pages.incident_handlers import IncidentPageHandlers
from monitor.web.rendering import TooManyRequests
from monitor.web.server.headers import SECURITY_HEADERS
from monitor.web.server.listener import WebListener
from monitor.web.server.middleware import MAX_REQUEST_BYTES, LoadShedder, auth_middleware, load_shedding_middleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware

    from monitor.web.context import WebContext
    from monitor.web.server.security import WebSecurity

log = structlog.get_logger(__name__)


def make_app(context: WebContext) -> web.Application:
    """Return the application for an ``AppRunner``. It starts no task; a timer of the loop measures the lag."""
    static = StaticFiles()
    pages, operations = IncidentPageHandlers(context, static), ManagementApi(context)
    description = OpenApiHandler((*Api(context).operations(), *IncidentApi(context).operations()))
    screenshots = ScreenshotHandler(context)
    load_shedder = LoadShedder()
    authentication = auth_middleware(context.authenticator)
    middlewares = [load_shedding_middleware(load_shedder), _error_middleware(pages), authentication]
    app = web.Application(client_max_size=MAX_REQUEST_BYTES, middlewares=middlewares)
    app.cleanup_ctx.append(load_shedder.measure_lag)
    app.on_response_prepare.append(_add_security_headers)
    app.add_routes(
        [
            web.get("/", pages.fleet),
            web.get("/portals/{id}", pages.portal),
            web.get("/incidents", pages.incidents),
            web.get("/incidents/{id}", pages.incident),
            web.get("/static/{name}", static.serve),
            *(web.get(one.path, one.handler) for one in description.operations),
            web.get("/screenshots/{portal}/{check}/{slot}/{file}", screenshots.serve),
            web.get("/metrics", operations.metrics),
            web.get("/probe", BlackboxHandler(context).probe),
            web.get("/config", operations.config),
            web.get("/-/healthy", operations.healthy),
            web.get("/-/ready", operations.ready),
            web.post("/-/reload", operations.reload),
        ]
    )
    return app


async def serve(context: WebContext, listen: str, security: WebSecurity) -> tuple[web.AppRunner, str]:
    """Listen on ``host:port`` (0: any free port); return the runner, for the clean-up, and the URL to open.

    Raises OSError when the port cannot be bound.
    """
    runner = web.AppRunner(make_app(context), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    host, _, port = listen.rpartition(":")
    listener = WebListener(runner, security.connection_limiter, security.tls)
    try:
        await listener.bind(host.strip("[]"), int(port))
    except OSError:
        await runner.cleanup()
        raise
    await listener.start()
    security.warn_if_exposed(listen)
    return runner, listener.name


async def _add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(SECURITY_HEADERS)


def _error_middleware(pages: PageHandlers) -> Middleware:
    """Turn every error into a response of the type that the path has: JSON, text or a page."""

    async def respond(request: web.Request, status: int) -> web.Response:
        if request.path.startswith("/api/"):
            return error_response(status, HTTPStatus(status).phrase)
        if request.path.startswith(("/-/", "/metrics", "/probe", "/config")):
            return text_response(status, HTTPStatus(status).phrase)
        return await pages.error(request, status)

    @web.middleware
    async def handle_errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]] | Handler
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            response = await respond(request, error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except TooManyRequests:
            raise  # no error: the load-shedding middleware responds
        except Exception:
            log.exception("web_request_failed", path=request.path)
            return await respond(request, 500)

    return handle_errors
