"""A whole daemon that is made to be killed: real rooms, quick beats, and a page that tells what it is at."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apprise
import influxdb_client.client.influxdb_client_async  # noqa: F401 - loaded once for all children

from monitor.alerting import dispatcher, incident_consumer
from monitor.config import load
from monitor.daemon import scores_job
from monitor.daemon.daemon import Daemon
from monitor.daemon.logs import configure_logging
from monitor.model.records import Measurement
from monitor.prober import runner
from monitor.sinks import delivery
from monitor.sinks.influxdb import sink as influxdb
from monitor.states import consumers
from monitor.storage.archive import job as keeper
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import ArchiveUpdate, CheckpointUpdate, JournalWriter
from monitor.storage.rollups import job
from tests.crash.nursery import settle_in
from tests.crash.stages import Page, watch

if TYPE_CHECKING:
    from monitor.alerting.dispatcher import NotificationDispatcher
    from monitor.model.incidents import Message
    from monitor.storage.journal.store import JournalEntry

apprise.Apprise.instantiate("json://localhost/")  # the same

SHORTLY_REACHED = ("look", "commit", "states", "incidents", "alert", "deliver", "rollup", "seal", "score")
STAGES = (*SHORTLY_REACHED, "trim")
"""Rows leave the journal when all rollups have passed them, for which a life is mostly too short."""


def begin(directory: Path, config: Path, life: int) -> None:
    """The child's whole life: what ``portal-monitor run`` does, with beats that a test can wait for."""
    settle_in(directory.with_name("daemon.log"))
    configure_logging("json", "warning")
    hasten()
    observed(Page(directory.with_name("page"), STAGES))
    _tell(os.open(directory.with_name("told"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), life)
    asyncio.run(Daemon(load(config), directory).run())


def hasten() -> None:
    """All that waits for minutes waits for a moment; rows may leave as soon as they are sealed and old."""
    consumers.CHECKPOINT_SECONDS = incident_consumer.CHECKPOINT_SECONDS = 0.05
    keeper.SWEEP_INTERVAL_SECONDS, keeper.TRIM_PAUSE_SECONDS, keeper.MIN_SEALED_AGE_MS, keeper.TRIM_CHUNK_ROWS = (
        0.2,
        0.002,
        0,
        2,
    )
    job.SWEEP_INTERVAL_SECONDS = 0.2
    scores_job.FIRST_RUN_SECONDS = 0.3


def observed(page: Page) -> None:
    """Let every stage tell when it is at work; nothing is changed by that."""
    watch(page, runner, "observe", "look")
    watch(page, JournalWriter, "write", "commit")
    watch(page, Journal, "commit", _stored)
    watch(page, dispatcher.NotificationDispatcher, "_deliver", "alert")
    watch(page, delivery.SinkConsumer, "_step", "deliver")
    watch(page, influxdb.InfluxDBSink, "write", lambda sink, _records: "rollup" if "-" in sink.name else "deliver")
    watch(page, job.RollupJob, "_once", "rollup")
    watch(page, keeper.ArchiveJob, "_converse", "seal")
    watch(page, scores_job.ScoreJob, "once", "score")


def _stored(_journal: Journal, entry: JournalEntry) -> str:
    """The stage that waits for this entry to be durable."""
    if isinstance(entry, CheckpointUpdate):
        return {consumers.STATES_CONSUMER: "states", incident_consumer.INCIDENTS_CONSUMER: "incidents"}.get(
            entry.reader, "rollup"
        )
    trimming = isinstance(entry, ArchiveUpdate) and entry.statements[0][0].startswith("DELETE FROM look_")
    return "trim" if trimming else ""


def _tell(mouth: int, life: int) -> None:
    """Write down, in a file that outlives us, what is promised: looks that are facts, letters begun and settled."""

    def say(*words: object) -> None:
        os.write(mouth, (" ".join(map(str, (life, *words))) + "\n").encode())

    put, begun, settled = (
        Journal.submit,
        dispatcher.NotificationDispatcher._deliver,
        dispatcher.NotificationDispatcher._complete,
    )

    @wraps(put)
    def putting(journal: Journal, entry: JournalEntry) -> asyncio.Future[None]:
        done = put(journal, entry)
        if isinstance(entry, Measurement):
            done.add_done_callback(
                lambda one: (
                    one.cancelled()
                    or one.exception()
                    or say("fact", entry.kind, entry.portal, entry.check, entry.location, entry.slot, entry.attempt)
                )
            )
        return done

    def naming(word: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(inner)
        async def named(one: NotificationDispatcher, ready: tuple[Message, ...], *more: object) -> None:
            names = [f"{message.incident}#{message.number}" for message in ready]
            if word == "sends":
                say(word, *names)
            await inner(one, ready, *more)
            if word == "settled":
                say(word, *names)

        return named

    Journal.submit = putting  # type: ignore[method-assign]
    dispatcher.NotificationDispatcher._deliver = naming("sends", begun)  # type: ignore[method-assign]  # noqa: SLF001
    dispatcher.NotificationDispatcher._complete = naming("settled", settled)  # type: ignore[method-assign]  # noqa: SLF001
