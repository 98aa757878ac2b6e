"""Maintenance windows: computes their occurrences in their time zone, and which are in force; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.model.wall_time import local_time, wall_time_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.model.records import Portal

LAST_DAY_OF_MONTH = -1
"""Means the last day of a month in ``month_days``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceOccurrence:
    """One occurrence of a window: ``start_ms <= time < end_ms`` (UTC ms)."""

    start_ms: int
    end_ms: int
    window: MaintenanceWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """Announced work: begins ``start_minute`` minutes after midnight of its days in ``zone``, lasts ``duration_ms``.

    The days are ``dates``, or every day in ``weekdays`` (0 is Monday) or ``month_days`` (1 to 31, or
    :data:`LAST_DAY_OF_MONTH`). It covers all portals, or those in ``portals`` and in ``groups``. The duration is
    elapsed time: a window of two hours lasts two hours also when daylight saving time begins or ends. A start that
    occurs twice on the wall clock means the first one; a start that is skipped means the moment of the change.
    """

    zone: ZoneInfo
    start_minute: int
    duration_ms: int
    reason: str
    approved_by: str
    dates: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    all_portals: bool = False
    portals: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def covers(self, portal: Portal) -> bool:
        """Return whether the window covers *portal*."""
        return self.all_portals or portal.id in self.portals or portal.group in self.groups

    def occurrences(self, since_ms: int) -> Iterator[MaintenanceOccurrence]:
        """Yield the occurrences that end after *since_ms* (UTC ms), in order; endless when the window recurs."""
        for day in self._days(local_time(since_ms - self.duration_ms, self.zone).date() - timedelta(days=1)):
            start = wall_time_ms(day, self.start_minute, self.zone)
            if start + self.duration_ms > since_ms:
                yield MaintenanceOccurrence(start_ms=start, end_ms=start + self.duration_ms, window=self)

    def _days(self, first_day: date) -> Iterator[date]:
        yield from sorted(day for day in self.dates if day >= first_day)
        while self.weekdays or self.month_days:
            last = LAST_DAY_OF_MONTH in self.month_days and (first_day + timedelta(days=1)).day == 1
            if first_day.weekday() in self.weekdays or first_day.day in self.month_days or last:
                yield first_day
            if first_day >= date.max - timedelta(days=2):
                return
            first_day += timedelta(days=1)


def upcoming_occurrences(windows: Iterable[MaintenanceWindow], at_ms: int, count: int) -> list[MaintenanceOccurrence]:
    """Return the next *count* occurrences of all *windows* that end after *at_ms* (UTC ms), by their start."""
    found = (one for window in windows for one in islice(window.occurrences(at_ms), count))
    return sorted(found, key=lambda one: (one.start_ms, one.end_ms))[:count]


@dataclass(slots=True)
class MaintenanceCalendar:
    """Finds the window in force; caches occurrences, so that a measurement does not compute them again."""

    windows: tuple[MaintenanceWindow, ...] = ()
    _covering_windows: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _next_occurrences: dict[int, tuple[int, MaintenanceOccurrence | None]] = field(default_factory=dict)

    def occurrence_at(self, portal: Portal, at_ms: int) -> MaintenanceOccurrence | None:
        """Return the occurrence that covers *portal* at *at_ms* (UTC ms); of several, the one that ends last."""
        if not self.windows:
            return None
        if portal.id not in self._covering_windows:
            self._covering_windows[portal.id] = tuple(n for n, one in enumerate(self.windows) if one.covers(portal))
        found = (self._window_occurrence_at(number, at_ms) for number in self._covering_windows[portal.id])
        return max((one for one in found if one is not None), key=lambda one: one.end_ms, default=None)

    def _window_occurrence_at(self, window_index: int, at_ms: int) -> MaintenanceOccurrence | None:
        known, one = self._next_occurrences.get(window_index, (at_ms + 1, None))
        if at_ms < known or (one is not None and at_ms >= one.end_ms):
            one = next(self.windows[window_index].occurrences(at_ms), None)
            self._next_occurrences[window_index] = (at_ms, one)
        return one if one is not None and one.start_ms <= at_ms else None


def describe_upcoming(windows: Iterable[MaintenanceWindow], since_ms: int, count: int = 5) -> list[str]:
    """Describe the next occurrences, a line each: start in their zone and in UTC, duration, reason and portals."""
    return [_describe_occurrence(one) for one in upcoming_occurrences(windows, since_ms, count)]


def _describe_occurrence(occurrence: MaintenanceOccurrence) -> str:
    window = occurrence.window
    local, utc = local_time(occurrence.start_ms, window.zone), local_time(occurrence.start_ms, ZoneInfo("UTC"))
    hours, minutes = divmod((occurrence.end_ms - occurrence.start_ms) // 60_000, 60)
    duration = " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes))
    covered = "all portals" if window.all_portals else ", ".join([*sorted(window.portals), *sorted(window.groups)])
    return (
        f"{local:%a %Y-%m-%d %H:%M %z} {window.zone.key} = {utc:%Y-%m-%d %H:%M} UTC, {duration}: "
        f"{window.reason} (approved by {window.approved_by}), {covered}"
    )
