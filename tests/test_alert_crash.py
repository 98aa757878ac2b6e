"""Killed at every stage of an incident, the daemon loses no page, and sends one twice only after an unrecorded send."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import apprise
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.alerting.channel import AppriseChannel
from monitor.alerting.dispatcher import NotificationDispatcher
from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER, IncidentConsumer
from monitor.alerting.incidents import IncidentTracker
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notification import Notification, NotificationRenderer
from monitor.config.alerting import NotifyBlock, TargetBlock
from monitor.i18n.translator import Translator
from monitor.model.clock import SystemClock
from monitor.model.incidents import EventType, IncidentEvent, MessageStatus, OutboxUpdate
from monitor.model.records import State
from monitor.states.consumers import STATES_CONSUMER, run_state_machine
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, JournalEntry, JournalReader
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.servers.webhook import Webhook, webhook

apprise.Apprise.instantiate("json://localhost/")  # loads its modules once, for all children
PORTAL = factories.portal(id="hue", name_en="hue")
LOCATION = "hn-1"
MINUTE = 60_000

STAGES = (
    "before the state row",
    "after the state row",
    "before the incident row",
    "after the incident row",
    "before the send",
    "after the send",
    "after the completion",
)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Mortal:
    """A journal whose owner is killed at one stage: right before an entry is handed in, or when it is on disk."""

    def __init__(self, journal: Journal, stage: str) -> None:
        self._journal = journal
        self._stage = stage

    def __getattr__(self, name: str) -> object:
        return getattr(self._journal, name)

    @staticmethod
    def name(entry: JournalEntry) -> str:
        """Which row it is; only what pages counts."""
        if isinstance(entry, CheckpointUpdate) and any(change.state is State.DOWN for change in entry.changes):
            return "state row"
        if isinstance(entry, CheckpointUpdate) and any(event.type is EventType.OPENED for event in entry.events):
            return "incident row"
        return "completion" if isinstance(entry, OutboxUpdate) and entry.completed else ""

    async def commit(self, entry: JournalEntry) -> None:
        name = self.name(entry)
        if name and self._stage == f"before the {name}":
            die()
        await self._journal.commit(entry)
        if name and self._stage == f"after the {name}":
            die()


class MortalChannel(AppriseChannel):
    """The channel to the webhook, with a kill before or after the send."""

    stage = ""

    async def send(self, notification: Notification) -> None:
        if self.stage == "before the send":
            die()
        await super().send(notification)
        if self.stage == "after the send":
            die()


async def live(directory: Path, url: str, stage: str, first: int) -> None:
    """What the daemon does with a journal in which a portal was up and then failed, until the page is accepted."""
    journal = Journal.open(directory, PROBE_KINDS, commit_interval_seconds=0.002)
    mortal, clock = Mortal(journal, stage), SystemClock()
    notify = NotifyBlock(targets=(TargetBlock(name="on-call", url=SecretStr(url)),), group_wait=0.001)
    seq, state = await journal.read(lambda reader: reader.checkpoint(STATES_CONSUMER))
    state_machine = StateMachine([PORTAL], StateRules(), saved_state=state)
    incident_seq, incident_state = await journal.read(lambda reader: reader.checkpoint(INCIDENTS_CONSUMER))
    metrics = AlertingMetrics(CollectorRegistry(), ["on-call"])
    channel = MortalChannel(url, 10.0)
    channel.stage = stage
    renderer = NotificationRenderer(Translator("en", ZoneInfo("UTC")), lambda: {"hue": PORTAL})
    dispatcher = NotificationDispatcher(
        name="on-call",
        channel=channel,
        renderer=renderer,
        settings=notify,
        journal=mortal,
        clock=clock,
        metrics=metrics,
    )
    incidents = IncidentTracker([PORTAL], LOCATION, state=incident_state)
    consumer = IncidentConsumer(
        journal=mortal,
        tracker=incidents,
        settings=notify,
        clock=clock,
        metrics=metrics,
        seq=incident_seq,
        on_change=dispatcher.wake,
    )
    if journal.last_seq == 0:
        measurements = [factories.measurement(portal="hue", slot=first + n * MINUTE, values={}) for n in range(2)]
        measurements += [
            replace(factories.measurement(portal="hue", slot=first + n * MINUTE, outcome=Outcome.DOWN), hops=())
            for n in (2, 3, 4)
        ]
        await journal.commit_all(measurements)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(run_state_machine(mortal, state_machine, clock, seq)),
            group.create_task(consumer.run()),
            group.create_task(dispatcher.run()),
        ]
        async with asyncio.timeout(60):
            while not await journal.read(all_accepted):  # noqa: ASYNC110 - the outbox has no event
                await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
    await journal.close()


def all_accepted(reader: JournalReader) -> bool:
    messages = [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
    return bool(messages) and all(one.status is MessageStatus.ACCEPTED for one in messages)


def begin(directory: Path, url: str, stage: str, first: int) -> None:
    """The life of a child."""
    with suppress(asyncio.CancelledError):
        asyncio.run(live(directory, url, stage, first))


async def child(directory: Path, url: str, stage: str, first: int) -> int:
    """Its exit code: minus the signal that killed it."""
    nursery = multiprocessing.get_context("forkserver")
    nursery.set_forkserver_preload(["tests.test_alert_crash"])
    process = nursery.Process(target=begin, args=(directory, url, stage, first))
    process.start()
    await asyncio.to_thread(process.join, 60)
    code = process.exitcode
    process.close()
    assert code is not None
    return code


def verify(directory: Path, hook: Webhook, stage: str, first: int) -> None:
    reader = JournalReader(directory / JOURNAL_FILE, PROBE_KINDS)
    records = reader.records_after(0, 1000)
    messages = [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
    reader.close()
    events = [one for one in records if isinstance(one, IncidentEvent)]
    assert [one.seq for one in records] == list(range(1, len(records) + 1))
    assert [(one.type, one.at) for one in events] == [(EventType.OPENED, first + 2 * MINUTE)]
    assert [(one.number, one.status) for one in messages] == [(1, MessageStatus.ACCEPTED)]
    ids = [body["incidents"] for body in hook.got]
    assert set(ids) == {events[0].incident.id}
    assert len(ids) == (2 if stage == "after the send" else 1)
    assert all("hue is down" in body["title"] for body in hook.got)


@pytest.mark.parametrize("stage", STAGES)
async def test_killed_at_any_stage_the_page_arrives_and_names_its_incident(tmp_path: Path, stage: str):
    first = SystemClock().now() // MINUTE * MINUTE - 10 * MINUTE
    async with webhook() as hook:
        code = await child(tmp_path, hook.apprise, stage, first)
        assert code == -signal.SIGKILL, "this stage was never reached"
        assert await child(tmp_path, hook.apprise, "", first) == 0
        verify(tmp_path, hook, stage, first)
