"""The requests of a check's newest measurement in order, as series with bounded labels."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from probes.result import Hop
from probes.trace import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.model.records import Measurement

INFO = "portal_monitor_hop_info"
STATUS = "portal_monitor_hop_status_code"
PHASE = "portal_monitor_hop_phase_seconds"

FAMILIES = {
    INFO: "Requests of the last probe in order: URL of each, without query, and the IP address that it was sent to.",
    STATUS: "HTTP status code of each request of the last probe; absent without a response.",
    PHASE: "Duration of each request of the last probe by phase.",
}

MAX_LABEL_VALUES = 20
"""Values of a check that become labels, URLs and IP addresses counted separately; a portal that redirects every client
to a new URL would create series without end."""

OVERFLOW_VALUE = "…"  # label of every further value
Sample = tuple[str, "Mapping[str, str]", float]  # (name, labels beside the check's own, value)


def hops_of(measurement: Measurement) -> Sequence[Hop]:
    """Return the requests of a measurement. A successful one with a single request stores them only as its values."""
    if measurement.hops or "final_url" not in measurement.values:
        return measurement.hops
    values = measurement.values
    names = {f"{name}_seconds": name for name in PHASES.values()}
    phases = {name: float(values[key]) for key, name in names.items() if key in values}
    status, family, address = values.get("status"), values.get("ip_family"), values.get("address")
    hop = Hop(
        url=str(values["final_url"]),
        phases=phases,
        family=None if family is None else int(family),
        address=None if address is None else str(address),
        status=None if status is None else int(status),
    )
    return (hop,)


class HopSeries:
    """Makes samples of measurements, and stores which URLs and addresses of a check became labels."""

    def __init__(self) -> None:
        self._urls: dict[str, set[str]] = defaultdict(set)
        self._addresses: dict[str, set[str]] = defaultdict(set)

    def samples(self, measurement: Measurement) -> Iterator[Sample]:
        """Yield the series of a measurement, hop by hop from 1 on."""
        for number, hop in enumerate(hops_of(measurement), start=1):
            hop_label = {"hop": str(number)}
            url = _bounded_label(self._urls[measurement.key], hop.url[:128])
            address = _bounded_label(self._addresses[measurement.key], hop.address or "")
            yield INFO, hop_label | {"url": url, "address": address}, 1.0
            if hop.status is not None:
                yield STATUS, hop_label, float(hop.status)
            for phase, seconds in hop.phases.items():
                yield PHASE, hop_label | {"phase": phase}, seconds

    def retain(self, keys: set[str]) -> None:
        """Remove the values of checks that are not in ``keys``."""
        for known in (self._urls, self._addresses):
            for key in known.keys() - keys:
                del known[key]


def _bounded_label(used: set[str], value: str) -> str:
    if value in used or len(used) < MAX_LABEL_VALUES:
        used.add(value)
        return value
    return OVERFLOW_VALUE
