"""The ``latency`` kind: the time of one page of a portal, by phase; an error page has no latency."""

from __future__ import annotations

from typing import ClassVar

from probes.http.probe import HttpProbe


class Latency(HttpProbe):
    """Request one page with GET and read it to the end. Its text is checked by ``uptime``."""

    kind: ClassVar[str] = "latency"
