"""The ``latency`` kind: how long one page of a portal takes, phase by phase; an error page has no latency."""

from __future__ import annotations

from typing import ClassVar

from probes.http.probe import HttpProbe


class Latency(HttpProbe):
    """One GET of one page, read to the end. Whether its text is right is the business of ``uptime``."""

    kind: ClassVar[str] = "latency"
