"""The path for fleets: a real Prometheus scrapes the daemon and writes on to a real VictoriaMetrics, nothing missing."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.servers.nginx import free_port
from tests.servers.prometheus import Prometheus, Series, VictoriaMetrics
from tests.test_demo import Demo, demo

__all__ = ["demo"]

pytestmark = pytest.mark.slow

ADDED = {"job": "portal-monitor", "site": "ha-noi"}
"""What Prometheus adds to the daemon's own labels."""


def shown(listen: str) -> dict[frozenset[tuple[str, str]], float]:
    """What the daemon's page says now, under the labels that it has in the end."""
    with urllib.request.urlopen(f"http://{listen}/metrics", timeout=10.0) as answer:
        page = answer.read().decode()
    samples = (one for family in text_string_to_metric_families(page) for one in family.samples)
    return {frozenset({"__name__": one.name, "instance": listen, **one.labels, **ADDED}.items()): one.value
            for one in samples}  # fmt: skip


def moments(series: Series) -> Iterator[tuple[frozenset[tuple[str, str]], int, float]]:
    for labels, values in series.items():
        for at, value in values.items():
            yield labels | {("site", "ha-noi")}, at, value


def test_what_prometheus_scrapes_is_kept_by_victoriametrics(demo: Demo, tmp_path: Path):
    """Also what was scraped while VictoriaMetrics was not there."""
    port = free_port()
    with Prometheus(tmp_path / "prometheus", demo.listen, port) as prometheus:
        first = wait_for(lambda: {one for one in moments(prometheus.samples()) if named(one[0]) == "probe_success"})
        with VictoriaMetrics(tmp_path / "victoria", port) as victoria:
            wait_for(lambda: first <= set(moments_of(victoria)))
            until = int(time.time() * 1000)
            scraped = {one for one in moments(prometheus.samples()) if one[1] <= until}
            kept = wait_for(lambda: (found := set(moments_of(victoria))) >= scraped and found)
            assert len({named(labels) for labels, _, _ in kept}) > 50
            page = shown(demo.listen)
            for name in ("probe_ssl_earliest_cert_expiry", "portal_monitor_portal_info", "probe_timeout_seconds"):
                told = {labels: value for labels, value in page.items() if named(labels) == name}
                assert len(told) >= 3, name
                answer = victoria.query(name)
                found = {frozenset(one["metric"].items()): float(one["value"][1]) for one in answer}
                assert found == told, f"{name}: same labels, same values as the daemon shows"
            assert {dict(labels)["location"] for labels in told} == {"demo"}


def moments_of(victoria: VictoriaMetrics) -> Iterator[tuple[frozenset[tuple[str, str]], int, float]]:
    for labels, values in victoria.samples().items():
        for at, value in values.items():
            yield labels, at, value


def named(labels: frozenset[tuple[str, str]]) -> str:
    return dict(labels)["__name__"]


def wait_for(question, seconds: float = 90.0):  # noqa: ANN001 - any question, any answer
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "it never became true"
        time.sleep(0.2)
    return answer
