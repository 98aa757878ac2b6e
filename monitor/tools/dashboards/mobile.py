"""Mobile rendering: how fast and how fit are pages on a phone, against the limits of the criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import now, over_time
from monitor.tools.dashboards.layout import Page, Row
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, limits, steps, values
from monitor.tools.dashboards.metrics import COMPARED, VITALS, rendering, vital_limits
from monitor.tools.dashboards.panels import Dress, Kit, joined
from monitor.tools.dashboards.promql import CHOSEN, spread
from monitor.tools.dashboards.thresholds import FIT, HALF, KEPT
from monitor.tools.dashboards.variables import ask, chain, marks
from probes.browser.device_profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from monitor.tools.dashboards.texts import Say

SORTS = ("html", "script", "style", "image", "font", "other")
_LCP = rendering("lcp_seconds").series
_DEVICE = f'check="$check",{CHOSEN}'
_EVERY_DEVICE = f'check=~"{"|".join(PROFILES)}",{CHOSEN}'
"""The checks of home pages are named after their devices."""


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    first = [(4, _kept(kit, name)) for name in VITALS]
    curves = [(8, _curve(kit, name)) for name in VITALS]
    devices = ask("check", f"label_values({_LCP}, check)", say, multi=False, first="mobile")
    return Page(
        name="mobile",
        variables=[*chain(say), devices],
        annotations=marks(say, outages=False),
        since="now-7d",
        refresh="15m",
        rows=(
            Row(height=4, panels=[*first, (4, _measured(kit))]),
            Row(height=7, panels=curves[:3]),
            Row(height=7, panels=[*curves[3:], (8, _weight(kit))]),
            Row(height=11, panels=[(16, _table(kit)), (8, _fitness(kit))]),
            Row(height=6, panels=[(24, _compared(kit))]),
            Row(height=7, panels=[(8, _distribution(kit)), (8, _devices(kit)), (8, _requests(kit))]),
        ),
    )


def vital_dress(name: str) -> Dress:
    """Unit and limits of a vital."""
    return Dress(unit=rendering(name).unit, decimals=2, colors=limits(vital_limits(name)))


def _kept(kit: Kit, name: str) -> Panel:
    share = f"avg(max by (portal) ({rendering(name).series}{{{_DEVICE}}}) < bool {vital_limits(name)[-1]})"
    dress = Dress(unit="percentunit", decimals=0, colors=steps(BAD, (HALF, WARN), (KEPT, GOOD)), low=0, high=1)
    return kit.stat(f"mobile.kept_{name}", [now(share)], dress)


def _measured(kit: Kit) -> Panel:
    asked = now(f"count(count by (portal) ({_LCP}{{{_DEVICE}}}))")
    return kit.stat("mobile.measured", [asked], Dress(decimals=0))


def _curve(kit: Kit, name: str) -> Panel:
    series = rendering(name).series
    asked = [
        over_time(spread(series, q, _DEVICE), kit.say(f"legend.q{q * 100:.0f}"), ref)
        for ref, q in (("A", 0.5), ("B", 0.75), ("C", 0.95))
    ]
    good, bad = vital_limits(name)
    return kit.lines(
        f"mobile.{name}",
        asked,
        Dress(unit=rendering(name).unit, low=0, colors=steps("transparent", (good, WARN), (bad, BAD))),
    )


def _weight(kit: Kit) -> Panel:
    series = rendering("bytes_html").series
    asked = [
        over_time(f'avg({series}{{type="{sort}",{_DEVICE}}})', kit.say(f"type.{sort}"), ref)
        for ref, sort in zip("ABCDEF", SORTS, strict=True)
    ]
    return kit.stacked("mobile.weight", asked, Dress(unit="bytes", low=0))


def vitals_table(kit: Kit, by: str, columns: Mapping[str, Sequence[str]]) -> Dress:
    """Dress of a table of vitals, a row for each ``by`` (``portal`` or ``check``); vital -> its columns as queried."""
    say = kit.say
    first = say("column.portal" if by == "portal" else "column.device")
    width = 96 if by == "portal" else 130
    names = {by: first} | {column: say(f"vital.{name}") for name, found in columns.items() for column in found}
    who = (
        kit.row_link("link.portal", "portal", first)
        if by == "portal"
        else {"mappings": [values((name, say(f"device.{name}"), "") for name in PROFILES)]}
    )
    return Dress(
        unit="s",
        decimals=2,
        transformations=joined(by, names),
        overrides={
            first: {**who, "unit": "string", "custom.minWidth": 150},
            **{
                say(f"vital.{name}"): {
                    "unit": rendering(name).unit,
                    "custom.width": width,
                    **_judged(name),
                }
                for name in columns
            },
        },
    )


def _judged(name: str) -> dict[str, object]:
    """The colours of a vital that the criteria judge."""
    if name not in VITALS:
        return {}
    limited = {"mode": "absolute", "steps": limits(vital_limits(name))}
    return {"thresholds": limited, "custom.cellOptions": {"type": "color-text"}}


def _table(kit: Kit) -> Panel:
    asked = dict(zip("ABCDE", VITALS, strict=True))
    told = [
        now(f"max by (portal) ({rendering(name).series}{{{_DEVICE}}})", ref=ref, table=True)
        for ref, name in asked.items()
    ]
    dress = vitals_table(kit, "portal", {name: [f"Value #{ref}"] for ref, name in asked.items()})
    return kit.table("mobile.table", told, dress, sort=kit.say("vital.lcp_seconds"))


def _compared(kit: Kit) -> Panel:
    """Every vital of every device side by side."""
    asked = dict(zip("ABCDEFG", COMPARED, strict=True))
    told = [
        now(f"quantile by (check) (0.5, {rendering(name).series}{{{_EVERY_DEVICE}}})", ref=ref, table=True)
        for ref, name in asked.items()
    ]
    dress = vitals_table(kit, "check", {name: [f"Value #{ref}"] for ref, name in asked.items()})
    return kit.table("mobile.compared", told, dress)


def _fitness(kit: Kit) -> Panel:
    def mean(name: str, more: str = "") -> str:
        return f"avg({rendering(name).series}{{{_DEVICE}{more}}})"

    asked = {
        "viewport": mean("viewport_ok"),
        "overflow": f'avg({rendering("overflow_360_px").series}{{width="360",{_DEVICE}}} < bool 1)',
        "legible": mean("text_legible_ratio"),
        "tap": mean("tap_24_ratio", ',size="24"'),
        "zoom": mean("zoom_ok"),
        "lang": mean("lang_ok"),
    }
    dress = Dress(unit="percentunit", decimals=0, low=0, high=1, colors=steps(BAD, (HALF, WARN), (FIT, GOOD)))
    lines = [now(expr, kit.say(f"fit.{name}"), ref) for ref, (name, expr) in zip("ABCDEF", asked.items(), strict=True)]
    return kit.bars("mobile.fitness", lines, dress)


def _distribution(kit: Kit) -> Panel:
    asked = now(f"max by (portal) ({_LCP}{{{_DEVICE}}})", "{{portal}}")
    return kit.distribution("mobile.distribution", [asked], Dress(unit="s", decimals=1))


def _devices(kit: Kit) -> Panel:
    asked = over_time(f"quantile by (check) (0.5, {_LCP}{{{CHOSEN}}})", "{{check}}")
    return kit.lines("mobile.devices", [asked], Dress(unit="s", low=0))


def _requests(kit: Kit) -> Panel:
    asked = [
        over_time(f"avg({rendering(name).series}{{{_DEVICE}}})", kit.say(f"legend.{name}"), ref)
        for ref, name in (("A", "requests"), ("B", "requests_failed"), ("C", "console_errors"))
    ]
    return kit.lines("mobile.requests", asked, Dress(unit="short", low=0, decimals=0))
