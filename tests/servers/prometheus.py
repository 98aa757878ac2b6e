"""A real Prometheus and a real VictoriaMetrics on free loopback ports, as `docs/long-term.md` sets them up."""

from __future__ import annotations

import json
import math
import re
import shlex
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.servers.ports import free_port

if TYPE_CHECKING:
    from typing import Self

PAGE = Path(__file__).parents[2] / "docs" / "long-term.md"

Labels = frozenset[tuple[str, str]]
"""Pairs, the name among them."""

Samples = dict[tuple[Labels, int], float]
"""(labels, time in ms) -> value."""

SITE = ("site", "ha-noi")
"""What the page has Prometheus add to all that it writes on."""


def block(language: str) -> str:
    """The page's first block of ``language``."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None, f"{PAGE} has no block of {language}"
    return found[1]


class _Server:
    """A process that answers HTTP on ``port`` as long as the block lasts."""

    ready = ""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.port = port or free_port()
        self.log = directory / "log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        end = time.monotonic() + 30.0
        while True:
            try:
                self.get(self.ready)
            except OSError:
                assert self._process.poll() is None, self.log.read_text()
                assert time.monotonic() < end, self.log.read_text()
                time.sleep(0.05)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def get(self, path: str, **query: str) -> str:
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10.0) as answer:
            text: str = answer.read().decode()
            return text


class Prometheus(_Server):
    """Scrapes ``target`` and writes on to VictoriaMetrics at port ``onwards``, both more often than on the page."""

    ready = "/-/ready"

    def __init__(self, directory: Path, target: str, onwards: int) -> None:
        super().__init__(directory)
        self._target, self._onwards = target, onwards

    def command(self) -> list[str]:
        settings = yaml.safe_load(block("yaml"))
        settings["global"]["scrape_interval"] = "1s"
        settings["scrape_configs"][0]["static_configs"][0]["targets"] = [self._target]
        settings["remote_write"][0]["url"] = f"http://127.0.0.1:{self._onwards}/api/v1/write"
        settings["remote_write"][0]["queue_config"] |= {"batch_send_deadline": "500ms", "max_backoff": "500ms"}
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(settings))
        return [
            "prometheus",
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--storage.remote.flush-deadline=1s",  # VictoriaMetrics is gone before it in the tests
        ]

    def samples(self) -> Samples:
        """Everything of the daemon that is there now, under the labels with which it is written on, but for NaN."""
        answer = json.loads(self.get("/api/v1/query", query='{job="portal-monitor"}[1h]'))
        series = ((frozenset([*one["metric"].items(), SITE]), one["values"]) for one in answer["data"]["result"])
        found = (((labels, round(at * 1000)), float(value)) for labels, values in series for at, value in values)
        return {key: value for key, value in found if not math.isnan(value)}


class VictoriaMetrics(_Server):
    """Takes what it is given."""

    ready = "/health"

    def command(self) -> list[str]:
        words = shlex.split(block("sh"))
        own = {"-storageDataPath": str(self.directory / "data"), "-httpListenAddr": f"127.0.0.1:{self.port}"}
        named = (word.partition("=") for word in words[1:])
        return [words[0], *(f"{name}={own.get(name, value)}" for name, _, value in named), "-search.latencyOffset=0s"]

    def samples(self) -> Samples:
        """Everything that is there now; the marks that a series has ended are no samples."""
        self.get("/internal/force_flush")
        found: Samples = {}
        for line in self.get("/api/v1/export", **{"match[]": '{job="portal-monitor"}'}).splitlines():
            one = json.loads(line)
            labels = frozenset(one["metric"].items())
            for at, value in zip(one["timestamps"], one["values"], strict=True):
                if value is not None and not math.isnan(float(value)):
                    found[labels, at] = float(value)
        return found

    def query(self, text: str) -> list[dict[str, Any]]:
        """The result of an instant query, in sight of all that is there."""
        self.get("/internal/force_flush")
        result: list[dict[str, Any]] = json.loads(self.get("/api/v1/query", query=text))["data"]["result"]
        return result


class Scraper(_Server):
    """Scrapes ``target`` once a second, and evaluates the rules of the file ``rules``."""

    ready = "/-/ready"

    def __init__(self, directory: Path, target: str, rules: Path) -> None:
        super().__init__(directory)
        self._target, self._rules = target, rules

    def command(self) -> list[str]:
        scrape = {
            "job_name": "portal-monitor",
            "honor_labels": True,
            "static_configs": [{"targets": [self._target]}],
        }
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._rules)],
            "scrape_configs": [scrape],
        }
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(settings))
        return serving(self.directory, self.port)

    def query(self, text: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        result: list[dict[str, Any]] = json.loads(self.get("/api/v1/query", query=text))["data"]["result"]
        return result


class Holder(_Server):
    """Holds the blocks that lie in its ``data``; a sample counts for ``lookback`` after its time."""

    ready = "/-/ready"

    def __init__(self, directory: Path, lookback: str) -> None:
        super().__init__(directory)
        self._lookback = lookback

    def command(self) -> list[str]:
        (self.directory / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
        more = [f"--query.lookback-delta={self._lookback}", "--storage.tsdb.retention.time=10y"]
        return [*serving(self.directory, self.port), *more]


def serving(directory: Path, port: int) -> list[str]:
    """The command of a Prometheus with its configuration and its data in ``directory``."""
    return [
        "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
