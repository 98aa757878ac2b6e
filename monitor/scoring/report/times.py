"""Moments of a report in its zone, as text and for spreadsheets."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local_time(at_ms: int, zone: str) -> datetime:
    """UTC ms as the wall clock of ``zone`` shows it, without zone, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def timestamp(at_ms: int, zone: str) -> str:
    """``2026-07-03 14:05:00``, in the report zone."""
    return local_time(at_ms, zone).isoformat(sep=" ")


def time_text(at_ms: int, zone: str, language: str) -> str:
    """``14:05, 03/07/2026`` or ``3 Jul 2026, 14:05``."""
    moment = local_time(at_ms, zone)
    if language == "en":
        return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M}"
    return f"{moment:%H:%M}, {moment:%d/%m/%Y}"


def minutes(ms: int) -> float:
    """To tenths of a minute."""
    return round(ms / 6000) / 10


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
