"""The command from the outside: real processes, their messages and their exit codes."""

import http.server
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from monitor.config.secret_hash import ScryptHash
from monitor.prober.gaps import FIRST_SCHEDULED_KEY
from monitor.storage.journal.store import JOURNAL_FILE, JOURNAL_SCHEMA_VERSION, JournalWriter
from monitor.tools.demo.certificate_authority import CertificateAuthority
from probes.registry import PROBE_KINDS
from tests.bench.subject import address, nginx
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[3]


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "monitor", *map(str, words)]


def call(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(*words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """One portal on a port without a server, probed every two seconds."""
    directory = tmp_path / "config"
    directory.mkdir()
    settings = {
        "contact": "https://example.org/test",
        "listen": f"127.0.0.1:{free_port()}",
        "web": {"reload": True, "reload_token": "sesame-open"},
        "checks": {"uptime": {"interval": 2, "timeout": "200ms", "family": "4"}, "latency": {"enabled": False}},
    }
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    write_portals(directory, "ha-noi")
    return directory


def write_portals(directory: Path, *ids: str) -> None:
    portals = [
        {
            "id": name,
            "name": {"vi": "Hà Nội", "en": "Ha Noi"},
            "kind": "province",
            "group": name,
            "url": f"http://127.0.0.1:{free_port()}/",
            "expect": "answers",
        }
        for name in ids
    ]
    (directory / "portals.yaml").write_text(yaml.safe_dump({"portals": portals}, allow_unicode=True))


class Running:
    """A daemon that runs until the test is over."""

    def __init__(self, config: Path, data: Path, *words: str) -> None:
        self.listen = yaml.safe_load((config / "monitor.yaml").read_text())["listen"]
        self.log = data.parent / f"{data.name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command("run", "--config", config, "--data", data, *words), cwd=ROOT, stderr=log
            )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def until(self, path: str, expected: str, seconds: float = 20.0) -> str:
        end = time.monotonic() + seconds
        text = ""
        while time.monotonic() < end:
            try:
                _, text = self.get(path)
            except OSError:
                text = ""
            if expected in text:
                return text
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{path} never had {expected!r}; last: {text[-2000:]}; log: {self.log.read_text()}")

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def daemon(config: Path, tmp_path: Path) -> Iterator[Running]:
    running = Running(config, tmp_path / "data")
    yield running
    running.stop()


def test_the_shipped_configuration_is_good():
    done = call("check-config", "config")
    assert done.returncode == 0, done.stderr
    assert "106 portals" in done.stdout
    assert "probes per minute" in done.stdout


def test_every_error_of_a_configuration_is_reported_at_once_with_its_place(config: Path):
    text = (config / "monitor.yaml").read_text()
    (config / "monitor.yaml").write_text(text.replace("timeout: 200ms", "timeout: 2s\n    intervall: 5"))
    (config / "portals.yaml").write_text("portals: [{id: a, kind: village}]\n")
    done = call("check-config", config)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert any("monitor.yaml:" in line and "did you mean 'interval'" in line for line in lines)
    assert any("portals.yaml:1:" in line for line in lines)


@pytest.mark.parametrize("words", [("run", "--nonsense"), ("nonsense",), ("probe",), ("schema", "nothing")])
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...]):
    assert call(*words).returncode == 2


def test_a_missing_configuration_directory_is_one_message(tmp_path: Path):
    done = call("run", "--config", tmp_path / "nowhere", "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_an_unset_environment_variable_is_named_with_its_place(config: Path):
    text = (config / "monitor.yaml").read_text()
    (config / "monitor.yaml").write_text(text.replace("reload_token: sesame-open", "reload_token: ${NOT_SET_ANYWHERE}"))
    done = call("check-config", config)
    assert done.returncode == 1
    assert "NOT_SET_ANYWHERE" in done.stderr
    assert "monitor.yaml:" in done.stderr


def test_a_port_in_use_is_one_message(config: Path, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        done = call("run", "--config", config, "--data", tmp_path / "data", "--listen", listen)
    assert done.returncode == 1
    assert f"cannot listen on {listen}" in done.stderr


def test_a_data_directory_in_use_names_the_owner_and_harms_nothing(config: Path, tmp_path: Path, daemon: Running):
    daemon.until("/-/ready", "probes are completing")
    done = call("run", "--config", config, "--data", tmp_path / "data", "--listen", f"127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert f"in use by another daemon (process {daemon.process.pid})" in done.stderr
    assert daemon.get("/-/healthy")[0] == 200


def test_a_data_directory_that_cannot_be_written_is_one_message(config: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    done = call("run", "--config", config, "--data", tmp_path / "file" / "data")
    assert done.returncode == 1
    assert "not writable" in done.stderr


def test_a_journal_of_a_newer_version_is_refused_untouched(config: Path, tmp_path: Path):
    data = tmp_path / "data"
    data.mkdir()
    JournalWriter(data / JOURNAL_FILE, PROBE_KINDS).close()
    with sqlite3.connect(data / JOURNAL_FILE) as db:
        db.execute(f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION + 1}")
    db.close()
    before = (data / JOURNAL_FILE).read_bytes()
    done = call("run", "--config", config, "--data", data)
    assert done.returncode == 1
    assert "newer version" in done.stderr
    assert (data / JOURNAL_FILE).read_bytes() == before


def test_a_portal_without_server_goes_down_and_the_daemon_stops_in_order(config: Path, tmp_path: Path, daemon: Running):
    text = daemon.until("/metrics", 'portal_monitor_portal_state{portal="ha-noi",location="local",state="down"} 1')
    assert 'probe_failure_info{instance="http://127.0.0.1:' in text
    assert 'reason="connect_refused"' in text
    assert json.loads(daemon.get("/api/v1/portals")[1])
    done = call("status", "--config", config, "--data", tmp_path / "data", "--json")
    assert done.returncode == 1
    assert "down" in done.stdout
    assert daemon.stop() == 0
    with sqlite3.connect(tmp_path / "data" / JOURNAL_FILE) as db:
        slots = [row[0] for row in db.execute("SELECT slot FROM measurement_uptime ORDER BY slot")]
        assert int(db.execute("SELECT value FROM meta WHERE key = 'stopped_at'").fetchone()[0]) > slots[-1]
    db.close()
    assert {later - earlier for earlier, later in pairwise(slots)} == {2000}


def test_a_killed_daemon_records_the_slots_it_missed(config: Path, tmp_path: Path, daemon: Running):
    daemon.until("/metrics", "probe_success")
    daemon.process.kill()
    daemon.process.wait(10)
    time.sleep(5)  # the absence itself is what is tested
    again = Running(config, tmp_path / "data")
    try:
        again.until("/-/ready", "probes are completing")
    finally:
        again.stop()
    with sqlite3.connect(tmp_path / "data" / JOURNAL_FILE) as db:
        rows = db.execute("SELECT slot, unknown_reason FROM measurement_uptime ORDER BY slot").fetchall()
    db.close()
    slots = [slot for slot, _ in rows]
    assert {later - earlier for earlier, later in pairwise(slots)} == {2000}
    assert sum(reason == "killed" for _, reason in rows) >= 2


def test_sighup_loads_good_configuration_and_refuses_bad(config: Path, daemon: Running):
    daemon.until("/-/ready", "probes are completing")
    write_portals(config, "ha-noi", "hue")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.until("/metrics", 'portal="hue"')
    (config / "portals.yaml").write_text("portals: nonsense\n")
    daemon.process.send_signal(signal.SIGHUP)
    text = daemon.until("/metrics", "portal_monitor_config_last_reload_successful 0.0")
    assert 'portal="hue"' in text
    write_portals(config, "ha-noi")
    request = urllib.request.Request(f"http://{daemon.listen}/-/reload", method="POST")
    request.add_header("Authorization", "Bearer sesame-open")
    assert urllib.request.urlopen(request, timeout=5).status == 200
    text = daemon.until("/metrics", "portal_monitor_config_last_reload_successful 1.0")
    assert 'portal="hue"' not in text


def test_a_check_added_by_a_reload_is_recorded_before_its_first_probe(config: Path, tmp_path: Path, daemon: Running):
    """A daemon that is killed before that probe can tell which slots it missed."""
    daemon.until("/-/ready", "probes are completing")
    settings = yaml.safe_load((config / "monitor.yaml").read_text())
    settings["checks"]["uptime"]["interval"] = "24h"
    (config / "monitor.yaml").write_text(yaml.safe_dump(settings))
    write_portals(config, "ha-noi", "hue")
    began = time.time_ns() // 1_000_000
    request = urllib.request.Request(f"http://{daemon.listen}/-/reload", method="POST")
    request.add_header("Authorization", "Bearer sesame-open")
    assert urllib.request.urlopen(request, timeout=20).status == 200
    with sqlite3.connect(tmp_path / "data" / JOURNAL_FILE) as db:
        (text,) = db.execute("SELECT value FROM meta WHERE key = ?", (FIRST_SCHEDULED_KEY,)).fetchone()
    db.close()
    ((key, since),) = json.loads(text).items()
    assert key == "hue/uptime@local"
    assert began <= since <= time.time_ns() // 1_000_000


def test_probe_shows_the_fault_and_the_exit_code():
    url = f"http://127.0.0.1:{free_port()}/"
    done = call("probe", url)
    assert done.returncode == 1
    assert "connect" in done.stdout
    found = json.loads(call("probe", url, "--json").stdout)
    assert found["fault"] == "connect_refused"


@pytest.mark.parametrize(
    "words", [("no-such-portal",), ("ftp://127.0.0.1/",), ("http://127.0.0.1/", "--kind", "dance")]
)
def test_probe_of_no_target_is_wrong_usage(words: tuple[str, ...]):
    assert call("probe", *words).returncode == 2


def test_init_writes_the_shipped_files_once(tmp_path: Path):
    assert call("init", tmp_path).returncode == 0
    (tmp_path / "config" / "monitor.yaml").write_text("# mine\n")
    assert call("init", tmp_path).returncode == 0
    assert (tmp_path / "config" / "monitor.yaml").read_text() == "# mine\n"
    assert len(yaml.safe_load((tmp_path / "config" / "portals.yaml").read_text())["portals"]) == 106


def test_schema_is_json():
    for which in ("monitor", "portals"):
        assert json.loads(call("schema", which).stdout)["type"] == "object"


def test_status_without_a_journal_is_one_message(config: Path, tmp_path: Path):
    done = call("status", "--config", config, "--data", tmp_path / "nothing")
    assert done.returncode == 1
    assert "no journal" in done.stderr


def test_version():
    assert call("version").stdout.startswith("portal-monitor ")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("authority"))


@pytest.mark.parametrize(
    ("certificate", "fault"),
    [
        (lambda one: one.issue(["localhost"]), None),
        (lambda one: one.expired(["localhost"]), "tls_expired"),
        (lambda one: one.self_signed(["localhost"]), "tls_untrusted"),
        (lambda one: one.wrong_name(), "tls_name"),
    ],
    ids=["good", "expired", "self-signed", "wrong name"],
)
def test_probe_names_the_fault_of_a_certificate(
    authority: CertificateAuthority, certificate: Callable[[CertificateAuthority], ssl.SSLContext], fault: str | None
):
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] - refused handshakes are the point
    server.socket = certificate(authority).wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"https://127.0.0.1:{server.server_address[1]}/"
        done = call("probe", url, "--ca-file", authority.ca_file, "--json")
        drawn = call("probe", url, "--ca-file", authority.ca_file)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert json.loads(done.stdout).get("fault") == fault
    assert done.returncode == drawn.returncode == (1 if fault else 0)
    assert "tls" in drawn.stdout.lower()


def test_probe_of_an_nginx_draws_the_phases(tmp_path: Path):
    with nginx(tmp_path) as (port, ca):
        url = f"https://{address(3)}:{port}/"
        drawn = call("probe", url, "--ca-file", ca)
        found = json.loads(call("probe", url, "--kind", "latency", "--ca-file", ca, "--json").stdout)
    assert drawn.returncode == 0
    for phase in ("connect", "tls", "wait", "transfer"):
        assert phase in drawn.stdout
        assert found["hops"][0]["phases"][phase] >= 0


def test_a_hash_is_made_of_what_comes_on_stdin_and_never_of_an_argument():
    """A secret that is too short is refused, and none is ever printed beside its hash unless we made it."""

    def make(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command("hash-secret", *words),
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = make(given="mật khẩu dài\n")
    assert done.returncode == 0, done.stderr
    assert ScryptHash.parse(done.stdout.strip()).matches("mật khẩu dài")
    assert "mật" not in done.stdout + done.stderr
    assert make(given="short\n").returncode == 2
    assert make("a-secret-as-argument").returncode == 2
    made = make("--make")
    assert ScryptHash.parse(made.stdout.strip()).matches(made.stderr.strip())
