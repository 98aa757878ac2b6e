"""A real daemon with a secret in every place that takes one, among hostile portals and sinks, at debug level.

All that it wrote, answered, sent, stored or was started with is searched: for the secrets, and for texts of portals
that a browser or spreadsheet would execute.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import secret_hash
from probes.browser.process_tree import PROC, descendants
from tests.servers.echo import Echo, echo
from tests.servers.evil import FORMULA, MARKUP, RAW, evil
from tests.servers.ports import free_port
from tests.test_demo import ROOT

SECRETS = {
    name: f"zq{number}-{name.lower().replace('_', '-')}-zq"
    for number, name in enumerate(
        ("INFLUX_TOKEN", "SMTP_PASSWORD", "HOOK_PATH", "HOOK_PASSWORD", "HEART_PATH", "AM_PASSWORD", "PORTAL_PASSWORD",
         "PORTAL_HEADER", "RELOAD_TOKEN", "READER_PASSWORD", "LATER_TOKEN", "FILE_PATH"), 10,
    )
}  # fmt: skip
TELEGRAM = "123456789:zq99-telegram-token-zq99-abcdefghij"
HASH = secret_hash.make_hash(SECRETS["READER_PASSWORD"])
READER = base64.b64encode(f"reader:{SECRETS['READER_PASSWORD']}".encode()).decode()
CANARIES = (*SECRETS.values(), TELEGRAM, TELEGRAM.partition(":")[2], HASH.rpartition(":")[2], READER)
START = 60.0


@dataclass
class Outputs:
    """Everything that came out, by where it came out."""

    texts: dict[str, str] = field(default_factory=dict)

    def search(self, words: tuple[str, ...]) -> list[str]:
        return [f"{word} in {where}" for where, text in self.texts.items() for word in words if word in text]


def settings(sink: Echo, listen: str) -> dict[str, Any]:
    at = f"127.0.0.1:{sink.port}"
    return {
        "contact": "https://example.org/us",
        "listen": listen,
        "web": {
            "reload": True,
            "reload_token": "${RELOAD_TOKEN}",
            "accounts": {"users": {"reader": HASH}},
        },
        "checks": {
            "uptime": {"interval": 3, "timeout": 1, "family": "4", "headers": {"X-Key": "${PORTAL_HEADER}"}},
            "latency": {"enabled": False},
        },
        "confirm": {"delays": []},
        "states": {"down_attempts": 1, "down_slots": 1},
        "self_check": {"references": [], "fleet_breaker": {"minimum": 1000}},
        "sinks": {"influxdb": {"url": f"http://{at}", "bucket": "b", "org": "o", "token": "${INFLUX_TOKEN}"}},
        "notify": {
            "timeout": "5s",
            "targets": [
                {"name": "hook", "url": f"json://me:${{HOOK_PASSWORD}}@{at}/${{HOOK_PATH}}?format=html"},
                {
                    "name": "mail",
                    "url": f"mailto://me:${{SMTP_PASSWORD}}@127.0.0.1:{free_port()}/?from=m@b.example&to=a@b.example&mode=insecure",
                },
                {"name": "chat", "url": "tgram://${TELEGRAM}/12345678/"},
                {"name": "file", "url_file": "target.txt"},
            ],
        },
        "heartbeat": {"url": f"http://{at}/${{HEART_PATH}}", "interval": "1s"},
        "alertmanager": {"urls": [f"http://me:{SECRETS['AM_PASSWORD']}@{at}/"]},
    }


def portals(addresses: dict[str, str]) -> list[dict[str, Any]]:
    found = [
        {
            "id": name,
            "name": {"vi": f"{FORMULA} {MARKUP}", "en": f"+{name} {MARKUP}"},
            "kind": "province",
            "group": "g",
            "url": address,
        }
        for name, address in addresses.items()
    ]
    found[0]["url"] = found[0]["url"].replace("://", f"://me:{SECRETS['PORTAL_PASSWORD']}@")
    return found


class Running:
    """The daemon and its client."""

    def __init__(self, place: Path, sink: Echo) -> None:
        self.place, self.config, self.data = place, place / "config", place / "data"
        self.listen = f"127.0.0.1:{free_port()}"
        (self.config / "monitor.yaml").write_text(yaml.safe_dump(settings(sink, self.listen)))
        self.environment = {
            **os.environ,
            **SECRETS,
            "TELEGRAM": TELEGRAM,
            "HTTPS_PROXY": f"http://127.0.0.1:{sink.port}",  # nothing leaves this machine
            "PYTHONUNBUFFERED": "1",
        }
        with (place / "log").open("w") as log:
            self.process = subprocess.Popen(
                [*self.command("run"), "--log-level", "debug", "--log-format", "json"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip

    def command(self, *words: str) -> list[str]:
        found = [sys.executable, "-m", "monitor", *words]
        return [*found, "--config", str(self.config), "--data", str(self.data)]

    def call(self, *words: str) -> str:
        done = subprocess.run(
            words, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def request(self, path: str, method: str = "GET", authorization: str = f"Basic {READER}") -> tuple[int, str, str]:
        outgoing = urllib.request.Request(f"http://{self.listen}{path}", method=method)
        outgoing.add_header("Authorization", authorization)
        try:
            with urllib.request.urlopen(outgoing, timeout=20) as answer:
                return answer.status, str(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, str(error.headers), error.read().decode()

    def until(self, wanted: Any) -> None:  # noqa: ANN401 - a condition
        end = time.monotonic() + START
        while True:
            try:
                if wanted():
                    return
            except OSError:
                pass
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, self.log()[-3000:]
            time.sleep(0.1)

    def log(self) -> str:
        return (self.place / "log").read_text()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    return gather(tmp_path_factory.mktemp("secrets"))


def gather(place: Path) -> Outputs:
    """Half a minute under load, and all outputs of it."""
    found = Outputs()
    with echo() as sink, evil(place) as addresses:
        (place / "config").mkdir()
        (place / "config" / "target.txt").write_text(f"json://127.0.0.1:{sink.port}/{SECRETS['FILE_PATH']}\n")
        inventory = yaml.safe_dump({"portals": portals(addresses)}, allow_unicode=True)
        (place / "config" / "portals.yaml").write_text(inventory)
        (place / "data").mkdir(mode=0o755)
        daemon = Running(place, sink)
        try:
            live(daemon, sink, found)
        finally:
            daemon.stop()
        found.texts["log"] = daemon.log()
        found.texts |= {f"notification {number}": text for number, text in enumerate(notifications(sink))}
    for path in (one for one in place.joinpath("data").rglob("*") if one.is_file()):
        found.texts[f"data/{path.name}"] = path.read_bytes().decode(errors="replace")
        found.texts["modes"] = found.texts.get("modes", "") + f"{path.stat().st_mode & 0o777:o} {path.name}\n"
    found.texts["mode of data"] = f"{(place / 'data').stat().st_mode & 0o777:o}"
    return found


def notifications(sink: Echo) -> list[str]:
    """Return the HTML that the webhook received."""
    pairs = zip(sink.paths, sink.bodies, strict=True)
    return [json.loads(one)["message"] for path, one in pairs if SECRETS["HOOK_PATH"] in path]


def live(daemon: Running, sink: Echo, found: Outputs) -> None:
    """Trigger everything that writes or answers something."""
    daemon.until(lambda: daemon.request("/-/ready")[0] == 200)
    wanted = (
        f"/{SECRETS['HOOK_PATH']}",
        f"/{SECRETS['HEART_PATH']}",
        f"/{SECRETS['FILE_PATH']}",
        "/api/v2/write",
        "api.telegram.org",
    )
    daemon.until(lambda: all(any(word in path for path in sink.paths) for word in wanted))
    daemon.until(lambda: len(json.loads(daemon.request("/api/v1/incidents")[2])["incidents"]) > 0)
    daemon.until(lambda: "smtp" in daemon.log().lower() or '"target": "mail"' in daemon.log())
    chain = re.compile(r"^probe_ssl_last_chain_info\{.*evil\.example", re.MULTILINE)
    daemon.until(lambda: chain.search(daemon.request("/metrics")[2]))
    incidents = json.loads(daemon.request("/api/v1/incidents")[2])["incidents"]
    ids = [portal["id"] for portal in json.loads(daemon.request("/api/v1/portals")[2])["portals"]]
    for path in (
        "/", "/?lang=en", "/incidents", "/config", "/metrics", "/api/v1/portals", "/api/v1/measurements", "/no",
        *(f"/portals/{one}?lang={language}" for one in ids for language in ("vi", "en")),
        *(f"{place}/{one['id']}" for one in incidents for place in ("/incidents", "/api/v1/incidents")),
        f"/probe?target={ids[1]}",
    ):  # fmt: skip
        status, headers, body = daemon.request(path)
        assert status < 500, body
        found.texts[f"GET {path}"] = headers + body
    for token in ("wrong", SECRETS["RELOAD_TOKEN"]):
        found.texts[f"reload {len(token)}"] = str(daemon.request("/-/reload", "POST", f"Bearer {token}"))
    text = (daemon.config / "monitor.yaml").read_text()
    bad = text.replace("interval: 3", 'interval: "${LATER_TOKEN}"').replace("reload_token:", "reload_tokem:")
    (daemon.config / "monitor.yaml").write_text(bad)
    found.texts["bad reload"] = str(daemon.request("/-/reload", "POST", f"Bearer {SECRETS['RELOAD_TOKEN']}"))
    assert "unknown key" in found.texts["bad reload"] or "reload_tokem" in found.texts["bad reload"]
    found.texts["bad check"] = daemon.call(sys.executable, "-m", "monitor", "check-config", str(daemon.config))
    (daemon.config / "monitor.yaml").write_text(text)
    for process in (daemon.process.pid, *descendants(daemon.process.pid)):
        found.texts[f"process {process}"] = (PROC / str(process) / "cmdline").read_bytes().decode()
    commands(daemon, found)


def commands(daemon: Running, found: Outputs) -> None:
    """Run the commands that print and export."""
    out = daemon.place / "out"
    found.texts["status"] = daemon.call(*daemon.command("status", "--json"))
    found.texts["incidents"] = daemon.call(*daemon.command("incidents", "--json"))
    found.texts["check"] = daemon.call(sys.executable, "-m", "monitor", "check-config", str(daemon.config))
    rows = out / "rows.csv"
    found.texts["history"] = daemon.call(
        *daemon.command("history", "export", "--kind", "uptime", "--output", str(rows))
    )
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 7 * 3600))
    period = f"{today[:4]}Q{(int(today[5:7]) + 2) // 3}"
    found.texts["export"] = daemon.call(*daemon.command("export", "--quarter", period, "--out", str(out / "export")))
    for path in (one for one in out.rglob("*") if one.is_file()):
        name = f"file {path.relative_to(out)}"
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                found.texts |= {
                    f"{name}/{part}": book.read(part).decode() for part in book.namelist() if part.endswith(".xml")
                }
        else:
            found.texts[name] = path.read_text("utf-8", "replace")


def test_no_secret_comes_out_anywhere(outputs: Outputs):
    found = outputs.search(CANARIES)
    assert not found, "\n".join(found)


def test_everything_was_driven(outputs: Outputs):
    """Else the search above would find nothing in nothing."""
    texts = outputs.texts
    assert {"log", "GET /config", "GET /metrics", "status", "data/journal.sqlite3"} <= texts.keys()
    assert "•••" in texts["GET /config"]
    assert "alert(1)" in texts["GET /"], "the texts of portals arrive"
    assert any(name.startswith("GET /incidents/i") or "/incidents/" in name for name in texts)
    assert any("csv" in name for name in texts if name.startswith("file"))
    assert any(".xlsx" in name for name in texts if name.startswith("file")), texts["export"]
    assert "500" in texts["log"], "the sinks refuse, and that is logged"
    assert any(name.startswith("notification") for name in texts)


def test_no_words_of_a_portal_are_markup_of_ours(outputs: Outputs):
    """In pages, in mails, in exported pages: escaped, each of them."""
    shown = {
        where: text for where, text in outputs.texts.items() if where.startswith("GET /") and "<!doctype html>" in text
    }
    assert len(shown) > 10
    pages = {where: text for where, text in outputs.texts.items() if where.endswith(".html")}
    mails = {where: text for where, text in outputs.texts.items() if where.startswith("notification")}
    found = [(where, word) for where, text in (shown | pages | mails).items() for word in RAW if word in text]
    assert not found, found
    for where, text in shown.items():
        assert "script-src 'self'" in text, where
        assert not re.search(r"""(href|src|action)\s*=\s*["']?\s*(javascript|data:text)""", text, re.IGNORECASE), where
        assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", text), where


WORDED = ("portal_monitor_portal_info{", "probe_ssl_last_chain_info{", "portal_monitor_hop_info{")
"""Series with words as labels: the inventory's names, and subjects of certificates as blackbox_exporter has them."""


def test_no_link_is_made_of_the_words_of_a_portal(outputs: Outputs):
    """Grafana and Alertmanager link by the labels ``portal`` and ``instance``; words stand in three series, escaped."""
    lines = outputs.texts["GET /metrics"].splitlines()
    assert [line for line in lines if line.startswith(WORDED[1]) and "evil.example" in line]
    for line in lines:
        if "alert(" in line or "evil.example" in line:
            assert line.startswith(WORDED), line
            assert re.search(r'[{,]portal="[a-z-]+"', line), line
    for instance in re.findall(r'[{,]instance="([^"]*)"', "\n".join(lines)):
        assert re.fullmatch(r"https?://127\.0\.0\.1:\d+/", instance), instance


def test_no_cell_is_a_formula(outputs: Outputs):
    """A number may be negative; a text never begins as a formula does."""
    tables = {
        where: text for where, text in outputs.texts.items() if where.startswith("file") and where.endswith(".csv")
    }
    for where, text in tables.items():
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))):
            for cell in row:
                number = re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", cell)
                assert number or not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r")), (where, cell)
    sheets = [text for where, text in outputs.texts.items() if ".xlsx/" in where]
    assert sheets
    assert not [text for text in sheets if "<f>" in text or "<f " in text]


def test_data_are_for_their_owner_alone(outputs: Outputs):
    """Also where the mode of the directory was wider; that is logged."""
    assert outputs.texts["mode of data"] == "700"
    assert "data_dir_permissions_restricted" in outputs.texts["log"]
    assert [line for line in outputs.texts["modes"].splitlines() if not line.startswith("600 ")] == []
