"""Status pages, health, ``/metrics`` and a small JSON API over HTTP; everything shown comes from board and journal."""

from monitor.web.app import make_app, serve
from monitor.web.context import Readiness, Site
from monitor.web.server.security import Door

__all__ = ["Door", "Readiness", "Site", "make_app", "serve"]
