"""Files of measurements under mutation: taken whole, or refused with lines and not one row written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalReader, JournalWriter
from monitor.storage.transfer import files as transfer
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.factories import SLOT
from tests.fuzzing import mutate
from tests.fuzzing.surface import Case, Draw, Surface

FORMATS = ("csv", "jsonl", "parquet")
FILES = tuple((kind, form) for kind in ("uptime", "latency") for form in FORMATS)


def written(scratch: Path) -> dict[str, bytes]:
    """A small file of each format, as history export writes it: name to content."""
    source = scratch / "source"
    source.mkdir(parents=True)
    measurements = [*factories.measurements(12), *factories.measurements(12, kind="latency", check="latency")]
    measurements += [
        factories.measurement(slot=SLOT - 60_000 * n, outcome=one) for n, one in enumerate(Outcome, start=1)
    ]
    with closing(JournalWriter(source / JOURNAL_FILE, PROBE_KINDS)) as writer:
        writer.write(measurements)
    found = {}
    for kind, form in FILES:
        path = scratch / f"{kind}.{form}"
        transfer.export(source, HistoryWindow(kind=kind, since_ms=0, until_ms=SLOT * 2), path, form)
        found[path.name] = path.read_bytes()
    return found


def mutated(draw: Draw, name: str, body: bytes) -> bytes:
    """A file mutated as bytes; of text sometimes a single value."""
    if name.endswith("csv") and draw.random() < 0.5:
        return _cells(draw, body)
    if name.endswith("jsonl") and draw.random() < 0.5:
        return _values(draw, body)
    return mutate.bytes_of(draw, body)


def _cells(draw: Draw, body: bytes) -> bytes:
    lines = body.split(b"\r\n")
    number = draw.randrange(len(lines))
    cells = lines[number].split(b",")
    cells[draw.randrange(len(cells))] = draw.choice((_odd(draw), draw.choice(mutate.WORDS), b"7" * 100_000 + b"x"))
    lines[number] = b",".join(cells)
    return b"\r\n".join(lines)


def _values(draw: Draw, body: bytes) -> bytes:
    lines = body.split(b"\n")
    number = draw.randrange(len(lines) - 1)
    lines[number] = mutate.json_of(draw, lines[number])
    return b"\n".join(lines)


def _odd(draw: Draw) -> bytes:
    value = draw.choice(mutate.ODD)
    text = value if isinstance(value, str) else f"{value:x}" if isinstance(value, int) else repr(value)
    return text.encode("utf-8", "replace")


def rows(directory: Path) -> int | None:
    """Rows of the journal; None where there is no journal."""
    if not (directory / JOURNAL_FILE).exists():
        return None
    with closing(JournalReader(directory / JOURNAL_FILE, PROBE_KINDS)) as reader:
        return sum(reader.row_counts().values())


def _case(scratch: Path, files: dict[str, bytes], draw: Draw) -> None:
    name = draw.choice(list(files))
    path, data = scratch / f"in-{name}", scratch / draw.choice(("full", "empty"))
    path.write_bytes(mutated(draw, name, files[name]))
    if data.name == "empty":
        for left in data.glob(f"{JOURNAL_FILE}*"):
            left.unlink()
    before = rows(data)
    try:
        found = transfer.import_(data, path)
    except JournalError as error:
        str(error).encode()
        assert rows(data) == before, "a refused file left rows"
        return
    after = rows(data)
    assert found.rows_read == found.added + found.already_present, found
    assert after == (before or 0) + found.added, (before, found, after)
    with suppress(JournalError):  # DuckDB takes some broken Parquet files at one time and refuses them at another
        transfer.import_(data, path)
    assert rows(data) == after, "it came again"
    for kind in PROBE_KINDS:
        transfer.export(data, HistoryWindow(kind=kind, since_ms=0, until_ms=10**15), scratch / "out", "jsonl")


@contextmanager
def _open(scratch: Path) -> Iterator[Case]:
    files = written(scratch)
    for name in ("full", "empty"):
        (scratch / name).mkdir()
    yield partial(_case, scratch, files)


SURFACES = (
    Surface(
        name="imports",
        contract="Mutated measurements (CSV, JSON Lines, Parquet): taken whole, or refused and not one row written",
        cases=2000,
        open=_open,
    ),
)
