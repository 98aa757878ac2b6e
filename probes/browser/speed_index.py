"""Speed Index from the filmstrip in a trace: the average time until a part of the first screen is complete.

The definition is the one of WebPageTest, computed from colour histograms as Lighthouse does (its ``speedline``):
white pixels do not count, the screen before the first screenshot is white, the last screenshot is the complete screen.
Decoding needs Pillow, which the ``render`` extra installs; nothing else here does.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise

from probes.browser.trace_events import TraceScreenshot

MIN_WHITE_VALUE = 249
"""A pixel is white from this value on in all three channels: JPEG does not preserve pure white."""

Histogram = tuple[int, ...]
"""Pixel counts for each value 0-255 of red, then of green, then of blue: 768 numbers."""

WHITE_HISTOGRAM: Histogram = (0,) * 768
"""The histogram of a white screen."""


class InvalidScreenshot(ValueError):
    """Report that a screenshot cannot be decoded."""


def speed_index(screenshots: Sequence[TraceScreenshot]) -> float | None:
    """Return the Speed Index in seconds after the navigation's start; None when the screen stayed white.

    Raises :class:`InvalidScreenshot`, and ImportError without Pillow.
    """
    return speed_index_of_progress(visual_progress([(shot.at_seconds, histogram(shot.jpeg)) for shot in screenshots]))


def histogram(jpeg: bytes) -> Histogram:
    """Return the colours of a screenshot without white pixels. Raises :class:`InvalidScreenshot`."""
    from PIL import Image, ImageChops  # noqa: PLC0415 - an optional extra

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            red, green, blue = image.convert("RGB").split()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidScreenshot(f"a screenshot cannot be decoded: {error}") from error
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    coloured = darkest.point([255 if value < MIN_WHITE_VALUE else 0 for value in range(256)])
    return tuple(count for channel in (red, green, blue) for count in channel.histogram(coloured))


def visual_progress(histograms: Sequence[tuple[float, Histogram]]) -> tuple[tuple[float, float], ...]:
    """Return (seconds, share 0-1 of the complete screen) of each screenshot; the last is complete by definition.

    Shares are whole percents, rounded down, as in the reference: a screenshot that lacks one pixel counts as 99 %.
    Empty when there are no screenshots or the last one is white.
    """
    if not histograms or histograms[-1][1] == WHITE_HISTOGRAM:
        return ()
    target = histograms[-1][1]
    total = sum(target)
    return tuple((at, math.floor(100 * sum(map(min, colours, target)) / total) / 100) for at, colours in histograms)


def speed_index_of_progress(progress: Sequence[tuple[float, float]]) -> float | None:
    """Return the area above the curve of progress, in seconds. None for an empty curve.

    It lies between the times of the first screenshot that is not white and the first that is complete.
    """
    if not progress:
        return None
    steps = pairwise(((0.0, 0.0), *progress))
    return sum((later - earlier) * (1.0 - share) for (earlier, share), (later, _) in steps)
