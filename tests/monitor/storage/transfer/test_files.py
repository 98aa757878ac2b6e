"""What goes out comes back the same, a file is whole or absent, and a bad file changes nothing."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.model.records import Measurement, UnknownReason
from monitor.storage.history import reader as history
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.store import JOURNAL_FILE, DirectoryLock, JournalError, JournalReader, JournalWriter
from monitor.storage.transfer import files, formats
from monitor.storage.transfer.files import DataFormat, TransferError
from probes.registry import PROBE_KINDS
from probes.result import Fault, Hop, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).parents[4]
FORMATS = list(DataFormat)
UPTIME = HistoryWindow(kind="uptime")


def journal(directory: Path, measurements: Iterable[Measurement]) -> Path:
    """A journal with these measurements."""
    directory.mkdir(exist_ok=True)
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    writer.write(list(measurements))
    writer.close()
    return directory


def content(directory: Path) -> dict[tuple[Any, ...], Measurement]:
    """All measurements of a journal by identity, sequence numbers left out."""
    reader = JournalReader(directory / JOURNAL_FILE, PROBE_KINDS)
    found = [one for kind in PROBE_KINDS for one in reader.measurements(kind=kind)]
    reader.close()
    return {identity(one): replace(one, seq=0) for one in found}


def identity(one: Measurement) -> tuple[Any, ...]:
    return (one.kind, one.portal, one.check, one.location, one.slot, one.attempt)


# ---- round trips

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12) | st.sampled_from(
    [
        "Cổng Dịch vụ công",
        "Đà Nẵng",
        '"quoted"',
        "a,b;c",
        "two\nlines\r\n",
        "=1+1",
        "\\N",
        "null",
        "nan",
        "true",
        "\ufeff",
    ]
)
WHOLE = st.integers(1 - 2**63, 2**63 - 1)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[Any, st.SearchStrategy[Any]] = {bool: st.booleans(), int: WHOLE, float: st.floats(), str: WORDS}


@st.composite
def hops(draw: st.DrawFn) -> Hop:
    return Hop(
        url=draw(WORDS),
        phases=draw(st.dictionaries(st.sampled_from(["resolve", "wait"]), FINITE)),
        family=draw(st.sampled_from([None, 4, 6])),
        address=draw(st.none() | WORDS),
        status=draw(st.none() | st.integers(100, 599)),
        location=draw(st.none() | WORDS),
    )


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    """Anything that the daemon could record, and odder records."""
    kind = draw(st.sampled_from(list(PROBE_KINDS)))
    outcome = draw(st.sampled_from(Outcome))
    metrics = history.history_columns(kind)[len(history.BASE_COLUMNS) :]
    return Measurement(
        portal=draw(WORDS),
        check=draw(WORDS),
        location=draw(WORDS),
        slot=draw(st.integers(0, 253_402_300_799_999)),
        attempt=draw(st.integers(1, 9)),
        kind=kind,
        outcome=outcome,
        fault=None if outcome is Outcome.UP else draw(st.none() | st.sampled_from(Fault)),
        unknown_reason=draw(st.sampled_from(UnknownReason)) if outcome is Outcome.UNKNOWN else None,
        phase=draw(st.none() | WORDS),
        detail=draw(WORDS | st.just("")),
        started=draw(st.none() | st.integers(0, 253_402_300_799_999)),
        duration=draw(st.none() | FINITE),
        start_delay=draw(st.none() | FINITE),
        config=draw(WORDS | st.just("")),
        values=draw(st.fixed_dictionaries({}, optional={metric.name: VALUES[metric.type] for metric in metrics})),
        hops=tuple(draw(st.lists(hops(), max_size=3))),
    )


def occurred(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(measurements(), min_size=1, max_size=8))
def test_every_format_gives_back_the_records(records: list[Measurement]):
    expected: dict[tuple[Any, ...], Measurement] = {}
    for one in records:
        kept = {name: value for name, value in one.values.items() if occurred(value)}
        expected.setdefault(identity(one), replace(one, values=kept))
    with tempfile.TemporaryDirectory() as scratch:
        source = journal(Path(scratch) / "source", records)
        stored = content(source)
        assert stored == expected
        for file_format in FORMATS:
            target = Path(scratch) / file_format
            written = files.export(
                source, [HistoryWindow(kind=kind) for kind in PROBE_KINDS], Path(scratch) / "out", file_format
            )
            for file in written:
                assert file.path is not None
                done = files.import_(target, file.path)
                assert (done.rows_read, done.added, done.already_present) == (file.rows, file.rows, 0)
            assert content(target) == stored, file_format


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Successful, failed and unknown slots of both kinds."""
    return journal(
        tmp_path / "source",
        [
            *factories.measurements(30),
            factories.measurement(slot=SLOT + 30 * MINUTE, outcome=Outcome.DOWN),
            factories.measurement(
                slot=SLOT + 31 * MINUTE, outcome=Outcome.UNKNOWN, detail="the daemon was not running"
            ),
            *factories.measurements(5, kind="latency"),
        ],
    )


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_second_import_adds_nothing(tmp_path: Path, source: Path, file_format: DataFormat):
    file = tmp_path / f"uptime.{file_format}"
    progress: list[tuple[int, int | None]] = []
    (written,) = files.export(source, UPTIME, file, file_format, lambda *both: progress.append(both))
    assert written == files.ExportedFile(kind="uptime", path=file, rows=32)
    assert progress[-1] == (32, 32)
    target = tmp_path / "target"
    assert files.import_(target, file, file_format, lambda *both: progress.append(both)).added == 32
    assert progress[-1] == (32, 32)
    before = content(target)
    assert files.import_(target, file) == files.ImportResult(rows_read=32, added=0, already_present=32)
    assert content(target) == before


def test_several_kinds_go_into_a_directory(tmp_path: Path, source: Path):
    out = tmp_path / "new" / "folder"
    written = files.export(source, [HistoryWindow(kind=kind) for kind in PROBE_KINDS], out, "csv")
    assert [(file.kind, file.path, file.rows) for file in written] == [
        ("uptime", out / "uptime.csv", 32),
        ("latency", out / "latency.csv", 5),
        ("mobile", out / "mobile.csv", 0),
    ]
    (alone,) = files.export(source, HistoryWindow(kind="latency"), out, "jsonl")
    assert alone.path == out / "latency.jsonl"
    assert {file.name for file in out.iterdir()} == {"uptime.csv", "latency.csv", "mobile.csv", "latency.jsonl"}


@pytest.mark.parametrize("file_format", FORMATS)
def test_an_empty_window_is_a_file_without_rows(tmp_path: Path, source: Path, file_format: DataFormat):
    file = tmp_path / f"none.{file_format}"
    (written,) = files.export(source, HistoryWindow(kind="uptime", until_ms=5), file, file_format)
    assert written.rows == 0
    assert files.import_(tmp_path / "target", file).rows_read == 0


def test_csv_is_what_its_document_describes(tmp_path: Path, source: Path):
    files.export(source, UPTIME, tmp_path / "a.csv", "csv")
    raw = (tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"kind,portal,check,location,slot,attempt,outcome,")
    assert raw.count(b"\r\n") == 33
    rows = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    assert rows[0]["ssl"] == "true"
    assert rows[0]["duration"] == repr(sum(factories.PHASES.values()))
    assert rows[0]["fault"] == rows[0]["hops"] == ""
    assert rows[0]["cert_subject"] == "CN=*.example.gov.vn,O=Ủy ban nhân dân thành phố Hà Nội,C=VN"
    assert json.loads(rows[30]["hops"])[0]["address"] == "192.0.2.10"


def test_json_lines_are_what_their_document_describes(tmp_path: Path, source: Path):
    files.export(source, UPTIME, tmp_path / "a.jsonl", "jsonl")
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    first, bad = json.loads(lines[0]), json.loads(lines[30])
    assert first["slot"] == SLOT
    assert first["time"] == "2026-08-01T00:00:00.000Z"
    assert "fault" not in first
    assert bad["fault"] == "connect_timeout"
    assert bad["hops"][0]["phases"] == {"resolve": 0.012, "connect": 9.988}
    assert "Ủy ban" in lines[0]


def test_parquet_is_typed_by_the_declarations(tmp_path: Path, source: Path):
    file = tmp_path / "it's [a] *strange?* name.parquet"
    files.export(source, UPTIME, file, "parquet")
    with duckdb.connect() as db:
        found = db.execute("SELECT * FROM read_parquet(?) LIMIT 1", [str(tmp_path / "it's*.parquet")])
        types = {name: str(kind) for name, kind, *_ in found.description}
    assert files.import_(tmp_path / "target", file).added == 32
    sql = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}
    assert types == {"kind": "VARCHAR"} | {
        column.name: sql[column.type] for column in history.history_columns("uptime")
    }


def test_standard_output(source: Path, capsysbinary: pytest.CaptureFixture[bytes]):
    windows = [HistoryWindow(kind=kind) for kind in PROBE_KINDS]
    (written,) = files.export(source, UPTIME, "-", "csv")
    assert written.path is None
    assert capsysbinary.readouterr().out.count(b"\r\n") == 33
    files.export(source, windows, Path("-"), "jsonl")
    kinds = [json.loads(line)["kind"] for line in capsysbinary.readouterr().out.splitlines()]
    assert kinds == ["uptime"] * 32 + ["latency"] * 5
    with pytest.raises(TransferError, match="CSV on standard output holds one kind"):
        files.export(source, windows, "-", "csv")
    with pytest.raises(TransferError, match="a Parquet file cannot be written to standard output"):
        files.export(source, UPTIME, "-", "parquet")


# ---- a file is whole or not there


def leftovers(directory: Path) -> list[str]:
    return [file.name for file in directory.iterdir() if file.name.startswith(".")]


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_broken_export_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, source: Path, file_format: DataFormat, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").write_text("the old one")

    def broken(*_: object) -> Iterator[history.ColumnBatch]:
        yield from real(source, UPTIME)
        raise JournalError("the disk is gone")

    real = history.measurements
    monkeypatch.setattr(history, "measurements", broken)
    with pytest.raises(JournalError, match="the disk is gone"):
        files.export(source, UPTIME, out / "a", file_format)
    assert (out / "a").read_text() == "the old one"
    assert leftovers(out) == []


EXPORTING = """
import sys, time
from pathlib import Path
from monitor.storage.history import reader as history
from monitor.storage.transfer import files
def slowly(done, total):
    print(done, flush=True)
    time.sleep(0.05)
real = history.measurements
history.measurements = lambda directory, window, batch: real(directory, window, 10)
files.export(Path(sys.argv[1]), history.HistoryWindow(kind="uptime"), Path(sys.argv[2]), sys.argv[3], slowly)
"""


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_killed_export_shows_no_half_file(tmp_path: Path, file_format: DataFormat):
    source = journal(tmp_path / "source", factories.measurements(400))
    out = tmp_path / "out" / f"a.{file_format}"
    command = [sys.executable, "-c", EXPORTING, str(source), str(out), file_format]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.stdout.readline() != b"50\n":
            assert process.poll() is None
        assert leftovers(out.parent)
        assert not out.exists()
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    assert files.export(source, UPTIME, out, file_format)[0].rows == 400


def test_what_a_file_must_not_replace(tmp_path: Path, source: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(TransferError, match="pipe is not a regular file"):
        files.export(source, UPTIME, tmp_path / "pipe", "csv")
    (tmp_path / "plain").touch()
    with pytest.raises(TransferError, match="plain"):
        files.export(source, UPTIME, tmp_path / "plain" / "a.csv", "csv")
    (tmp_path / "real").mkdir()
    (tmp_path / "link.csv").symlink_to(tmp_path / "real" / "a.csv")
    files.export(source, UPTIME, tmp_path / "link.csv", "csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real" / "a.csv").is_file()


def test_one_window_of_each_kind(tmp_path: Path, source: Path):
    with pytest.raises(TransferError, match="one window of each kind"):
        files.export(source, [UPTIME, UPTIME], tmp_path, "csv")


# ---- invalid files

GOOD = {
    "kind": "uptime",
    "portal": "ha-noi",
    "check": "uptime",
    "location": "hn-1",
    "slot": SLOT,
    "attempt": 1,
    "outcome": "up",
}
KIND_LIST = ", ".join(PROBE_KINDS)
FAULT_LIST = ", ".join(Fault)
HOP_KEYS = "hops: each one has the keys url, phases, family, address, status, location"

BAD_OBJECTS: list[tuple[dict[str, Any] | str, str]] = [
    ({"kind": "uptimee"}, f"kind: 'uptimee' is not one of {KIND_LIST}"),
    ({"kind": None}, "kind is missing"),
    ({"kind": ["uptime"]}, f"kind: ['uptime'] is not one of {KIND_LIST}"),
    ({"portal": None}, "portal is missing"),
    ({"portal": ""}, "portal: is empty"),
    ({"portal": 7}, "portal: 7 is not text"),
    ({"portal": "\ud800"}, "portal: '\\ud800' is not text"),
    ({"slot": "yesterday"}, "slot: 'yesterday' is not a whole number"),
    ({"slot": 1.5}, "slot: 1.5 is not a whole number"),
    ({"slot": True}, "slot: True is not a whole number"),
    ({"slot": SLOT * 1000}, f"slot: {SLOT * 1000} is not a time in UTC milliseconds"),
    ({"slot": -1}, "slot: -1 is not a time in UTC milliseconds"),
    ({"attempt": 0}, "attempt: 0 is not 1 or more"),
    ({"outcome": "upp"}, "outcome: 'upp' is not one of up, down, unknown"),
    ({"outcome": "down", "fault": "gremlins"}, f"fault: 'gremlins' is not one of {FAULT_LIST}"),
    ({"fault": "dns"}, "fault: 'dns', but the outcome is up"),
    ({"outcome": "unknown"}, "unknown_reason: required when the outcome is unknown"),
    ({"unknown_reason": "self_check"}, "unknown_reason: only allowed when the outcome is unknown"),
    ({"time": "2026-08-01"}, "time: '2026-08-01' is not the slot, 2026-08-01T00:00:00.000Z"),
    ({"duration": "0.3"}, "duration: '0.3' is not a number"),
    ({"duration": math.inf}, "duration: inf is not a finite number"),
    ({"duration": 10**400}, f"duration: {10**400} is not a finite number"),
    ({"status": 200.0}, "status: 200.0 is not a whole number"),
    ({"status": 2**63}, f"status: {2**63} does not fit into 64 bits"),
    ({"ssl": 1}, "ssl: 1 is not true or false"),
    ({"statsu": 200}, "unknown column 'statsu', did you mean 'status'?"),
    ({"zzz": 200}, "unknown column 'zzz'"),
    ({"hops": "[{"}, "hops: not JSON"),
    ({"hops": {}}, "hops: not a list"),
    ({"hops": [{"url": "x"}]}, HOP_KEYS),
    ({"hops": [{"url": "x", "phases": {}, "port": 1}]}, HOP_KEYS),
    ({"hops": [{"url": "x", "phases": [1]}]}, "hops: phases map names to seconds"),
    ({"hops": [{"url": "x", "phases": {"tls": "1"}}]}, "hops: '1' is not a number"),
    ("nope", "not JSON: Expecting value at column 1"),
    ('{"kind": ', "not JSON: Expecting value at column 9"),
    ("[1]", "not a JSON object"),
    ("null", "not a JSON object"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "error"), BAD_OBJECTS)
def test_a_bad_object_is_refused_with_its_line(tmp_path: Path, change: dict[str, Any] | str, error: str):
    bad = change if isinstance(change, str) else json.dumps(GOOD | change)
    file = tmp_path / "a.jsonl"
    file.write_text(f"{json.dumps(GOOD)}\n\n{bad}\n{json.dumps(GOOD | {'slot': SLOT + 1})}\n")
    with pytest.raises(TransferError) as caught:
        files.import_(tmp_path / "data", file)
    assert caught.value.errors == (f"{file}:3: {error}",)
    assert not (tmp_path / "data" / JOURNAL_FILE).exists()


HEAD = "kind,portal,check,location,slot,attempt,outcome"
ROW = f"uptime,ha-noi,uptime,hn-1,{SLOT},1,up"
NEXT = f"uptime,ha-noi,uptime,hn-1,{SLOT + 1},1,up"

BAD_FILES: list[tuple[str | bytes, str]] = [
    ("", "1: no columns"),
    (HEAD.replace(",", ";"), "1: columns are separated by semicolons, write commas"),
    (f"{HEAD},slot\n", "1: duplicate column 'slot'"),
    (f"{HEAD},detial\n", "1: unknown column 'detial', did you mean 'detail'?"),
    ("kind,portal,check,location,slot,attempt\n", "1: column 'outcome' is missing"),
    (f"{HEAD}\n{ROW},\n", "2: 8 fields, the header has 7"),
    (f"{HEAD}\n{ROW}\n\nuptime,ha-noi\n", "4: 2 fields, the header has 7"),
    (f'{HEAD},detail\n{ROW},"two\nlines"\n{NEXT.replace("up,", "upp,", 1)}\n', "4: 7 fields, the header has 8"),
    (f'{HEAD},detail\n{ROW},"two\nlines"\n{NEXT}p,\n', "4: outcome: 'upp' is not one of up, down, unknown"),
    (f'{HEAD}\n"{ROW}\n', "2: not CSV: unexpected end of data"),
    (f"{HEAD}\n{ROW}\n".encode() + b"\xff\xfe\n", "3: not UTF-8 text"),
    (f"{HEAD},status\n{ROW},2e2\n", "2: status: '2e2' is not a whole number"),
    (f"{HEAD},status\n{ROW}, 200\n", "2: status: ' 200' is not a whole number"),
    (f"{HEAD},status\n{ROW},99999999999999999999\n", "2: status: '99999999999999999999' is not a whole number"),
    (f'{HEAD},duration\n{ROW},"0,3"\n', "2: duration: '0,3' is not a number"),
    (f"{HEAD},duration\n{ROW},nan\n", "2: duration: 'nan' is not a number"),
    (f"{HEAD},duration\n{ROW},1e999\n", "2: duration: inf is not a finite number"),
    (f"{HEAD},ssl\n{ROW},yes\n", "2: ssl: 'yes' is not true or false"),
    (f"{HEAD}\n,ha-noi,uptime,hn-1,{SLOT},1,up\n", "2: kind is missing"),
    (f"{HEAD}\nuptime,,uptime,hn-1,{SLOT},1,up\n", "2: portal is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "error"), BAD_FILES)
def test_a_bad_csv_file_is_refused_with_its_line(tmp_path: Path, text: str | bytes, error: str):
    file = tmp_path / "a.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(TransferError) as caught:
        files.import_(tmp_path / "data", file)
    assert caught.value.errors == (f"{file}:{error}",)
    assert not (tmp_path / "data" / JOURNAL_FILE).exists()


def test_what_a_spreadsheet_saves_is_understood(tmp_path: Path):
    """A byte-order mark, capital letters in flags, line feeds, columns in another order."""
    (tmp_path / "a.csv").write_text(f"\ufeffssl,{HEAD}\nTRUE,{ROW}\n", encoding="utf-8")
    files.import_(tmp_path / "data", tmp_path / "a.csv")
    (one,) = content(tmp_path / "data").values()
    assert one.values == {"ssl": True}


def parquet(path: Path, select: str) -> Path:
    with duckdb.connect() as db:
        db.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


SELECT = ", ".join(f'{value!r} AS "{name}"' for name, value in GOOD.items())  # fmt: skip


def test_a_bad_parquet_file_is_refused_with_its_row(tmp_path: Path):
    file = tmp_path / "a.parquet"
    for extra, error in (
        ("'x' AS status", "row 1: status: 'x' is not a whole number"),
        ("1 AS statsu", "row 1: unknown column 'statsu', did you mean 'status'?"),
        ("'infinity'::DOUBLE AS duration", "row 1: duration: inf is not a finite number"),
        (
            "TIMESTAMP '2026-08-01' AS started",
            "row 1: started: datetime.datetime(2026, 8, 1, 0, 0) is not a whole number",
        ),
    ):
        parquet(file, f"SELECT {SELECT}, {extra}")
        with pytest.raises(TransferError) as caught:
            files.import_(tmp_path / "data", file)
        assert caught.value.errors == (f"{file}: {error}",)
    file.write_bytes(b"PAR1 and then nothing PAR1")
    with pytest.raises(TransferError, match=r"a\.parquet: Invalid"):
        files.import_(tmp_path / "data", file)
    files.import_(tmp_path / "data", parquet(file, f"SELECT {SELECT}, 'nan'::DOUBLE AS duration"))
    (one,) = content(tmp_path / "data").values()
    assert one.duration is None


def test_errors_are_reported_together_up_to_twenty(tmp_path: Path):
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps(GOOD | {"slot": "x", "status": "y"}) + "\n" for _ in range(30)))
    with pytest.raises(TransferError) as caught:
        files.import_(tmp_path / "data", file)
    assert len(caught.value.errors) == 21
    assert caught.value.errors[:3] == (
        f"{file}:1: slot: 'x' is not a whole number",
        f"{file}:1: status: 'y' is not a whole number",
        f"{file}:2: slot: 'x' is not a whole number",
    )
    assert caught.value.errors[-1] == "stopped after 20 errors"


def test_nothing_is_written_when_the_last_of_many_rows_is_bad(tmp_path: Path, source: Path):
    file = tmp_path / "a.jsonl"
    lines = [json.dumps(GOOD | {"slot": SLOT + number}) for number in range(files.IMPORT_BATCH_ROWS * 2)]
    file.write_text("\n".join([*lines, json.dumps(GOOD | {"outcome": "?"})]))
    before = content(source)
    with pytest.raises(TransferError, match=f":{files.IMPORT_BATCH_ROWS * 2 + 1}: outcome"):
        files.import_(source, file)
    assert content(source) == before


def test_a_file_that_changes_during_the_import_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(GOOD) + "\n")

    def meddle(path: Path, kinds: Any) -> JournalWriter:  # noqa: ANN401 - handed on
        file.write_text("{}\n")
        return JournalWriter(path, kinds)

    monkeypatch.setattr(files, "JournalWriter", meddle)
    with pytest.raises(TransferError, match="changed while it was imported"):
        files.import_(tmp_path / "data", file)
    assert content(tmp_path / "data") == {}


def test_an_import_needs_a_file_a_format_and_the_directory_for_itself(tmp_path: Path):
    with pytest.raises(TransferError, match=r"there is no file .*none\.csv"):
        files.import_(tmp_path / "data", tmp_path / "none.csv")
    with pytest.raises(TransferError, match="name the format, one of csv, jsonl, parquet"):
        files.import_(tmp_path / "data", tmp_path / "a.xlsx")
    file = tmp_path / "a.txt"
    file.write_text(json.dumps(GOOD))
    lock = DirectoryLock(tmp_path / "data")
    try:
        with pytest.raises(JournalError, match=rf"in use by another daemon \(process {os.getpid()}\)"):
            files.import_(tmp_path / "data", file, "jsonl")
    finally:
        lock.release()
    assert files.import_(tmp_path / "data", file, "jsonl").added == 1
    DirectoryLock(tmp_path / "data").release()


def test_hops_longer_than_the_csv_modules_own_limit(tmp_path: Path):
    long = factories.hop(location="https://example.gov.vn/" + "x" * 200_000)
    source = journal(tmp_path / "source", [factories.measurement(outcome=Outcome.DOWN, hops=(long,))])
    files.export(source, UPTIME, tmp_path / "a.csv", "csv")
    assert files.import_(tmp_path / "target", tmp_path / "a.csv").added == 1
    assert content(tmp_path / "target") == content(source)
    assert csv.field_size_limit() == formats.MAX_CSV_FIELD_CHARS


# ---- memory

MEASURING = """
import resource, sys
from pathlib import Path
from monitor.storage.history import reader as history
from monitor.storage.transfer import files
window = history.HistoryWindow(kind="uptime", until_ms=int(sys.argv[4]))
files.export(Path(sys.argv[1]), window, Path(sys.argv[2]), sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path):
    """Three times the rows take less than a third more memory (MiB at the highest point), in every format."""
    directory = tmp_path / "source"
    for first in range(0, 60_000, 10_000):
        journal(directory, factories.measurements(10_000, interval=1000, slot=SLOT + first * 1000))

    def peak(file_format: str, rows: int) -> int:
        words = [str(directory), str(tmp_path / f"out.{file_format}"), file_format, str(SLOT + rows * 1000)]
        run = subprocess.run([sys.executable, "-c", MEASURING, *words], cwd=ROOT, capture_output=True, check=True)
        return int(run.stdout)

    for file_format in FORMATS:
        assert peak(file_format, 60_000) < peak(file_format, 20_000) * 4 / 3, file_format
