"""What the detail page says of one check: its latest look with phases and facts, its recent looks, its chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.translator import iso
from monitor.web.pages import charts
from monitor.web.pages import filmstrip as film
from probes.http.urls import bare
from probes.metric import Unit
from probes.probe import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.i18n.translator import Tongue
    from monitor.model.records import Check, Measurement
    from monitor.storage.screenshots import Exhibit
    from probes.metric import Metric
    from probes.result import Hop, Scalar

SHOWN = 50
"""Recent looks in the table of a check."""

_PHASES = ("resolve", "connect", "tls", "send", "wait", "transfer")
_DAY_SECONDS = 86400.0
_SIZES = ("bytes_wire", "bytes_body")
_PLAIN = ("status", "http_version", "redirects", "final_url", "address")
_TLS = ("tls_version", "cert_subject", "cert_issuer")
_FAMILIES = (4, 6)
_SAID = {
    *film.SAID,
    *_SIZES,
    *_PLAIN,
    *_TLS,
    "cert_leaf_expiry",
    *(f"{phase}_seconds" for phase in _PHASES),
    *(f"ipv{family}_{what}" for family in _FAMILIES for what in ("success", "seconds")),
}
"""Metrics that the page says in words; all others are listed by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopLine:
    """One request of the latest look."""

    title: str
    url: str
    status: int | None
    bar: charts.Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One look in the table of recent ones."""

    at: str
    at_iso: str | None
    outcome: str
    reason: str
    detail: str
    took: str
    late: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All about one check. ``latest`` is None before its first look."""

    name: str
    url: str
    every: str
    charted: str
    latest: Line | None = None
    age: str = ""
    bar: charts.Bar | None = None
    hops: tuple[HopLine, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str, str], ...] = ()
    looks: tuple[Line, ...] = ()
    chart: charts.Chart | None = None
    film: film.Strip | None = None


def section(  # noqa: PLR0913 - what a page shows comes from as many places
    check: Check,
    latest: Measurement | None,
    recent: Sequence[Measurement],
    tongue: Tongue,
    now: int,
    *,
    exhibits: Sequence[Exhibit] = (),
) -> Section:
    """Put a check's page together; ``recent`` and ``exhibits`` are newest first."""
    every = tongue("every", duration=tongue.duration(check.interval))
    charted = tongue("render.charted" if check.probe.lane is Lane.RENDER else "latency")
    if latest is None:
        return Section(name=check.name, url=bare(check.probe.url), every=every, charted=charted)
    return Section(
        name=check.name,
        url=bare(check.probe.url),
        every=every,
        charted=charted,
        latest=line(latest, tongue),
        age=tongue.ago(now - (latest.started or latest.slot)),
        bar=_bar(latest, tongue),
        hops=tuple(_hops(latest.hops, tongue)),
        facts=(*facts(latest, tongue, now), *film.figures(latest, tongue)),
        values=tuple(_others(check.probe.metrics, latest, tongue)),
        looks=tuple(line(one, tongue) for one in recent[:SHOWN]),
        chart=charts.chart(recent, tongue, now=now, interval=check.interval),
        film=film.strip(exhibits, tongue),
    )


def line(one: Measurement, tongue: Tongue) -> Line:
    """One look in a table."""
    at = one.started or one.slot
    return Line(
        at=tongue.moment(at),
        at_iso=iso(at),
        outcome=one.outcome.value,
        reason=tongue.reason(one),
        detail=one.detail,
        took="" if one.duration is None else tongue.short(one.duration),
        late="" if one.lateness is None else tongue.short(one.lateness),
        attempt=one.attempt,
    )


def _bar(one: Measurement, tongue: Tongue) -> charts.Bar | None:
    phases = {name: float(one.values[f"{name}_seconds"]) for name in _PHASES if f"{name}_seconds" in one.values}
    total = sum(phases.values())
    return charts.bar(phases, tongue, start=0.0, scale=total) if total > 0 else None


def _hops(hops: Sequence[Hop], tongue: Tongue) -> Iterable[HopLine]:
    """Hops of one family follow each other; the bars of all share one scale."""
    spent = [sum(hop.phases.values()) for hop in hops]
    ends: dict[int | None, float] = {}
    for hop, seconds in zip(hops, spent, strict=True):
        ends[hop.family] = ends.get(hop.family, 0.0) + seconds
    scale = max(ends.values(), default=0.0) or 1.0
    begins: dict[int | None, float] = {}
    for number, (hop, seconds) in enumerate(zip(hops, spent, strict=True), start=1):
        start = begins.get(hop.family, 0.0)
        begins[hop.family] = start + seconds
        title = tongue("hop", n=number)
        if hop.family is not None:
            title = f"{title}, {tongue('family', family=hop.family)}"
        bar = charts.bar(hop.phases, tongue, start=start, scale=scale)
        yield HopLine(title=title, url=hop.url, status=hop.status, bar=bar)


def facts(one: Measurement, tongue: Tongue, now: int) -> Iterable[tuple[str, str]]:
    """Name and text of what the look found out; what did not occur is left out."""
    values = one.values
    for name in _PLAIN:
        if name in values:
            yield tongue(f"fact.{name}"), f"{values[name]}"
    for family in _FAMILIES:
        verdict = values.get(f"ipv{family}_success")
        took = values.get(f"ipv{family}_seconds")
        if verdict is not None:
            said = tongue("outcome.up" if verdict else "outcome.down")
            yield tongue("fact.family", family=family), said if took is None else f"{said}, {tongue.short(float(took))}"
    for name in _TLS:
        if name in values:
            yield tongue(f"fact.{name}"), f"{values[name]}"
    if "cert_leaf_expiry" in values:
        yield tongue("fact.cert_leaf_expiry"), _ends(float(values["cert_leaf_expiry"]), tongue, now)
    for name in _SIZES:
        if name in values:
            yield tongue(f"fact.{name}"), tongue.size(float(values[name]))


def _ends(at: float, tongue: Tongue, now: int) -> str:
    days = (at - now / 1000) / _DAY_SECONDS
    key = "days_left" if days >= 0 else "days_over"
    return tongue(key, n=tongue.number(abs(days), 1 if abs(days) < 10 else 0), date=tongue.date(int(at * 1000)))  # noqa: PLR2004


def _others(metrics: Iterable[Metric], one: Measurement, tongue: Tongue) -> Iterable[tuple[str, str, str]]:
    """Name, help and value of the remaining metrics, so that a new kind is shown without a word about it here."""
    for metric in metrics:
        if metric.name in one.values and metric.name not in _SAID:
            yield metric.name, metric.help, _measured(metric.unit, one.values[metric.name], tongue)


def _measured(unit: Unit, value: Scalar, tongue: Tongue) -> str:
    if isinstance(value, str):
        return value
    if unit is Unit.FLAG:
        return tongue("yes" if value else "no")
    if unit is Unit.SECONDS:
        return tongue.short(float(value))
    if unit is Unit.BYTES:
        return tongue.size(float(value))
    if unit is Unit.TIMESTAMP:
        return tongue.moment(int(value * 1000))
    return tongue.number(value, 0 if float(value).is_integer() else 3)
