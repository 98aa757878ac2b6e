"""Status pages, health, ``/metrics`` and a small JSON API over HTTP; all data comes from status cache and journal."""

from monitor.web.app import make_app, serve
from monitor.web.context import Readiness, WebContext
from monitor.web.server.security import WebSecurity

__all__ = ["Readiness", "WebContext", "WebSecurity", "make_app", "serve"]
