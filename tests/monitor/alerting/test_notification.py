"""Notifications in both languages and every format; nothing that a portal sends becomes markup or a mention."""

from __future__ import annotations

import itertools

import pytest

from monitor.alerting.notification import (
    Notification,
    NotificationItem,
    NotificationRenderer,
    TextFormat,
    escape_markdown,
    single_line,
)
from monitor.alerting.routing import event_messages
from monitor.model.incidents import IncidentEvent, Severity
from monitor.model.records import PROBER_PORTAL, State
from probes.result import Fault
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.alerting.parts import NAMES, PORTALS, Story, notify, translator

EVIL = "<script>alert(1)</script> @everyone <!channel> [x](http://e.vil) *b*\r\nBcc: a@b.c\u202e"


def render(
    events: list[IncidentEvent], text_format: TextFormat = TextFormat.TEXT, language: str = "en", now: int = SLOT + 3000
) -> Notification:
    items = [NotificationItem(one, event) for event in events for one in event_messages([event], notify(), SLOT)]
    renderer = NotificationRenderer(translator(language), lambda: NAMES, "https://monitor.example.org/")
    return renderer.render(items, text_format, now)


@pytest.mark.parametrize(
    ("language", "title", "expected"),
    [
        (
            "en",
            "hue is down",
            ["No connection within the time limit", "Last successful attempt before", "attempt 3 at", "Details"],
        ),
        ("vi", "Cổng hue bị gián đoạn", ["Không kết nối được trong thời hạn", "lượt 3 lúc", "Điểm tham chiếu"]),
    ],
)
@pytest.mark.parametrize("text_format", list(TextFormat))
def test_it_holds_what_is_known(text_format: TextFormat, language: str, title: str, expected: list[str]):
    one = render(Story().falls(), text_format, language)
    assert one.title == f"[hue-20260801T000000Z] {title}"
    assert one.incidents == ("hue-20260801T000000Z",)
    assert all(word in one.body for word in [*expected, "hue-20260801T000000Z"])
    assert f"https://monitor.example.org/incidents/hue-20260801T000000Z?lang={language}" in one.body
    assert (one.severity, one.resolved) == (Severity.PAGE, False)


@pytest.mark.parametrize("text_format", list(TextFormat))
def test_what_a_portal_sends_is_only_text(text_format: TextFormat):
    one = render(Story().falls(fault=Fault.HTTP_STATUS, detail=EVIL), text_format)
    assert "\r" not in one.body
    assert "\u202e" not in one.body
    assert "\n" not in one.title
    if text_format is TextFormat.HTML:
        assert "<script" not in one.body
        assert "&lt;script&gt;" in one.body
    if text_format is TextFormat.MARKDOWN:
        assert not any(bad in one.body for bad in ("<script", "<!channel>", "@everyone", "[x](http", "*b*\n"))
    if text_format is TextFormat.TEXT:
        assert "\nBcc" not in one.body


def test_a_late_notification_names_the_time_of_the_event():
    assert "late" not in render(Story().falls()).body
    assert (
        "This message is late: it happened at 2026-08-01 07:00:00, 55 min ago."
        in render(Story().falls(), now=SLOT + 55 * MINUTE + 600).body
    )


def test_many_messages_are_one_notification_with_every_id():
    story = Story()
    events = story.falls("hue") + story.falls("da-nang", at=SLOT + 400_000)
    one = render(events, now=SLOT + 401_000)
    assert one.title == "[hue-20260801T000000Z] 2 messages: hue is down"
    assert one.incidents == ("hue-20260801T000000Z", "da-nang-20260801T000640Z")
    assert all(name in one.body for name in ("hue is down", "da-nang is down"))


def test_a_shared_cause_is_named_with_all_portals():
    story = Story(tuple(factories.portal(id=one.id, platform="egov-4") for one in PORTALS))
    first, second = story.falls("hue"), story.falls("vinh")
    body = render([*first, *second]).body
    assert "vinh is down as well (2 portals)" in body
    assert "all run on egov-4" in body


def test_every_event_type_of_every_kind_has_a_text():
    titles_by_language = []
    for language in ("vi", "en"):
        story = Story()
        events = story.falls()
        events += story.turns(State.UP)
        events += story.turns(State.DEGRADED, previous=State.UP, at=SLOT + 2 * MINUTE)
        events += story.turns(State.MAINTENANCE, at=SLOT + 3 * MINUTE)
        events += story.turns(State.DOWN, at=SLOT + 4 * MINUTE, flapping=True)
        events += story.turns(State.UP, at=SLOT + 5 * MINUTE)
        events += story.turns(State.UNKNOWN, PROBER_PORTAL, at=SLOT + 6 * MINUTE)
        events += story.turns(State.UP, PROBER_PORTAL, at=SLOT + 7 * MINUTE)
        events += story.falls(at=SLOT + 8 * MINUTE)
        events += story.turns(State.DEGRADED, at=SLOT + 9 * MINUTE)
        events += story.tracker.update_inventory([], SLOT + 10 * MINUTE)
        titles = [render([event], language=language).title for event in events if event.notify]
        titles_by_language.append([title.partition("] ")[2] for title in titles])
        assert len(set(titles)) == len(titles) >= 10
    assert all(vietnamese != english for vietnamese, english in zip(*titles_by_language, strict=True))


def test_a_reminder_is_marked_as_one():
    (event,) = Story().falls()
    (message,) = event_messages([event], notify(), SLOT)
    reminder = type(message)(**{name: getattr(message, name) for name in message.__slots__} | {"reminder": 2})
    one = NotificationRenderer(translator(), lambda: NAMES).render(
        [NotificationItem(reminder, event)], TextFormat.TEXT, SLOT + 120 * MINUTE
    )
    assert "Reminder: hue is down, for 2 h" in one.title


@pytest.mark.parametrize("text", ["", "plain", EVIL, "a" * 2000])
def test_cleaning_twice_changes_nothing_more(text: str):
    assert single_line(single_line(text)) == single_line(text)
    assert len(escape_markdown(text)) <= 2 * 500 + 500


def test_all_facts_are_there_in_both_languages():
    bodies = [render(Story().falls(), language=language).body for language in ("vi", "en")]
    counts = [sum(line.startswith("- ") for line in body.splitlines()) for body in bodies]
    assert all(one == other for one, other in itertools.pairwise(counts))
