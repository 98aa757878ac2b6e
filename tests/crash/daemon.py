"""A whole daemon that is started to be killed: real packages, short intervals, and a page that shows its stages."""

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
from monitor.storage.archive import job as archive_job
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import ArchiveUpdate, CheckpointUpdate, JournalWriter
from monitor.storage.rollups import job as rollup_job
from tests.crash.nursery import detach
from tests.crash.stages import Page, watch

if TYPE_CHECKING:
    from monitor.alerting.dispatcher import NotificationDispatcher
    from monitor.model.incidents import Message
    from monitor.storage.journal.store import JournalEntry

apprise.Apprise.instantiate("json://localhost/")  # the same

SHORTLY_REACHED = ("probe", "commit", "states", "incidents", "alert", "deliver", "rollup", "seal", "score")
STAGES = (*SHORTLY_REACHED, "trim")
"""Rows leave the journal when all rollups have passed them, for which one run is mostly too short."""


def run_daemon(directory: Path, config: Path, run_number: int) -> None:
    """Run the child: what ``portal-monitor run`` does, with short intervals."""
    detach(directory.with_name("daemon.log"))
    configure_logging("json", "warning")
    shorten_intervals()
    watch_stages(Page(directory.with_name("page"), STAGES))
    record_progress(os.open(directory.with_name("progress"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), run_number)
    asyncio.run(Daemon(load(config), directory).run())


def shorten_intervals() -> None:
    """Shorten all intervals of minutes; rows are trimmed as soon as they are sealed and old."""
    consumers.CHECKPOINT_SECONDS = incident_consumer.CHECKPOINT_SECONDS = 0.05
    archive_job.SWEEP_INTERVAL_SECONDS, archive_job.TRIM_PAUSE_SECONDS = 0.2, 0.002
    archive_job.MIN_SEALED_AGE_MS, archive_job.TRIM_CHUNK_ROWS = 0, 2
    rollup_job.SWEEP_INTERVAL_SECONDS = 0.2
    scores_job.FIRST_RUN_SECONDS = 0.3


def watch_stages(page: Page) -> None:
    """Mark every stage while it runs, without a change of behaviour."""
    watch(page, runner, "run_probe", "probe")
    watch(page, JournalWriter, "write", "commit")
    watch(page, Journal, "commit", _stored)
    watch(page, dispatcher.NotificationDispatcher, "_deliver", "alert")
    watch(page, delivery.SinkConsumer, "_advance_checkpoint", "deliver")
    watch(page, influxdb.InfluxDBSink, "write", lambda sink, _records: "rollup" if "-" in sink.name else "deliver")
    watch(page, rollup_job.RollupJob, "_run_worker", "rollup")
    watch(page, archive_job.ArchiveJob, "_run_worker", "seal")
    watch(page, scores_job.ScoreJob, "run_once", "score")


def _stored(_journal: Journal, entry: JournalEntry) -> str:
    """Return the stage that waits for this entry to be durable."""
    if isinstance(entry, CheckpointUpdate):
        return {consumers.STATES_CONSUMER: "states", incident_consumer.INCIDENTS_CONSUMER: "incidents"}.get(
            entry.consumer, "rollup"
        )
    trimming = isinstance(entry, ArchiveUpdate) and entry.statements[0][0].startswith("DELETE FROM measurement_")
    return "trim" if trimming else ""


def record_progress(descriptor: int, run_number: int) -> None:
    """Record in a file what is guaranteed: committed measurements, notifications sent and completed."""

    def write(*words: object) -> None:
        os.write(descriptor, (" ".join(map(str, (run_number, *words))) + "\n").encode())

    submit, deliver, complete = (
        Journal.submit,
        dispatcher.NotificationDispatcher._deliver,  # noqa: SLF001
        dispatcher.NotificationDispatcher._complete,  # noqa: SLF001
    )

    @wraps(submit)
    def submitting(journal: Journal, entry: JournalEntry) -> asyncio.Future[None]:
        done = submit(journal, entry)
        if isinstance(entry, Measurement):
            done.add_done_callback(
                lambda one: (
                    one.cancelled()
                    or one.exception()
                    or write(
                        "committed", entry.kind, entry.portal, entry.check, entry.location, entry.slot, entry.attempt
                    )
                )
            )
        return done

    def naming(word: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(inner)
        async def named(one: NotificationDispatcher, ready: tuple[Message, ...], *more: object) -> None:
            names = [f"{message.incident}#{message.number}" for message in ready]
            if word == "sends":
                write(word, *names)
            await inner(one, ready, *more)
            if word == "completed":
                write(word, *names)

        return named

    Journal.submit = submitting  # type: ignore[method-assign]
    dispatcher.NotificationDispatcher._deliver = naming("sends", deliver)  # type: ignore[method-assign]  # noqa: SLF001
    dispatcher.NotificationDispatcher._complete = naming("completed", complete)  # type: ignore[method-assign]  # noqa: SLF001
