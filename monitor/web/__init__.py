"""Status pages, health, ``/metrics`` and a small JSON API over HTTP; everything shown comes from board and journal."""

from monitor.web.app import make_app, serve
from monitor.web.door import Door
from monitor.web.site import Readiness, Site

__all__ = ["Door", "Readiness", "Site", "make_app", "serve"]
