"""A seeded week of the demo fleet, written to a real InfluxDB that is killed twice: it holds what the journal holds.

The week is written to the journal, delivered by the sink consumer, sealed day by day, and then read from both places.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from monitor.model.records import Measurement, StateChange
from monitor.sinks.base import PortalLabels
from monitor.sinks.delivery import DeliveryPolicy
from monitor.sinks.influxdb.history import InfluxHistory
from monitor.sinks.influxdb.line_protocol import STATE_CHANGE, parse_measurement, parse_state_change
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.archive import catalog
from monitor.storage.archive.layout import STATE_CHANGE_KIND
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.seal import sweep
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.history.source import ArchiveHistory, HistoryReader
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JOURNAL_FILE, ArchiveUpdate, JournalReader, JournalWriter
from probes.registry import PROBE_KINDS
from tests.factories import DAY
from tests.monitor.cli.test_main import ROOT, write_portals
from tests.monitor.sinks.batch_writing import NAME, Seen, carrying, until
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.week import FIRST, HOUR, ZONE, Week

pytestmark = pytest.mark.slow

WEEK = Week()
SEALED = 6
"""Days of the week that are sealed; the last one is still in the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenWeek:
    """The week in both places, and what the journal held of it before the days were sealed."""

    server: InfluxServer
    settings: InfluxDBSettings
    directory: Path
    measurements: list[Measurement]
    changes: list[StateChange]

    @property
    def archive(self) -> ArchiveHistory:
        return ArchiveHistory(self.directory)

    @property
    def influxdb(self) -> InfluxHistory:
        return InfluxHistory(self.settings, self.directory)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenWeek]:
    directory = tmp_path_factory.mktemp("week")
    with InfluxServer(directory / "influx") as server:
        settings = InfluxDBSettings(url=server.url, token=TOKEN, bucket=server.create("week"))
        asyncio.run(deliver(server, settings, directory))
        with closing(JournalReader(directory / JOURNAL_FILE, PROBE_KINDS)) as reader:
            measurements = [one for kind in PROBE_KINDS for one in reader.measurements(kind=kind)]
            changes = reader.state_changes()
        seal(directory)
        yield WrittenWeek(
            server=server, settings=settings, directory=directory, measurements=measurements, changes=changes
        )


async def deliver(server: InfluxServer, settings: InfluxDBSettings, directory: Path) -> None:
    """Kill the database after the first day, and again while the other six are written."""
    journal, state_machine, seen = Journal.open(directory, PROBE_KINDS), WEEK.state_machine(), Seen()
    policy = DeliveryPolicy(batch_size=500, linger_seconds=0.02, initial_backoff_seconds=0.05, max_backoff_seconds=0.2)
    sink = settings.open(NAME, lambda portal: PortalLabels("province", f"nhóm {portal}"))
    async with carrying(journal, sink, seen, policy) as consumer:
        await WEEK.write_day(journal, state_machine, 0)
        await until(lambda: consumer.seq == journal.last_seq)
        server.kill()
        for day in range(1, WEEK.days):
            await WEEK.write_day(journal, state_machine, day)
        await until(lambda: seen("up") == 0)
        server.start()
        middle = consumer.seq + (journal.last_seq - consumer.seq) // 2
        await until(lambda: consumer.seq >= middle, 60.0)
        server.kill()
        assert consumer.seq < journal.last_seq, "it is killed while data is written"
        server.start()
        await until(lambda: consumer.seq == journal.last_seq, 60.0)
        assert seen("failures_total", failure="temporary") >= 1
        assert seen("quarantined_total") == seen("dropped_values_total") == seen("expired_total") == 0
    await journal.close()


def seal(directory: Path) -> None:
    """All days but the last become files, and their rows leave the journal."""
    with closing(JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)) as writer:
        request = SealRequest(directory=directory, zone=ZONE, grace_ms=0, now_ms=FIRST + SEALED * DAY)
        assert sweep(request, lambda update: _write(writer, update)) >= SEALED * len(PROBE_KINDS)
        for kind in PROBE_KINDS:
            for span in catalog.sealed_periods(catalog.load(directory), kind):
                sql = f"DELETE FROM measurement_{kind} WHERE slot >= ? AND slot < ? AND seq <= ?"
                writer.write([ArchiveUpdate(statements=((sql, (span.since_ms, span.until_ms, span.through)),))])


def _write(writer: JournalWriter, update: ArchiveUpdate) -> None:
    writer.write([update])


def test_every_point_is_there_once_with_the_values_of_the_journal(written: WrittenWeek):
    """All fields of all measurements and changes, read point by point and not by our own reading of history."""
    found = [parse_measurement(kind, row, row) for kind in PROBE_KINDS for row in written.server.rows(kind, "week")]
    assert len(found) == len(written.measurements) > 12_000
    assert sorted(found, key=_order) == sorted((replace(one, seq=0) for one in written.measurements), key=_order)
    changes = [parse_state_change(row, row["time"], row) for row in written.server.rows(STATE_CHANGE, "week")]
    assert len(changes) == len(written.changes) > 50
    assert sorted(changes, key=repr) == sorted((replace(one, seq=0) for one in written.changes), key=repr)


def _order(one: Measurement) -> tuple[str, str, str, int, int]:
    return (one.portal, one.check, one.location, one.slot, one.attempt)


def rows(source: HistoryReader, window: HistoryWindow) -> list[tuple[object, ...]]:
    return [row for batch in source.measurements(window) for row in zip(*batch.values(), strict=True)]


@pytest.mark.parametrize("kind", PROBE_KINDS)
def test_history_from_influxdb_equals_history_from_the_archive(written: WrittenWeek, kind: str):
    whole = HistoryWindow(kind=kind)
    wanted = rows(written.archive, whole)
    assert rows(written.influxdb, whole) == wanted
    assert len(wanted) == sum(one.kind == kind for one in written.measurements)
    some = HistoryWindow(
        kind=kind,
        since_ms=FIRST + DAY + 3 * HOUR,
        until_ms=FIRST + 6 * DAY + 7 * HOUR,  # from the middle of a sealed day into the one that is not
        portals=frozenset({written.measurements[0].portal, written.measurements[-1].portal}),
    )
    assert rows(written.influxdb, some) == rows(written.archive, some) != []
    assert written.influxdb.count(some) == written.archive.count(some) == len(rows(written.archive, some))


def test_state_changes_and_states_in_force_are_the_same(written: WrittenWeek):
    assert list(written.influxdb.state_changes()) == list(written.archive.state_changes())
    for day in range(WEEK.days + 1):
        assert written.influxdb.states_at(FIRST + day * DAY) == written.archive.states_at(FIRST + day * DAY)


def test_questions_in_sql_have_the_same_answers(written: WrittenWeek):
    """The queries of scores return equal values, down to the last bit of a quantile."""
    aggregates = (
        "SELECT portal, COUNT(*), COUNT(*) FILTER (outcome = 'up'), quantile_cont(duration, [0.75, 0.95]), "
        "MAX(wait_seconds), COUNT(*) FILTER (duration < 0.1) FROM uptime WHERE attempt = 1 GROUP BY portal ORDER BY 1"
    )
    changes = f'SELECT portal, "at", state, previous, fault, detail, cause FROM {STATE_CHANGE_KIND} ORDER BY ALL'
    answers = []
    for source in (written.archive, written.influxdb):
        reader_of_source: HistoryReader = source
        with reader_of_source.connect([*PROBE_KINDS, STATE_CHANGE_KIND], FIRST, FIRST + 7 * DAY) as db:
            answers.append([db.execute(sql).fetchall() for sql in (aggregates, changes, "FROM latency ORDER BY ALL")])
    assert answers[0] == answers[1]
    assert all(answers[0])


def test_an_export_is_the_same_file_wherever_it_is_read_from(written: WrittenWeek, tmp_path: Path):
    config = tmp_path / "config"
    config.mkdir()
    influxdb = {"url": written.settings.url, "bucket": "week", "token": "${INFLUX_TOKEN}"}
    settings = {"history": {"source": "influxdb"}, "checks": {"uptime": {}}, "sinks": {"influxdb": influxdb}}
    (config / "monitor.yaml").write_text(yaml.safe_dump(settings))
    write_portals(config, "ha-noi")
    files = []
    for words in ([], ["--from", "influxdb"], ["--from", "archive"]):
        files.append(tmp_path / f"{len(files)}.csv")
        command = [sys.executable, "-m", "monitor", "history", "export", str(files[-1]), "--kind", "latency"]
        done = subprocess.run(
            [*command, "--data", str(written.directory), "--config", str(config), *words],
            cwd=ROOT, env={**os.environ, "INFLUX_TOKEN": TOKEN}, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    first, *others = [file.read_bytes() for file in files]
    assert others == [first, first]
    assert first.count(b"\n") > 3000
