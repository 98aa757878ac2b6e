"""Pictures as SVG fragments: state strips, phase bars, the latency chart; colours are left to the stylesheet.

Every shape has a class, never a style, because the content security policy allows none. Nothing here is the only
carrier of its meaning: pages say the same in words beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from monitor.model.records import State
from monitor.states.status_cache import DAY
from probes.registry import KINDS
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.i18n.translator import Tongue
    from monitor.model.records import Measurement
    from monitor.states.availability import Span

WIDTH = 1440
"""Width of a day's picture: one unit a minute."""

_TALL = 20
_CALM = {State.UP: 12, State.UNKNOWN: 5}
"""How tall a stretch of each state is; trouble has the full height."""

_SHORTEST = 6.0
"""A stretch that is not up is drawn at least this wide, so that a short outage is not lost in a day."""


def strip(stretches: Sequence[Span], tongue: Tongue) -> Markup:
    """A day of states. Trouble stands taller than calm, so that it shows without colour."""
    if not stretches:
        return Markup()
    end = stretches[-1].end
    total: dict[State, int] = {}
    calm: list[str] = []
    trouble: list[str] = []
    for one in stretches:
        total[one.state] = total.get(one.state, 0) + one.end - one.start
        x, width = WIDTH - (end - one.start) / DAY * WIDTH, (one.end - one.start) / DAY * WIDTH
        quiet = one.state in _CALM
        if not quiet and width < _SHORTEST:
            x, width = max(0.0, min(x, WIDTH - _SHORTEST)), _SHORTEST
        height = _CALM.get(one.state, _TALL)
        (calm if quiet else trouble).append(
            f'<rect class="{one.state.value}" x="{x:.1f}" y="{_TALL - height}" width="{width:.1f}" height="{height}"/>'
        )
    said = [f"{tongue(f'state.{state.value}').lower()} {tongue.duration(ms / 1000)}" for state, ms in total.items()]
    label = tongue("strip", list=", ".join(said))
    return _svg("strip", WIDTH, _TALL, label, f"<title>{escape(label)}</title>", *calm, *trouble)


def _svg(kind: str, width: int, height: int, label: str, *shapes: str) -> Markup:
    """A picture that stretches to its place. ``shapes`` hold our own numbers and class names, all else escaped."""
    opening = (
        f'<svg class="{kind}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(label)}">'
    )
    return Markup(f"{opening}{''.join(shapes)}</svg>")  # noqa: S704 - see above


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of a bar and its legend."""

    name: str
    said: str
    took: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The phases of one hop, or of a whole look when it has no hops, drawn to a common scale."""

    picture: Markup
    phases: tuple[Phase, ...]
    took: str


def bar(phases: Mapping[str, float], tongue: Tongue, *, start: float, scale: float) -> Bar:
    """Phases in seconds as a stacked bar that begins at ``start`` on a picture of ``scale`` seconds."""
    at = start
    parts: list[str] = []
    legend: list[Phase] = []
    for name, seconds in phases.items():
        said, took = tongue.known(f"phase.{name}", name), tongue.short(seconds)
        parts.append(
            f'<rect class="phase {escape(name)}" x="{at / scale * 1000:.2f}" y="0" '
            f'width="{seconds / scale * 1000:.2f}" height="10"><title>{escape(said)}: {took}</title></rect>'
        )
        legend.append(Phase(name=name, said=said, took=took))
        at += seconds
    label = ", ".join(f"{phase.said} {phase.took}" for phase in legend)
    return Bar(picture=_svg("phases", 1000, 10, label, *parts), phases=tuple(legend), took=tongue.short(at - start))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Durations over a day: the picture, what it says in words, and the texts of its axes, largest and latest last."""

    picture: Markup
    said: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]


_HEIGHT = 200
_NICE = (1, 2, 5, 10)


def chart(looks: Iterable[Measurement], tongue: Tongue, *, now: int, interval: float) -> Chart | None:
    """Durations of good looks as a line that breaks where looks are missing; failed looks as upright marks."""
    recent = [
        one
        for one in looks
        if KINDS[one.kind].speaks(one.attempt, one.values) and one.duration is not None and one.slot > now - DAY
    ]
    good = sorted((one.slot, _took(one)) for one in recent if one.outcome is Outcome.UP)
    bad = sorted((one.slot, tongue.reason(one)) for one in recent if one.outcome is Outcome.DOWN)
    if not good:
        return None
    took = [seconds for _, seconds in good]
    top = _nice(max(took))
    said = tongue(
        "latency.said", n=len(good), median=tongue.short(median(took)), most=tongue.short(max(took)), down=len(bad)
    )
    shapes = [f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>' for y in (0, _HEIGHT // 2, _HEIGHT)]
    shapes += [_fallen(_x(at, now), f"{tongue.moment(at)}: {why}") for at, why in _thin(bad, now)]
    shapes += [f'<polyline class="latency" points="{_points(run, now, top)}"/>' for run in _runs(good, interval)]
    return Chart(
        picture=_svg("chart", WIDTH, _HEIGHT, said, *shapes),
        said=said,
        rows=("0", tongue.short(top / 2), tongue.short(top)),
        columns=hours(tongue, now),
    )


def _took(one: Measurement) -> float:
    """What people waited for: of a rendered page its largest content, else the whole look."""
    return float(one.values.get("lcp_seconds", one.duration or 0.0))


def _fallen(x: float, why: str) -> str:
    return f'<line class="down" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEIGHT}"><title>{escape(why)}</title></line>'


def hours(tongue: Tongue, now: int) -> tuple[str, ...]:
    """The hours under a day's picture, from its left edge to its right one."""
    return tuple(tongue.hour(now - DAY + DAY * part // 4) for part in range(5))


def _nice(value: float) -> float:
    """The next round number at or above ``value``."""
    power = 0.001
    while power * 10 < value:
        power *= 10
    return next(power * step for step in _NICE if power * step >= value or step == _NICE[-1])


def _x(at: int, now: int) -> float:
    return WIDTH - (now - at) / DAY * WIDTH


def _thin(marks: Iterable[tuple[int, str]], now: int) -> list[tuple[int, str]]:
    """At most one mark for each two units of width; the first one stays."""
    kept: dict[int, tuple[int, str]] = {}
    for at, why in marks:
        kept.setdefault(int(_x(at, now)) // 2, (at, why))
    return list(kept.values())


def _runs(good: Sequence[tuple[int, float]], interval: float) -> list[list[tuple[int, float]]]:
    """Cut where more than two looks in a row are missing."""
    runs: list[list[tuple[int, float]]] = []
    last = 0
    for at, seconds in good:
        if not runs or at - last > 3000 * interval:
            runs.append([])
        runs[-1].append((at, seconds))
        last = at
    return runs


def _points(run: Sequence[tuple[int, float]], now: int, top: float) -> str:
    """The line's points, the slowest look of each two units of width. A lone point becomes a short dash."""
    slowest: dict[int, tuple[float, float]] = {}
    for at, seconds in run:
        x = _x(at, now)
        known = slowest.get(int(x) // 2)
        if known is None or seconds > known[1]:
            slowest[int(x) // 2] = (x, seconds)
    points = [f"{x:.1f},{_HEIGHT - seconds / top * _HEIGHT:.1f}" for x, seconds in slowest.values()]
    if len(points) == 1:
        x, seconds = next(iter(slowest.values()))
        points.append(f"{x + 3:.1f},{_HEIGHT - seconds / top * _HEIGHT:.1f}")
    return " ".join(points)
