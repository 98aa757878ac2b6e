"""The filmstrip of a load: the selection of its frames, and a perceptual hash that detects changes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.browser.trace_events import TraceScreenshot

MAX_FRAMES = 10
"""Highest number of frames in a filmstrip."""

_HASH_COLUMNS, _HASH_ROWS = 9, 8


def select_frames(screenshots: Sequence[TraceScreenshot], max_frames: int = MAX_FRAMES) -> list[TraceScreenshot]:
    """Select at most *max_frames* screenshots: the last one, and those shown at evenly spread times before it."""
    if len(screenshots) <= max_frames:
        return list(screenshots)
    step = screenshots[-1].at_seconds / (max_frames - 1)
    selected: list[TraceScreenshot] = []
    for number in range(max_frames):
        earlier = [shot for shot in screenshots if shot.at_seconds <= number * step] or [screenshots[0]]
        if not selected or earlier[-1] is not selected[-1]:
            selected.append(earlier[-1])
    kept = -1 if selected[-1].at_seconds >= screenshots[-1].at_seconds else max_frames - 1
    return [*selected[:kept], screenshots[-1]]


def fingerprint(image_bytes: bytes) -> str:
    """Return the difference hash of an image: 16 hex digits, whether it gets brighter from left to right in 64 places.

    Empty for bytes that are not an image, and without Pillow.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - an optional extra
    except ImportError:
        return ""
    try:
        with Image.open(io.BytesIO(image_bytes), formats=("JPEG", "WEBP")) as image:
            grey = image.convert("L").resize((_HASH_COLUMNS, _HASH_ROWS)).tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""
    bits = 0
    for row in range(_HASH_ROWS):
        for column in range(_HASH_COLUMNS - 1):
            at = row * _HASH_COLUMNS + column
            bits = bits << 1 | (grey[at] < grey[at + 1])
    return f"{bits:016x}"


def hash_distance(one: str, other: str) -> int:
    """Return in how many of 64 places two fingerprints differ; 64 if one is empty."""
    return (int(one, 16) ^ int(other, 16)).bit_count() if one and other else 64
