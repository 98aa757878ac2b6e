"""Status pages, health, ``/metrics`` and a small JSON API over HTTP; everything shown comes from board and journal."""

from monitor.web.app import make_app
from monitor.web.site import Picture, Readiness, Site

__all__ = ["Picture", "Readiness", "Site", "make_app"]
