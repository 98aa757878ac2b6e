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
from monitor.daemon.logs import set_up_logs
from monitor.model.records import Measurement
from monitor.prober import runner
from monitor.sinks import delivery
from monitor.sinks.influxdb import sink as influxdb
from monitor.states import consumers
from monitor.storage.archive import job as keeper
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import Advance, Chore, Writer
from monitor.storage.rollups import job
from tests.crash.nursery import settle_in
from tests.crash.stages import Page, watch

if TYPE_CHECKING:
    from monitor.alerting.dispatcher import TargetCourier
    from monitor.model.incidents import Message
    from monitor.storage.journal.store import Entry

apprise.Apprise.instantiate("json://localhost/")  # the same

SHORTLY_REACHED = ("look", "commit", "states", "incidents", "alert", "deliver", "rollup", "seal", "score")
STAGES = (*SHORTLY_REACHED, "trim")
"""Rows leave the journal when all rollups have passed them, for which a life is mostly too short."""


def begin(directory: Path, config: Path, life: int) -> None:
    """The child's whole life: what ``portal-monitor run`` does, with beats that a test can wait for."""
    settle_in(directory.with_name("daemon.log"))
    set_up_logs("json", "warning")
    hasten()
    observed(Page(directory.with_name("page"), STAGES))
    _tell(os.open(directory.with_name("told"), os.O_WRONLY | os.O_CREAT | os.O_APPEND), life)
    asyncio.run(Daemon(load(config), directory).run())


def hasten() -> None:
    """All that waits for minutes waits for a moment; rows may leave as soon as they are sealed and old."""
    consumers.REMARK_SECONDS = incident_consumer.REMARK_SECONDS = 0.05
    keeper.EVERY, keeper.PAUSE, keeper.SETTLED, keeper.CHUNK = 0.2, 0.002, 0, 2
    job.EVERY = 0.2
    scores_job.FIRST = 0.3


def observed(page: Page) -> None:
    """Let every stage tell when it is at work; nothing is changed by that."""
    watch(page, runner, "observe", "look")
    watch(page, Writer, "write", "commit")
    watch(page, Journal, "commit", _stored)
    watch(page, dispatcher.TargetCourier, "_deliver", "alert")
    watch(page, delivery.Courier, "_step", "deliver")
    watch(page, influxdb.InfluxDBSink, "write", lambda sink, _records: "rollup" if "-" in sink.name else "deliver")
    watch(page, job.RollupKeeper, "_once", "rollup")
    watch(page, keeper.Keeper, "_converse", "seal")
    watch(page, scores_job.ScoreKeeper, "once", "score")


def _stored(_journal: Journal, entry: Entry) -> str:
    """The stage that waits for this entry to be durable."""
    if isinstance(entry, Advance):
        return {consumers.STATES: "states", incident_consumer.INCIDENTS: "incidents"}.get(entry.reader, "rollup")
    trimming = isinstance(entry, Chore) and entry.statements[0][0].startswith("DELETE FROM look_")
    return "trim" if trimming else ""


def _tell(mouth: int, life: int) -> None:
    """Write down, in a file that outlives us, what is promised: looks that are facts, letters begun and settled."""

    def say(*words: object) -> None:
        os.write(mouth, (" ".join(map(str, (life, *words))) + "\n").encode())

    put, begun, settled = Journal.put, dispatcher.TargetCourier._deliver, dispatcher.TargetCourier._settle  # noqa: SLF001

    @wraps(put)
    def putting(journal: Journal, entry: Entry) -> asyncio.Future[None]:
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
        async def named(one: TargetCourier, ready: tuple[Message, ...], *more: object) -> None:
            names = [f"{message.incident}#{message.number}" for message in ready]
            if word == "sends":
                say(word, *names)
            await inner(one, ready, *more)
            if word == "settled":
                say(word, *names)

        return named

    Journal.put = putting  # type: ignore[method-assign]
    dispatcher.TargetCourier._deliver = naming("sends", begun)  # type: ignore[method-assign]  # noqa: SLF001
    dispatcher.TargetCourier._settle = naming("settled", settled)  # type: ignore[method-assign]  # noqa: SLF001
