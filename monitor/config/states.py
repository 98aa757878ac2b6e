"""The part of ``monitor.yaml`` that says how looks are judged: confirmation, states, maintenance, service hours."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from monitor.config.portals import Block
from monitor.config.value_types import Duration, Slug, TimeZone
from monitor.model.wall_time import DAY_MINUTES, WEEKDAYS, ServiceHours, WeekdayHours, wall_time_ms
from monitor.states.maintenance import LAST_DAY_OF_MONTH, MaintenanceWindow
from monitor.states.rules import StateRules

_FIRST_YEAR, _LAST_YEAR = 1971, 9998
"""In these years a moment is one in every time zone."""

_MAX_WINDOW_SECONDS = 14 * 24 * 3600.0


def _reject_unquoted_time(value: object) -> object:
    """YAML reads 22:00 as the number 1320."""
    if isinstance(value, int):
        raise ValueError('a time needs quotes: "22:00"')  # noqa: TRY004 - pydantic's way to a complaint
    return value


def _time_of_day(value: str) -> str:
    minutes_after_midnight(value)
    return value


def minutes_after_midnight(value: str) -> int:
    """Minutes after midnight of ``HH:MM``, up to 24:00. Raises ValueError."""
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)", value)
    minutes = int(match[1]) * 60 + int(match[2]) if match else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ValueError(f"{value!r} is not a time of day such as 22:00")
    return minutes


def _local_date_time(value: str) -> str:
    parse_local_date_time(value)
    return value


def parse_local_date_time(value: str) -> tuple[date, int]:
    """Day and minutes after midnight of ``YYYY-MM-DD HH:MM``. Raises ValueError."""
    try:
        when = datetime.strptime(value, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the zone stands beside it
    except ValueError:
        when = datetime.min  # noqa: DTZ901 - the same
    if not _FIRST_YEAR <= when.year <= _LAST_YEAR:
        raise ValueError(f"{value!r} is not a moment such as 2026-08-01 22:00")
    return when.date(), when.hour * 60 + when.minute


def _all_or_ids(value: object) -> object:
    if isinstance(value, str) and value != "all":
        raise ValueError(f"{value!r} is not a list of portals such as [ha-noi, hue], and not the word all")
    return value


TimeOfDay = Annotated[str, BeforeValidator(_reject_unquoted_time), AfterValidator(_time_of_day)]
LocalDateTime = Annotated[str, AfterValidator(_local_date_time)]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ConfirmBlock(Block):
    """Further looks after a failed one, in seconds after its end."""

    after: tuple[Duration, ...] = Field(
        default=(2.0, 5.0), max_length=10, description="When to look again, counted from the end of the failed look."
    )

    @model_validator(mode="after")
    def _check_increasing(self) -> ConfirmBlock:
        if list(self.after) != sorted(set(self.after)):
            raise ValueError("the times of 'after' grow from one to the next")
        return self


class DegradedBlock(Block):
    """When a portal that answers is degraded all the same."""

    latency: Duration = Field(default=5.0, description="Looks that take longer are slow.")
    certificate_days: float = Field(
        default=14.0, ge=0, le=3650, description="The certificate ends within so many days."
    )
    after: int = Field(default=3, ge=1, le=100, description="Looks in a row of one check that make it so, or end it.")


class FlappingBlock(Block):
    """When a portal changes too often for its changes to be told one by one."""

    changes: int = Field(default=5, ge=3, le=100, description="So many changes of state ...")
    window: Duration = Field(default=1800.0, description="... within this time; over after as long without any.")


class StatesBlock(Block):
    """What it takes to believe that a state has changed."""

    down_looks: int = Field(default=3, ge=1, le=11, description="Failed looks within one slot that make a portal down.")
    down_after: int = Field(default=2, ge=1, le=100, description="Failing slots in a row that make a portal down.")
    up_after: int = Field(default=2, ge=1, le=100, description="Good slots in a row that make it up again.")
    degraded: DegradedBlock = DegradedBlock()
    flapping: FlappingBlock = FlappingBlock()

    def rules(self) -> StateRules:
        """The same for the fold."""
        return StateRules(
            down_looks=self.down_looks,
            down_after=self.down_after,
            up_after=self.up_after,
            max_latency_seconds=self.degraded.latency,
            min_certificate_days=self.degraded.certificate_days,
            degraded_consecutive=self.degraded.after,
            flap_changes=self.flapping.changes,
            flap_window_ms=round(self.flapping.window * 1000),
        )


class MaintenanceBlock(Block):
    """One window of announced work: once from ``starts`` to ``ends``, or again and again ``at`` an hour of days."""

    portals: Annotated[
        Literal["all"] | tuple[Slug, ...],
        BeforeValidator(_all_or_ids, json_schema_input_type=Literal["all"] | tuple[str, ...]),
    ] = Field(default=(), description="Ids of portals, or all.")
    groups: tuple[Slug, ...] = Field(default=(), description="Groups whose portals are covered.")
    zone: TimeZone = Field(description="IANA time zone of the hours below.")
    reason: str = Field(min_length=1, max_length=200, description="What is being done.")
    approved_by: str = Field(min_length=1, max_length=100, description="Who agreed to it.")
    starts: LocalDateTime | None = Field(default=None, description="YYYY-MM-DD HH:MM; goes with 'ends'.")
    ends: LocalDateTime | None = Field(default=None, description="YYYY-MM-DD HH:MM.")
    weekdays: tuple[Weekday, ...] = Field(
        default=(), description="Days on which it recurs; goes with 'at' and 'lasts'."
    )
    month_days: tuple[Annotated[int, Field(ge=LAST_DAY_OF_MONTH, le=31)], ...] = Field(
        default=(), description="Days of the month on which it recurs, -1 for the last one."
    )
    at: TimeOfDay | None = Field(default=None, description="Hour at which it begins, such as 22:00.")
    lasts: Annotated[Duration, Field(le=86400.0)] | None = Field(default=None, description="How long; at most a day.")

    @model_validator(mode="after")
    def _check_window(self) -> MaintenanceBlock:
        once = self.starts is not None and self.ends is not None
        recurring = bool(self.weekdays or self.month_days) and self.at is not None and self.lasts is not None
        parts = [self.starts, self.ends, self.at, self.lasts, *self.weekdays, *self.month_days]
        if (
            once == recurring
            or (once and any(part is not None for part in parts[2:]))
            or (recurring and any(parts[:2]))
        ):
            raise ValueError("a window has 'starts' and 'ends', or 'at', 'lasts' and 'weekdays' or 'month_days'")
        if not self.portals and not self.groups:
            raise ValueError("a window needs 'portals' or 'groups'")
        if 0 in self.month_days:
            raise ValueError("'month_days' are 1 to 31, or -1 for the last day")
        if not 0 < self._duration_ms() <= _MAX_WINDOW_SECONDS * 1000:
            raise ValueError("'ends' is later than 'starts', by 14 days at most")
        return self

    def _duration_ms(self) -> int:
        if self.starts is None or self.ends is None:
            return round((self.lasts or 0.0) * 1000)
        zone = ZoneInfo(self.zone)
        return wall_time_ms(*parse_local_date_time(self.ends), zone) - wall_time_ms(
            *parse_local_date_time(self.starts), zone
        )

    def window(self) -> MaintenanceWindow:
        """The same for arithmetic."""
        day, at = (
            parse_local_date_time(self.starts) if self.starts else (None, minutes_after_midnight(self.at or "00:00"))
        )
        return MaintenanceWindow(
            zone=ZoneInfo(self.zone),
            start_minute=at,
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
    """Hours of some weekdays."""

    weekdays: tuple[Weekday, ...] = Field(min_length=1, description="On which days.")
    opens: TimeOfDay = Field(description="From this hour on, such as 07:30.")
    closes: TimeOfDay = Field(description="Up to this hour; 24:00 is midnight.")

    @model_validator(mode="after")
    def _check_order(self) -> ServiceWindowBlock:
        if minutes_after_midnight(self.opens) >= minutes_after_midnight(self.closes):
            raise ValueError("'closes' is later than 'opens'; hours over midnight are two entries")
        return self


class ServiceHoursBlock(Block):
    """When people are served: availability is told in and out of these hours."""

    zone: TimeZone = Field(default="Asia/Ho_Chi_Minh", description="IANA time zone of the hours.")
    windows: tuple[ServiceWindowBlock, ...] = Field(min_length=1, description="Hours by weekdays.")

    def hours(self) -> ServiceHours:
        """The same for arithmetic."""
        windows = (
            WeekdayHours(
                days=frozenset(WEEKDAYS.index(name) for name in one.weekdays),
                start_minutes=minutes_after_midnight(one.opens),
                end_minutes=minutes_after_midnight(one.closes),
            )
            for one in self.windows
        )
        return ServiceHours(zone=ZoneInfo(self.zone), windows=tuple(windows))
