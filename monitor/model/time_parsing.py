"""Points in time as API clients write them: ISO 8601, unix milliseconds, or relative to now; and as ISO 8601 text."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from probes.probe import parse_seconds

MAX_TIMESTAMP_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC ms: the last time that ISO 8601 can express."""

_LOST_PLUS = re.compile(r" (\d\d:?\d\d)$")


def parse_time(text: str, now_ms: int) -> int:
    """Parse ``2026-03-01T08:00:00Z``, ``1772352000000`` or ``-1h`` to UTC ms; without a zone it is UTC.

    Raises ValueError for anything else, with a message for the client.
    """
    text = text.strip()
    try:
        at = _parse(text, now_ms)
    except (ValueError, OverflowError):
        at = -1
    if not 0 <= at <= MAX_TIMESTAMP_MS:
        raise ValueError(f"{text!r} is not a time: write ISO 8601, unix milliseconds, or -1h for an hour ago")
    return at


def iso_utc(at_ms: int) -> str:
    """Format UTC ms as ISO 8601."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
