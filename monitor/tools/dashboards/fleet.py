"""Fleet: is anything wrong? A wallboard that says so in five seconds, and names the portal in thirty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import PortalKind, State
from monitor.tools.dashboards.datasources import now, over_time
from monitor.tools.dashboards.layout import Page, Row, in_rows
from monitor.tools.dashboards.mappings import (
    BAD,
    CALM,
    GOOD,
    LOOKS,
    NEUTRAL,
    WARN,
    states_by_code,
    states_by_name,
    steps,
    tiles_by_code,
    values,
)
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, DAY, SLOW
from monitor.tools.dashboards.panels import Dress, Kit, color
from monitor.tools.dashboards.promql import CHOSEN, HOME, NAMED, in_state, last_change, spread, worst
from monitor.tools.dashboards.thresholds import STOPPED
from monitor.tools.dashboards.variables import chain, marks

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

_EXPIRY = f"min by (portal) (probe_ssl_earliest_cert_expiry{{{CHOSEN}}})"
LIGHT = (
    'max(portal_monitor_prober_state{state="unknown",location=~"$location"})'
    f" + 2 * (max(time() - portal_monitor_last_look_timestamp_seconds) > bool {STOPPED:g})"
)
"""0 the prober sees, 1 it does not, 2 and above it does not look."""


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    return Page(
        name="fleet",
        variables=chain(say),
        annotations=marks(say, outages=False),
        refresh="30s",
        rows=(
            *in_rows(_counts(kit)),
            Row(height=12, panels=[(11, _tiles(kit, PortalKind.MINISTRY)), (13, _tiles(kit, PortalKind.PROVINCE))]),
            Row(height=8, panels=[(4, _tiles(kit, PortalKind.NATIONAL)), (11, _trouble(kit)), (9, _changes(kit))]),
            Row(height=8, panels=[(8, _slow(kit)), (8, _certificates(kit)), (8, _latency(kit))]),
            Row(height=6, panels=[(24, _history(kit))]),
        ),
    )


def light(kit: Kit, key: str) -> Panel:
    """The prober's own light, with its word."""
    say = kit.say
    told = values(
        (
            ("0", f"✓ {say('light.good')}", GOOD),
            ("1", f"? {say('light.blind')}", BAD),
            ("2", f"✕ {say('light.silent')}", BAD),
            ("3", f"✕ {say('light.silent')}", BAD),
        )
    )
    return kit.stat(key, [now(LIGHT)], Dress(unit="none", mappings=[told], empty=BAD))


def _counts(kit: Kit) -> list[Panel]:
    def count(key: str, state: State, shade: str) -> Panel:
        none = values([("0", f"✓ {kit.say('count.none')}", GOOD)])
        return kit.stat(key, [now(in_state(state))], Dress(colors=steps(GOOD, (1, shade)), mappings=[none], decimals=0))

    soon = f"count({_EXPIRY} - time() < {CERTIFICATE_DAYS[1] * DAY:.0f}) or vector(0)"
    clear = values([("0", f"✓ {kit.say('count.none')}", GOOD)])
    return [
        count("fleet.down", State.DOWN, BAD),
        count("fleet.degraded", State.DEGRADED, WARN),
        count("fleet.unknown", State.UNKNOWN, NEUTRAL),
        count("fleet.maintenance", State.MAINTENANCE, CALM),
        kit.stat("fleet.up", [now(in_state(State.UP))], Dress(colors=steps(BAD, (1, GOOD)), decimals=0)),
        kit.stat(
            "fleet.incidents",
            [now("sum(portal_monitor_incidents_open)")],
            Dress(colors=steps(GOOD, (1, BAD)), mappings=[clear], decimals=0),
        ),
        kit.stat("fleet.ending", [now(soon)], Dress(colors=steps(GOOD, (1, WARN)), mappings=[clear], decimals=0)),
        light(kit, "fleet.light"),
    ]


def _tiles(kit: Kit, kind: PortalKind) -> Panel:
    asked = now(f'{worst()} and on (portal) portal_monitor_portal_info{{kind="{kind}"}}', "{{portal}}")
    dress = Dress(unit="none", mappings=tiles_by_code(), link=kit.link("link.portal", "portal"))
    return kit.tiles(f"fleet.tiles_{kind}", [asked], dress)


def _trouble(kit: Kit) -> Panel:
    """Everything that is not up, with the reason: three answers joined by portal."""
    fault = f"max by (portal, reason) (probe_failure_info{{{HOME}}})"
    asked = [
        now(f"({worst()} > 0) * {NAMED}", ref="A", table=True),
        now(f"topk by (portal) (1, {fault})", ref="B", table=True),
        now(f"max by (portal) ({last_change()}) * 1000", ref="C", table=True),
    ]
    say = kit.say
    names = {
        "name": say("column.portal"), "Value #A": say("column.state"), "reason": say("column.fault"),
        "Value #C": say("column.since"), "portal": say("column.id"),
    }  # fmt: skip
    dress = Dress(
        unit="none",
        transformations=[
            ("joinByField", {"byField": "portal", "mode": "outer"}),
            ("filterByValue", {"type": "include", "match": "all", "filters": [
                {"fieldName": "Value #A", "config": {"id": "isNotNull", "options": {}}}]}),
            ("filterFieldsByName", {"include": {"names": list(names)}}),
            ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
        ],
        overrides={
            say("column.state"): {
                "mappings": states_by_code(say), **_COLORED, "custom.width": 130, "custom.align": "left",
            },
            say("column.since"): {
                "unit": "dateTimeFromNow", "noValue": say("portal.since.none"), "custom.width": 120,
            },
            say("column.portal"): {**kit.row_link("link.portal", "portal", say("column.id")), "custom.minWidth": 180},
            say("column.fault"): {"custom.width": 130},
            say("column.id"): {"custom.hidden": True},
        },
    )  # fmt: skip
    return kit.table("fleet.trouble", asked, dress, sort=say("column.state"))


_COLORED = {"custom.cellOptions": {"type": "color-background", "mode": "basic"}}


def _changes(kit: Kit) -> Panel:
    say = kit.say
    names = {"portal": say("column.portal"), "state": say("column.state"), "Value": say("column.since")}
    dress = Dress(
        unit="none",
        transformations=[
            ("filterFieldsByName", {"include": {"names": list(names)}}),
            ("organize", {"renameByName": names, "indexByName": {name: at for at, name in enumerate(names)}}),
        ],
        overrides={
            say("column.state"): {"mappings": states_by_name(say), **_COLORED, "custom.width": 130},
            say("column.since"): {"unit": "dateTimeFromNow", "custom.width": 120},
            say("column.portal"): kit.row_link("link.portal", "portal", say("column.portal")),
        },
    )
    newest = f"topk(15, {last_change()}) * 1000"
    return kit.table("fleet.changes", [now(newest, table=True)], dress, sort=say("column.since"))


def _slow(kit: Kit) -> Panel:
    asked = now(f"topk(10, max by (portal) (probe_duration_seconds{{{HOME}}}))", "{{portal}}")
    dress = Dress(
        unit="s", decimals=1, low=0, high=SLOW, colors=steps(GOOD, (SLOW / 2, WARN), (SLOW, BAD)),
        link=kit.link("link.portal", "portal"),
    )  # fmt: skip
    return kit.bars("fleet.slow", [asked], dress)


def _certificates(kit: Kit) -> Panel:
    urgent, soon, plan = CERTIFICATE_DAYS
    dress = Dress(
        unit=kit.say("unit.days"), decimals=0, low=0, high=3 * plan,
        colors=steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD)),
        link=kit.link("link.portal", "portal"),
    )  # fmt: skip
    return kit.bars(
        "fleet.certificates", [now(f"sort(bottomk(10, ({_EXPIRY} - time()) / {DAY:.0f}))", "{{portal}}")], dress
    )


def _latency(kit: Kit) -> Panel:
    asked = [
        over_time(spread("probe_duration_seconds", q, HOME), kit.say(f"legend.q{q * 100:.0f}"), ref)
        for ref, q in (("A", 0.5), ("B", 0.95))
    ]
    return kit.lines("fleet.latency", asked, Dress(unit="s", low=0))


def _history(kit: Kit) -> Panel:
    shown = (State.DOWN, State.DEGRADED, State.UNKNOWN, State.MAINTENANCE)
    asked = [
        over_time(in_state(state), kit.say(f"state.{state}"), ref) for ref, state in zip("ABCD", shown, strict=True)
    ]
    overrides = {kit.say(f"state.{state}"): color(LOOKS[state].color) for state in shown}
    return kit.stacked("fleet.history", asked, Dress(low=0, decimals=0, overrides=overrides))
