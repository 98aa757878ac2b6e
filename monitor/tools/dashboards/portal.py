"""Portal: what is wrong with this one? From its state down to the phase, the address family and the certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.datasources import now, over_time
from monitor.tools.dashboards.layout import Page, Row, in_rows, outside
from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, between, limits, states_by_code, steps, values
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, DAY, SLOW, VITALS, http, rendering, vital_limits
from monitor.tools.dashboards.panels import Dress, Kit, color, joined
from monitor.tools.dashboards.promql import CHOSEN, HOME, last_change, worst
from monitor.tools.dashboards.thresholds import OBJECTIVE, OVERSPENT
from monitor.tools.dashboards.variables import chain, marks, status_page
from monitor.web.metrics.hop_series import INFO, PHASE, STATUS
from probes.trace import PHASES as HOP_PHASES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grafana_foundation_sdk.models.dashboard import Panel, ValueMapping

    from monitor.tools.dashboards.texts import Say

PHASES = {"resolve": "#8ab8ff", "connect": "#b877d9", "tls": "#ff9830", "processing": "#3274d9", "transfer": "#56a64b"}
_HOP_PHASES = tuple(HOP_PHASES.values())
_LEFT = f"(min(probe_ssl_earliest_cert_expiry{{{CHOSEN}}}) - time()) / {DAY:.0f}"


def page(say: Say) -> Page:
    """The dashboard in one language."""
    kit = Kit(say)
    return Page(
        name="portal",
        variables=[*chain(say, one=True), status_page(say)],
        annotations=marks(say),
        refresh="30s",
        links=(outside(say("link.status"), "${status_page:raw}/portals/${portal}"),),
        rows=(
            *in_rows(_facts(kit)),
            Row(height=4, panels=[(24, _states(kit))]),
            Row(height=7, panels=[(12, _pages(kit)), (12, _faults(kit))]),
            Row(height=8, panels=[(12, _phases(kit)), (12, _families(kit))]),
            Row(height=6, panels=[(24, _hops(kit))]),
            Row(height=7, panels=[(12, _by_page(kit)), (6, _status(kit)), (6, _redirects(kit))]),
            Row(height=6, panels=[(12, _vitals(kit)), (12, _certificate(kit))]),
        ),
    )


def _facts(kit: Kit) -> list[Panel]:
    say = kit.say
    share = steps(BAD, (OVERSPENT, WARN), (OBJECTIVE, GOOD))
    urgent, soon, plan = CERTIFICATE_DAYS
    fault = f"topk(1, max by (reason) (probe_failure_info{{{CHOSEN}}}))"
    status = f"max({http('status').series}{{{HOME}}})"
    return [
        kit.stat("portal.state", [now(worst())], Dress(unit="none", mappings=states_by_code(say))),
        kit.stat("portal.since", [now(f"max({last_change()}) * 1000")], Dress(unit="dateTimeFromNow")),
        kit.stat(
            "portal.day", [now(f"min(portal:portal_monitor_availability:ratio1d{{{CHOSEN}}})")],
            Dress(unit="percentunit", decimals=2, colors=share),
        ),
        kit.stat(
            "portal.month", [now(f"min(portal:portal_monitor_availability:ratio30d{{{CHOSEN}}})")],
            Dress(unit="percentunit", decimals=2, colors=share),
        ),
        kit.stat(
            "portal.latency", [over_time(f"max(probe_duration_seconds{{{HOME}}})", "")],
            Dress(unit="s", decimals=2, colors=steps(GOOD, (SLOW / 2, WARN), (SLOW, BAD))), curve=True,
        ),
        kit.stat(
            "portal.certificate_left", [now(_LEFT)],
            Dress(unit=say("unit.days"), decimals=0, colors=steps(BAD, (urgent, BAD), (soon, WARN), (plan, GOOD))),
        ),
        kit.stat("portal.code", [now(status)], Dress(unit="none", mappings=_codes(say))),
        kit.stat(
            "portal.fault", [now(fault, table=True)],
            Dress(unit="none", colors=steps(BAD), empty=GOOD, column="reason"),
        ),
    ]  # fmt: skip


def _codes(say: Say) -> list[ValueMapping]:
    """Status codes with the word that they come down to."""
    return [
        between(200, 399, f"✓ {say('code.good')}", GOOD),
        between(500, 599, f"✕ {say('code.server')}", BAD),
        between(400, 499, f"✕ {say('code.client')}", BAD),
    ]


def _states(kit: Kit) -> Panel:
    asked = over_time(worst("location"), "{{location}}")
    return kit.timeline("portal.states", [asked], Dress(unit="none", mappings=states_by_code(kit.say)))


def _pages(kit: Kit) -> Panel:
    say = kit.say
    family = http("ipv4_success").series
    asked = [
        over_time(f"min by (check) (probe_success{{{CHOSEN}}})", "{{check}}"),
        over_time(f"min by (family) ({family}{{{HOME}}})", "{{family}}", "B"),
    ]
    told = values((("1", f"✓ {say('look.good')}", GOOD), ("0", f"✕ {say('look.bad')}", BAD)))
    return kit.timeline("portal.pages", asked, Dress(unit="none", mappings=[told]))


def _faults(kit: Kit) -> Panel:
    asked = over_time(
        f"count by (reason) (max by (check, location, reason) (probe_failure_info{{{CHOSEN}}}))", "{{reason}}"
    )
    return kit.stacked("portal.faults", [asked], Dress(low=0, decimals=0), bars=True)


def _phases(kit: Kit) -> Panel:
    series = http("resolve_seconds").series
    asked: Sequence[tuple[str, str]] = tuple(zip("ABCDE", PHASES, strict=True))
    lines = [
        over_time(f'avg({series}{{phase="{phase}",{HOME}}})', kit.say(f"phase.{phase}"), ref) for ref, phase in asked
    ]
    overrides = {kit.say(f"phase.{phase}"): color(shade) for phase, shade in PHASES.items()}
    return kit.stacked("portal.phases", lines, Dress(unit="s", low=0, overrides=overrides))


def _families(kit: Kit) -> Panel:
    series = http("ipv4_seconds").series
    asked = [
        over_time(f'max({series}{{family="ipv{family}",{HOME}}})', f"IPv{family}", ref)
        for ref, family in (("A", 4), ("B", 6))
    ]
    return kit.lines("portal.families", asked, Dress(unit="s", low=0))


def _by_page(kit: Kit) -> Panel:
    asked = over_time(f"max by (check) (probe_duration_seconds{{{CHOSEN}}})", "{{check}}")
    return kit.lines("portal.by_page", [asked], Dress(unit="s", low=0, colors=steps("transparent", (SLOW, BAD))))


def _status(kit: Kit) -> Panel:
    asked = over_time(f"max by (check) ({http('status').series}{{{CHOSEN}}})", "{{check}}")
    return kit.lines("portal.status", [asked], Dress(unit="none", decimals=0))


def _redirects(kit: Kit) -> Panel:
    asked = over_time(f"max by (check) ({http('redirects').series}{{{CHOSEN}}})", "{{check}}")
    return kit.lines("portal.redirects", [asked], Dress(unit="short", low=0, decimals=0))


def _hops(kit: Kit) -> Panel:
    """The requests of the newest look at the home page, a row each, in order, at every chosen location."""
    say = kit.say
    by = "location, hop"

    def told(expr: str) -> str:
        # Answers are joined by one column, so it has to say location and hop.
        return f'label_join({expr}, "step", " ", "location", "hop")'

    asked = {
        "where": told(f"max by ({by}, url, address) ({INFO}{{{HOME}}})"),
        "status": told(f"max by ({by}) ({STATUS}{{{HOME}}})"),
        **{name: told(f'max by ({by}) ({PHASE}{{phase="{name}",{HOME}}})') for name in _HOP_PHASES},
        "total": told(f"sum by ({by}) (max by ({by}, phase) ({PHASE}{{{HOME}}}))"),
    }
    queries = [now(expr, ref=ref, table=True) for ref, expr in zip("ABCDEFGHI", asked.values(), strict=True)]
    names = {"step": say("column.hop"), "url": say("column.url"), "address": say("column.ip")}
    names |= {
        f"Value #{ref}": say(f"phase.{name}" if name in _HOP_PHASES else f"column.{name}")
        for ref, name in zip("BCDEFGHI", list(asked)[1:], strict=True)
    }
    seconds = {"unit": "s", "decimals": 1, "custom.width": 80}
    dress = Dress(
        unit="none",
        transformations=joined("step", names),
        overrides={
            say("column.hop"): {"unit": "string", "custom.width": 110},
            say("column.url"): {"unit": "string", "custom.minWidth": 160},
            say("column.ip"): {"unit": "string", "custom.width": 120},
            say("column.status"): {"unit": "none", "custom.width": 80},
            **{say(f"phase.{name}"): seconds for name in _HOP_PHASES},
            say("column.total"): seconds,
        },
    )
    return kit.table("portal.hops", queries, dress, sort=say("column.hop"), rising=True)


def _vitals(kit: Kit) -> Panel:
    asked = [
        now(f'max({rendering(name).series}{{check="mobile",{CHOSEN}}})', kit.say(f"vital.{name}"), ref)
        for ref, name in zip("ABCDE", VITALS, strict=True)
    ]
    overrides = {
        kit.say(f"vital.{name}"): {
            "unit": rendering(name).unit,
            "thresholds": {"mode": "absolute", "steps": limits(vital_limits(name))},
            "links": [kit.link("link.mobile", "mobile")],
        }
        for name in VITALS
    }
    return kit.tiles("portal.vitals", asked, Dress(unit="s", decimals=2, overrides=overrides))


def _certificate(kit: Kit) -> Panel:
    say = kit.say
    facts = "probe_ssl_last_chain_info"
    asked = [
        now(f"max by (portal, subject, issuer) ({facts}{{{HOME}}})", ref="A", table=True),
        now(f"max by (portal, version) (probe_tls_version_info{{{HOME}}})", ref="B", table=True),
        now(f"min by (portal) ({http('cert_leaf_expiry').series}{{{HOME}}}) * 1000", ref="C", table=True),
    ]
    names = {
        "subject": say("column.subject"), "issuer": say("column.issuer"), "version": say("column.tls"),
        "Value #C": say("column.ends"),
    }  # fmt: skip
    dress = Dress(
        unit="none",
        transformations=joined("portal", names),
        overrides={
            say("column.ends"): {"unit": "dateTimeAsIso", "custom.width": 170},
            say("column.tls"): {"custom.width": 90},
        },
    )
    return kit.table("portal.certificate", asked, dress)
