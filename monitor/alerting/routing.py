"""Who hears of what, and when: messages of events, reminders of what goes on, quiet hours, expiry. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.config.alerting import clock_minutes
from monitor.model.incidents import Message
from monitor.model.wall_time import local_time, wall_time_ms

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from monitor.config.alerting import NotifyBlock, QuietHoursBlock
    from monitor.model.incidents import IncidentEvent

MAX_MESSAGES_PER_NOTIFICATION = 20
"""Messages that are told in one: more do not fit on a telephone."""


def event_messages(events: Iterable[IncidentEvent], settings: NotifyBlock, now_ms: int) -> tuple[Message, ...]:
    """A message for every target and event that it is to hear of; nobody hears of what is older than ``expire``."""
    return tuple(
        Message(
            incident=event.incident.id,
            number=event.number,
            target=target.name,
            severity=event.incident.severity,
            happened=event.confirmed,
            created=now_ms,
        )
        for event in events
        for target in settings.targets
        if event.tell
        and event.incident.severity in target.severities
        and now_ms - event.confirmed < settings.expire * 1000
    )


def reminder_messages(
    open_incidents: Iterable[IncidentEvent], acknowledged: Collection[str], settings: NotifyBlock, now_ms: int
) -> tuple[Message, ...]:
    """What has gone on for another interval and nobody acknowledged; asked again, the same messages.

    ``lasting`` holds the newest event of each open incident. Only the newest reminder of an incident is made.
    """
    if settings.reminders is None:
        return ()
    found = []
    for event in open_incidents:
        count = int((now_ms - event.incident.opened) / (settings.reminders * 1000))
        if count < 1 or event.incident.id in acknowledged:
            continue
        due = event.incident.opened + round(count * settings.reminders * 1000)
        found += [
            Message(
                incident=event.incident.id,
                number=1,
                reminder=count,
                target=target.name,
                severity=event.incident.severity,
                happened=due,
                created=now_ms,
            )
            for target in settings.targets
            if target.reminders
            and event.incident.severity in target.severities
            and now_ms - due < settings.expire * 1000
        ]
    return tuple(found)


def muted_until(message: Message, quiet_hours: QuietHoursBlock | None, now_ms: int) -> int | None:
    """When the quiet hours end that hold ``message`` now (UTC ms); None when it may go."""
    if quiet_hours is None or message.severity not in quiet_hours.hold:
        return None
    zone, start, end = ZoneInfo(quiet_hours.zone), clock_minutes(quiet_hours.start), clock_minutes(quiet_hours.end)
    today = local_time(now_ms, zone).date()
    for day in (today - timedelta(days=1), today):
        until = wall_time_ms(day + timedelta(days=int(end <= start)), end, zone)
        if wall_time_ms(day, start, zone) <= now_ms < until:
            return until
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMessages:
    """What to do about the waiting messages of one target: tell ``ready`` as one, settle ``expired`` and ``stale``.

    ``wake`` is when to look again (UTC ms), None when only news can change anything.
    """

    ready: tuple[Message, ...] = ()
    expired: tuple[Message, ...] = ()
    superseded: tuple[Message, ...] = ()
    wake_at_ms: int | None = None


def due_messages(pending: Sequence[Message], settings: NotifyBlock, now_ms: int) -> DueMessages:
    """Judge the waiting messages, oldest first. What waits for its group, or for the morning, stays."""
    expired = tuple(one for one in pending if now_ms - one.happened >= settings.expire * 1000)
    newest = {one.incident: one.reminder for one in pending if one.reminder}
    stale = tuple(one for one in pending if one.reminder and one.reminder < newest[one.incident])
    gone = {*expired, *stale}
    left = [(one, muted_until(one, settings.quiet_hours, now_ms)) for one in pending if one not in gone]
    free = [one for one, held in left if held is None]
    wakes = [held for _, held in left if held is not None]
    if not free:
        return DueMessages(expired=expired, superseded=stale, wake_at_ms=min(wakes, default=None))
    together = free[0].created + round(settings.group_within * 1000)
    if free[0].created <= now_ms < together:  # what was written before the clock was set back has waited
        return DueMessages(expired=expired, superseded=stale, wake_at_ms=together)
    return DueMessages(
        ready=tuple(free[:MAX_MESSAGES_PER_NOTIFICATION]), expired=expired, superseded=stale, wake_at_ms=now_ms
    )
