"""Draws SVG fragments: state timelines, phase bars, the latency chart; colours are left to the stylesheet.

Every shape has a class, never a style, because the content security policy allows none. Pages show the same information
as text beside each drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from monitor.model.records import Measurement, State
from monitor.states.status_cache import DAY_MS
from probes.registry import PROBE_KINDS
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.i18n.translator import Translator
    from monitor.states.availability import StateSpan

WIDTH = 1440  # width of a drawing of one day: one unit a minute

_TIMELINE_HEIGHT = 20
_LOW_HEIGHTS = {State.UP: 12, State.UNKNOWN: 5}  # height of a segment of each state; other states have the full height
_MIN_SEGMENT_WIDTH = 6.0  # minimum width of a segment that is not up, so that a short outage is visible in a day


def timeline(spans: Sequence[StateSpan], translator: Translator) -> Markup:
    """Draw the states of a day. Problems are taller than other states, so that they are visible without colour."""
    if not spans:
        return Markup()
    end = spans[-1].end_ms
    total: dict[State, int] = {}
    low: list[str] = []
    high: list[str] = []
    for one in spans:
        total[one.state] = total.get(one.state, 0) + one.end_ms - one.start_ms
        x, width = WIDTH - (end - one.start_ms) / DAY_MS * WIDTH, (one.end_ms - one.start_ms) / DAY_MS * WIDTH
        is_low = one.state in _LOW_HEIGHTS
        if not is_low and width < _MIN_SEGMENT_WIDTH:
            x, width = max(0.0, min(x, WIDTH - _MIN_SEGMENT_WIDTH)), _MIN_SEGMENT_WIDTH
        height = _LOW_HEIGHTS.get(one.state, _TIMELINE_HEIGHT)
        size = f'width="{width:.1f}" height="{height}"'
        shape = f'<rect class="{one.state.value}" x="{x:.1f}" y="{_TIMELINE_HEIGHT - height}" {size}/>'
        (low if is_low else high).append(shape)
    texts = (f"{translator(f'state.{one}').lower()} {translator.duration(ms / 1000)}" for one, ms in total.items())
    label = translator("timeline", list=", ".join(texts))
    return _svg("timeline", WIDTH, _TIMELINE_HEIGHT, label, f"<title>{escape(label)}</title>", *low, *high)


def _svg(css_class: str, width: int, height: int, label: str, *shapes: str) -> Markup:
    """Return a scalable SVG. ``shapes`` hold only numbers and class names of this module; all else is escaped."""
    box = f'viewBox="0 0 {width} {height}" preserveAspectRatio="none"'
    opening = f'<svg class="{css_class}" {box} role="img" aria-label="{escape(label)}">'
    return Markup(f"{opening}{''.join(shapes)}</svg>")  # noqa: S704 - see above


@dataclass(frozen=True, slots=True, kw_only=True)
class LegendItem:
    """One phase of a bar and its legend."""

    name: str
    label: str
    duration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBar:
    """The phases of one hop, or of a whole attempt without hops, drawn to a common scale."""

    svg: Markup
    phases: tuple[LegendItem, ...]
    duration: str


def phase_bar(
    phases: Mapping[str, float], translator: Translator, *, start_seconds: float, scale_seconds: float
) -> PhaseBar:
    """Draw phases in seconds as a stacked bar that begins at ``start_seconds`` on a scale of ``scale_seconds``."""
    at = start_seconds
    parts: list[str] = []
    legend: list[LegendItem] = []
    for name, seconds in phases.items():
        text, duration = translator.text_or(f"phase.{name}", name), translator.short_duration(seconds)
        parts.append(
            f'<rect class="phase {escape(name)}" x="{at / scale_seconds * 1000:.2f}" y="0" '
            f'width="{seconds / scale_seconds * 1000:.2f}" height="10"><title>{escape(text)}: {duration}</title></rect>'
        )
        legend.append(LegendItem(name=name, label=text, duration=duration))
        at += seconds
    label = ", ".join(f"{phase.label} {phase.duration}" for phase in legend)
    svg, duration = _svg("phases", 1000, 10, label, *parts), translator.short_duration(at - start_seconds)
    return PhaseBar(svg=svg, phases=tuple(legend), duration=duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Durations over a day: the drawing, its caption, and the labels of its axes, largest and latest last."""

    svg: Markup
    caption: str
    y_labels: tuple[str, ...]
    x_labels: tuple[str, ...]


_CHART_HEIGHT = 200
_ROUND_STEPS = (1, 2, 5, 10)


def chart(
    measurements: Iterable[Measurement], translator: Translator, *, now_ms: int, interval_seconds: float
) -> Chart | None:
    """Draw durations of successful attempts as a line with gaps where attempts are missing, failures as marks."""
    timed = (one for one in measurements if one.duration is not None and one.slot > now_ms - DAY_MS)
    recent = [one for one in timed if PROBE_KINDS[one.kind].is_representative(one.attempt, one.values)]
    good = sorted((one.slot, _duration_seconds(one)) for one in recent if one.outcome is Outcome.UP)
    bad = sorted((one.slot, translator.reason(one)) for one in recent if one.outcome is Outcome.DOWN)
    if not good:
        return None
    durations = [seconds for _, seconds in good]
    top = _round_up(max(durations))
    caption = translator(
        "latency.caption",
        n=len(good),
        median=translator.short_duration(median(durations)),
        most=translator.short_duration(max(durations)),
        down=len(bad),
    )
    grid, runs = (0, _CHART_HEIGHT // 2, _CHART_HEIGHT), _contiguous_runs(good, interval_seconds)
    marks = ((_x(at, now_ms), f"{translator.date_time(at)}: {reason}") for at, reason in _thin_out(bad, now_ms))
    shapes = [f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>' for y in grid]
    shapes += [_failure_mark(x, text) for x, text in marks]
    shapes += [f'<polyline class="latency" points="{_points(run, now_ms, top)}"/>' for run in runs]
    return Chart(
        svg=_svg("chart", WIDTH, _CHART_HEIGHT, caption, *shapes),
        caption=caption,
        y_labels=("0", translator.short_duration(top / 2), translator.short_duration(top)),
        x_labels=hour_labels(translator, now_ms),
    )


def _duration_seconds(measurement: Measurement) -> float:
    """Return what users waited for: the largest content of a rendered page, else the whole attempt."""
    return float(measurement.values.get("lcp_seconds", measurement.duration or 0.0))


def _failure_mark(x: float, reason: str) -> str:
    title = f"<title>{escape(reason)}</title>"
    return f'<line class="down" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_CHART_HEIGHT}">{title}</line>'


def hour_labels(translator: Translator, now_ms: int) -> tuple[str, ...]:
    """Return the hours below a drawing of one day, from its left edge to its right one."""
    return tuple(translator.hour(now_ms - DAY_MS + DAY_MS * part // 4) for part in range(5))


def _round_up(value: float) -> float:
    """Return the next round number at or above ``value``."""
    power = 0.001
    while power * 10 < value:
        power *= 10
    return next(power * step for step in _ROUND_STEPS if power * step >= value or step == _ROUND_STEPS[-1])


def _x(at_ms: int, now_ms: int) -> float:
    return WIDTH - (now_ms - at_ms) / DAY_MS * WIDTH


def _thin_out(marks: Iterable[tuple[int, str]], now_ms: int) -> list[tuple[int, str]]:
    """Keep at most one mark for each two units of width, the first."""
    kept: dict[int, tuple[int, str]] = {}
    for at, reason in marks:
        kept.setdefault(int(_x(at, now_ms)) // 2, (at, reason))
    return list(kept.values())


def _contiguous_runs(points: Sequence[tuple[int, float]], interval_seconds: float) -> list[list[tuple[int, float]]]:
    """Split where more than two attempts in a row are missing."""
    runs: list[list[tuple[int, float]]] = []
    last = 0
    for at, seconds in points:
        if not runs or at - last > 3000 * interval_seconds:
            runs.append([])
        runs[-1].append((at, seconds))
        last = at
    return runs


def _points(run: Sequence[tuple[int, float]], now_ms: int, top: float) -> str:
    """Return the points of a line, the slowest attempt of each two units of width. A single point is a short dash."""
    slowest: dict[int, tuple[float, float]] = {}
    for at, seconds in run:
        x = _x(at, now_ms)
        known = slowest.get(int(x) // 2)
        if known is None or seconds > known[1]:
            slowest[int(x) // 2] = (x, seconds)
    points = [f"{x:.1f},{_CHART_HEIGHT - seconds / top * _CHART_HEIGHT:.1f}" for x, seconds in slowest.values()]
    if len(points) == 1:
        x, seconds = next(iter(slowest.values()))
        points.append(f"{x + 3:.1f},{_CHART_HEIGHT - seconds / top * _CHART_HEIGHT:.1f}")
    return " ".join(points)
