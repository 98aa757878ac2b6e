"""Who hears of what, and when: messages of events, reminders of what goes on, quiet hours, expiry. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.config.alerting import minutes
from monitor.model.incidents import Message
from monitor.model.wall_time import at_wall, local

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from monitor.config.alerting import Notify, QuietHours
    from monitor.model.incidents import IncidentEvent

MOST_TOGETHER = 20
"""Messages that are told in one: more do not fit on a telephone."""


def messages(events: Iterable[IncidentEvent], notify: Notify, now: int) -> tuple[Message, ...]:
    """A message for every target and event that it is to hear of; nobody hears of what is older than ``expire``."""
    return tuple(
        Message(
            incident=event.incident.id,
            number=event.number,
            target=target.name,
            severity=event.incident.severity,
            happened=event.confirmed,
            created=now,
        )
        for event in events
        for target in notify.targets
        if event.tell and event.incident.severity in target.severities and now - event.confirmed < notify.expire * 1000
    )


def reminders(
    lasting: Iterable[IncidentEvent], acknowledged: Collection[str], notify: Notify, now: int
) -> tuple[Message, ...]:
    """What has gone on for another interval and nobody acknowledged; asked again, the same messages.

    ``lasting`` holds the newest event of each open incident. Only the newest reminder of an incident is made.
    """
    if notify.reminders is None:
        return ()
    found = []
    for event in lasting:
        count = int((now - event.incident.opened) / (notify.reminders * 1000))
        if count < 1 or event.incident.id in acknowledged:
            continue
        due = event.incident.opened + round(count * notify.reminders * 1000)
        found += [
            Message(
                incident=event.incident.id,
                number=1,
                reminder=count,
                target=target.name,
                severity=event.incident.severity,
                happened=due,
                created=now,
            )
            for target in notify.targets
            if target.reminders and event.incident.severity in target.severities and now - due < notify.expire * 1000
        ]
    return tuple(found)


def held_until(message: Message, quiet: QuietHours | None, now: int) -> int | None:
    """When the quiet hours end that hold ``message`` now (UTC ms); None when it may go."""
    if quiet is None or message.severity not in quiet.hold:
        return None
    zone, start, end = ZoneInfo(quiet.zone), minutes(quiet.start), minutes(quiet.end)
    today = local(now, zone).date()
    for day in (today - timedelta(days=1), today):
        until = at_wall(day + timedelta(days=int(end <= start)), end, zone)
        if at_wall(day, start, zone) <= now < until:
            return until
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What to do about the waiting messages of one target: tell ``ready`` as one, settle ``expired`` and ``stale``.

    ``wake`` is when to look again (UTC ms), None when only news can change anything.
    """

    ready: tuple[Message, ...] = ()
    expired: tuple[Message, ...] = ()
    stale: tuple[Message, ...] = ()
    wake: int | None = None


def sort_out(waiting: Sequence[Message], notify: Notify, now: int) -> Batch:
    """Judge the waiting messages, oldest first. What waits for its group, or for the morning, stays."""
    expired = tuple(one for one in waiting if now - one.happened >= notify.expire * 1000)
    newest = {one.incident: one.reminder for one in waiting if one.reminder}
    stale = tuple(one for one in waiting if one.reminder and one.reminder < newest[one.incident])
    gone = {*expired, *stale}
    left = [(one, held_until(one, notify.quiet_hours, now)) for one in waiting if one not in gone]
    free = [one for one, held in left if held is None]
    wakes = [held for _, held in left if held is not None]
    if not free:
        return Batch(expired=expired, stale=stale, wake=min(wakes, default=None))
    together = free[0].created + round(notify.group_within * 1000)
    if free[0].created <= now < together:  # what was written before the clock was set back has waited
        return Batch(expired=expired, stale=stale, wake=together)
    return Batch(ready=tuple(free[:MOST_TOGETHER]), expired=expired, stale=stale, wake=now)
