"""Maintenance windows: when they take place by the clocks of their zone, and which are in force; pure arithmetic."""

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
"""The last day of a month, among days of the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceOccurrence:
    """A window takes place for ``start <= time < end`` (UTC ms)."""

    start_ms: int
    end_ms: int
    window: MaintenanceWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """Work that was announced: begins ``at`` minutes after midnight of its days in ``zone``, and lasts ``lasts`` ms.

    The days are ``dates``, or every day in ``weekdays`` (0 is Monday) or ``month_days`` (1 to 31, or :data:`LAST`). It
    is about all portals, or those named in ``portals`` and those of ``groups``. A length is true time: a window of two
    hours lasts two hours also in the night in which clocks are set. A beginning that clocks show twice is the first of
    them, one that they leave out is the moment of the change.
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
        """Whether it covers ``portal``."""
        return self.all_portals or portal.id in self.portals or portal.group in self.groups

    def occurrences(self, since_ms: int) -> Iterator[MaintenanceOccurrence]:
        """Those that end after ``since`` (UTC ms), in order; without end when the window recurs."""
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


def upcoming_occurrences(
    windows: Iterable[MaintenanceWindow], since_ms: int, count: int
) -> list[MaintenanceOccurrence]:
    """The next ``count`` occurrences of all ``windows`` that end after ``since`` (UTC ms), by their start."""
    found = (one for window in windows for one in islice(window.occurrences(since_ms), count))
    return sorted(found, key=lambda one: (one.start_ms, one.end_ms))[:count]


@dataclass(slots=True)
class MaintenanceCalendar:
    """Answers which window is in force, without reckoning anew for every look."""

    windows: tuple[MaintenanceWindow, ...] = ()
    _covering_windows: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _next_occurrences: dict[int, tuple[int, MaintenanceOccurrence | None]] = field(default_factory=dict)

    def occurrence_at(self, portal: Portal, at_ms: int) -> MaintenanceOccurrence | None:
        """The occurrence that covers ``portal`` at ``at`` (UTC ms); of several windows that which ends last."""
        if not self.windows:
            return None
        if portal.id not in self._covering_windows:
            self._covering_windows[portal.id] = tuple(
                n for n, window in enumerate(self.windows) if window.covers(portal)
            )
        found = [
            one
            for number in self._covering_windows[portal.id]
            if (one := self._window_occurrence_at(number, at_ms)) is not None
        ]
        return max(found, key=lambda one: one.end_ms, default=None)

    def _window_occurrence_at(self, window_index: int, at_ms: int) -> MaintenanceOccurrence | None:
        known, one = self._next_occurrences.get(window_index, (at_ms + 1, None))
        if at_ms < known or (one is not None and at_ms >= one.end_ms):
            one = next(self.windows[window_index].occurrences(at_ms), None)
            self._next_occurrences[window_index] = (at_ms, one)
        return one if one is not None and one.start_ms <= at_ms else None


def describe_upcoming(windows: Iterable[MaintenanceWindow], since_ms: int, count: int = 5) -> list[str]:
    """The next occurrences in words, a line each: by the clocks of their zone, in UTC, how long, what and for whom."""
    return [_describe_occurrence(one) for one in upcoming_occurrences(windows, since_ms, count)]


def _describe_occurrence(occurrence: MaintenanceOccurrence) -> str:
    window = occurrence.window
    here, utc = local_time(occurrence.start_ms, window.zone), local_time(occurrence.start_ms, ZoneInfo("UTC"))
    hours, minutes = divmod((occurrence.end_ms - occurrence.start_ms) // 60_000, 60)
    length = " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes))
    whom = "all portals" if window.all_portals else ", ".join([*sorted(window.portals), *sorted(window.groups)])
    return (
        f"{here:%a %Y-%m-%d %H:%M %z} {window.zone.key} = {utc:%Y-%m-%d %H:%M} UTC, {length}: "
        f"{window.reason} (approved by {window.approved_by}), {whom}"
    )
