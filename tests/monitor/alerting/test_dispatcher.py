"""Real receivers get what they should: a webhook, a mail server; and what is sent late or twice is marked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from monitor.alerting.channel import INCIDENT_ID_HEADER, AppriseChannel, DeliveryError
from monitor.alerting.notification import Notification, TextFormat
from monitor.model.incidents import Message, MessageStatus, Severity
from monitor.model.records import State
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import CheckpointUpdate
from tests.factories import MINUTE, SLOT
from tests.monitor.alerting.parts import Story, dispatcher, eventually, notify, write
from tests.monitor.parts import HandClock, opened
from tests.servers.webhook import webhook

ID = "hue-20260801T000000Z"


def statuses(journal: Journal) -> Any:  # noqa: ANN401 - a coroutine of the statuses of all messages
    def read(reader: Any) -> list[MessageStatus]:  # noqa: ANN401 - the journal's reader
        return [one.status for incident in reader.incidents() for one in reader.messages(incident.incident.id)]

    return journal.read(read)


async def test_a_webhook_gets_the_outage_and_the_all_clear_with_the_incidents_id(tmp_path: Path):
    clock = HandClock(SLOT + 2000)
    async with webhook() as hook, opened(tmp_path) as journal:
        settings, story = notify(hook.apprise), Story()
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, story.falls(), settings, clock.now())
            clock.pass_by(1)
            one.wake()
            await eventually(lambda: hook.got)
            await write(journal, story.turns(State.UP), settings, clock.now())
            clock.pass_by(1)
            one.wake()
            await eventually(lambda: len(hook.got) == 2)
            await eventually(lambda: _all(journal, MessageStatus.ACCEPTED, 2))
            waited = one.metrics.delivery_seconds.labels("on-call")._sum.get()  # noqa: SLF001 - the histogram as it stands
    assert waited == pytest.approx(2.493), "the outage waited from the end of its attempt on the test's clock"
    assert [body["title"] for body in hook.got] == [f"[{ID}] hue is down", f"[{ID}] hue is up again after 1 min"]
    assert [body["incidents"] for body in hook.got] == [ID, ID]
    assert [headers[INCIDENT_ID_HEADER] for headers in hook.headers] == [ID, ID]
    assert [body["type"] for body in hook.got] == ["failure", "success"]
    assert "no end" in hook.got[0]["message"]


async def _all(journal: Journal, status: MessageStatus, count: int) -> bool:
    found = await statuses(journal)
    return len(found) == count and set(found) == {status}


async def test_an_hour_without_the_webhook_loses_nothing_and_the_late_notification_is_marked(tmp_path: Path):
    """The hour passes on the test's clock; the port is really closed meanwhile."""
    clock = HandClock(SLOT + 2000)
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    async with opened(tmp_path) as journal:
        settings, story = notify(f"json://127.0.0.1:{port}/hook"), Story()
        async with dispatcher(journal, settings, clock) as one:
            failures = one.metrics.failures.labels("on-call")._value  # noqa: SLF001 - the counter as it stands
            for minute in range(60):
                if minute == 0:
                    await write(journal, story.falls(), settings, clock.now())
                if minute == 20:
                    await write(journal, story.falls("vinh", at=SLOT + 20 * MINUTE), settings, clock.now())
                if minute == 40:
                    await write(journal, story.turns(State.UP, at=SLOT + 40 * MINUTE), settings, clock.now())
                one.wake()
                before = failures.get()
                clock.pass_by(60)
                if minute % 20 == 0:
                    await eventually(lambda before=before: failures.get() > before)
            assert set(await statuses(journal)) == {MessageStatus.WAITING}
            async with webhook(port) as hook:
                await eventually(lambda: _all(journal, MessageStatus.ACCEPTED, 3))
                text = "".join(body["title"] + body["message"] for body in hook.got)
    for expected in ("hue is down", "vinh is down", "hue is up again after 40 min", ID, "vinh-20260801T002000Z"):
        assert expected in text
    assert text.count("This message is late: it happened at") == 3


async def test_a_webhook_that_answers_with_an_error_or_not_at_all_is_tried_again(tmp_path: Path):
    clock = HandClock(SLOT + 2000)
    async with webhook() as hook, opened(tmp_path) as journal:
        settings = notify(hook.apprise, timeout=0.5)
        hook.status = 503
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, Story().falls(), settings, clock.now())
            clock.pass_by(1)
            one.wake()
            await eventually(lambda: hook.tried >= 2)
            hook.gate.clear()
            hook.status = 200
            tried = hook.tried
            await eventually(lambda: hook.tried > tried)
            assert set(await statuses(journal)) == {MessageStatus.WAITING}
            hook.gate.set()
            await eventually(lambda: _all(journal, MessageStatus.ACCEPTED, 1))
    assert {body["incidents"] for body in hook.got} == {ID}


async def test_a_message_that_was_not_accepted_in_time_expires_and_is_kept(tmp_path: Path):
    clock = HandClock(SLOT + 2000)
    async with opened(tmp_path) as journal:
        settings = notify(expire=3600)
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, Story().falls(), settings, clock.now())
            clock.pass_by(3700)
            one.wake()
            await eventually(lambda: _all(journal, MessageStatus.EXPIRED, 1))
            assert await statuses(journal) == [MessageStatus.EXPIRED]


async def test_incidents_within_the_group_wait_are_one_notification(tmp_path: Path):
    clock = HandClock(SLOT + 2000)
    async with webhook() as hook, opened(tmp_path) as journal:
        settings, story = notify(hook.apprise, group_wait=5.0), Story()
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, story.falls(), settings, clock.now())
            clock.pass_by(3)
            await write(journal, story.falls("vinh", at=SLOT + 300_000), settings, clock.now())
            one.wake()
            await asyncio.sleep(0.1)
            assert not hook.got
            clock.pass_by(3)
            one.wake()
            await eventually(lambda: _all(journal, MessageStatus.ACCEPTED, 2))
    assert len(hook.got) == 1
    assert "2 messages" in hook.got[0]["title"]


async def test_a_stop_in_good_order_sends_nothing_twice(tmp_path: Path):
    clock = HandClock(SLOT + 2000)
    async with webhook() as hook, opened(tmp_path) as journal:
        settings = notify(hook.apprise)
        hook.gate.clear()
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, Story().falls(), settings, clock.now())
            clock.pass_by(1)
            one.wake()
            await eventually(lambda: hook.tried == 1)
            asyncio.get_running_loop().call_later(0.2, hook.gate.set)
        assert await _all(journal, MessageStatus.ACCEPTED, 1)
        async with dispatcher(journal, settings, clock):
            await asyncio.sleep(0.2)
    assert hook.tried == 1


@pytest.mark.parametrize(
    ("url", "text_format"),
    [
        ("json://127.0.0.1/", TextFormat.TEXT),
        ("mailto://127.0.0.1/?from=a@example.org&to=b@example.org", TextFormat.HTML),
        ("tgram://100000001:made_up_for_a_test/10000001/", TextFormat.HTML),
        ("slack://TMADEUP00/BMADEUP00/madeupforatestmadeupfora/#ops", TextFormat.MARKDOWN),
    ],
)
def test_each_channel_is_written_to_in_the_format_that_it_reads(url: str, text_format: TextFormat):
    assert AppriseChannel(url, 1.0).text_format is text_format


class Mailbox:
    """Keeps what a real SMTP server accepts."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()


async def test_a_mail_server_gets_a_mail_with_a_thread_for_each_incident(tmp_path: Path, mailbox: tuple[Mailbox, int]):
    box, port = mailbox
    clock = HandClock(SLOT + 2000)
    url = f"mailto://127.0.0.1:{port}/?from=monitor@example.org&to=on-call@example.org&mode=insecure"
    async with opened(tmp_path) as journal:
        settings, story = notify(url), Story()
        async with dispatcher(journal, settings, clock) as one:
            await write(journal, story.falls(detail="<b>502</b>"), settings, clock.now())
            clock.pass_by(1)
            one.wake()
            await eventually(lambda: box.mails)
    notification = box.mails[0]
    assert notification["Subject"] == f"[{ID}] hue is down"
    assert notification[INCIDENT_ID_HEADER] == ID
    assert notification["References"] == f"<{ID}@portal-monitor>"
    assert notification["To"] == "on-call@example.org"
    html = notification.get_body(("html", "plain")).get_content()
    assert "&lt;b&gt;502&lt;/b&gt;" in html


async def test_a_failure_is_reported_without_the_url():
    channel = AppriseChannel("json://user:s3cret-word@127.0.0.1:9/token-abcdef/?+X-Key=k3y-value", 10.0)
    notification = Notification(
        title="t", body="b", text_format=TextFormat.TEXT, incidents=(ID,), severity=Severity.PAGE, resolved=False
    )
    with pytest.raises(DeliveryError) as error:
        await channel.send(notification)
    assert str(error.value)
    assert not any(secret in str(error.value) for secret in ("s3cret", "token", "k3y"))


async def test_the_same_message_written_twice_is_one(tmp_path: Path):
    async with opened(tmp_path) as journal:
        settings = notify()
        events = Story().falls()
        await write(journal, events, settings, SLOT)
        await write(journal, events, settings, SLOT + 5)
        assert len(await statuses(journal)) == 1
        message = Message(incident=ID, number=1, target="x", severity=Severity.PAGE, occurred_at=SLOT, created=SLOT)
        await journal.commit(CheckpointUpdate(consumer="incidents", seq=0, messages=(message, message)))
        assert len(await statuses(journal)) == 2
