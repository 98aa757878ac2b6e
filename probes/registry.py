"""The registry of probe kinds. A new kind is one file and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from probes.latency import Latency
from probes.mobile import Mobile
from probes.uptime import Uptime

if TYPE_CHECKING:
    from probes.probe import Probe

PROBE_KINDS: dict[str, type[Probe]] = {
    "uptime": Uptime,
    "latency": Latency,
    "mobile": Mobile,
}
