"""Parse names of periods in the report zone: ``2026Q3``, ``2026-09``, ``2026-W37``, ``7d``, ``from..to``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
"""Milliseconds. A period is cut into blocks of this length from its start: calendar days without clock changes."""

_QUARTER = re.compile(r"(\d{4})-?Q([1-4])", re.IGNORECASE)
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_WEEK = re.compile(r"(\d{4})-?W(\d\d)", re.IGNORECASE)
_LAST_DAYS = re.compile(r"(\d{1,4})d")
_MONTHS_PER_QUARTER = 3

HELP = "write 2026Q3, 2026-09, 2026-W37, 2026-09-14, 7d, or 2026-09-01..2026-09-14"


class PeriodError(ValueError):
    """No such period; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """``since_ms <= time < until_ms`` (UTC). ``name`` is canonical: ``7d`` becomes its first and last day."""

    name: str
    first: date
    last: date
    since_ms: int
    until_ms: int
    zone: str

    def elapsed_until(self, now_ms: int) -> int:
        """Return the end of the part that has elapsed at *now_ms* (UTC), in UTC ms."""
        return max(self.since_ms, min(self.until_ms, now_ms))

    def days(self, until_ms: int | None = None) -> int:
        """Return the number of blocks up to *until_ms*; a partial one counts."""
        return -(-((self.until_ms if until_ms is None else until_ms) - self.since_ms) // DAY_MS)


def parse(text: str, zone: ZoneInfo, now_ms: int) -> Period:
    """Return the period that *text* names. ``Nd`` is the N days before today. Raises :class:`PeriodError`."""
    name = text.strip()
    today = day_of(now_ms, zone)
    try:
        found = _parse_name(name, today)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise PeriodError(f"{text!r} is not a period: {HELP}")
    canonical, first, last = found
    if first > last:
        raise PeriodError(f"{text!r} ends before it begins")
    return between(canonical, first, last, zone)


def between(name: str, first: date, last: date, zone: ZoneInfo) -> Period:
    """Return the period of whole days from *first* to *last*, both included."""
    since, until = midnight(first, zone), midnight(last + timedelta(1), zone)
    return Period(name=name, first=first, last=last, since_ms=since, until_ms=until, zone=zone.key)


def midnight(day: date, zone: ZoneInfo) -> int:
    """Return the start of a day in UTC ms."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def day_of(at_ms: int, zone: ZoneInfo) -> date:
    """Return the day of a time (UTC ms) in *zone*."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()


def quarter_of(now_ms: int, zone: ZoneInfo) -> Period:
    """Return the quarter that contains *now_ms* (UTC)."""
    today = day_of(now_ms, zone)
    return parse(f"{today.year}Q{(today.month - 1) // _MONTHS_PER_QUARTER + 1}", zone, now_ms)


def previous(period: Period, zone: ZoneInfo) -> Period:
    """Return the preceding period of the same type: the quarter before a quarter, and so on."""
    if match := _QUARTER.fullmatch(period.name):
        year, number = int(match[1]), int(match[2])
        return parse(f"{year - 1}Q4" if number == 1 else f"{year}Q{number - 1}", zone, period.since_ms)
    if _MONTH.fullmatch(period.name):
        last = period.first - timedelta(1)
        return parse(f"{last.year:04}-{last.month:02}", zone, period.since_ms)
    length = (period.last - period.first).days + 1
    first, last = period.first - timedelta(length), period.first - timedelta(1)
    return between(_range_name(first, last), first, last, zone)


def _parse_name(name: str, today: date) -> tuple[str, date, date] | None:
    """Return (canonical name, first day, last day). Raises ValueError or OverflowError for an invalid day."""
    if match := _QUARTER.fullmatch(name):
        year, number = int(match[1]), int(match[2])
        first = date(year, _MONTHS_PER_QUARTER * (number - 1) + 1, 1)
        return f"{year}Q{number}", first, month_end(date(year, _MONTHS_PER_QUARTER * number, 1))
    if match := _MONTH.fullmatch(name):
        year, month = int(match[1]), int(match[2])
        return name, date(year, month, 1), month_end(date(year, month, 1))
    if match := _WEEK.fullmatch(name):
        year, week = int(match[1]), int(match[2])
        return f"{year}-W{week:02}", date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)
    if match := _LAST_DAYS.fullmatch(name):
        first, last = today - timedelta(int(match[1])), today - timedelta(1)
        return _range_name(first, last), first, last
    start, dots, end = name.partition("..")
    first, last = date.fromisoformat(start), date.fromisoformat(end if dots else start)
    return _range_name(first, last), first, last


def month_end(day: date) -> date:
    """Return the last day of a day's month."""
    return date(day.year + day.month // 12, day.month % 12 + 1, 1) - timedelta(1)


def _range_name(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()}..{last.isoformat()}"
