"""Define the blocks of ``monitor.yaml`` about evaluation: confirmation, states, maintenance, service hours."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from monitor.config.portals import Block
from monitor.config.value_types import Duration, Slug, TimeZone, accepted_by, all_or_list
from monitor.model.wall_time import DAY_MINUTES, WEEKDAYS, ServiceHours, WeekdayHours, wall_time_ms
from monitor.states.maintenance import LAST_DAY_OF_MONTH, MaintenanceWindow
from monitor.states.rules import StateRules

_FIRST_YEAR, _LAST_YEAR = 1971, 9998
"""In these years every local time exists in every time zone."""

_MAX_WINDOW_SECONDS = 14 * 24 * 3600.0


def _reject_unquoted_time(value: object) -> object:
    """Reject a number: YAML reads 22:00 as 1320."""
    if isinstance(value, int):
        raise ValueError('a time needs quotes: "22:00"')  # noqa: TRY004 - pydantic wants a ValueError
    return value


def minutes_after_midnight(value: str) -> int:
    """Return the minutes after midnight of ``HH:MM``, up to 24:00. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", value)
    minutes = int(match[1]) * 60 + int(match[2]) if match else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError(f"{value!r} is not a time of day such as 22:00")
    return minutes


def parse_local_date_time(value: str) -> tuple[date, int]:
    """Return the day and the minutes after midnight of ``YYYY-MM-DD HH:MM``. Raises ValueError."""
    try:
        when = datetime.strptime(value, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone is another key
    except ValueError:
        when = datetime.min  # noqa: DTZ901 - the same
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        raise ValueError(f"{value!r} is not a moment such as 2026-08-01 22:00")
    return when.date(), when.hour * 60 + when.minute


TimeOfDay = Annotated[str, BeforeValidator(_reject_unquoted_time), accepted_by(minutes_after_midnight)]
LocalDateTime = Annotated[str, accepted_by(parse_local_date_time)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ConfirmBlock(Block):
    """Confirmation attempts after a failed one; delays in seconds."""

    delays: tuple[Duration, ...] = Field(
        (2.0, 5.0), max_length=10, description="Delays of the confirmation attempts, from the end of the failed one."
    )

    @model_validator(mode="after")
    def _check_increasing(self) -> ConfirmBlock:
        if list(self.delays) != sorted(set(self.delays)):
            raise ValueError("the values of 'delays' must increase")
        return self


class DegradedBlock(Block):
    """When a portal that is up is degraded."""

    latency: Duration = Field(5.0, description="Probes that take longer are slow.")
    certificate_days: float = Field(14.0, ge=0, le=3650, description="The certificate expires within so many days.")
    consecutive: int = Field(
        3, ge=1, le=100, description="Consecutive probes of one check that make it degraded, or end it."
    )


class FlappingBlock(Block):
    """When a portal changes too often for one notification a change."""

    changes: int = Field(5, ge=3, le=100, description="So many changes of state ...")
    window: Duration = Field(1800.0, description="... within this time; it ends after as long without any.")


class StatesBlock(Block):
    """When the state of a portal changes."""

    down_attempts: int = Field(3, ge=1, le=11, description="Failed attempts within one slot that make a portal down.")
    down_slots: int = Field(2, ge=1, le=100, description="Failing slots in a row that make a portal down.")
    up_slots: int = Field(2, ge=1, le=100, description="Successful slots in a row that make it up again.")
    degraded: DegradedBlock = DegradedBlock()
    flapping: FlappingBlock = FlappingBlock()

    def rules(self) -> StateRules:
        """Return the rules of the state machine."""
        return StateRules(
            down_attempts=self.down_attempts,
            down_slots=self.down_slots,
            up_slots=self.up_slots,
            max_latency_seconds=self.degraded.latency,
            min_certificate_days=self.degraded.certificate_days,
            degraded_consecutive=self.degraded.consecutive,
            flap_changes=self.flapping.changes,
            flap_window_ms=round(self.flapping.window * 1000),
        )


class MaintenanceBlock(Block):
    """One window of announced work: once from ``start`` to ``end``, or recurring at ``start_time`` of some days."""

    portals: Annotated[Literal["all"] | tuple[Slug, ...], all_or_list("portals such as [ha-noi, hue]")] = Field(
        (), description="Ids of portals, or all."
    )
    groups: tuple[Slug, ...] = Field((), description="Groups whose portals are covered.")
    zone: TimeZone = Field(description="IANA time zone of the hours below.")
    reason: str = Field(min_length=1, max_length=200, description="What is being done.")
    approved_by: str = Field(min_length=1, max_length=100, description="Who approved it.")
    start: LocalDateTime | None = Field(None, description="YYYY-MM-DD HH:MM; goes with 'end'.")
    end: LocalDateTime | None = Field(None, description="YYYY-MM-DD HH:MM.")
    weekdays: tuple[Weekday, ...] = Field(
        (), description="Days on which it recurs; goes with 'start_time' and 'duration'."
    )
    month_days: tuple[Annotated[int, Field(ge=LAST_DAY_OF_MONTH, le=31)], ...] = Field(
        (), description="Days of the month on which it recurs, -1 for the last one."
    )
    start_time: TimeOfDay | None = Field(None, description="Time at which it begins, such as 22:00.")
    duration: Annotated[Duration, Field(le=86400.0)] | None = Field(None, description="At most a day.")

    @model_validator(mode="after")
    def _check_window(self) -> MaintenanceBlock:
        once = self.start is not None and self.end is not None
        recurring = bool(self.weekdays or self.month_days) and self.start_time is not None and self.duration is not None
        parts = [self.start, self.end, self.start_time, self.duration, *self.weekdays, *self.month_days]
        unwanted = parts[2:] if once else parts[:2]
        if once == recurring or any(part is not None for part in unwanted):
            expected = "'start' and 'end', or 'start_time', 'duration' and 'weekdays' or 'month_days'"
            raise ValueError(f"a window has {expected}")
        if not self.portals and not self.groups:
            raise ValueError("a window needs 'portals' or 'groups'")
        if 0 in self.month_days:
            raise ValueError("'month_days' are 1 to 31, or -1 for the last day")
        if not 0 < self._duration_ms() <= _MAX_WINDOW_SECONDS * 1000:
            raise ValueError("'end' must be later than 'start', by at most 14 days")
        return self

    def _duration_ms(self) -> int:
        if self.start is None or self.end is None:
            return round((self.duration or 0.0) * 1000)
        zone = ZoneInfo(self.zone)
        start_ms, end_ms = (wall_time_ms(*parse_local_date_time(value), zone) for value in (self.start, self.end))
        return end_ms - start_ms

    def window(self) -> MaintenanceWindow:
        """Return the window for arithmetic."""
        day, start_minute = None, minutes_after_midnight(self.start_time or "00:00")
        if self.start:
            day, start_minute = parse_local_date_time(self.start)
        return MaintenanceWindow(
            zone=ZoneInfo(self.zone),
            start_minute=start_minute,
            duration_ms=self._duration_ms(),
            reason=self.reason,
            approved_by=self.approved_by,
            dates=frozenset({day} if day else ()),
            weekdays=frozenset(WEEKDAYS.index(name) for name in self.weekdays),
            month_days=frozenset(self.month_days),
            all_portals=self.portals == "all",
            portals=frozenset(self.portals if self.portals != "all" else ()),
            groups=frozenset(self.groups),
        )


class ServiceWindowBlock(Block):
    """Service hours of some weekdays."""

    weekdays: tuple[Weekday, ...] = Field(min_length=1, description="On which days.")
    start: TimeOfDay = Field(description="Begin, such as 07:30.")
    end: TimeOfDay = Field(description="End; 24:00 is midnight.")

    @model_validator(mode="after")
    def _check_order(self) -> ServiceWindowBlock:
        if minutes_after_midnight(self.start) >= minutes_after_midnight(self.end):
            raise ValueError("'end' must be later than 'start'; hours over midnight are two entries")
        return self

    def hours(self) -> WeekdayHours:
        """Return the hours for arithmetic."""
        days = frozenset(map(WEEKDAYS.index, self.weekdays))
        start, end = minutes_after_midnight(self.start), minutes_after_midnight(self.end)
        return WeekdayHours(days=days, start_minutes=start, end_minutes=end)


class ServiceHoursBlock(Block):
    """Hours of service: availability is shown for these hours and for the rest."""

    zone: TimeZone = Field("Asia/Ho_Chi_Minh", description="IANA time zone of the hours.")
    windows: tuple[ServiceWindowBlock, ...] = Field(min_length=1, description="Hours by weekdays.")

    def hours(self) -> ServiceHours:
        """Return the hours for arithmetic."""
        return ServiceHours(zone=ZoneInfo(self.zone), windows=tuple(one.hours() for one in self.windows))
