"""The usual way to watch the same servers: blackbox_exporter, Prometheus with a rule ``for: 1m``, and Alertmanager."""

from __future__ import annotations

import contextlib
import subprocess
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from tests.bench.subject import wait_for
from tests.servers.alertmanager import alertmanager
from tests.servers.ports import free_port

EVALUATION = "15s"
"""How often the rule is evaluated: Prometheus' sample configuration has 15 s, its default is 1 m."""


@contextlib.contextmanager
def prometheus_stack(directory: Path, targets: Sequence[str], interval: int, hook: str) -> Iterator[None]:
    """Watch ``targets`` every ``interval`` seconds and notify ``hook``; Alertmanager waits 1 s for a group."""
    directory.mkdir()
    box, prometheus = free_port(), free_port()
    modules = {"modules": {"http": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4"}}}}
    (directory / "blackbox.yml").write_text(yaml.safe_dump(modules))
    with contextlib.ExitStack() as stack:
        manager = stack.enter_context(alertmanager(directory / "am", hook, wait="1s"))
        (directory / "rules.yml").write_text(yaml.safe_dump(_rules()))
        (directory / "prometheus.yml").write_text(yaml.safe_dump(_config(targets, interval, box, manager.port)))
        _run(stack, directory, "prometheus-blackbox-exporter", f"--config.file={directory}/blackbox.yml",
             f"--web.listen-address=127.0.0.1:{box}")  # fmt: skip
        _run(stack, directory, "prometheus", f"--config.file={directory}/prometheus.yml",
             f"--storage.tsdb.path={directory}/tsdb", f"--web.listen-address=127.0.0.1:{prometheus}")  # fmt: skip
        for url in (f"http://127.0.0.1:{box}/-/healthy", f"http://127.0.0.1:{prometheus}/-/ready"):
            wait_for(lambda url=url: urllib.request.urlopen(url, timeout=5).close())
        yield


def _run(stack: contextlib.ExitStack, directory: Path, *command: str) -> None:
    log = stack.enter_context((directory / f"{command[0]}.log").open("wb"))
    process = subprocess.Popen(command, stdout=log, stderr=log)
    stack.callback(process.wait, 20)
    stack.callback(process.terminate)


def _rules() -> dict[str, object]:
    rule = {"alert": "PortalDown", "expr": "probe_success == 0", "for": "1m", "labels": {"severity": "page"}}
    return {"groups": [{"name": "portals", "rules": [rule]}]}


def _config(targets: Sequence[str], interval: int, box: int, manager: int) -> dict[str, object]:
    relabel = [
        {"source_labels": ["__address__"], "target_label": "__param_target"},
        {"source_labels": ["__param_target"], "target_label": "portal"},
        {"target_label": "__address__", "replacement": f"127.0.0.1:{box}"},
    ]
    job = {
        "job_name": "portals",
        "metrics_path": "/probe",
        "params": {"module": ["http"]},
        "static_configs": [{"targets": list(targets)}],
        "relabel_configs": relabel,
    }
    return {
        "global": {"scrape_interval": f"{interval}s", "evaluation_interval": EVALUATION, "scrape_timeout": "10s"},
        "rule_files": ["rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager}"]}]}]},
        "scrape_configs": [job],
    }
