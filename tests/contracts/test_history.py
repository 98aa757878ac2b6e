"""What holds for history wherever it is read from: the same rows, in the same order, of the same types."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.cli.history_source import configured_history
from monitor.config import load
from monitor.model.records import Measurement, State, StateChange, UnknownReason
from monitor.sinks.base import PortalLabels
from monitor.sinks.influxdb import client as sinks_server
from monitor.sinks.influxdb import history, queries
from monitor.sinks.influxdb.history import InfluxHistory
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.archive.layout import STATE_CHANGE_KIND
from monitor.storage.history.reader import STATE_CHANGE_COLUMNS, HistoryWindow, history_columns
from monitor.storage.history.source import ArchiveHistory, HistoryReader
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, JournalError, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import DAY, MINUTE, SLOT
from tests.monitor.cli.test_main import write_portals
from tests.monitor.sinks.influxdb.test_sink import measurements
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port

BUCKETS = itertools.count()
TIMES = ("duration", "start_delay")
ODD = ["hà-nội", 'a"b', "o'ng", "a,b=c d", 'x y\'s "z"']
"""Portals whose names need care in line protocol, in InfluxQL and in SQL."""


@dataclass(frozen=True, slots=True)
class Both:
    """The same records in a journal and in a bucket."""

    directory: Path
    server: InfluxServer
    keys: InfluxDBSettings

    @property
    def archive(self) -> HistoryReader:
        return ArchiveHistory(self.directory)

    @property
    def influxdb(self) -> HistoryReader:
        return InfluxHistory(self.keys, self.directory)

    def send(self, records: Sequence[Measurement | StateChange], label: PortalLabels | None = None) -> None:
        async def once() -> None:
            sink = self.keys.open("t", lambda _portal: label)
            try:
                assert (await sink.write(records)).dropped_values == 0
            finally:
                await sink.close()

        asyncio.run(once())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as running:
        yield running


def both(
    server: InfluxServer, directory: Path, records: Sequence[Measurement], changes: Sequence[StateChange] = ()
) -> Both:
    """Journal them, and send what the journal kept of them, as the sink consumer does."""
    with closing(JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)) as writer:
        kept = writer.write([*records, CheckpointUpdate(consumer="states", seq=0, changes=tuple(changes))])
    bucket = server.create(f"history_{next(BUCKETS)}")
    two = Both(directory, server, InfluxDBSettings(url=server.url, token=TOKEN, bucket=bucket, timeout=2.0))
    if kept:
        two.send(kept, PortalLabels("province", "nhóm 1"))
    return two


def rows(source: HistoryReader, window: HistoryWindow, batch: int = 10_000) -> list[list[tuple[type, object]]]:
    """The rows, each value with its type."""
    batches = list(source.measurements(window, batch))
    for one in batches:
        assert list(one) == [column.name for column in history_columns(window.kind)]
        assert {len(values) for values in one.values()} <= set(range(1, batch + 1))
    return [[(type(value), value) for value in row] for one in batches for row in zip(*one.values(), strict=True)]


def fleet() -> list[Measurement]:
    """Every kind and outcome, confirmed twice, seen from two places, at portals with odd names, in no order."""
    found = []
    for slot, portal, location, kind in itertools.product(range(6), ODD, ("hn-1", "dn-1"), PROBE_KINDS):
        base = {"slot": SLOT + slot * MINUTE, "portal": portal, "location": location, "kind": kind}
        if slot % 3 == 1:
            found += [
                factories.measurement(**base, attempt=attempt, outcome=Outcome.DOWN, detail=f'{portal}\n\\"{attempt}')
                for attempt in (3, 1, 2)
            ]
        elif slot % 3 == 2:
            found.append(
                factories.measurement(**base, outcome=Outcome.UNKNOWN, unknown_reason=list(UnknownReason)[slot])
            )
        else:
            found.append(factories.measurement(**base, check=f"{kind}-search", detail="", config=""))
    return [declared(one) for one in found[::2] + found[1::2]]


def declared(one: Measurement) -> Measurement:
    """The record with those values alone that its kind measures."""
    known = {metric.name for metric in PROBE_KINDS[one.kind].metrics}
    return replace(one, values={name: value for name, value in one.values.items() if name in known})


def changes() -> list[StateChange]:
    return [
        factories.change(at=SLOT, state=State.UP, previous=State.UNKNOWN, fault=None, detail="", cause=1),
        factories.change(at=SLOT + 1, portal=ODD[0], detail='"Hỏng"\\', cause=4),
        factories.change(at=SLOT + 1, portal=ODD[0], location="dn-1", cause=3),
        factories.change(at=SLOT + MINUTE, portal=ODD[1], fault=Fault.BLOCKED, cause=2**53 + 1),
        factories.change(at=SLOT + 200 * DAY, state=State.MAINTENANCE, previous=State.UP, cause=9),
    ]


@pytest.fixture(scope="module")
def two(server: InfluxServer, tmp_path_factory: pytest.TempPathFactory) -> Both:
    return both(server, tmp_path_factory.mktemp("both"), fleet(), changes())


def timed(one: Measurement) -> Measurement:
    """Durations are real numbers in the journal, whatever else InfluxDB takes for one."""
    real = {name: value if value is None else float(value) for name in TIMES for value in [getattr(one, name)]}
    return replace(one, **real)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        measurements().map(timed), max_size=12, unique_by=lambda one: (one.key, one.location, one.slot, one.attempt)
    )
)
def test_any_measurement_reads_the_same_from_both(server: InfluxServer, records: list[Measurement]):
    """Whatever text, extreme number, outcome or hop it holds."""
    with TemporaryDirectory() as scratch:
        made = both(server, Path(scratch), records)
        for kind in PROBE_KINDS:
            wanted = rows(made.archive, HistoryWindow(kind=kind))
            assert rows(made.influxdb, HistoryWindow(kind=kind)) == wanted
            assert (
                len(wanted) == sum(one.kind == kind for one in records) == made.influxdb.count(HistoryWindow(kind=kind))
            )
            with made.archive.connect([kind], 0, 2**62) as ours, made.influxdb.connect([kind], 0, 2**62) as theirs:
                sql = f"FROM {kind} ORDER BY ALL"
                assert theirs.execute(sql).fetchall() == ours.execute(sql).fetchall()


@pytest.mark.parametrize("batch", [1, 7, 10_000])
@pytest.mark.parametrize("chunk", [1, 3, 5000])
def test_batches_and_parts_change_nothing(two: Both, batch: int, chunk: int, monkeypatch: pytest.MonkeyPatch):
    """Confirmation attempts come with their slot, though their time is after that of others."""
    monkeypatch.setattr(history, "CHUNK_ROWS", chunk)
    for kind in PROBE_KINDS:
        assert (
            rows(two.influxdb, HistoryWindow(kind=kind), batch)
            == rows(two.archive, HistoryWindow(kind=kind), batch)
            != []
        )


@pytest.mark.parametrize("longest", [queries.MAX_CONDITION_BYTES, 0])
@pytest.mark.parametrize(
    "narrow",
    [
        {"since_ms": SLOT + MINUTE},
        {"since_ms": SLOT + MINUTE + 1},
        {"until_ms": SLOT + MINUTE},
        {"until_ms": SLOT + MINUTE + 1},
        {"since_ms": SLOT + MINUTE, "until_ms": SLOT + MINUTE + 1},
        {"since_ms": SLOT + MINUTE + 1, "until_ms": SLOT + 2 * MINUTE},
        {"since_ms": SLOT + 2 * MINUTE, "until_ms": SLOT + MINUTE},
        {"portals": frozenset({ODD[1], ODD[2], "absent"})},
        {"portals": frozenset(ODD), "checks": frozenset({"uptime-search", "latency"})},
        {"checks": frozenset({"uptime"}), "since_ms": SLOT + 2 * MINUTE},
        {"portals": frozenset()},
        {"checks": frozenset({"nothing"})},
    ],
)
def test_a_window_cuts_both_alike(two: Both, narrow: dict[str, object], longest: int, monkeypatch: pytest.MonkeyPatch):
    """Whether the server picks out portals and checks, or there are too many for the query."""
    monkeypatch.setattr(queries, "MAX_CONDITION_BYTES", longest)
    for kind in PROBE_KINDS:
        window = HistoryWindow(kind=kind, **narrow)  # type: ignore[arg-type] - as given
        wanted = rows(two.archive, window)
        assert rows(two.influxdb, window) == wanted
        assert two.influxdb.count(window) == two.archive.count(window) == len(wanted)


@pytest.mark.parametrize(
    "narrow",
    [
        {},
        {"since_ms": SLOT + 1},
        {"since_ms": SLOT + 1, "until_ms": SLOT + MINUTE},
        {"portals": frozenset({ODD[0]})},
        {"portals": frozenset()},
        {"batch_rows": 2},
    ],
)
def test_state_changes_are_the_same(two: Both, narrow: dict[str, object]):
    wanted = list(two.archive.state_changes(**narrow))  # type: ignore[arg-type] - as given
    assert list(two.influxdb.state_changes(**narrow)) == wanted  # type: ignore[arg-type] - as given
    assert all(list(one) == [column.name for column in STATE_CHANGE_COLUMNS] for one in wanted)


@pytest.mark.parametrize("at", [0, SLOT - 1, SLOT, SLOT + 1, SLOT + MINUTE, SLOT + 200 * DAY, 2**62])
def test_states_in_force_are_the_same(two: Both, at: int):
    assert two.influxdb.states_at(at) == two.archive.states_at(at)


def test_sql_sees_the_same_window(two: Both):
    """Those columns that are named; state changes with their cause, and without the number that only a journal has."""
    answers = []
    for source in (two.archive, two.influxdb):
        with source.connect(["uptime", "latency"], SLOT + MINUTE, SLOT + 2 * MINUTE, ["detail", "status"]) as db:
            found = [db.execute(f"FROM {kind} ORDER BY ALL") for kind in ("uptime", "latency")]
            answers.append([(one.description, one.fetchall()) for one in found])
    assert answers[0] == answers[1]
    with two.influxdb.connect([STATE_CHANGE_KIND], 0, 2**62) as db:
        found = db.execute(f"SELECT cause, seq FROM {STATE_CHANGE_KIND} ORDER BY cause").fetchall()
    assert found == [(1, None), (3, None), (4, None), (9, None), (2**53 + 1, None)]


def test_a_record_in_two_series_is_one_row(server: InfluxServer, tmp_path: Path):
    """The portal changed its group between a write and its repetition: tags differ, the record does not."""
    made = both(server, tmp_path, fleet(), changes())
    made.send([*fleet()[:40], *changes()[:2]], PortalLabels("ministry", "bo-y-te"))
    for kind in PROBE_KINDS:
        assert rows(made.influxdb, HistoryWindow(kind=kind), 7) == rows(made.archive, HistoryWindow(kind=kind), 7)
    assert list(made.influxdb.state_changes()) == list(made.archive.state_changes())


def test_points_of_another_program_are_no_rows(server: InfluxServer, tmp_path: Path):
    made = both(server, tmp_path, fleet())
    made.server.write_raw(f"uptime,portal=x other=1i {SLOT}\nuptime,portal=x slot={SLOT}i {SLOT}", made.keys.bucket)
    assert rows(made.influxdb, HistoryWindow(kind="uptime")) == rows(made.archive, HistoryWindow(kind="uptime"))


def test_gaps_of_years_are_passed_over(server: InfluxServer, tmp_path: Path):
    records = [factories.measurement(slot=slot) for slot in (1000, SLOT, SLOT + DAY - 1, SLOT + DAY, SLOT + 3000 * DAY)]
    made = both(server, tmp_path, records)
    assert rows(made.influxdb, HistoryWindow(kind="uptime")) == rows(made.archive, HistoryWindow(kind="uptime"))


def test_an_empty_bucket_has_no_rows(server: InfluxServer, tmp_path: Path):
    made = both(server, tmp_path, [])
    assert rows(made.influxdb, HistoryWindow(kind="uptime")) == []
    assert made.influxdb.count(HistoryWindow(kind="uptime")) == 0
    assert made.influxdb.states_at() == made.archive.states_at()
    with made.influxdb.connect(["uptime"], 0, 2**62) as db:
        assert db.execute("SELECT COUNT(*) FROM uptime").fetchone() == (0,)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"bucket": "never_created"}, "query failed: database not found: never_created"),
        ({"token": "wrong"}, "the token is wrong or missing for"),
        ({"url": "absent"}, "cannot be reached"),
        ({"token": "mã"}, "the token holds characters that are not allowed in a header"),
    ],
)
def test_a_database_that_cannot_be_read_is_reported(two: Both, keys: dict[str, str], words: str):
    if "url" in keys:
        keys = {"url": f"http://127.0.0.1:{free_port()}"}
    given_keys = {"url": two.keys.url, "token": TOKEN, "bucket": two.keys.bucket, **keys}
    source = InfluxHistory(InfluxDBSettings.model_validate(given_keys), two.directory)
    for call in (
        lambda: list(source.measurements(HistoryWindow(kind="uptime"))),
        lambda: source.count(HistoryWindow(kind="uptime")),
        source.states_at,
    ):
        with pytest.raises(JournalError, match="history cannot be read from InfluxDB") as caught:
            call()
        assert words in str(caught.value)


def test_a_kind_that_does_not_exist_is_reported(two: Both):
    for source in (two.archive, two.influxdb):
        with pytest.raises(JournalError, match="probe kind 'gopher' is not one of uptime"):
            list(source.measurements(HistoryWindow(kind="gopher")))


def test_a_database_that_dies_meanwhile_does_not_make_history_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with InfluxServer(tmp_path / "influx") as server:
        made = both(server, tmp_path, [factories.measurement(slot=SLOT + day * DAY) for day in range(20)])
        batches = made.influxdb.measurements(HistoryWindow(kind="uptime"), 2)
        next(batches)
        server.kill()
        with pytest.raises(JournalError, match="history cannot be read from InfluxDB"):
            list(batches)


def test_a_database_that_hangs_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sinks_server, "STREAM_TIMEOUT_SECONDS", 0.3)
    with InfluxServer(tmp_path / "influx") as server:
        made = both(server, tmp_path, fleet())
        source = InfluxHistory(made.keys.model_copy(update={"timeout": 0.3}), tmp_path)
        assert rows(source, HistoryWindow(kind="uptime")) == rows(made.archive, HistoryWindow(kind="uptime"))
        server.halt()
        try:
            with pytest.raises(JournalError, match="history cannot be read from InfluxDB"):
                list(source.measurements(HistoryWindow(kind="uptime")))
        finally:
            server.go_on()


def test_user_and_password_of_1x_open_it(tmp_path: Path):
    with InfluxServer(tmp_path / "influx") as server:
        made = both(server, tmp_path, fleet(), changes())
        server.guard("reader", "mot:hai")
        keys = made.keys.model_copy(update={"url": server.direct, "token": SecretStr("reader:mot:hai")})
        source = InfluxHistory(keys, tmp_path)
        assert rows(source, HistoryWindow(kind="uptime")) == rows(made.archive, HistoryWindow(kind="uptime"))
        assert list(source.state_changes()) == list(made.archive.state_changes())
        wrong = InfluxHistory(keys.model_copy(update={"token": SecretStr("reader:wrong")}), tmp_path)
        with pytest.raises(JournalError, match="the token is wrong or missing"):
            wrong.count(HistoryWindow(kind="uptime"))


def test_the_source_is_the_configured_one_unless_given(two: Both, tmp_path: Path):
    write_portals(tmp_path, "ha-noi")
    sinks = f"sinks: {{influxdb: {{url: '{two.keys.url}'}}}}\nchecks: {{uptime: {{}}}}\n"
    (tmp_path / "monitor.yaml").write_text(f"history: {{source: influxdb}}\n{sinks}")
    configured = load(tmp_path).settings
    assert isinstance(configured_history(configured, tmp_path), InfluxHistory)
    assert isinstance(configured_history(configured, tmp_path, "archive"), ArchiveHistory)
    (tmp_path / "monitor.yaml").write_text("checks: {uptime: {}}\n")
    plain = load(tmp_path).settings
    assert isinstance(configured_history(plain, tmp_path), ArchiveHistory)
    with pytest.raises(JournalError, match=r"has no sinks\.influxdb"):
        configured_history(plain, tmp_path, "influxdb")
