"""Wall-clock time of a zone and UTC: days, service hours, and the effect of clock changes on them; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

DAY_MINUTES = 24 * 60


def wall_time_ms(day: date, minutes: int, zone: ZoneInfo) -> int:
    """Return the UTC ms at which ``zone`` shows ``minutes`` after midnight of ``day`` (24:00 is the next midnight).

    An hour that exists twice, when clocks are set back, means its first occurrence. One that does not exist, when they
    are set forward, means the moment of the change: the first that exists.
    """
    whole, rest = divmod(minutes, DAY_MINUTES)
    wanted = datetime.combine(day + timedelta(days=whole), time(rest // 60, rest % 60))
    first = _utc_ms(wanted.replace(tzinfo=zone))
    if _wall_time(first, zone) == wanted:
        return first
    early = _utc_ms(wanted.replace(tzinfo=zone, fold=1))  # by the offset after the change: before the gap
    return _transition_between(early, first, zone)


def _utc_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _wall_time(at: int, zone: ZoneInfo) -> datetime:
    return local_time(at, zone).replace(tzinfo=None, fold=0)


def local_time(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return the wall-clock time of ``zone`` at ``at_ms`` (UTC ms), to the microsecond."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(zone)


def _transition_between(low: int, high: int, zone: ZoneInfo) -> int:
    """Return the first ms with the UTC offset of ``high``; ``low`` has another one."""
    offset = local_time(high, zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if local_time(middle, zone).utcoffset() == offset:
            high = middle
        else:
            low = middle
    return high


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekdayHours:
    """From ``start`` to ``end``, minutes after midnight of a day in ``days`` (0 is Monday); ``end`` may be 24:00."""

    days: frozenset[int]
    start_minutes: int
    end_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceHours:
    """Opening hours: windows of weekdays in an IANA zone."""

    zone: ZoneInfo
    windows: tuple[WeekdayHours, ...]

    def intervals(self, since_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of ``since_ms <= time < until_ms`` within service hours, in order, without overlap."""
        day = local_time(since_ms, self.zone).date() - timedelta(days=1)
        at = since_ms
        while _utc_ms(datetime.combine(day, time(), tzinfo=self.zone)) < until_ms:
            for start, end in sorted(self._hours_of_day(day)):
                first, last = max(start, at), min(end, until_ms)
                if first < last:
                    yield first, last
                    at = last
            day += timedelta(days=1)

    def _hours_of_day(self, day: date) -> Iterator[tuple[int, int]]:
        for hours in self.windows:
            if day.weekday() in hours.days:
                yield wall_time_ms(day, hours.start_minutes, self.zone), wall_time_ms(day, hours.end_minutes, self.zone)
