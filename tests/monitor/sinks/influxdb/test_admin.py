"""Before the first write: buckets are made once, and a check says in plain words what does not work."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from monitor.sinks.influxdb.admin import AdminError, check, init
from monitor.sinks.influxdb.sink import DAY_SECONDS, InfluxDBSettings, TierRetention
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    with InfluxServer(tmp_path_factory.mktemp("influx")) as running:
        yield running


def settings(server: InfluxServer, **keys: object) -> InfluxDBSettings:
    return InfluxDBSettings.model_validate({"url": server.url, "token": TOKEN, **keys})


def test_databases_are_created_once_and_not_changed_then(server: InfluxServer):
    first, second = init(settings(server)), init(settings(server))
    assert first == [
        "database portal_monitor created, retention 100 days",
        "database portal_monitor_hourly created, retention 730 days",
        "database portal_monitor_daily created, retention unlimited",
    ]
    assert second == [line.replace("created", "exists") for line in first]
    (policies,) = server.query('SHOW RETENTION POLICIES ON "portal_monitor"')
    assert [row[1] for row in policies["values"] if row[-1]] == ["2400h0m0s"]


def test_a_retention_that_differs_is_reported_and_not_changed(server: InfluxServer):
    server.create("older", days=400)
    lines = init(settings(server, bucket="older", retention=TierRetention(raw=30 * DAY_SECONDS)))
    assert "exists, retention 400 days, not 30 days" in lines[0]
    (policies,) = server.query('SHOW RETENTION POLICIES ON "older"')
    assert "9600h0m0s" in {row[1] for row in policies["values"]}


def test_a_check_writes_reads_and_cleans_up(server: InfluxServer):
    server.create("checked")
    steps = check(settings(server, bucket="checked"))
    assert [step.ok for step in steps] == [True] * 4, steps
    assert "InfluxDB 1.6.7" in steps[0].message
    assert steps[-1].message == "the point was deleted"
    assert server.query("SHOW MEASUREMENTS", "checked") == []


def test_a_check_reports_what_is_wrong(server: InfluxServer, tmp_path: Path):
    server.create("right")
    port = free_port()
    for keys, sentence in (
        ({"token": "wrong"}, "the token is wrong or missing"),
        ({"token": None}, "the token is wrong or missing"),
        ({"token": None, "token_file": tmp_path / "none"}, "cannot be read"),
        ({"bucket": "nowhere"}, "there is no bucket or database nowhere"),
        ({"url": f"http://127.0.0.1:{port}"}, f"http://127.0.0.1:{port} cannot be reached"),
        ({"url": server.url.replace("http:", "https:")}, "cannot be reached over TLS, set 'ca_file'"),
    ):
        *good, last = check(settings(server, **({"bucket": "right"} | keys)))
        assert not last.ok
        assert sentence in last.message, last.message
        assert "\n" not in last.message
        assert all(step.ok for step in good)


def test_init_reports_what_is_wrong(server: InfluxServer):
    with pytest.raises(AdminError, match="the token is wrong"):
        init(settings(server, token="wrong"))


class Newer(BaseHTTPRequestHandler):
    """Speaks just enough of the buckets API of 2.x, as its documentation has it; no such server can be had here."""

    version: ClassVar[str] = "v2.7.10"
    buckets: ClassVar[list[dict[str, object]]] = []

    def do_GET(self) -> None:
        parameters = parse_qs(urlsplit(self.path).query)
        if self.path.startswith("/ping"):
            self._answer(204, None)
        elif self.headers["Authorization"] != f"Token {TOKEN}":
            self._answer(401, {"code": "unauthorized", "message": "unauthorized access"})
        elif self.path.startswith("/api/v2/orgs"):
            self._answer(200, {"orgs": [{"id": "00000000000000aa", "name": parameters["org"][0]}]})
        else:
            found = [one for one in self.buckets if one["name"] == parameters["name"][0]]
            self._answer(200, {"buckets": found})

    def do_POST(self) -> None:
        parameters = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.buckets.append({"id": f"{len(self.buckets):016x}", **parameters})
        self._answer(201, self.buckets[-1])

    def _answer(self, status: int, body: object) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-Influxdb-Version", self.version)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def newer(version: str) -> Iterator[str]:
    handler = type("Handler", (Newer,), {"version": version, "buckets": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_buckets_of_2_are_made_once_with_their_retention():
    with newer("v2.7.10") as url:
        one = InfluxDBSettings.model_validate({"url": url, "token": TOKEN, "org": "province"})
        first, second = init(one), init(one)
        with pytest.raises(AdminError, match="set 'org'"):
            init(one.model_copy(update={"org": ""}))
        with pytest.raises(AdminError, match="the token is wrong"):
            init(InfluxDBSettings.model_validate({"url": url, "token": "wrong", "org": "province"}))
    assert first == [
        "bucket portal_monitor created, retention 100 days",
        "bucket portal_monitor_hourly created, retention 730 days",
        "bucket portal_monitor_daily created, retention unlimited",
    ]
    assert second == [line.replace("created", "exists") for line in first]


def test_databases_of_3_are_made_by_its_own_command():
    with newer("3.1.0") as url:
        lines = init(InfluxDBSettings.model_validate({"url": url}))
    assert lines[0].endswith("influxdb3 create database --retention-period 100d portal_monitor")
    assert lines[2].endswith("influxdb3 create database portal_monitor_daily")
