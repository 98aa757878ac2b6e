"""Points in time as a reader of the API writes them: ISO 8601, unix milliseconds, or relative to now."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from probes.probe import parse_seconds

MAX_TIMESTAMP_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: nothing later can be said in ISO 8601."""

_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def parse_time(text: str, now_ms: int) -> int:
    """``2026-03-01T08:00:00Z``, ``1772352000000`` or ``-1h`` as UTC ms; without a zone it is UTC.

    Raises ValueError for anything else, with a sentence for the reader.
    """
    text = text.strip()
    try:
        at = _parse(text, now_ms)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= MAX_TIMESTAMP_MS:
        raise ValueError(f"{text!r} is not a time: write ISO 8601, unix milliseconds, or -1h for an hour ago")
    return at


def _parse(text: str, now: int) -> int:
    if text == "now":
        return now
    if text.startswith("-"):
        seconds = parse_seconds(text)
        return now + int(seconds * 1000) if isinstance(seconds, float) else -1
    if text.isascii() and text.isdigit():
        return int(text)
    moment = datetime.fromisoformat(_LOST_PLUS.sub(r"+\1", text))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)
