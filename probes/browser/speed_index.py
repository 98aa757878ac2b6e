"""Speed Index from the film in a trace: how long, on average, a part of the first screen stayed unfinished.

The definition is the one of WebPageTest, computed from colour histograms as Lighthouse does (its ``speedline``):
white pixels do not count, the screen before the first picture is white, the last picture is the finished screen.
Decoding needs Pillow, which comes with the ``render`` extra; nothing else here does.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise

from probes.browser.trace_events import TraceScreenshot

MIN_WHITE_VALUE = 249
"""From this value on, in all three channels, a pixel is white: JPEG does not keep pure white pure."""

Histogram = tuple[int, ...]
"""How many pixels have each value 0-255 of red, then of green, then of blue: 768 counts."""

WHITE_HISTOGRAM: Histogram = (0,) * 768
"""The histogram of a white screen."""


class InvalidScreenshot(ValueError):
    """A picture of the film cannot be decoded."""


def speed_index(screenshots: Sequence[TraceScreenshot]) -> float | None:
    """Speed Index in seconds after the navigation's start; None when nothing but white was ever shown.

    Raises :class:`BadPicture`, and ImportError without Pillow.
    """
    return speed_index_of_progress(visual_progress([(shot.at_seconds, histogram(shot.jpeg)) for shot in screenshots]))


def histogram(jpeg: bytes) -> Histogram:
    """The colours of a picture, white pixels left out. Raises :class:`BadPicture`."""
    from PIL import Image, ImageChops  # noqa: PLC0415 - an optional extra

    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
            red, green, blue = picture.convert("RGB").split()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidScreenshot(f"a picture of the film cannot be decoded: {error}") from error
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    coloured = darkest.point([255 if value < MIN_WHITE_VALUE else 0 for value in range(256)])
    return tuple(count for channel in (red, green, blue) for count in channel.histogram(coloured))


def visual_progress(histograms: Sequence[tuple[float, Histogram]]) -> tuple[tuple[float, float], ...]:
    """(seconds, share 0-1 of the finished screen that is there) of each picture; the last is finished by definition.

    Shares are whole percents, rounded down, as in the reference: a picture that lacks a hair counts as 99 %.
    Empty when the film is empty or its last picture is white.
    """
    if not histograms or histograms[-1][1] == WHITE_HISTOGRAM:
        return ()
    target = histograms[-1][1]
    total = sum(target)
    return tuple((at, math.floor(100 * sum(map(min, colours, target)) / total) / 100) for at, colours in histograms)


def speed_index_of_progress(progress: Sequence[tuple[float, float]]) -> float | None:
    """The area above the curve of progress, in seconds. None for an empty curve.

    It lies between the first picture that shows anything and the first that is complete.
    """
    if not progress:
        return None
    steps = pairwise(((0.0, 0.0), *progress))
    return sum((later - earlier) * (1.0 - share) for (earlier, share), (later, _) in steps)
