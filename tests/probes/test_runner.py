"""Whatever happens during a look becomes one result; only cancellation passes through."""
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
    """Does what a test tells it to."""

    kind: ClassVar[str] = "acting"
    pool: ClassVar[Pool] = Pool.LIGHT
    metrics: ClassVar[tuple[Metric, ...]] = (Metric(name="depth", unit=Unit.COUNT, help="x", type=int),)
    act: ClassVar[Any]

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        trace.set_values(depth=3, width=None)
        await type(self).act(trace)


@pytest.fixture
async def tools() -> Any:
    async with ProbeResources() as instruments:
        yield instruments


async def _act(tools: ProbeResources, act: Any, **keys: Any) -> Any:
    Acting.act = staticmethod(act)
    return await run_probe(Acting(url="https://user:S3CRET@portal.test/?S3CRET", **keys), tools)


async def test_a_probe_that_returns_is_up(tools: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        await asyncio.sleep(0.01)

    result = await _act(tools, act)
    assert (result.outcome, result.fault, result.phase, result.detail) == (Outcome.UP, None, None, "")
    assert result.values == {"depth": 3}
    assert result.duration >= 0.01


async def test_a_verdict_is_down_and_what_was_seen_before_stays(tools: ProbeResources) -> None:
    async def act(trace: Trace) -> None:
        trace.start_hop(HopTrace(url="x"))
        raise ProbeFailed(Fault.HTTP_STATUS, "status 500" + "!" * 1000)

    result = await _act(tools, act)
    assert (result.outcome, result.fault, result.values) == (Outcome.DOWN, Fault.HTTP_STATUS, {"depth": 3})
    assert len(result.hops) == 1
    assert len(result.detail) == 500


async def test_a_verdict_about_ourselves_is_void(tools: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        raise ProbeFailed(Fault.PROBER, "no network")

    assert (await _act(tools, act)).outcome is Outcome.VOID


async def test_a_bug_is_void_and_its_traceback_is_logged_without_secrets(tools: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        raise KeyError("what was that")

    with capture_logs(processors=[structlog.processors.format_exc_info]) as logs:
        result = await _act(tools, act)
    assert (result.outcome, result.fault) == (Outcome.VOID, Fault.PROBER)
    assert result.detail == "KeyError in the probe itself"
    (line,) = logs
    assert (line["event"], line["kind"], line["log_level"]) == ("probe_bug", "acting", "error")
    assert "what was that" in line["exception"]
    assert "S3CRET" not in repr(line)


async def test_a_probe_that_forgets_its_limit_is_stopped(tools: ProbeResources) -> None:
    async def act(_trace: Trace) -> None:
        await asyncio.sleep(60)

    begun = time.perf_counter()
    result = await _act(tools, act, timeout=0.2)
    assert time.perf_counter() - begun < 10.0, "it would have slept for a minute"
    assert (result.outcome, result.fault) == (Outcome.DOWN, Fault.TIMEOUT)


async def test_cancellation_passes_through_and_frees_everything(tools: ProbeResources) -> None:
    async with RawServer([Do.STALL]) as server:
        task = asyncio.create_task(run_probe(Uptime(url=server.url()), tools))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_deadline_of_two_families_is_kept(tools: ProbeResources) -> None:
    async with RawServer([Do.STALL]) as server:
        begun = time.perf_counter()
        result = await run_probe(Uptime(url=server.url(host="localhost"), family="auto", timeout="300ms"), tools)
    assert result.fault is not None
    assert result.duration < 1.0
    assert time.perf_counter() - begun < 5.0, "the rest is what a busy machine may add"


async def test_authorities_that_cannot_be_read_are_our_fault(tmp_path: Path) -> None:
    junk = tmp_path / "ca.pem"
    junk.write_text("no certificate")
    for path in (junk, tmp_path / "absent.pem"):
        async with ProbeResources(HttpSettings(ca_file=path)) as tools:
            result = await run_probe(Uptime(url="https://127.0.0.1:9/"), tools)
            assert (result.outcome, result.fault) == (Outcome.VOID, Fault.PROBER), result.detail
            assert str(tmp_path) not in result.detail
            assert "ipv4_seconds" not in result.values


async def test_the_hosts_own_resolver_is_asked_when_no_name_server_is_given(tools: ProbeResources) -> None:
    async with RawServer([answer()]) as server:
        good = await run_probe(Uptime(url=server.url(host="localhost"), family="4"), tools)
        bad = await run_probe(Uptime(url="http://no-such-name.invalid/", family="4", timeout=5.0), tools)
    assert good.outcome is Outcome.UP
    assert next(iter(good.hops[0].phases)) == "resolve"
    assert bad.fault is Fault.DNS
