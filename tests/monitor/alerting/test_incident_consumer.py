"""The incident consumer continues from its checkpoint; notes are imported once, and reminders are written in time."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER, IncidentConsumer, initial_seq, latest_measurements
from monitor.alerting.incidents import IncidentTracker
from monitor.alerting.metrics import AlertingMetrics
from monitor.alerting.notes import NoteImporter
from monitor.alerting.reminders import ReminderScheduler
from monitor.model.incidents import EventType, NoteKind
from monitor.model.records import State
from monitor.storage import inbox
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import CheckpointUpdate
from probes.result import Outcome
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.alerting.parts import LOCATION, PORTALS, Story, eventually, notify, write
from tests.monitor.parts import HandClock, opened

HOUR = 60 * MINUTE
ID = "hue-20260801T000000Z"


async def make_consumer(journal: Journal, clock: HandClock) -> IncidentConsumer:
    seq, state = await journal.read(lambda reader: reader.checkpoint(INCIDENTS_CONSUMER))
    return IncidentConsumer(
        journal=journal,
        tracker=IncidentTracker(PORTALS, LOCATION, state=state),
        settings=notify(),
        clock=clock,
        metrics=AlertingMetrics(CollectorRegistry(), []),
        seq=seq,
        on_change=lambda: None,
    )


async def outage(journal: Journal, portal: str = "hue", at: int = SLOT) -> None:
    """Commit measurements and a change, as the daemon does."""
    await journal.commit(factories.measurement(portal=portal, slot=at - MINUTE))
    down = {"portal": portal, "slot": at, "outcome": Outcome.DOWN, "hops": ()}
    await journal.commit_all([factories.measurement(**down, attempt=n) for n in (1, 2, 3)])
    change = factories.change(portal=portal, at=at, cause=journal.last_seq)
    await journal.commit(CheckpointUpdate(consumer="states", seq=journal.last_seq, changes=(change,)))


async def incidents(journal: Journal) -> list:
    return await journal.read(lambda reader: reader.incidents())


async def test_every_life_goes_on_where_the_last_one_was(tmp_path: Path):
    clock = HandClock(SLOT + 30_000)
    async with opened(tmp_path) as journal:
        await outage(journal)
        for life in range(3):
            task = asyncio.create_task((await make_consumer(journal, clock)).run())
            await eventually(lambda: incidents(journal))
            if life == 1:
                await outage(journal, "vinh", SLOT + HOUR)
                clock.pass_by(3600)
                await eventually(lambda: _count(journal, 2))
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        found = await incidents(journal)
        messages = await journal.read(lambda reader: reader.waiting_messages("on-call"))
    assert [one.incident.id for one in found] == ["vinh-20260801T010000Z", ID]
    assert len(found[1].incident.portals[0].attempts) == 3
    assert [(one.incident, one.number) for one in messages] == [(ID, 1), ("vinh-20260801T010000Z", 1)]


async def _count(journal: Journal, count: int) -> bool:
    return len(await incidents(journal)) == count


async def test_the_first_run_over_an_old_journal_reports_only_ongoing_problems(tmp_path: Path):
    async with opened(tmp_path) as journal:
        await outage(journal, "vinh", SLOT)
        over = factories.change(portal="vinh", at=SLOT + MINUTE, state=State.UP, previous=State.DOWN, fault=None)
        await journal.commit(CheckpointUpdate(consumer="states", seq=journal.last_seq, changes=(over,)))
        nothing = await journal.read(lambda reader: initial_seq(reader, LOCATION, journal.last_seq))
        assert nothing == journal.last_seq
        before = journal.last_seq
        await journal.commit_all(list(factories.measurements(200, portal="da-nang", slot=SLOT)))
        await outage(journal, "hue", SLOT + HOUR)
        begin = await journal.read(lambda reader: initial_seq(reader, LOCATION, journal.last_seq))
        assert before < begin < journal.last_seq - 4


async def test_healthy_portals_are_restored_from_their_newest_measurement(tmp_path: Path):
    async with opened(tmp_path) as journal:
        await journal.commit_all(list(factories.measurements(3, portal="hue")))
        check = factories.check(portal="hue")
        measurements = await journal.read(lambda reader: latest_measurements(reader, [check], LOCATION))
    assert [one.slot for one in measurements] == [SLOT + 2 * MINUTE]


async def test_notes_are_taken_in_once_and_bad_ones_put_aside(tmp_path: Path):
    clock = HandClock(SLOT + 30_000)
    async with opened(tmp_path) as journal:
        await write(journal, Story().falls(), notify(), SLOT)
        importer = NoteImporter(journal=journal, data=tmp_path, clock=clock)
        note = inbox.new_note(ID, NoteKind.ACKNOWLEDGED, "Lan", "đang xử lý", SLOT + 5)
        path = inbox.submit_note(tmp_path, note)
        text = path.read_text()
        (tmp_path / "inbox" / "1-bad.json").write_text("{")
        await importer.import_notes()
        assert not path.exists()
        assert [one.name for one in (tmp_path / "inbox").iterdir()] == ["1-bad.bad"]
        path.write_text(text)  # a daemon that died before it could remove the file
        await importer.import_notes()
        kept = await journal.read(lambda reader: reader.notes(ID))
    assert [(one.by, one.text, one.kind, one.at) for one in kept] == [
        ("Lan", "đang xử lý", NoteKind.ACKNOWLEDGED, SLOT + 5)
    ]
    assert json.loads(text)["id"] == kept[0].id


async def test_an_inbox_that_cannot_be_cleaned_does_not_end_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def short(_data: Path, _now: int) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(inbox, "remove_stale_drafts", short)
    async with opened(tmp_path) as journal:
        await write(journal, Story().falls(), notify(), SLOT)
        clock = HandClock(SLOT + 30_000)
        importer = NoteImporter(journal=journal, data=tmp_path, clock=clock)
        with capture_logs() as logged:
            task = asyncio.create_task(importer.run())
            path = inbox.submit_note(tmp_path, inbox.new_note(ID, NoteKind.ACKNOWLEDGED, "Lan", "đang xử lý", SLOT + 5))
            await eventually(lambda: not path.exists() or task.done())
            assert not task.done()
            task.cancel()
            await asyncio.wait([task])
        kept = await journal.read(lambda reader: reader.notes(ID))
    assert [one.text for one in kept] == ["đang xử lý"]
    assert [one["reason"] for one in logged if one["event"] == "inbox_unusable"] == ["Too many open files"]


async def test_reminders_are_written_once_each_until_the_incident_is_acknowledged(tmp_path: Path):
    clock = HandClock(SLOT + 30_000)
    settings = notify(repeat_interval=3600)
    async with opened(tmp_path) as journal:
        await write(journal, Story().falls(), settings, SLOT)
        importer = NoteImporter(journal=journal, data=tmp_path, clock=clock)
        reminders = ReminderScheduler(journal=journal, settings=settings, clock=clock, on_outbox=lambda: None)
        for _ in range(3):
            clock.pass_by(3600)
            await reminders.remind()
            await reminders.remind()
        messages = await journal.read(lambda reader: reader.messages(ID))
        assert [one.reminder for one in messages] == [0, 1, 2, 3]
        inbox.submit_note(tmp_path, inbox.new_note(ID, NoteKind.ACKNOWLEDGED, "Lan", "", SLOT))
        await importer.import_notes()
        clock.pass_by(3600)
        await reminders.remind()
        assert len(await journal.read(lambda reader: reader.messages(ID))) == 4


async def test_a_portal_taken_out_while_we_were_away_leaves_its_incident(tmp_path: Path):
    clock = HandClock(SLOT + 30_000)
    async with opened(tmp_path) as journal:
        await outage(journal)
        first = await make_consumer(journal, clock)
        task = asyncio.create_task(first.run())
        await eventually(lambda: incidents(journal))
        task.cancel()
        _, state = await journal.read(lambda reader: reader.checkpoint(INCIDENTS_CONSUMER))
        second = await make_consumer(journal, clock)
        second.tracker = IncidentTracker([], LOCATION, state=state)
        task = asyncio.create_task(second.run())
        await eventually(lambda: _resolved(journal))
        task.cancel()
        assert await _resolved(journal)


async def _resolved(journal: Journal) -> bool:
    return (await incidents(journal))[0].type is EventType.RESOLVED


def test_the_draft_of_a_note_goes_when_its_writer_was_surely_killed(tmp_path: Path):
    fresh, old = (tmp_path / "inbox" / f"1-{name}.part" for name in ("fresh", "old"))
    fresh.parent.mkdir()
    for draft, age in ((fresh, 0), (old, 2 * inbox.MAX_DRAFT_AGE_MS // 1000)):
        draft.touch()
        os.utime(draft, (SLOT // 1000 - age,) * 2)
    inbox.remove_stale_drafts(tmp_path, SLOT)
    assert (fresh.exists(), old.exists()) == (True, False)
