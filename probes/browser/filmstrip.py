"""Pictures of a load: which few of the film tell its story, and a fingerprint by which changes are noticed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.browser.trace_events import TraceScreenshot

MAX_FRAMES = 10
"""Pictures that a film strip has at most."""

_HASH_COLUMNS, _HASH_ROWS = 9, 8


def select_frames(screenshots: Sequence[TraceScreenshot], max_frames: int = MAX_FRAMES) -> list[TraceScreenshot]:
    """At most ``most`` pictures: the last one, and those that show each of evenly spread moments before it."""
    if len(screenshots) <= max_frames:
        return list(screenshots)
    step = screenshots[-1].at_seconds / (max_frames - 1)
    chosen: list[TraceScreenshot] = []
    for number in range(max_frames):
        shown = [shot for shot in screenshots if shot.at_seconds <= number * step] or [screenshots[0]]
        if not chosen or shown[-1] is not chosen[-1]:
            chosen.append(shown[-1])
    return (
        [*chosen[:-1], screenshots[-1]]
        if chosen[-1].at_seconds >= screenshots[-1].at_seconds
        else [*chosen[: max_frames - 1], screenshots[-1]]
    )


def fingerprint(image_bytes: bytes) -> str:
    """16 hex digits: whether it becomes brighter or darker from left to right, in 64 places (a difference hash).

    Empty for bytes that are no picture, and without Pillow.
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
    """In how many of 64 places two fingerprints differ; 64 where one is not known."""
    return (int(one, 16) ^ int(other, 16)).bit_count() if one and other else 64
