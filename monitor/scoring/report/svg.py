"""Draw the charts of a report as SVG: histogram, score bar, trend. Each has a text alternative.

They are 320 units wide, so that their text is legible on a phone; colours come from the page's style sheet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.scoring.results import ConfidenceInterval
    from monitor.scoring.rubric import Grades

WIDTH = 320
_MARGIN_LEFT, _MARGIN_RIGHT = 30, 8


def _svg(css_class: str, height: int, label: str, shapes: Sequence[str]) -> Markup:
    """Build the element; *shapes* hold only numbers, class names and escaped text."""
    text = escape(label)
    opening = (
        f'<svg class="{css_class}" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{text}"><title>{text}</title>'
    )
    return Markup(f"{opening}{''.join(shapes)}</svg>")  # noqa: S704 - see above


def _text_element(x: float, y: float, text: str, anchor: str = "middle", css_class: str = "") -> str:
    attribute = f' class="{css_class}"' if css_class else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{attribute}>{escape(text)}</text>'


def histogram(counts: Sequence[int], label: str) -> Markup:
    """Draw the number of portals in each tenth of 0 to 100."""
    top, base, high = max([*counts, 1]), 96, 78
    step = (WIDTH - 16) / len(counts)
    shapes = [f'<line class="axis" x1="8" x2="{WIDTH - 8}" y1="{base}" y2="{base}"/>']
    for number, count in enumerate(counts):
        x, bar_height = 8 + number * step, count / top * high
        shapes.append(
            f'<rect class="column" x="{x + 2:.1f}" y="{base - bar_height:.1f}" width="{step - 4:.1f}" '
            f'height="{bar_height:.1f}"/>'
        )
        if count:
            shapes.append(_text_element(x + step / 2, base - bar_height - 4, str(count)))
        shapes.append(_text_element(x, base + 13, str(number * 100 // len(counts)), css_class="tick"))
    shapes.append(_text_element(WIDTH - 8, base + 13, "100", css_class="tick"))
    return _svg("histogram", 114, label, shapes)


def score_bar(
    ratio: float, interval: ConfidenceInterval | None, previous: float | None, grades: Grades | None, label: str
) -> Markup:
    """Draw a ratio from 0 to 100: bar, interval as a whisker, previous period as a triangle, grade bands."""
    left, width, y = 8, WIDTH - 16, 20

    def x(share: float) -> float:
        return left + width * min(1.0, max(0.0, share))

    shapes = [
        f'<rect class="track" x="{left}" y="{y}" width="{width}" height="14"/>',
        f'<rect class="fill" x="{left}" y="{y}" width="{x(ratio) - left:.1f}" height="14"/>',
    ]
    bands = [(one.min / 100, one.grade) for one in grades.bands if one.min > 0] if grades else [(0.5, "")]
    for at, grade in [(0.0, ""), *bands, (1.0, "")]:
        shapes.append(f'<line class="band" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{y - 3}" y2="{y + 17}"/>')
        anchor = "start" if at == 0 else "end" if at == 1 else "middle"
        shapes.append(_text_element(x(at), y + 29, f"{at * 100:g}", anchor, "tick"))
        if grade:
            shapes.append(_text_element(x(at) + 2, y - 5, grade, "start", "tick"))
    if interval is not None:
        low, high = x(interval.low), x(interval.high)
        shapes.append(
            f'<path class="whisker" d="M{low:.1f} {y + 3}v8M{low:.1f} {y + 7}H{high:.1f}M{high:.1f} {y + 3}v8"/>'
        )
    if previous is not None:
        at = x(previous)
        shapes.append(f'<path class="previous" d="M{at:.1f} {y - 1}l-4 -7h8z"/>')
    return _svg("score-bar", 52, label, shapes)


def trend_line(
    parts: Sequence[tuple[str, float | None]], previous: float | None, previous_name: str, label: str
) -> Markup:
    """Draw the ratio of each part as a line with labels, and the previous period as a dashed level. Gaps stay gaps."""
    top, base = 14, 84

    def y(ratio: float) -> float:
        return base - (base - top) * min(1.0, max(0.0, ratio))

    left, right = _MARGIN_LEFT, WIDTH - _MARGIN_RIGHT

    def level(css_class: str, ratio: float) -> str:
        return f'<line class="{css_class}" x1="{left}" x2="{right}" y1="{y(ratio):.1f}" y2="{y(ratio):.1f}"/>'

    step = (right - left) / max(1, len(parts))
    shapes = []
    for share in (0.0, 0.5, 1.0):
        shapes.append(level("axis", share))
        shapes.append(_text_element(_MARGIN_LEFT - 5, y(share) + 3.5, f"{share * 100:g}", "end", "tick"))
    if previous is not None:
        shapes.append(level("previous-level", previous))
        text_y = y(previous) + (12 if previous > 0.8 else -4)  # noqa: PLR2004 - no space above the line
        shapes.append(_text_element(_MARGIN_LEFT + 3, text_y, previous_name, "start", "tick"))
    last: tuple[float, float] | None = None
    dots = []
    for number, (name, ratio) in enumerate(parts):
        x = _MARGIN_LEFT + step * (number + 0.5)
        shapes.append(_text_element(x, base + 15, name, css_class="tick"))
        if ratio is None:
            last = None
            continue
        here = (x, y(ratio))
        if last is not None:
            shapes.append(f'<line class="line" x1="{last[0]:.1f}" y1="{last[1]:.1f}" x2="{x:.1f}" y2="{here[1]:.1f}"/>')
        dots.append(f'<circle class="dot" cx="{x:.1f}" cy="{here[1]:.1f}" r="3.5"/>')
        dots.append(_text_element(x, here[1] + (-7 if ratio < 0.9 else 14), f"{ratio * 100:.0f}"))  # noqa: PLR2004 - the same
        last = here
    return _svg("trend", 106, label, [*shapes, *dots])
