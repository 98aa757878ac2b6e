"""Format the times of a report in its zone, as text and for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local_time(at_ms: int, zone: str) -> datetime:
    """Return UTC ms as naive local time of *zone*, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def time_text(at_ms: int, zone: str, language: str) -> str:
    """Format a time as ``14:05, 03/07/2026`` or ``3 Jul 2026, 14:05``."""
    local = local_time(at_ms, zone)
    if language == "en":
        return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M}"
    return f"{local:%H:%M}, {local:%d/%m/%Y}"


def minutes(ms: int) -> float:
    """Return minutes to one decimal."""
    return round(ms / 6000) / 10


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
