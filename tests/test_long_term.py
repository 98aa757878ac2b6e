"""Long-term storage: a real Prometheus scrapes the daemon and writes to a real VictoriaMetrics without loss."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import test_demo
from tests.servers.ports import free_port
from tests.servers.prometheus import Labels, Prometheus, VictoriaMetrics
from tests.test_demo import Demo
from tests.test_stored import wait_until

pytestmark = pytest.mark.slow

demo = test_demo.demo

ADDED = {"job": "portal-monitor", "site": "ha-noi"}
"""What Prometheus adds to the daemon's own labels."""

EXACT = 1e-11
"""VictoriaMetrics keeps twelve digits of a number, and more of most."""


STILL = ("probe_ssl_earliest_cert_expiry", "portal_monitor_portal_info", "probe_timeout_seconds")
"""Constant series, so that a query returns exactly the values of the daemon's page."""


def test_what_prometheus_scrapes_is_kept_by_victoriametrics(demo: Demo, tmp_path: Path):
    """Every sample with its time, value and labels, also those from before VictoriaMetrics was there."""
    port = free_port()
    with Prometheus(tmp_path / "prometheus", demo.listen, port) as prometheus:
        wait_until(lambda: len(times(prometheus, "probe_success")) >= 2)
        early = prometheus.samples()
        with VictoriaMetrics(tmp_path / "victoria", port) as victoria:
            wait_until(lambda: early.keys() <= victoria.samples().keys())
            wait_until(lambda: len(times(prometheus, "probe_success")) >= 5)
            scraped = prometheus.samples()
            wait_until(lambda: scraped.keys() <= victoria.samples().keys())
            kept = victoria.samples()
            assert {key: kept[key] for key in scraped} == pytest.approx(scraped, rel=EXACT)
            for name in STILL:
                wait_until(lambda name=name: queried(victoria, name) == named(shown(demo.listen), name) != {})


def queried(victoria: VictoriaMetrics, name: str) -> dict[Labels, float]:
    return {frozenset(one["metric"].items()): float(one["value"][1]) for one in victoria.query(name)}


def named(page: dict[Labels, float], name: str) -> dict[Labels, float]:
    return {labels: value for labels, value in page.items() if ("__name__", name) in labels}


def shown(listen: str) -> dict[Labels, float]:
    """Current samples of the daemon's page, with the labels that they have in VictoriaMetrics."""
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10.0) as response:
        page = response.read().decode()
    samples = (one for family in text_string_to_metric_families(page) for one in family.samples)
    found = {}
    for one in samples:
        own = {name: value for name, value in one.labels.items() if value}  # an empty label is none
        found[frozenset({"__name__": one.name, "instance": listen, **own, **ADDED}.items())] = one.value
    return found


def times(prometheus: Prometheus, name: str) -> set[int]:
    return {at for labels, at in prometheus.samples() if ("__name__", name) in labels}
