"""The one function that turns whatever happens during a look into a result."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import structlog
from yarl import URL

from probes.http import failures
from probes.http.urls import shown
from probes.probe import Probe
from probes.result import Failed, Fault, Outcome, ProbeResult
from probes.sanitize import printable
from probes.trace import Trace

if TYPE_CHECKING:
    from probes.resources import Instruments

log = structlog.get_logger(__name__)


async def observe(probe: Probe, tools: Instruments) -> ProbeResult:
    """Take one look within the probe's deadline.

    The deadline is kept here, outside of the probe's coroutine: a probe that forgets its own limit is stopped. An
    exception that is not a verdict is a bug of ours and makes the look void. Only cancellation passes through.
    """
    trace = Trace()
    failure: Failed | None = None
    try:
        async with asyncio.timeout(probe.deadline):
            await probe.run(trace, tools)
    except Failed as error:
        failure = error
    except TimeoutError:
        failure = failures.of_timeout(trace.reached(), probe.deadline)
    except Exception as error:
        log.exception("probe_bug", kind=probe.kind, url=_named(probe.url))
        failure = Failed(Fault.PROBER, f"{type(error).__name__} in the probe itself")
    return _result(trace, failure)


def _result(trace: Trace, failure: Failed | None) -> ProbeResult:
    outcome = Outcome.UP
    if failure is not None:
        outcome = Outcome.VOID if failure.fault is Fault.PROBER else Outcome.DOWN
    return ProbeResult(
        outcome=outcome,
        fault=failure.fault if failure else None,
        phase=(trace.reached() or None) if failure else None,
        detail=printable(failure.detail[:500]) if failure else "",
        duration=_duration(trace),
        values={name: printable(one) if isinstance(one, str) else one for name, one in trace.values.items()},
        hops=tuple(hop.record() for hop in trace.hops),
        pictures=tuple(trace.pictures),
    )


def _named(url: str) -> str:
    """An address for the log, without what may be secret in it."""
    try:
        return shown(URL(url))
    except ValueError:
        return "?"


def _duration(trace: Trace) -> float:
    """Seconds of the walk that speaks for the look, which its stored phases sum to; else the time since it began."""
    family = trace.values.get("ip_family")
    spent = trace.values.get(f"ipv{family}_seconds")
    return float(spent) if spent is not None else time.perf_counter() - trace.started
