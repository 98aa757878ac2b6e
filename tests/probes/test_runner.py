"""Every ending of a probe becomes one result; only cancellation passes through."""
# ruff: noqa: ANN401 - an act is any coroutine function, with any keys

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
import structlog
from structlog.testing import capture_logs

from probes.metric import Metric, Unit
from probes.probe import Pool, Probe
from probes.resources import HttpSettings, ProbeResources
from probes.result import Fault, Outcome, ProbeFailed
from probes.runner import run_probe
from probes.trace import HopTrace
from probes.uptime import Uptime
from tests.servers.raw import Do, RawServer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from probes.trace import Trace


class Acting(Probe):
    """Runs the function of a test."""

    kind: ClassVar[str] = "acting"
    pool: ClassVar[Pool] = Pool.HTTP
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="depth", unit=Unit.COUNT, help="x", type=int),)
    act: ClassVar[Any]

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        trace.set_values(depth=3, width=None)
        await type(self).act(trace)


@pytest.fixture
async def resources() -> Any:
    async with ProbeResources() as resources:
        yield resources


async def _act(resources: ProbeResources, act: Any, **keys: Any) -> Any:
    Acting.act = staticmethod(act)
    return await run_probe(Acting(url="https://user:S3CRET@portal.test/?S3CRET", **keys), resources)


async def test_a_probe_that_returns_is_up(resources: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        await asyncio.sleep(0.01)

    result = await _act(resources, act)
    assert (result.outcome, result.fault, result.phase, result.detail) == (Outcome.UP, None, None, "")
    assert result.values == {"depth": 3}
    assert result.duration >= 0.01


async def test_a_failure_is_down_and_keeps_earlier_values(resources: ProbeResources) -> None:
    async def act(trace: Trace) -> None:
        trace.start_hop(HopTrace(url="x"))
        raise ProbeFailed(Fault.HTTP_STATUS, "status 500" + "!" * 1000)

    result = await _act(resources, act)
    assert (result.outcome, result.fault, result.values) == (Outcome.DOWN, Fault.HTTP_STATUS, {"depth": 3})
    assert len(result.hops) == 1
    assert len(result.detail) == 500


async def test_a_failure_of_the_prober_is_unknown(resources: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        raise ProbeFailed(Fault.INTERNAL_ERROR, "no network")

    assert (await _act(resources, act)).outcome is Outcome.UNKNOWN


async def test_a_bug_is_unknown_and_its_traceback_is_logged_without_secrets(resources: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        raise KeyError("what was that")

    with capture_logs(processors=[structlog.processors.format_exc_info]) as logs:
        result = await _act(resources, act)
    assert (result.outcome, result.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)
    assert result.detail == "internal error in the probe: KeyError"
    (line,) = logs
    assert (line["event"], line["kind"], line["log_level"]) == ("probe_internal_error", "acting", "error")
    assert "what was that" in line["exception"]
    assert "S3CRET" not in repr(line)


async def test_a_probe_that_forgets_its_limit_is_stopped(resources: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        await asyncio.sleep(60)

    begun = time.perf_counter()
    result = await _act(resources, act, timeout=0.2)
    assert time.perf_counter() - begun < 10.0, "it would have slept for a minute"
    assert (result.outcome, result.fault) == (Outcome.DOWN, Fault.TIMEOUT)


async def test_cancellation_passes_through_and_frees_everything(resources: ProbeResources) -> None:
    async with RawServer([Do.STALL]) as server:
        task = asyncio.create_task(run_probe(Uptime(url=server.url()), resources))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_deadline_of_two_families_is_kept(resources: ProbeResources) -> None:
    async with RawServer([Do.STALL]) as server:
        begun = time.perf_counter()
        result = await run_probe(Uptime(url=server.url(host="localhost"), family="auto", timeout="300ms"), resources)
    assert result.fault is not None
    assert result.duration < 1.0
    assert time.perf_counter() - begun < 5.0, "the rest is what a busy machine may add"


async def test_authorities_that_cannot_be_read_are_our_fault(tmp_path: Path) -> None:
    junk = tmp_path / "ca.pem"
    junk.write_text("no certificate")
    for path in (junk, tmp_path / "absent.pem"):
        async with ProbeResources(HttpSettings(ca_file=path)) as resources:
            result = await run_probe(Uptime(url="https://127.0.0.1:9/"), resources)
            assert (result.outcome, result.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR), result.detail
            assert str(tmp_path) not in result.detail
            assert "ipv4_seconds" not in result.values


async def test_the_hosts_own_resolver_is_used_when_no_name_server_is_given(resources: ProbeResources) -> None:
    async with RawServer([answer()]) as server:
        good = await run_probe(Uptime(url=server.url(host="localhost"), family="4"), resources)
        bad = await run_probe(Uptime(url="http://no-such-name.invalid/", family="4", timeout=5.0), resources)
    assert good.outcome is Outcome.UP
    assert next(iter(good.hops[0].phases)) == "resolve"
    assert bad.fault is Fault.DNS
