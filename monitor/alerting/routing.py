"""Which target gets which message, and when: events, reminders of open incidents, quiet hours, expiry. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from monitor.config.alerting import NotifyBlock, QuietHoursBlock, TargetBlock, clock_minutes
from monitor.model.incidents import IncidentEvent, Message
from monitor.model.wall_time import local_time, wall_time_ms

MAX_MESSAGES_PER_NOTIFICATION = 20  # messages in one notification: more do not fit on the screen of a telephone


def event_messages(events: Iterable[IncidentEvent], settings: NotifyBlock, now_ms: int) -> tuple[Message, ...]:
    """Return a message for each event and target that wants it; events older than ``expire`` get none."""
    return tuple(
        _message(event, target, now_ms, occurred_at=event.confirmed)
        for event in events
        for target in settings.targets
        if event.notify and _is_wanted(event, target, settings, now_ms - event.confirmed)
    )


def _is_wanted(event: IncidentEvent, target: TargetBlock, settings: NotifyBlock, age_ms: int) -> bool:
    return event.incident.severity in target.severities and age_ms < settings.expire * 1000


def _message(event: IncidentEvent, target: TargetBlock, now_ms: int, *, occurred_at: int, reminder: int = 0) -> Message:
    return Message(
        incident=event.incident.id,
        number=1 if reminder else event.number,
        reminder=reminder,
        target=target.name,
        severity=event.incident.severity,
        occurred_at=occurred_at,
        created=now_ms,
    )


def reminder_messages(
    open_incidents: Iterable[IncidentEvent], acknowledged: Collection[str], settings: NotifyBlock, now_ms: int
) -> tuple[Message, ...]:
    """Return the reminders of open incidents that no operator has acknowledged; the same again for the same interval.

    ``open_incidents`` holds the newest event of each. Only the newest reminder of an incident is returned.
    """
    if settings.repeat_interval is None:
        return ()
    messages = []
    for event in open_incidents:
        count = int((now_ms - event.incident.opened) / (settings.repeat_interval * 1000))
        if count < 1 or event.incident.id in acknowledged:
            continue
        due = event.incident.opened + round(count * settings.repeat_interval * 1000)
        messages += [
            _message(event, target, now_ms, occurred_at=due, reminder=count)
            for target in settings.targets
            if target.reminders and _is_wanted(event, target, settings, now_ms - due)
        ]
    return tuple(messages)


def muted_until(message: Message, quiet_hours: QuietHoursBlock | None, now_ms: int) -> int | None:
    """Return when the quiet hours that hold ``message`` end (UTC ms); None when it may be sent now."""
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
    """What to do about the pending messages of one target: send ``ready`` together, complete the others.

    ``wake_at_ms`` is when to check again (UTC ms), None when only a new message can change the result.
    """

    ready: tuple[Message, ...] = ()
    expired: tuple[Message, ...] = ()
    superseded: tuple[Message, ...] = ()
    wake_at_ms: int | None = None


def due_messages(pending: Sequence[Message], settings: NotifyBlock, now_ms: int) -> DueMessages:
    """Divide the pending messages, oldest first. Messages that wait for their group or for quiet hours stay pending."""
    expired = tuple(one for one in pending if now_ms - one.occurred_at >= settings.expire * 1000)
    newest = {one.incident: one.reminder for one in pending if one.reminder}
    superseded = tuple(one for one in pending if one.reminder and one.reminder < newest[one.incident])
    discarded = {*expired, *superseded}
    remaining = [(one, muted_until(one, settings.quiet_hours, now_ms)) for one in pending if one not in discarded]
    free = [one for one, muted in remaining if muted is None]
    due = DueMessages(expired=expired, superseded=superseded)
    if not free:
        return replace(due, wake_at_ms=min((muted for _, muted in remaining if muted is not None), default=None))
    group_at = free[0].created + round(settings.group_wait * 1000)
    if free[0].created <= now_ms < group_at:  # a message written before the clock was set back has waited long enough
        return replace(due, wake_at_ms=group_at)
    return replace(due, ready=tuple(free[:MAX_MESSAGES_PER_NOTIFICATION]), wake_at_ms=now_ms)
