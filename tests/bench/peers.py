"""What a user would pick instead: Debian's blackbox_exporter, and Prometheus that scrapes it, as processes."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from tests.bench.process_usage import Usage, usage
from tests.bench.row import CannotRun
from tests.bench.subject import pinned, wait_for
from tests.servers.ports import free_port

EXPORTER, PROMETHEUS = "prometheus-blackbox-exporter", "prometheus"


def need(*commands: str) -> None:
    """Raise :class:`CannotRun` when one of ``commands`` is not on this machine."""
    missing = [one for one in commands if shutil.which(one) is None]
    if missing:
        raise CannotRun(f"{', '.join(missing)} not found: `make bench` installs what it needs where it may")


class Process:
    """A server of the other side, started on entry and stopped on exit."""

    def __init__(self, directory: Path, command: list[str], health: str) -> None:
        self._directory, self._command, self._health = directory, command, health

    def __enter__(self) -> Self:
        self._log = (self._directory / f"{self._command[0]}.log").open("w")
        self._process = subprocess.Popen(pinned(1, self._command), stderr=self._log, stdout=self._log)
        wait_for(lambda: urllib.request.urlopen(self._health, timeout=5).read())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def usage(self) -> Usage:
        return usage(self.pid)


def exporter(directory: Path, ca: Path) -> tuple[Process, str]:
    """blackbox_exporter, and where it listens; module ``http`` probes over IPv4 and trusts ``ca``."""
    need(EXPORTER)
    listen = f"127.0.0.1:{free_port()}"
    http = {"preferred_ip_protocol": "ip4", "ip_protocol_fallback": False, "tls_config": {"ca_file": str(ca)}}
    module = {"prober": "http", "timeout": "5s", "http": http}
    config = directory / "exporter.yaml"
    config.write_text(yaml.safe_dump({"modules": {"http": module}}))
    command = [EXPORTER, f"--config.file={config}", f"--web.listen-address={listen}"]
    return Process(directory, command, f"http://{listen}/-/healthy"), listen


class Peers:
    """Both of them, probing ``urls`` every ``interval`` seconds."""

    def __init__(self, directory: Path, urls: Sequence[str], interval: float, ca: Path) -> None:
        need(PROMETHEUS)
        directory.mkdir()
        self._exporter, exporter_address = exporter(directory, ca)
        self.listen = f"127.0.0.1:{free_port()}"
        config = directory / "prometheus.yaml"
        config.write_text(json.dumps(_scraping(urls, interval, exporter_address)))  # JSON is YAML, and quick to write
        command = [
            *(PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}"),
            *(f"--web.listen-address={self.listen}", "--log.level=warn"),
        ]
        self._prometheus = Process(directory, command, f"http://{self.listen}/-/ready")

    def __enter__(self) -> Self:
        self._exporter.__enter__()
        self._prometheus.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._prometheus.__exit__(*error)
        self._exporter.__exit__(*error)

    def usage(self) -> Usage:
        return self._prometheus.usage() + self._exporter.usage()

    def query(self, promql: str, at: float) -> float:
        """One number by PromQL as of ``at`` (unix seconds); 0.0 when there is none."""
        values = urllib.parse.urlencode({"query": promql, "time": at})
        with urllib.request.urlopen(f"http://{self.listen}/api/v1/query?{values}", timeout=60) as response:
            found = json.load(response)["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def probes(self, since: float, until: float) -> tuple[int, int]:
        """Probes stored between two unix times, and how many of them failed."""
        window = f"probe_success[{round((until - since) * 1000)}ms]"
        total, good = (self.query(f"sum({how}_over_time({window}))", until) for how in ("count", "sum"))
        return int(total), int(total - good)


def _scraping(urls: Sequence[str], interval: float, exporter_address: str) -> dict[str, Any]:
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "instance"},
        {"target_label": "__address__", "replacement": exporter_address},
    ]
    job = {
        "job_name": "probes",
        "metrics_path": "/probe",
        "params": {"module": ["http"]},
        "static_configs": [{"targets": list(urls)}],
        "relabel_configs": relabel,
    }
    every = f"{round(interval * 1000)}ms"
    timeout = f"{round(min(interval, 5.0) * 1000)}ms"
    return {"global": {"scrape_interval": every, "scrape_timeout": timeout}, "scrape_configs": [job]}
