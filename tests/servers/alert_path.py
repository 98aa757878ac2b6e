"""Prometheus and Alertmanager under the shipped configuration, hurried, and a webhook that keeps what it receives."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.servers.prometheus import _Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Self

CONFIG = Path(__file__).parents[2] / "config"

ADDRESSES = {"GRAFANA_URL": "http://grafana", "STATUS_PAGE_URL": "http://status", "RUNBOOKS_URL": "http://runbooks"}


class Webhook:
    """Keeps every alert that it receives: (monotonic seconds, path, status, alert)."""

    def __init__(self) -> None:
        received = self.received = list[tuple[float, str, str, dict[str, Any]]]()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                now = time.monotonic()
                received.extend((now, self.path, one["status"], one) for one in body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def alerts(self, status: str, **labels: str) -> list[tuple[float, dict[str, Any]]]:
        """The time and the alert of each one with this status and these labels."""
        return [
            (at, one)
            for at, _, reported, one in list(self.received)
            if reported == status and labels.items() <= one["labels"].items()
        ]


class Alertmanager(_Server):
    """As render.sh makes it from ``environment``; without waits it groups for no time at all."""

    ready = "/-/ready"

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        super().__init__(directory)
        shutil.copytree(CONFIG / "alertmanager", directory / "config")
        template = directory / "config" / "alertmanager.yml"
        text = re.sub(r"(group_wait|group_interval): \S+", r"\1: 1s", template.read_text())
        template.write_text(text)
        self._environment = environment

    def command(self) -> list[str]:
        config = self.directory / "alertmanager.yml"
        return [
            "env",
            *(f"{name}={value}" for name, value in self._environment.items()),
            *("sh", str(self.directory / "config" / "render.sh"), str(self.directory / "config" / "alertmanager.yml")),
            *(str(config), "prometheus-alertmanager", f"--config.file={config}"),
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]

    def post(self, alerts: Iterable[dict[str, str]]) -> None:
        """Send alerts with these labels."""
        body = json.dumps([{"labels": labels} for labels in alerts]).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/alerts", data=body, headers={"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=10.0).close()

    def inhibited(self) -> dict[str, bool]:
        """Alert -> whether another one silences it, for a fleet of one portal."""
        found = json.loads(self.get("/api/v2/alerts"))
        return {
            one["labels"]["alertname"] + one["labels"].get("within", ""): bool(one["status"]["inhibitedBy"])
            for one in found
        }


class Prometheus(_Server):
    """The shipped configuration and rules, seconds for minutes; ``more`` rule files and ``jobs`` beside them."""

    ready = "/-/ready"

    def __init__(
        self,
        directory: Path,
        daemon: str,
        alertmanager: str,
        more: Iterable[Path] = (),
        jobs: Iterable[dict[str, Any]] = (),
    ) -> None:
        super().__init__(directory)
        home = self.directory / "config"
        shutil.copytree(CONFIG / "prometheus", home)
        main = home / "prometheus.yml"
        text = re.sub(r"(scrape_interval|scrape_timeout|evaluation_interval): \S+", r"\1: 1s", main.read_text())
        settings = yaml.safe_load(text.replace("localhost:9090", f"127.0.0.1:{self.port}"))
        settings["scrape_configs"] += jobs
        main.write_text(yaml.safe_dump(settings))
        for name, target in (("portal-monitor/daemon", daemon), ("alertmanager/alertmanager", alertmanager)):
            (home / "targets" / f"{name}.yml").write_text(json.dumps([{"targets": [target]}]))
        for path in (home / "rules").glob("*.yml"):
            hurried = re.sub(r"(for|interval): \d+[mh]$", r"\1: 1s", path.read_text(), flags=re.MULTILINE)
            path.write_text(hurried)
        for path in more:
            shutil.copy(path, home / "rules")
        self._environment = ADDRESSES

    def command(self) -> list[str]:
        return [
            "env",
            *(f"{name}={value}" for name, value in self._environment.items()),
            "prometheus",
            f"--config.file={self.directory / 'config' / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--enable-feature=expand-external-labels",
            "--rules.alert.resend-delay=5s",  # and an alert lasts four times as long
        ]

    def query(self, text: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        result: list[dict[str, Any]] = json.loads(self.get("/api/v1/query", query=text))["data"]["result"]
        return result

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with its health."""
        found = json.loads(self.get("/api/v1/rules"))["data"]["groups"]
        return [rule for group in found for rule in group["rules"]]


def wait_until(question: Callable[[], object], seconds: float = 120.0) -> None:
    """Ask again and again; AssertionError when the answer stays no."""
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.2)


def environment_without_alerts() -> dict[str, str]:
    """This process's environment, in which no channel is alive."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ALERT_")}
