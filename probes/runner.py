"""The one function that turns whatever happens during a look into a result."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog
from yarl import URL

from probes.http import failures
from probes.http.urls import redacted_url
from probes.probe import Probe
from probes.result import Fault, Outcome, ProbeFailed, ProbeResult
from probes.sanitize import sanitize
from probes.trace import Trace

if TYPE_CHECKING:
    from probes.resources import ProbeResources

log = structlog.get_logger(__name__)


async def run_probe(probe: Probe, resources: ProbeResources) -> ProbeResult:
    """Take one look within the probe's deadline.

    The deadline is kept here, outside of the probe's coroutine: a probe that forgets its own limit is stopped. An
    exception that is not a verdict is a bug of ours and makes the look void. Only cancellation passes through.
    """
    trace = Trace()
    failure: ProbeFailed | None = None
    try:
        async with asyncio.timeout(probe.deadline):
            await probe.run(trace, resources)
    except ProbeFailed as error:
        failure = error
    except TimeoutError:
        failure = failures.from_timeout(trace.current_phase(), probe.deadline)
    except Exception as error:
        log.exception("probe_bug", kind=probe.kind, url=_redacted_url(probe.url))
        failure = ProbeFailed(Fault.PROBER, f"{type(error).__name__} in the probe itself")
    return _build_result(trace, failure)


def _build_result(trace: Trace, failure: ProbeFailed | None) -> ProbeResult:
    outcome = Outcome.UP
    if failure is not None:
        outcome = Outcome.VOID if failure.fault is Fault.PROBER else Outcome.DOWN
    return ProbeResult(
        outcome=outcome,
        fault=failure.fault if failure else None,
        phase=(trace.current_phase() or None) if failure else None,
        detail=sanitize(failure.detail[:500]) if failure else "",
        duration=_duration(trace),
        values={name: sanitize(one) if isinstance(one, str) else one for name, one in trace.values.items()},
        hops=tuple(hop.to_hop() for hop in trace.hops),
        screenshots=tuple(trace.screenshots),
    )


def _redacted_url(url: str) -> str:
    """An address for the log, without what may be secret in it."""
    try:
        return redacted_url(URL(url))
    except ValueError:
        return "?"


def _duration(trace: Trace) -> float:
    """Seconds of the walk that speaks for the look, which its stored phases sum to; else the time since it began."""
    family = trace.values.get("ip_family")
    spent = trace.values.get(f"ipv{family}_seconds")
    return float(spent) if spent is not None else time.perf_counter() - trace.started
