"""Which target gets which message and when: severities, quiet hours, groups, reminders, expiry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from monitor.alerting import routing
from monitor.config.alerting import QuietHoursBlock, TargetBlock
from monitor.model.incidents import Message, Severity
from monitor.model.records import State
from tests.factories import MINUTE, SLOT
from tests.monitor.alerting.parts import Story, notify

HOUR = 60 * MINUTE
NIGHT = QuietHoursBlock(start="22:00", end="06:00", zone="Asia/Ho_Chi_Minh")


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def message(**fields: object) -> Message:
    given = {"incident": "hue-1", "number": 1, "target": "on-call", "severity": Severity.PAGE}
    return Message(**given | {"occurred_at": SLOT, "created": SLOT} | fields)  # type: ignore[arg-type] # as in the record


def test_every_target_gets_the_severities_that_it_wants():
    targets = (
        TargetBlock(name="night", url=SecretStr("json://h/"), severities=(Severity.PAGE,)),
        TargetBlock(name="day", url=SecretStr("json://h/")),
    )
    settings = notify(targets=targets)
    story = Story()
    pages = routing.event_messages(story.falls(), settings, SLOT)
    notices = routing.event_messages(story.turns(State.DEGRADED, "vinh", previous=State.UP), settings, SLOT)
    assert [(one.target, one.severity) for one in pages] == [("night", Severity.PAGE), ("day", Severity.PAGE)]
    assert [(one.target, one.severity) for one in notices] == [("day", Severity.NOTICE)]


def test_silent_and_old_events_have_no_message():
    story = Story()
    settings = notify(expire=3600)
    assert routing.event_messages(story.falls(), settings, SLOT + HOUR - 1)
    assert routing.event_messages(story.turns(State.UNKNOWN), settings, SLOT + MINUTE) == ()
    assert routing.event_messages(Story().falls(), settings, SLOT + 2 * HOUR) == ()


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-08-01T14:59:59", None),  # 21:59:59 in Ha Noi
        ("2026-08-01T15:00:00", "2026-08-01T23:00:00"),  # 22:00
        ("2026-08-01T22:59:59", "2026-08-01T23:00:00"),  # 05:59:59
        ("2026-08-01T23:00:00", None),  # 06:00
    ],
)
def test_quiet_hours_hold_notices_over_midnight(now: str, until: str | None):
    expected = at(until) if until else None
    assert routing.muted_until(message(severity=Severity.NOTICE), NIGHT, at(now)) == expected
    assert routing.muted_until(message(severity=Severity.PAGE), NIGHT, at(now)) is None


def test_quiet_hours_follow_the_clock_of_their_zone_through_its_change():
    spring = QuietHoursBlock(start="22:00", end="06:00", zone="Europe/Berlin")
    held = routing.muted_until(message(severity=Severity.NOTICE), spring, at("2026-03-28T23:00:00"))
    assert held == at("2026-03-29T04:00:00")


def test_messages_within_the_group_wait_are_sent_together():
    settings = notify(group_wait=1.0)
    pending = [message(), message(incident="vinh-1", created=SLOT + 800)]
    early = routing.due_messages(pending, settings, SLOT + 900)
    assert (early.ready, early.wake_at_ms) == ((), SLOT + 1000)
    assert routing.due_messages(pending, settings, SLOT + 1000).ready == tuple(pending)


def test_a_page_does_not_wait_for_muted_messages():
    settings = notify(quiet_hours=NIGHT)
    now = at("2026-08-01T20:00:00")
    notice = message(incident="vinh-1", severity=Severity.NOTICE, occurred_at=now, created=now)
    page = message(occurred_at=now, created=now + 1)
    due = routing.due_messages([notice, page], settings, now + 5000)
    assert due.ready == (page,)
    assert routing.due_messages([notice], settings, now + 5000).wake_at_ms == at("2026-08-01T23:00:00")


def test_what_was_not_accepted_in_time_expires():
    settings = notify(expire=3600)
    old, new = message(), message(incident="vinh-1", occurred_at=SLOT + HOUR, created=SLOT + HOUR)
    due = routing.due_messages([old, new], settings, SLOT + HOUR + 5)
    assert (due.expired, due.ready) == ((old,), (new,))


def test_of_reminders_that_wait_only_the_newest_is_sent():
    settings = notify()
    pending = [message(reminder=1), message(reminder=2, created=SLOT + 1), message(incident="vinh-1", reminder=1)]
    due = routing.due_messages(pending, settings, SLOT + MINUTE)
    assert due.superseded == (pending[0],)
    assert due.ready == (pending[1], pending[2])


def test_reminders_come_at_their_time_until_the_incident_is_acknowledged():
    settings = notify(repeat_interval=3600)
    (event,) = Story().falls()
    assert routing.reminder_messages([event], (), settings, SLOT + HOUR - 1) == ()
    assert [one.reminder for one in routing.reminder_messages([event], (), settings, SLOT + HOUR)] == [1]
    assert [one.reminder for one in routing.reminder_messages([event], (), settings, SLOT + 3 * HOUR + 5)] == [3]
    assert routing.reminder_messages([event], {event.incident.id}, settings, SLOT + HOUR) == ()
    assert routing.reminder_messages([event], (), notify(), SLOT + HOUR) == ()


def test_a_clock_that_is_set_back_holds_no_notification():
    """Neither for its group, nor those behind it."""
    ahead = message(occurred_at=SLOT + HOUR, created=SLOT + HOUR)
    assert routing.due_messages([ahead, message(number=2)], notify(group_wait=5.0), SLOT + MINUTE).ready
