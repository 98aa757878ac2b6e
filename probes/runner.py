"""Run one probe within its deadline and convert every ending into a result."""

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
    """Run *probe* once within its deadline.

    The deadline is enforced here, outside of the probe's coroutine: a probe that exceeds its own limit is stopped. An
    exception other than :class:`ProbeFailed` is an internal error, and the outcome is unknown. Only cancellation
    passes through.
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
        log.exception("probe_internal_error", kind=probe.kind, url=_redacted_url(probe.url))
        failure = ProbeFailed(Fault.INTERNAL_ERROR, f"internal error in the probe: {type(error).__name__}")
    return _build_result(trace, failure)


def _build_result(trace: Trace, failure: ProbeFailed | None) -> ProbeResult:
    outcome = Outcome.UP
    if failure is not None:
        outcome = Outcome.UNKNOWN if failure.fault is Fault.INTERNAL_ERROR else Outcome.DOWN
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
    """Return *url* for the log, without secrets."""
    try:
        return redacted_url(URL(url))
    except ValueError:
        return "?"


def _duration(trace: Trace) -> float:
    """Return the seconds of the selected family, to which its stored phases sum; else the time since the start."""
    family = trace.values.get("ip_family")
    spent = trace.values.get(f"ipv{family}_seconds")
    return float(spent) if spent is not None else time.perf_counter() - trace.started
