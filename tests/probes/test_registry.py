"""The contract of every registered probe kind; a new kind is tested here without a new test."""
# ruff: noqa: ANN401 - any way of writing a duration

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from probes.metric import Metric, Unit
from probes.probe import Pool, Probe, parse_seconds
from probes.registry import PROBE_KINDS
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeFailed
from probes.runner import run_probe

URL = "https://portal.test/"
EVERY = pytest.mark.parametrize("kind", PROBE_KINDS.values(), ids=PROBE_KINDS)


@EVERY
def test_a_kind_keeps_its_contract(kind: type[Probe]) -> None:
    assert PROBE_KINDS[kind.kind] is kind
    assert isinstance(kind.pool, Pool)
    assert kind.__doc__
    assert all(field.description for field in kind.model_fields.values()), "the schema explains every key"


@EVERY
def test_a_probe_is_frozen_and_comparable(kind: type[Probe]) -> None:
    probe = kind(url=URL)
    with pytest.raises(ValidationError):
        probe.timeout = 3.0  # type: ignore[misc]
    assert probe == kind(url=URL)
    assert kind.model_validate(probe.model_dump()) == probe
    assert kind.model_validate_json(probe.model_dump_json()) == probe


@EVERY
def test_an_unknown_key_is_refused(kind: type[Probe]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        kind(url=URL, retries=3)  # type: ignore[call-arg]


@EVERY
@pytest.mark.parametrize("timeout", [0.1, "500ms", 10, "1m"])
def test_the_deadline_is_not_before_the_timeout(kind: type[Probe], timeout: Any) -> None:
    probe = kind(url=URL, timeout=timeout)
    assert probe.deadline >= probe.timeout > 0.0


@EVERY
def test_metrics_are_declared_once_and_whole(kind: type[Probe]) -> None:
    names = [metric.name for metric in kind.metrics]
    assert len(names) == len(set(names))
    exposed = [
        (metric.prometheus_name, tuple(metric.labels.items()), metric.info_label)
        for metric in kind.metrics
        if metric.prometheus_name
    ]
    assert len(exposed) == len(set(exposed))
    for metric in kind.metrics:
        _check(metric, set(names))


def _check(metric: Metric, names: set[str]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
    assert re.fullmatch(r"([a-z_:][a-z0-9_:]*)?", metric.prometheus_name)
    assert metric.help.endswith(".")
    assert metric.type in {bool, int, float, str}
    assert (metric.type is str) == (metric.unit is Unit.TEXT)
    assert (metric.type is bool) == (metric.unit is Unit.FLAG)
    assert bool(metric.info_label) == (metric.type is str and bool(metric.prometheus_name))
    assert set(metric.sum_of) <= names


def test_kinds_that_share_a_metric_declare_it_alike() -> None:
    """One column, one type, whichever kind wrote it first."""
    seen: dict[str, Metric] = {}
    for kind in PROBE_KINDS.values():
        for metric in kind.metrics:
            assert seen.setdefault(metric.name, metric) == metric


@EVERY
async def test_a_probe_of_a_closed_port_is_a_result(kind: type[Probe]) -> None:
    async with ProbeResources() as resources:
        result = await run_probe(kind(url="http://127.0.0.1:9/", timeout=5.0), resources)
    assert result.outcome in {Outcome.DOWN, Outcome.UNKNOWN}
    assert result.fault in Fault
    declared = {metric.name: metric.type for metric in kind.metrics if not metric.sum_of}
    assert all(type(value) is declared[name] for name, value in result.values.items())


def test_the_faults_are_a_closed_set() -> None:
    assert {fault.value for fault in Fault} == {
        *("dns", "connect_refused", "connect_timeout", "tls_expired", "tls_name", "tls_untrusted", "tls_other"),
        *("timeout", "reset", "http_status", "redirect_loop", "redirect_target", "body_mismatch", "body_too_large"),
        *("protocol", "blocked", "not_rendered", "crashed", "internal_error"),
    }
    assert ProbeFailed(Fault.DNS, "no name").detail == "no name"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(30, 30), ("30", 30.0), ("30s", 30.0), ("1.5m", 90.0), ("500ms", 0.5), ("1h", 3600.0), (" 2 D ", 172800.0)],
)
def test_durations_are_written_as_people_write_them(text: object, seconds: float) -> None:
    assert parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "1x", "ms", "", "1 2"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_seconds(text)
