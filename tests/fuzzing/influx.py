"""Mutated answers of an InfluxDB, from a server on loopback: rows of the declared types, or a sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from monitor.sinks.influxdb.history import InfluxHistory
from monitor.sinks.influxdb.queries import measurements_query
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.history.reader import HistoryWindow, history_columns
from monitor.storage.journal.store import JournalError
from tests import factories
from tests.factories import SLOT
from tests.fuzzing import mutate
from tests.fuzzing.surface import Case, Draw, Surface

WINDOW = HistoryWindow(kind="uptime", since_ms=SLOT - 3_600_000, until_ms=SLOT + 3_600_000)
NOTHING = b'{"results":[{"statement_id":0}]}\n'


class _Database(ThreadingHTTPServer):
    """Gives its ``bodies`` one after the other, and then that there is nothing more."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.bodies: list[bytes] = []


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        bodies = self.server.bodies  # type: ignore[attr-defined] # of the class above
        body = bodies.pop(0) if bodies else NOTHING
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_words: object) -> None:
        """Log nothing."""


def _line(names: list[str], values: list[list[Any]], *, more: bool = False) -> bytes:
    series = {"name": "uptime", "columns": names, "values": values} | ({"partial": True} if more else {})
    result = {"statement_id": 0, "series": [series]} | ({"partial": True} if more else {})
    return json.dumps({"results": [result]}).encode() + b"\n"


def answers() -> tuple[bytes, bytes]:
    """What a database with five measurements returns: the time of the first, and then two parts with all of them."""
    names = ["time", *measurements_query(WINDOW).column_names]
    rows = []
    for one in factories.measurements(5):
        fields = {name: getattr(one, name, None) for name in names} | dict(one.values)
        fields |= {"time": one.slot, "outcome": one.outcome.value, "hops": None}
        rows.append([fields[name] for name in names])
    return _line(["time", "slot"], [[SLOT, SLOT]]), _line(names, rows[:3], more=True) + _line(names, rows[3:])


def _mutated(draw: Draw, body: bytes) -> bytes:
    lines = body.split(b"\n")
    number = draw.randrange(len(lines) - 1)
    lines[number] = mutate.json_of(draw, lines[number])
    return b"\n".join(lines)


def _case(database: _Database, history: InfluxHistory, draw: Draw) -> None:
    first, rows = answers()
    if draw.random() < 0.2:
        first = _mutated(draw, first)
    else:
        rows = _mutated(draw, rows)
    database.bodies = [first, rows]
    try:
        batches = list(history.measurements(WINDOW))
    except JournalError as error:
        str(error).encode("utf-8", "backslashreplace")  # as the command prints it
        return
    types = {column.name: column.type for column in history_columns("uptime")}
    for batch in batches:
        for name, values in batch.items():
            assert all(value is None or type(value) is types[name] for value in values), (name, values)


@contextmanager
def _open(scratch: Path) -> Iterator[Case]:
    scratch.mkdir()
    with _Database() as database:
        thread = threading.Thread(target=database.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            settings = InfluxDBSettings(url=f"http://127.0.0.1:{database.server_port}", timeout=10.0)
            yield partial(_case, database, InfluxHistory(settings, scratch))
        finally:
            database.shutdown()
            thread.join()


SURFACES = (
    Surface(
        name="InfluxDB",
        contract="Mutated answers of InfluxDB: rows of the declared types, or an error in a sentence",
        cases=1500,
        open=_open,
    ),
)
