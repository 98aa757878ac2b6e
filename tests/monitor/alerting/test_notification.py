"""Letters say what happened in both languages and every format, and nothing that a portal sends can act in them."""

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
from tests.monitor.alerting.parts import NAMES, PORTALS, Story, notify, tongue

EVIL = "<script>alert(1)</script> @everyone <!channel> [x](http://e.vil) *b*\r\nBcc: a@b.c\u202e"


def letter(
    events: list[IncidentEvent], form: TextFormat = TextFormat.TEXT, language: str = "en", now: int = SLOT + 3000
) -> Notification:
    items = [NotificationItem(one, event) for event in events for one in event_messages([event], notify(), SLOT)]
    writer = NotificationRenderer(tongue(language), lambda: NAMES, "https://monitor.example.org/")
    return writer.render(items, form, now)


@pytest.mark.parametrize(
    ("language", "title", "words"),
    [
        ("en", "hue is down", ["No connection within the time limit", "Last good look before", "look 3 at", "Details"]),
        ("vi", "Cổng hue bị gián đoạn", ["Không kết nối được trong thời hạn", "lượt 3 lúc", "Điểm tham chiếu"]),
    ],
)
@pytest.mark.parametrize("form", list(TextFormat))
def test_it_says_what_is_known(form: TextFormat, language: str, title: str, words: list[str]):
    one = letter(Story().falls(), form, language)
    assert one.title == f"[hue-20260801T000000Z] {title}"
    assert one.incidents == ("hue-20260801T000000Z",)
    assert all(word in one.body for word in [*words, "hue-20260801T000000Z"])
    assert f"https://monitor.example.org/incidents/hue-20260801T000000Z?lang={language}" in one.body
    assert (one.severity, one.resolved) == (Severity.PAGE, False)


@pytest.mark.parametrize("form", list(TextFormat))
def test_what_a_portal_sends_is_only_text(form: TextFormat):
    one = letter(Story().falls(fault=Fault.HTTP_STATUS, detail=EVIL), form)
    assert "\r" not in one.body
    assert "\u202e" not in one.body
    assert "\n" not in one.title
    if form is TextFormat.HTML:
        assert "<script" not in one.body
        assert "&lt;script&gt;" in one.body
    if form is TextFormat.MARKDOWN:
        assert not any(bad in one.body for bad in ("<script", "<!channel>", "@everyone", "[x](http", "*b*\n"))
    if form is TextFormat.TEXT:
        assert "\nBcc" not in one.body


def test_a_late_letter_says_when_it_happened():
    assert "late" not in letter(Story().falls()).body
    assert (
        "This message is late: it happened at 2026-08-01 07:00:00, 55 min ago."
        in letter(Story().falls(), now=SLOT + 55 * MINUTE + 600).body
    )


def test_many_messages_are_one_letter_with_every_id():
    story = Story()
    events = story.falls("hue") + story.falls("da-nang", at=SLOT + 400_000)
    one = letter(events, now=SLOT + 401_000)
    assert one.title == "[hue-20260801T000000Z] 2 messages: hue is down"
    assert one.incidents == ("hue-20260801T000000Z", "da-nang-20260801T000640Z")
    assert all(name in one.body for name in ("hue is down", "da-nang is down"))


def test_a_shared_cause_is_named_with_all_portals():
    story = Story(tuple(factories.portal(id=one.id, platform="egov-4") for one in PORTALS))
    first, second = story.falls("hue"), story.falls("vinh")
    body = letter([*first, *second]).body
    assert "vinh is down as well (2 portals)" in body
    assert "all run on egov-4" in body


def test_every_step_of_every_kind_has_words():
    told = []
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
        events += story.fold.update_inventory([], SLOT + 10 * MINUTE)
        titles = [letter([event], language=language).title for event in events if event.tell]
        told.append([title.partition("] ")[2] for title in titles])
        assert len(set(titles)) == len(titles) >= 10
    assert all(vietnamese != english for vietnamese, english in zip(*told, strict=True))


def test_a_reminder_says_that_it_is_one():
    (event,) = Story().falls()
    (message,) = event_messages([event], notify(), SLOT)
    reminder = type(message)(**{name: getattr(message, name) for name in message.__slots__} | {"reminder": 2})
    one = NotificationRenderer(tongue(), lambda: NAMES).render(
        [NotificationItem(reminder, event)], TextFormat.TEXT, SLOT + 120 * MINUTE
    )
    assert "Reminder: hue is down, for 2 h" in one.title


@pytest.mark.parametrize("text", ["", "plain", EVIL, "a" * 2000])
def test_cleaning_twice_changes_nothing_more(text: str):
    assert single_line(single_line(text)) == single_line(text)
    assert len(escape_markdown(text)) <= 2 * 500 + 500


def test_all_facts_are_there_in_both_languages():
    bodies = [letter(Story().falls(), language=language).body for language in ("vi", "en")]
    counts = [sum(line.startswith("- ") for line in body.splitlines()) for body in bodies]
    assert all(one == other for one, other in itertools.pairwise(counts))
