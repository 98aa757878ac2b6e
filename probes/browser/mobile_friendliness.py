"""Mobile friendliness of a page, as a pure function of the report of scripts/mobile_friendliness.js.

The browser evaluates :func:`report_script` twice: on a screen 412 px wide, which gives every value, and on one of
360 px, which gives only the overflow.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MobileReport = Mapping[str, Any]
"""The JSON that scripts/mobile_friendliness.js returns."""

MIN_LEGIBLE_PX = 12.0
"""CSS pixels on the screen from which on text counts as readable without zooming."""

MIN_TARGET_PX, RECOMMENDED_TARGET_PX = 24.0, 48.0
"""CSS pixels: the minimum of WCAG 2.2 (2.5.8), and the recommendation of Android and Lighthouse."""

MIN_ZOOM_FACTOR = 2.0
"""A page must allow zooming to twice its size (WCAG 1.4.4)."""

LANGUAGE_TAG = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*")
"""A language tag (BCP 47) that names a language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MobileFriendliness:
    """Hold the values. Overflows are in CSS pixels, 0 if the content fits; a ratio is None without text or targets."""

    viewport_ok: bool
    overflow_360_px: float
    overflow_412_px: float
    text_legible_ratio: float | None
    tap_24_ratio: float | None
    tap_48_ratio: float | None
    zoom_ok: bool
    lang_ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TapTarget:
    """Hold the box of a tap target, in CSS pixels on the screen."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Return the centre of the box."""
        return self.x + self.width / 2, self.y + self.height / 2


def report_script() -> str:
    """Return the JavaScript expression to evaluate in the page; its value is a :data:`MobileReport`."""
    return (Path(__file__).parent / "scripts" / "mobile_friendliness.js").read_text(encoding="utf-8")


def read_mobile_friendliness(at_412: MobileReport, at_360: MobileReport) -> MobileFriendliness:
    """Compute the values from the reports at both widths. Raises KeyError for an incomplete report."""
    rules = parse_viewport(at_412["viewport"])
    # A link inside a sentence has the height of its line and is excepted by WCAG.
    targets = [
        TapTarget(x=each["x"], y=each["y"], width=each["width"], height=each["height"])
        for each in at_412["targets"]
        if not each["inline"]
    ]
    return MobileFriendliness(
        viewport_ok=rules.get("width") == "device-width" or _parse_number(rules.get("initial-scale"), 0.0) >= 1.0,
        overflow_360_px=overflow_px(at_360),
        overflow_412_px=overflow_px(at_412),
        text_legible_ratio=legible_text_ratio(at_412["sizes"]),
        tap_24_ratio=tap_target_ratio(targets, MIN_TARGET_PX),
        tap_48_ratio=tap_target_ratio(targets, RECOMMENDED_TARGET_PX),
        zoom_ok=rules.get("user-scalable", "yes") not in {"no", "0"}
        and _parse_number(rules.get("maximum-scale"), MIN_ZOOM_FACTOR) >= MIN_ZOOM_FACTOR,
        lang_ok=bool(LANGUAGE_TAG.fullmatch(str(at_412["language"] or ""))),
    )


def parse_viewport(content: str | None) -> dict[str, str]:
    """Parse a viewport meta tag, in lower case: ``{"width": "device-width", ...}``."""
    pairs = (part.partition("=") for part in re.split(r"[,;]", (content or "").lower()))
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}


def _parse_number(text: str | None, default: float) -> float:
    try:
        return float(text) if text is not None else default
    except ValueError:
        return default


def overflow_px(report: MobileReport) -> float:
    """Return how far the content exceeds the layout width, so that it scrolls sideways."""
    return max(0.0, float(report["contentWidth"]) - float(report["layoutWidth"]))


def legible_text_ratio(sizes: Mapping[str, int]) -> float | None:
    """Return the share of visible characters of readable size; *sizes* maps px on the screen to characters."""
    total = sum(sizes.values())
    return sum(count for size, count in sizes.items() if float(size) >= MIN_LEGIBLE_PX) / total if total else None


def tap_target_ratio(targets: Sequence[TapTarget], size_px: float) -> float | None:
    """Return the share of the targets of at least *size_px* or with enough spacing.

    A target passes when it is at least that large both ways, or when a circle of that diameter around its centre meets
    neither another target nor the circle of another one that is too small (WCAG 2.2, 2.5.8: the exception for spacing).
    """
    if not targets:
        return None
    ordered = sorted(targets, key=lambda target: target.y)
    return sum(_is_tappable(index, ordered, size_px) for index in range(len(ordered))) / len(ordered)


def _is_tappable(index: int, ordered: Sequence[TapTarget], size_px: float) -> bool:
    target = ordered[index]
    if min(target.width, target.height) >= size_px:
        return True
    x, y = target.centre
    for other in ordered:
        if other.y > y + size_px:
            break  # all others start further down
        if other is target:
            continue
        across = max(other.x - x, 0.0, x - other.x - other.width)
        distance = math.hypot(across, max(other.y - y, 0.0, y - other.y - other.height))
        small = min(other.width, other.height) < size_px
        if distance < size_px / 2 or (small and math.dist(target.centre, other.centre) < size_px):
            return False
    return True
