"""Mobile rendering over ranges that Prometheus no longer holds, out of InfluxDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.dashboards.frame import Page, Row
from monitor.dashboards.kit import Dress, Kit
from monitor.dashboards.measures import VITALS, rendering, vital_limits
from monitor.dashboards.mobile import SORTS, vital_dress, vitals_table
from monitor.dashboards.signs import BAD, WARN, steps
from monitor.dashboards.sources import Influx
from monitor.dashboards.variables import ask, influx_chain, influx_marks

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.dashboards.words import Say

_PLACES = '"portal" =~ /^$portal$/ AND "location" =~ /^$location$/ AND "median" = true AND $timeFilter'
_WHERE = f"\"check\" = '$check' AND {_PLACES}"
_EACH = "GROUP BY time($__interval) fill(null)"
_SLOT = "6h"
"""A page is rendered four times a day; a finer grid has gaps only."""


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    devices = ask(
        "check", 'SHOW TAG VALUES FROM "mobile" WITH KEY = "check"', say, kind="influxdb", multi=False, first="mobile"
    )
    curves = [(8, _curve(kit, name)) for name in VITALS]
    return Page(
        name="mobile-history",
        variables=[*influx_chain(say, "mobile"), devices],
        annotations=influx_marks(say),
        since="now-90d",
        refresh="",
        rows=(
            Row(height=4, panels=[*((4, _now(kit, name)) for name in VITALS), (4, _measured(kit))]),
            Row(height=7, panels=curves[:3]),
            Row(height=7, panels=[*curves[3:], (8, _weight(kit))]),
            Row(height=11, panels=[(14, _table(kit)), (10, _devices(kit))]),
        ),
    )


def _now(kit: Kit, name: str) -> Panel:
    asked = Influx(f'SELECT PERCENTILE("{name}", 75) FROM "mobile" WHERE {_WHERE}')
    return kit.stat(f"mobile-history.now_{name}", [asked], vital_dress(name))


def _measured(kit: Kit) -> Panel:
    asked = Influx(f'SELECT COUNT("lcp_seconds") FROM "mobile" WHERE {_WHERE}')
    return kit.stat("mobile-history.measured", [asked], Dress(decimals=0))


def _curve(kit: Kit, name: str) -> Panel:
    asked = [
        Influx(f'SELECT PERCENTILE("{name}", {q}) FROM "mobile" WHERE {_WHERE} {_EACH}', kit.say(f"legend.q{q}"), ref)
        for ref, q in (("A", 50), ("B", 75), ("C", 95))
    ]
    good, bad = vital_limits(name)
    colors = steps("transparent", (good, WARN), (bad, BAD))
    dress = Dress(unit=rendering(name).unit, low=0, interval=_SLOT, colors=colors)
    return kit.lines(f"mobile-history.{name}", asked, dress)


def _weight(kit: Kit) -> Panel:
    asked = [
        Influx(f'SELECT MEAN("bytes_{sort}") FROM "mobile" WHERE {_WHERE} {_EACH}', kit.say(f"type.{sort}"), ref)
        for ref, sort in zip("ABCDEF", SORTS, strict=True)
    ]
    return kit.stacked("mobile-history.weight", asked, Dress(unit="bytes", low=0, interval=_SLOT))


def _table(kit: Kit) -> Panel:
    asked = [
        Influx(
            f'SELECT PERCENTILE("{name}", 75) AS "p{ref}" FROM "mobile" WHERE {_WHERE} GROUP BY "portal"',
            ref=ref,
            table=True,
        )
        for ref, name in zip("ABCDE", VITALS, strict=True)
    ]
    return kit.table("mobile-history.table", asked, vitals_table(kit, "p"), sort=kit.say("vital.lcp_seconds"))


def _devices(kit: Kit) -> Panel:
    asked = Influx(
        f'SELECT PERCENTILE("lcp_seconds", 50) FROM "mobile" WHERE {_PLACES} '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    return kit.lines("mobile-history.devices", [asked], Dress(unit="s", low=0, interval=_SLOT))
