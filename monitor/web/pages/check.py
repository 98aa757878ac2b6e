"""Section of the portal page about one check: latest result with phases and facts, recent attempts, chart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.i18n.translator import Translator, iso
from monitor.web.pages import charts
from monitor.web.pages.filmstrip import LABELLED_METRICS, FilmstripView, filmstrip_view, page_metrics
from probes.http.urls import strip_credentials
from probes.metric import Unit
from probes.probe import Pool

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.model.records import Check, Measurement
    from monitor.storage.screenshots import ScreenshotSet
    from probes.result import Hop, Scalar

MAX_RECENT_ATTEMPTS = 50  # recent attempts in the table of a check

_PHASES = ("resolve", "connect", "tls", "send", "wait", "transfer")
_DAY_SECONDS = 86400.0
_SIZE_METRICS = ("bytes_wire", "bytes_body")
_TEXT_METRICS = ("status", "http_version", "redirects", "final_url", "address")
_TLS_METRICS = ("tls_version", "cert_subject", "cert_issuer")
_FAMILIES = (4, 6)
_LABELLED_METRICS = {
    *LABELLED_METRICS,
    *_SIZE_METRICS,
    *_TEXT_METRICS,
    *_TLS_METRICS,
    "cert_leaf_expiry",
    *(f"{phase}_seconds" for phase in _PHASES),
    *(f"ipv{family}_{what}" for family in _FAMILIES for what in ("success", "seconds")),
}
"""Metrics that the page shows with a text; all others are listed by their names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HopRow:
    """One request of the latest attempt."""

    title: str
    url: str
    status: int | None
    bar: charts.PhaseBar


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One attempt in the table of recent ones."""

    at: str
    at_iso: str | None
    outcome: str
    reason: str
    detail: str
    duration: str
    start_delay: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSection:
    """The section of one check. ``latest`` is None before its first result."""

    name: str
    url: str
    interval: str
    chart_title: str
    latest: AttemptRow | None = None
    age: str = ""
    bar: charts.PhaseBar | None = None
    hops: tuple[HopRow, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str, str], ...] = ()
    attempts: tuple[AttemptRow, ...] = ()
    chart: charts.Chart | None = None
    filmstrip: FilmstripView | None = None


def check_section(  # noqa: PLR0913, PLR0917 - a page has as many sources
    check: Check,
    latest: Measurement | None,
    recent: Sequence[Measurement],
    screenshot_sets: Sequence[ScreenshotSet],
    translator: Translator,
    now_ms: int,
) -> CheckSection:
    """Build the section of a check; ``recent`` and ``screenshot_sets`` are newest first."""
    interval = translator("every", duration=translator.duration(check.interval))
    chart_title = translator("page_metric.chart" if check.probe.pool is Pool.BROWSER else "latency")
    url = strip_credentials(check.probe.url)
    section = CheckSection(name=check.name, url=url, interval=interval, chart_title=chart_title)
    if latest is None:
        return section
    return replace(
        section,
        latest=attempt_row(latest, translator),
        age=translator.ago(now_ms - (latest.started or latest.slot)),
        bar=_phase_bar(latest, translator),
        hops=tuple(_hop_rows(latest.hops, translator)),
        facts=(*facts(latest, translator, now_ms), *page_metrics(latest, translator)),
        values=tuple(_other_values(check, latest, translator)),
        attempts=tuple(attempt_row(one, translator) for one in recent[:MAX_RECENT_ATTEMPTS]),
        chart=charts.chart(recent, translator, now_ms=now_ms, interval_seconds=check.interval),
        filmstrip=filmstrip_view(screenshot_sets, translator),
    )


def attempt_row(measurement: Measurement, translator: Translator) -> AttemptRow:
    """Return one attempt of the table."""
    at = measurement.started or measurement.slot
    return AttemptRow(
        at=translator.date_time(at),
        at_iso=iso(at),
        outcome=measurement.outcome.value,
        reason=translator.reason(measurement),
        detail=measurement.detail,
        duration="" if measurement.duration is None else translator.short_duration(measurement.duration),
        start_delay="" if measurement.start_delay is None else translator.short_duration(measurement.start_delay),
        attempt=measurement.attempt,
    )


def _phase_bar(measurement: Measurement, translator: Translator) -> charts.PhaseBar | None:
    values = measurement.values
    phases = {name: float(values[f"{name}_seconds"]) for name in _PHASES if f"{name}_seconds" in values}
    total = sum(phases.values())
    return charts.phase_bar(phases, translator, start_seconds=0.0, scale_seconds=total) if total > 0 else None


def _hop_rows(hops: Sequence[Hop], translator: Translator) -> Iterable[HopRow]:
    """Yield the hops; those of one address family follow each other in time, and all bars share one scale."""
    spent = [sum(hop.phases.values()) for hop in hops]
    ends: dict[int | None, float] = {}
    for hop, seconds in zip(hops, spent, strict=True):
        ends[hop.family] = ends.get(hop.family, 0.0) + seconds
    scale = max(ends.values(), default=0.0) or 1.0
    begins: dict[int | None, float] = {}
    for number, (hop, seconds) in enumerate(zip(hops, spent, strict=True), start=1):
        start = begins.get(hop.family, 0.0)
        begins[hop.family] = start + seconds
        title = translator("hop", n=number)
        if hop.family is not None:
            title = f"{title}, {translator('family', family=hop.family)}"
        bar = charts.phase_bar(hop.phases, translator, start_seconds=start, scale_seconds=scale)
        yield HopRow(title=title, url=hop.url, status=hop.status, bar=bar)


def facts(measurement: Measurement, translator: Translator, now_ms: int) -> Iterable[tuple[str, str]]:
    """Yield name and text of what was measured; values that are missing are left out."""
    values = measurement.values
    for name in _TEXT_METRICS:
        if name in values:
            yield translator(f"fact.{name}"), f"{values[name]}"
    for family in _FAMILIES:
        success, seconds = values.get(f"ipv{family}_success"), values.get(f"ipv{family}_seconds")
        if success is not None:
            text = translator("outcome.up" if success else "outcome.down")
            duration = "" if seconds is None else f", {translator.short_duration(float(seconds))}"
            yield translator("fact.family", family=family), text + duration
    for name in _TLS_METRICS:
        if name in values:
            yield translator(f"fact.{name}"), f"{values[name]}"
    if "cert_leaf_expiry" in values:
        yield translator("fact.cert_leaf_expiry"), _expiry_text(float(values["cert_leaf_expiry"]), translator, now_ms)
    for name in _SIZE_METRICS:
        if name in values:
            yield translator(f"fact.{name}"), translator.byte_size(float(values[name]))


def _expiry_text(at_seconds: float, translator: Translator, now_ms: int) -> str:
    days = (at_seconds - now_ms / 1000) / _DAY_SECONDS
    key = "days_left" if days >= 0 else "days_over"
    number = translator.number(abs(days), 1 if abs(days) < 10 else 0)  # noqa: PLR2004 - one digit
    return translator(key, n=number, date=translator.date(int(at_seconds * 1000)))


def _other_values(check: Check, latest: Measurement, translator: Translator) -> Iterable[tuple[str, str, str]]:
    """Yield name, help and value of the remaining metrics, so that a new kind is shown without code here."""
    for metric in check.probe.metrics:
        if metric.name in latest.values and metric.name not in _LABELLED_METRICS:
            yield metric.name, metric.help, _format_value(metric.unit, latest.values[metric.name], translator)


def _format_value(unit: Unit, value: Scalar, translator: Translator) -> str:
    if isinstance(value, str):
        return value
    if unit is Unit.FLAG:
        return translator("yes" if value else "no")
    if unit is Unit.SECONDS:
        return translator.short_duration(float(value))
    if unit is Unit.BYTES:
        return translator.byte_size(float(value))
    if unit is Unit.TIMESTAMP:
        return translator.date_time(int(value * 1000))
    return translator.number(value, 0 if float(value).is_integer() else 3)
