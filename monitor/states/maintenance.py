"""Maintenance windows: when they take place by the clocks of their zone, and which are in force; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.model.wall_time import at_wall, local

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.model.records import Portal

LAST = -1
"""The last day of a month, among days of the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """A window takes place for ``start <= time < end`` (UTC ms)."""

    start: int
    end: int
    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Work that was announced: begins ``at`` minutes after midnight of its days in ``zone``, and lasts ``lasts`` ms.

    The days are ``dates``, or every day in ``weekdays`` (0 is Monday) or ``month_days`` (1 to 31, or :data:`LAST`). It
    is about all portals, or those named in ``portals`` and those of ``groups``. A length is true time: a window of two
    hours lasts two hours also in the night in which clocks are set. A beginning that clocks show twice is the first of
    them, one that they leave out is the moment of the change.
    """

    zone: ZoneInfo
    at: int
    lasts: int
    reason: str
    approved_by: str
    dates: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()
    month_days: frozenset[int] = frozenset()
    everybody: bool = False
    portals: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    def about(self, portal: Portal) -> bool:
        """Whether it covers ``portal``."""
        return self.everybody or portal.id in self.portals or portal.group in self.groups

    def occurrences(self, since: int) -> Iterator[Occurrence]:
        """Those that end after ``since`` (UTC ms), in order; without end when the window recurs."""
        for day in self._days(local(since - self.lasts, self.zone).date() - timedelta(days=1)):
            start = at_wall(day, self.at, self.zone)
            if start + self.lasts > since:
                yield Occurrence(start=start, end=start + self.lasts, window=self)

    def _days(self, first: date) -> Iterator[date]:
        yield from sorted(day for day in self.dates if day >= first)
        while self.weekdays or self.month_days:
            last = LAST in self.month_days and (first + timedelta(days=1)).day == 1
            if first.weekday() in self.weekdays or first.day in self.month_days or last:
                yield first
            if first >= date.max - timedelta(days=2):
                return
            first += timedelta(days=1)


def upcoming(windows: Iterable[Window], since: int, count: int) -> list[Occurrence]:
    """The next ``count`` occurrences of all ``windows`` that end after ``since`` (UTC ms), by their start."""
    found = (one for window in windows for one in islice(window.occurrences(since), count))
    return sorted(found, key=lambda one: (one.start, one.end))[:count]


@dataclass(slots=True)
class Calendar:
    """Answers which window is in force, without reckoning anew for every look."""

    windows: tuple[Window, ...] = ()
    _about: dict[str, tuple[int, ...]] = field(default_factory=dict)
    _next: dict[int, tuple[int, Occurrence | None]] = field(default_factory=dict)

    def in_force(self, portal: Portal, at: int) -> Occurrence | None:
        """The occurrence that covers ``portal`` at ``at`` (UTC ms); of several windows that which ends last."""
        if not self.windows:
            return None
        if portal.id not in self._about:
            self._about[portal.id] = tuple(n for n, window in enumerate(self.windows) if window.about(portal))
        found = [one for number in self._about[portal.id] if (one := self._covering(number, at)) is not None]
        return max(found, key=lambda one: one.end, default=None)

    def _covering(self, number: int, at: int) -> Occurrence | None:
        known, one = self._next.get(number, (at + 1, None))
        if at < known or (one is not None and at >= one.end):
            one = next(self.windows[number].occurrences(at), None)
            self._next[number] = (at, one)
        return one if one is not None and one.start <= at else None


def agenda(windows: Iterable[Window], since: int, count: int = 5) -> list[str]:
    """The next occurrences in words, a line each: by the clocks of their zone, in UTC, how long, what and for whom."""
    return [_line(one) for one in upcoming(windows, since, count)]


def _line(one: Occurrence) -> str:
    window = one.window
    here, utc = local(one.start, window.zone), local(one.start, ZoneInfo("UTC"))
    hours, minutes = divmod((one.end - one.start) // 60_000, 60)
    length = " ".join([f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes))
    whom = "all portals" if window.everybody else ", ".join([*sorted(window.portals), *sorted(window.groups)])
    return (
        f"{here:%a %Y-%m-%d %H:%M %z} {window.zone.key} = {utc:%Y-%m-%d %H:%M} UTC, {length}: "
        f"{window.reason} (approved by {window.approved_by}), {whom}"
    )
