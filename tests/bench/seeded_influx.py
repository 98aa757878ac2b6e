"""The same made-up past in InfluxDB: renderings, hours and days of them, scores, state changes, as sinks write."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence

from monitor.model.records import Portal, State
from monitor.model.rollups import Rollup, Tier, aggregated_metrics
from monitor.sinks.base import PortalLabels
from monitor.sinks.influxdb.line_protocol import LineProtocolEncoder
from tests import factories
from tests.bench.seeded import HOUR, LOCATION, Past, queried_names, rendered, scores, state_at

SLOT = 6 * HOUR
DAY = 24 * HOUR
DEVICES = ("mobile", "desktop")


def raw(past: Past, portals: Sequence[Portal]) -> Iterator[str]:
    """Renderings every six hours, scores hourly, their criteria daily, changes of state, over ``past.days``."""
    lines = _lines(portals)
    start = past.end - past.days * DAY
    for number, portal in enumerate(portals):
        for at in range(start, past.end, SLOT):
            for run, device in enumerate(DEVICES):
                yield lines.encode(factories.measurement(
                    portal=portal.id, check=device, kind="mobile", location=LOCATION, slot=at * 1000,
                    values=rendered(device, _factor(portal, number, at, run)),
                ))  # fmt: skip
        before = State.UP
        for at in range(start, past.end, HOUR):
            if (state := State(state_at(portal.id, at, past))) is not before:
                yield lines.encode(factories.change(
                    portal=portal.id, location=LOCATION, at=at * 1000, state=state, previous=before
                ))  # fmt: skip
                before = state
    for at in range(start, past.end, HOUR):
        daily = (at - start) % DAY == 0
        for one in scores(portals if daily else portals[:3], at * 1000):
            yield lines.encode(one)
        if not daily:
            yield from map(lines.encode, scores(portals[3:], at * 1000, totals=True))


def hours(past: Past, portals: Sequence[Portal]) -> Iterator[str]:
    """Hours with a rendering, four a day, over ``past.years``."""
    return _rollups(past, portals, Tier.HOUR, SLOT, HOUR)


def days(past: Past, portals: Sequence[Portal]) -> Iterator[str]:
    """Days of renderings, and the last score of each with all its criteria."""
    yield from _rollups(past, portals, Tier.DAY, DAY, DAY)
    lines = _lines(portals)
    for at in range(past.end - past.years * DAY, past.end, DAY):
        yield from map(lines.encode, scores(portals, at * 1000))


TIERS: dict[str, Callable[[Past, Sequence[Portal]], Iterator[str]]] = {
    "portal_monitor": raw, "portal_monitor_hourly": hours, "portal_monitor_daily": days,
}  # fmt: skip


def _rollups(past: Past, portals: Sequence[Portal], tier: Tier, every: int, length: int) -> Iterator[str]:
    lines = _lines(portals)
    wanted = [one.name for one in aggregated_metrics("mobile") if one.name in queried_names()]
    for number, portal in enumerate(portals):
        for at in range(past.end - past.years * DAY, past.end, every):
            for run, device in enumerate(DEVICES):
                rendering = rendered(device, _factor(portal, number, at, run))
                values = {f"{name}_mean": float(rendering[name]) for name in wanted}
                yield lines.encode(Rollup(
                    tier=tier, start=at * 1000, end=(at + length) * 1000, portal=portal.id, check=device,
                    location=LOCATION, kind="mobile", values={"slots": 1, "measured_slots": 1, "up": 1} | values,
                ))  # fmt: skip


def _lines(portals: Sequence[Portal]) -> LineProtocolEncoder:
    return LineProtocolEncoder(
        {one.id: PortalLabels(portal_kind=one.kind.value, group=one.group) for one in portals}.get
    )


def _factor(portal: Portal, number: int, at: int, run: int) -> float:
    return 0.6 + (zlib.crc32(f"{portal.id}{at}{run}".encode()) % 1000) / 1000 + number % 7 / 8
