"""InfluxDB: what a record becomes there and back, against the real database, and the page that tells of it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from monitor.model.records import Measurement, StateChange, UnknownReason
from monitor.sinks.base import PortalLabels, RecordRejected, SinkUnavailable, WriteResult
from monitor.sinks.influxdb.line_protocol import (
    STATE_CHANGE,
    TAGS,
    LineProtocolEncoder,
    parse_measurement,
    parse_state_change,
    point_fields,
    point_time_ms,
)
from monitor.sinks.influxdb.sink import InfluxDBSettings, error_message, parse_retry_after
from probes.probe import Pool
from probes.registry import PROBE_KINDS
from probes.result import Fault, Hop, Outcome
from tests import factories
from tests.servers.influxdb import TOKEN, InfluxServer

ROOT = Path(__file__).parents[4]
BUCKETS = itertools.count()

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(
    ["Ủy ban nhân dân", 'nói "không"', "\\", '\\"', 'a\\\\"', "một\nhai\r\nba", "a,b=c d", "🙂", "\t#x", "'", "\0"]
)
FLOAT = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [5e-324, 1.7976931348623157e308, -0.0, 2**63]
)
INT = st.integers(-(2**63) + 1, 2**63 - 1)
NAME = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\\\n\r\0"), min_size=1, max_size=12)
VALUES = {bool: st.booleans(), int: INT, float: FLOAT, str: TEXT}
HOPS = st.lists(
    st.builds(
        Hop,
        url=TEXT,
        phases=st.dictionaries(st.sampled_from(list(factories.PHASES)), FLOAT),
        family=st.sampled_from([4, 6, None]),
        address=st.none() | TEXT,
        status=st.none() | st.integers(100, 599),
        location=st.none() | TEXT,
    ),
    max_size=3,
).map(tuple)


def values_of(kind: str) -> st.SearchStrategy[dict[str, object]]:
    metrics = {metric.name: VALUES[metric.type] for metric in PROBE_KINDS[kind].metrics if not metric.sum_of}
    return st.fixed_dictionaries({}, optional=metrics)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    kind = draw(st.sampled_from(list(PROBE_KINDS)))
    outcome = draw(st.sampled_from(Outcome))
    return Measurement(
        portal=draw(NAME),
        check=draw(NAME),
        location=draw(NAME),
        slot=draw(st.integers(0, 4_000_000_000)) * 1000,
        attempt=draw(st.integers(1, 5)),
        kind=kind,
        outcome=outcome,
        fault=draw(st.none() | st.sampled_from(Fault)),
        unknown_reason=draw(st.sampled_from(UnknownReason)) if outcome is Outcome.UNKNOWN else None,
        phase=draw(st.none() | st.sampled_from(list(factories.PHASES))),
        detail=draw(TEXT),
        started=draw(st.none() | INT),
        duration=draw(st.none() | FLOAT),
        start_delay=draw(st.none() | FLOAT),
        config=draw(TEXT),
        values=draw(values_of(kind)),
        hops=draw(HOPS),
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as running:
        yield running


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        measurements(), min_size=1, max_size=12, unique_by=lambda one: (one.key, one.location, one.slot, one.attempt)
    )
)
def test_a_measurement_comes_back_from_the_database_unchanged(server: InfluxServer, records: list[Measurement]):
    """Whatever text, number or hop it holds: every one once, nothing beside them, nothing different."""
    bucket = server.create(f"round_{next(BUCKETS)}")
    assert write(server, bucket, records) == WriteResult()
    found = [parse_measurement(kind, row, row) for kind in PROBE_KINDS for row in server.rows(kind, bucket)]
    assert sorted(found, key=_order) == sorted(records, key=_order)
    server.query(f'DROP DATABASE "{bucket}"')


def _order(one: Measurement) -> tuple[str, str, str, int, int]:
    return (one.portal, one.check, one.location, one.slot, one.attempt)


def write(server: InfluxServer, bucket: str, records: list[Measurement] | list[StateChange]) -> WriteResult:
    async def once() -> WriteResult:
        sink = InfluxDBSettings(url=server.url, token=TOKEN, bucket=bucket).open(
            "t", lambda _: PortalLabels("ministry", "bộ y tế, 1")
        )
        try:
            return await sink.write(records)
        finally:
            await sink.close()

    return asyncio.run(once())


def test_a_change_of_state_comes_back_as_it_was(server: InfluxServer):
    bucket = server.create("changes")
    changes = [factories.change(), factories.change(at=factories.SLOT + 1, fault=None, detail="", cause=2**53 + 1)]
    write(server, bucket, changes)
    assert [parse_state_change(row, row["time"], row) for row in server.rows(STATE_CHANGE, bucket)] == changes


def test_tags_are_these_and_types_are_the_declared_ones(server: InfluxServer):
    bucket = server.create("types")
    failed = factories.measurement(outcome=Outcome.DOWN, attempt=2, portal="x")
    unknown = factories.measurement(outcome=Outcome.UNKNOWN, portal="y")
    write(server, bucket, [factories.measurement(), failed, unknown])
    assert [row[0] for row in server.query('SHOW TAG KEYS FROM "uptime"', bucket)[0]["values"]] == list(TAGS)
    types = {"float": float, "integer": int, "string": str, "boolean": bool}
    stored = {name: types[kept] for name, kept in server.query('SHOW FIELD KEYS FROM "uptime"', bucket)[0]["values"]}
    assert stored == {name: kept for name, (kept, _) in point_fields("uptime").items() if name in stored}
    assert {
        "slot",
        "attempt",
        "outcome",
        "fault",
        "unknown_reason",
        "hops",
        "ssl",
        "status",
        "wait_seconds",
    } <= stored.keys()


def test_a_line_is_written_as_influxdb_recommends():
    """Tags sorted, a whole number in a float field still a float, integers marked, confirmation attempts a ms apart."""
    one = factories.measurement(attempt=3, duration=2, start_delay=None, config="", values={"status": 200, "ssl": True})
    line = LineProtocolEncoder(lambda _portal: PortalLabels("province", "hà nội")).encode(one)
    assert line == (
        "uptime,check=uptime,group=hà\\ nội,kind=province,location=hn-1,portal=ha-noi "
        f'slot={one.slot}i,attempt=3i,outcome="up",started={one.started}i,duration=2.0,status=200i,ssl=true '
        f"{one.slot + 2}"
    )
    assert point_time_ms(one) == one.slot + 2


def test_a_portal_that_left_the_configuration_has_no_kind_and_no_group():
    line = LineProtocolEncoder(lambda _portal: None).encode(factories.measurement())
    assert line.startswith("uptime,check=uptime,location=hn-1,portal=ha-noi ")


def test_labels_are_read_every_time():
    """A reload may move a portal to another group."""
    label = PortalLabels("province", "a")
    lines = LineProtocolEncoder(lambda _portal: label)
    assert "group=a," in lines.encode(factories.measurement())
    label = PortalLabels("province", "b")
    assert "group=b," in lines.encode(factories.measurement())


@pytest.mark.parametrize("value", [10**400, 2**63, "text", float("nan")])
def test_a_value_that_does_not_fit_is_dropped_and_counted(value: float):
    lines = LineProtocolEncoder(lambda _portal: None)
    assert "status" not in lines.encode(factories.measurement(values={"status": value}))
    assert "undeclared" not in lines.encode(factories.measurement(values={"undeclared": 1}))
    assert lines.dropped_values == 2


@pytest.mark.parametrize("portal", ["a\\", "a\nb", "a\rb", "a\0b"])
def test_a_name_that_would_break_its_line_is_rejected(portal: str):
    with pytest.raises(RecordRejected, match="cannot be a tag"):
        LineProtocolEncoder(lambda _portal: None).encode_all([factories.measurement(portal=portal)])


def test_no_field_has_the_name_of_a_tag():
    for kind in (*PROBE_KINDS, STATE_CHANGE):
        assert not point_fields(kind).keys() & {*TAGS, "time"}
    assert STATE_CHANGE not in PROBE_KINDS


def test_points_older_than_the_retention_are_counted_and_the_others_kept(server: InfluxServer):
    bucket = server.create("short", days=1)
    now = time.time_ns() // 1_000_000
    slots = [now - 5 * factories.DAY, now - 4 * factories.DAY, now]
    receipt = write(server, bucket, [factories.measurement(slot=slot) for slot in slots])
    assert receipt == WriteResult(expired_records=2)
    assert server.count("uptime", bucket) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"partial write: x dropped=1"}', "partial write: x dropped=1"),
        (b'{"code":"unauthorized","message":"unauthorized access"}', "unauthorized access"),
        (b'{"error":"partial write of line protocol occurred","data":[{"line_number":2}]}',
         "partial write of line protocol occurred [{'line_number': 2}]"),
        (b"<html><h1>502</h1></html>", ""),
        (b"Ngh\xe1\xbb\x89 tr\xc6\xb0a\n", "Nghỉ trưa"),
        (b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (None, ""),
    ],
)  # fmt: skip
def test_the_words_of_every_generation_are_understood(body: bytes | None, message: str):
    assert error_message(body) == message


def test_retry_after_is_a_number_or_a_date():
    assert parse_retry_after("120") == 120.0
    assert parse_retry_after("-3") == 0.0
    assert parse_retry_after(formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert parse_retry_after("soon") is None
    assert parse_retry_after(None) is None


@pytest.mark.parametrize(
    "block",
    [
        {"url": "influxdb:8086"},
        {"url": "http://user:secret@127.0.0.1:8086"},
        {"url": "http://127.0.0.1:8086?token=x"},
        {"url": "http://127.0.0.1:8086", "token": "a", "token_file": "b"},
        {"url": "http://127.0.0.1:8086", "bucket": ""},
        {"url": "http://127.0.0.1:8086", "tocken": "a"},
        {"url": "http://127.0.0.1:8086", "retention": {"raw": -1}},
    ],
)
def test_a_block_with_a_fault_is_refused(block: dict[str, object]):
    with pytest.raises(ValidationError):
        InfluxDBSettings.model_validate(block)


@pytest.mark.parametrize("token", ["two\nlines", "mã", "\x7f"])
def test_a_token_that_no_header_holds_is_refused_and_not_shown(token: str):
    with pytest.raises(SinkUnavailable) as caught:
        InfluxDBSettings(url="http://127.0.0.1:8086", token=SecretStr(token)).read_token()
    assert token not in str(caught.value)


def test_the_token_is_not_shown():
    assert "hush" not in repr(InfluxDBSettings(url="http://127.0.0.1:8086/", token=SecretStr("hush")))


def test_the_page_lists_the_fields_as_they_are_declared():
    """When this fails, put the tables it prints into docs/influxdb.md."""
    document = (ROOT / "docs" / "influxdb.md").read_text()
    for kind in (*PROBE_KINDS, STATE_CHANGE):
        assert table(kind) in document, table(kind)


def test_the_kinds_without_a_browser_have_the_same_fields():
    """As long as this holds, one table of the page serves them all."""
    assert (
        len({frozenset(point_fields(kind).items()) for kind, probe in PROBE_KINDS.items() if probe.pool is Pool.HTTP})
        == 1
    )


def table(kind: str) -> str:
    names = {int: "integer", float: "float", str: "string", bool: "boolean"}
    rows = [f"| `{name}` | {names[kept]} | {text} |" for name, (kept, text) in point_fields(kind).items()]
    return "\n".join(["| field | type | meaning |", "|---|---|---|", *rows])
