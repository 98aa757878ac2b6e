"""Mobile rendering over ranges that Prometheus no longer holds, out of any tier of InfluxDB.

A page is rendered a few times a day, so an hour seldom has more than one rendering: its figures are those of the
rendering itself, kept for two years. Days, kept for ever, have the mean of theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import HOURLY, Influx
from monitor.tools.dashboards.layout import Page, Row
from monitor.tools.dashboards.mappings import BAD, WARN, steps
from monitor.tools.dashboards.metrics import COMPARED, VITALS, rendering, vital_limits
from monitor.tools.dashboards.mobile import SORTS, vital_dress, vitals_table
from monitor.tools.dashboards.panels import Dress, Kit
from monitor.tools.dashboards.variables import ask, influx_chain, influx_marks, step
from probes.browser.device_profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

# Of the renderings of a slot one speaks; a rolled-up period is known by its count of slots.
_PLACES = '"portal" =~ /^$portal$/ AND "location" =~ /^$location$/ AND ("median" = true OR "slots" > 0) AND $timeFilter'
_WHERE = f"\"check\" = '$check' AND {_PLACES}"
_EVERY_DEVICE = f'"check" =~ /^({"|".join(PROFILES)})$/ AND {_PLACES}'
_EACH = "GROUP BY time($__interval) fill(null)"
_STEP = "$step"


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    devices = ask(
        "check", 'SHOW TAG VALUES FROM "mobile" WITH KEY = "check"', say, kind="influxdb", multi=False, first="mobile"
    )
    curves = [(8, _curve(kit, name)) for name in VITALS]
    return Page(
        name="mobile-history",
        variables=[*influx_chain(say, "mobile", HOURLY), devices, step(say)],
        annotations=influx_marks(say),
        since="now-90d",
        refresh="",
        rows=(
            Row(height=4, panels=[*((4, _now(kit, name)) for name in VITALS), (4, _measured(kit))]),
            Row(height=7, panels=curves[:3]),
            Row(height=7, panels=[*curves[3:], (8, _weight(kit))]),
            Row(height=6, panels=[(24, _compared(kit))]),
            Row(height=11, panels=[(14, _table(kit)), (10, _devices(kit))]),
        ),
    )


def _field(name: str) -> str:
    """A field by a pattern, as every tier calls it: by itself, or as the mean of a period."""
    return f"/^{name}(_mean)?$/"


def _columns(name: str, ref: str) -> Sequence[str]:
    """What the column of a figure called ``p<ref>`` is named in each tier: a pattern adds the field's own name."""
    return [f"p{ref}_{name}", f"p{ref}_{name}_mean"]


def _now(kit: Kit, name: str) -> Panel:
    asked = Influx(f'SELECT PERCENTILE({_field(name)}, 75) FROM "mobile" WHERE {_WHERE}')
    return kit.stat(f"mobile-history.now_{name}", [asked], vital_dress(name))


def _measured(kit: Kit) -> Panel:
    asked = Influx(f'SELECT COUNT({_field("lcp_seconds")}) FROM "mobile" WHERE {_WHERE}')
    return kit.stat("mobile-history.measured", [asked], Dress(decimals=0))


def _curve(kit: Kit, name: str) -> Panel:
    asked = [
        Influx(
            f'SELECT PERCENTILE({_field(name)}, {q}) FROM "mobile" WHERE {_WHERE} {_EACH}', kit.say(f"legend.q{q}"), ref
        )
        for ref, q in (("A", 50), ("B", 75), ("C", 95))
    ]
    good, bad = vital_limits(name)
    colors = steps("transparent", (good, WARN), (bad, BAD))
    dress = Dress(unit=rendering(name).unit, low=0, interval=_STEP, colors=colors)
    return kit.lines(f"mobile-history.{name}", asked, dress)


def _weight(kit: Kit) -> Panel:
    asked = [
        Influx(
            f'SELECT MEAN({_field(f"bytes_{sort}")}) FROM "mobile" WHERE {_WHERE} {_EACH}',
            kit.say(f"type.{sort}"),
            ref,
        )
        for ref, sort in zip("ABCDEF", SORTS, strict=True)
    ]
    return kit.stacked("mobile-history.weight", asked, Dress(unit="bytes", low=0, interval=_STEP))


def _table(kit: Kit) -> Panel:
    asked = dict(zip("ABCDE", VITALS, strict=True))
    told = [_figures(name, ref, 75, _WHERE, "portal") for ref, name in asked.items()]
    dress = vitals_table(kit, "portal", {name: _columns(name, ref) for ref, name in asked.items()})
    return kit.table("mobile-history.table", told, dress, sort=kit.say("vital.lcp_seconds"))


def _compared(kit: Kit) -> Panel:
    asked = dict(zip("ABCDEFG", COMPARED, strict=True))
    told = [_figures(name, ref, 50, _EVERY_DEVICE, "check") for ref, name in asked.items()]
    dress = vitals_table(kit, "check", {name: _columns(name, ref) for ref, name in asked.items()})
    return kit.table("mobile-history.compared", told, dress)


def _figures(name: str, ref: str, q: int, where: str, by: str) -> Influx:
    query = f'SELECT PERCENTILE({_field(name)}, {q}) AS "p{ref}" FROM "mobile" WHERE {where} GROUP BY "{by}"'
    return Influx(query, ref=ref, table=True)


def _devices(kit: Kit) -> Panel:
    asked = Influx(
        f'SELECT PERCENTILE({_field("lcp_seconds")}, 50) FROM "mobile" WHERE {_PLACES} '
        'GROUP BY time($__interval), "check" fill(null)',
        "[[tag_check]]",
    )
    return kit.lines("mobile-history.devices", [asked], Dress(unit="s", low=0, interval=_STEP))
