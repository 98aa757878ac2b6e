"""Pictures of a load: which few of the film tell its story, and a fingerprint by which changes are noticed."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from probes.browser.trace_events import Shot

FRAMES = 10
"""Pictures that a film strip has at most."""

_WIDE, _HIGH = 9, 8


def strip(shots: Sequence[Shot], most: int = FRAMES) -> list[Shot]:
    """At most ``most`` pictures: the last one, and those that show each of evenly spread moments before it."""
    if len(shots) <= most:
        return list(shots)
    step = shots[-1].at / (most - 1)
    chosen: list[Shot] = []
    for number in range(most):
        shown = [shot for shot in shots if shot.at <= number * step] or [shots[0]]
        if not chosen or shown[-1] is not chosen[-1]:
            chosen.append(shown[-1])
    return [*chosen[:-1], shots[-1]] if chosen[-1].at >= shots[-1].at else [*chosen[: most - 1], shots[-1]]


def fingerprint(picture: bytes) -> str:
    """16 hex digits: whether it becomes brighter or darker from left to right, in 64 places (a difference hash).

    Empty for bytes that are no picture, and without Pillow.
    """
    try:
        from PIL import Image  # noqa: PLC0415 - an optional extra
    except ImportError:
        return ""
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "WEBP")) as image:
            grey = image.convert("L").resize((_WIDE, _HIGH)).tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return ""
    bits = 0
    for row in range(_HIGH):
        for column in range(_WIDE - 1):
            at = row * _WIDE + column
            bits = bits << 1 | (grey[at] < grey[at + 1])
    return f"{bits:016x}"


def distance(one: str, other: str) -> int:
    """In how many of 64 places two fingerprints differ; 64 where one is not known."""
    return (int(one, 16) ^ int(other, 16)).bit_count() if one and other else 64
