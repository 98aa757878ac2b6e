"""Runs one check for one slot: permit, probe, self-check, commit, confirmation; one recorded outcome per slot."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import Check, Measurement, UnknownReason
from monitor.prober.confirmation import Confirmation
from probes.probe import Pool
from probes.result import Outcome, ProbeResult
from probes.runner import run_probe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from monitor.model.clock import Clock
    from monitor.prober.host_health import HostHealth
    from monitor.prober.self_check import SelfCheck
    from monitor.storage.journal.journal import Journal
    from probes.resources import ProbeResources
    from probes.result import Screenshot

    StoreScreenshots = Callable[[Check, Measurement, Sequence[Screenshot]], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _HostLock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ConcurrencyLimiter:
    """Limits the running probes of each pool, and within a pool to one per host.

    Pools share nothing: a page load takes half a minute, and an uptime probe of the same host must not wait for it.
    """

    def __init__(self, limits: Mapping[Pool, int]) -> None:
        self._pools = {pool: asyncio.Semaphore(limit) for pool, limit in limits.items()}
        self._hosts: defaultdict[tuple[Pool, str], _HostLock] = defaultdict(_HostLock)

    async def acquire(self, check: Check, max_wait_seconds: float) -> bool:
        """Take the host first, then a permit of the pool, so that waiting for a host costs no permit.

        Return False when they are not free within *max_wait_seconds*; otherwise :meth:`release` returns them.
        """
        pool = check.probe.pool
        host, permits = self._hosts[pool, check.host], self._pools[pool]
        host.users += 1
        try:
            async with asyncio.timeout(max_wait_seconds if host.users > 1 or permits.locked() else None):
                await host.lock.acquire()
                try:
                    await permits.acquire()
                except BaseException:
                    host.lock.release()
                    raise
        except BaseException as error:
            self._drop_host(pool, check.host)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def release(self, check: Check) -> None:
        """Return what :meth:`acquire` took."""
        self._pools[check.probe.pool].release()
        self._hosts[check.probe.pool, check.host].lock.release()
        self._drop_host(check.probe.pool, check.host)

    def _drop_host(self, pool: Pool, host_name: str) -> None:
        host = self._hosts[pool, host_name]
        host.users -= 1
        if host.users == 0:
            del self._hosts[pool, host_name]


@dataclass(eq=False, kw_only=True)
class CheckRunner:
    """Turns (check, slot) into a committed :class:`Measurement`; failures of a probe never raise.

    A failure of the state check is confirmed by further attempts within its slot, each a measurement with the next
    attempt number. They are no outcomes of slots; an attempt that does not fit before the next slot is skipped.

    The outcomes of one check are committed in order of their slots, also when a run lasts longer than the interval:
    the newest outcome shows where a crash interrupted the series, and no consumer meets a slot too late.
    """

    resources: ProbeResources
    journal: Journal
    self_check: SelfCheck
    limiter: ConcurrencyLimiter
    clock: Clock
    location: str
    misfire_grace_time: float
    config_digest: str
    confirmation: Confirmation = field(default_factory=lambda: Confirmation(delays_seconds=()))
    host_health: HostHealth | None = None
    store_screenshots: StoreScreenshots | None = None
    on_start: Callable[[Check, float], None] = lambda _check, _start_delay: None
    _deferred: dict[str, list[Measurement]] = field(default_factory=dict)
    _confirming_stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def run_check(self, check: Check, slot: int) -> None:
        """Record the outcome of one slot. A slot whose predecessor is still running is overlapped.

        Cancellation records it as stopped; during confirmation the slot has its outcome, so nothing more is recorded.
        """
        if (deferred := self._deferred.get(check.key)) is not None:
            detail = "the previous run of this check was still in progress"
            deferred.append(self.unknown_measurement(check, slot, UnknownReason.OVERLAPPED, detail))
            return
        self._deferred[check.key] = []
        try:
            found = await self._run_slot(check, slot)
        except asyncio.CancelledError:
            stopped = self.unknown_measurement(check, slot, UnknownReason.STOPPED, "the daemon was stopped")
            self._submit(check, stopped)
            raise
        submitted: list[asyncio.Future[None]] = []
        try:
            # All runs at once: if the daemon is killed between two of them, the slot is recorded after the restart.
            submitted += [self.journal.submit(one) for one in found]
            if not check.probe.representative_flag:
                submitted += await self._run_confirmations(check, found[0])
        finally:
            submitted += self._submit(check)
        await asyncio.gather(*submitted)

    def record_late(self, check: Check, slot: int) -> asyncio.Future[None] | None:
        """Record a slot that is too late to be probed; the future, if any, is done when that is on disk."""
        late = self._late_measurement(check, slot)
        if (deferred := self._deferred.get(check.key)) is not None:
            deferred.append(late)
            return None
        return self.journal.submit(late)

    def stop_confirming(self) -> None:
        """Run no more confirmation attempts: the daemon is about to stop."""
        self._confirming_stopped.set()

    def _submit(self, check: Check, *outcomes: Measurement) -> list[asyncio.Future[None]]:
        deferred = self._deferred.pop(check.key)
        return [self.journal.submit(one) for one in (*outcomes, *deferred)]

    async def _run_confirmations(self, check: Check, scheduled_attempt: Measurement) -> list[asyncio.Future[None]]:
        """Run the confirmation attempts while attempts fail; submit each as it ends."""
        began = self.clock.monotonic()
        attempts, submitted = [scheduled_attempt], list[asyncio.Future[None]]()
        for attempt, seconds in enumerate(self.confirmation.delays(check, scheduled_attempt), start=2):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds - (self.clock.monotonic() - began)):
                    await self._confirming_stopped.wait()
            left = check.interval - (self.clock.now() - scheduled_attempt.slot) / 1000 - check.probe.deadline
            if self._confirming_stopped.is_set() or left < 0:
                break
            found = await self._run_with_permit(check, scheduled_attempt.slot, attempt, left)
            if found is None:
                break
            (measurement,) = found
            submitted.append(self.journal.submit(measurement))
            attempts.append(measurement)
            if measurement.outcome is Outcome.UP:
                break
        self.confirmation.record(check, attempts)
        return submitted

    async def _run_slot(self, check: Check, slot: int) -> list[Measurement]:
        """Return one measurement for the slot, or one for each run. Only cancellation is raised."""
        grace = max(self.misfire_grace_time, check.probe.max_wait_seconds)
        max_wait_seconds = grace - self._start_delay_seconds(slot)
        if max_wait_seconds < 0.0:  # after a clock step, a probe now proves nothing about a time long past
            return [self._late_measurement(check, slot)]
        detail = f"no concurrency permit within {grace:g} s"
        found = await self._run_with_permit(check, slot, 1, max_wait_seconds)
        return found or [self.unknown_measurement(check, slot, UnknownReason.LATE, detail)]

    async def _run_with_permit(self, check: Check, slot: int, attempt: int, seconds: float) -> list[Measurement] | None:
        """Run one attempt, or all runs of a kind with several; None without a permit within *seconds*."""
        if not await self.limiter.acquire(check, seconds):
            return None
        try:
            if check.probe.representative_flag:
                return await self._run_repeatedly(check, slot)
            return [(await self._run_attempt(check, slot, attempt))[0]]
        except Exception as error:
            log.exception("measure_internal_error", check=check.key, slot=slot)
            detail = f"internal error: {type(error).__name__}"
            failed = self.unknown_measurement(check, slot, UnknownReason.INTERNAL_ERROR, detail)
            return [replace(failed, attempt=attempt)]
        finally:
            self.limiter.release(check)

    async def _run_repeatedly(self, check: Check, slot: int) -> list[Measurement]:
        """Run the probe as often as its kind needs; one run is marked as the representative of the slot."""
        probe = check.probe
        results, found = list[ProbeResult](), list[Measurement]()
        while not results or not probe.is_complete(results, probe.max_runs):
            one, result = await self._run_attempt(check, slot, len(found) + 1)
            found.append(one)
            results.append(replace(result, outcome=one.outcome))
        chosen = probe.select_representative(results)
        marked = []
        for number, one in enumerate(found):
            values = {**one.values, "run": one.attempt, probe.representative_flag: number == chosen}
            marked.append(replace(one, start_delay=found[0].start_delay, values=values))
        if self.store_screenshots is not None:
            await self.store_screenshots(check, marked[chosen], results[chosen].screenshots)
        return marked

    async def _run_attempt(self, check: Check, slot: int, attempt: int) -> tuple[Measurement, ProbeResult]:
        started, start_delay = self.clock.now(), self._start_delay_seconds(slot) if attempt == 1 else None
        if start_delay is not None:
            self.on_start(check, start_delay)
        result = await run_probe(check.probe, self.resources)
        host_problem = self.host_health.problem(check, result) if self.host_health else None
        network_problem = None if host_problem else await self.self_check.problem(check, result)
        if not host_problem and (summary := self.self_check.reference_summary(check, result)):
            result = replace(result, values={**result.values, "references": summary})
        reason = UnknownReason.SELF_CHECK if network_problem else None
        if host_problem or result.outcome is Outcome.UNKNOWN:
            reason = UnknownReason.INTERNAL_ERROR
        plain = result.outcome is Outcome.UP and len(result.hops) == 1
        detail = "; ".join(part for part in (host_problem or network_problem, result.detail) if part)
        found = replace(
            self.unknown_measurement(check, slot, reason, detail),
            attempt=attempt,
            outcome=Outcome.UNKNOWN if reason else result.outcome,
            fault=result.fault,
            phase=result.phase,
            started=started,
            duration=result.duration,
            start_delay=start_delay,
            values=result.values,
            hops=() if plain else result.hops,
        )
        return found, result

    def _late_measurement(self, check: Check, slot: int) -> Measurement:
        delay = f"{self._start_delay_seconds(slot):.0f} s"
        detail = f"start delay {delay} exceeds misfire_grace_time {self.misfire_grace_time:g} s"
        return self.unknown_measurement(check, slot, UnknownReason.LATE, detail)

    def unknown_measurement(self, check: Check, slot: int, reason: UnknownReason | None, detail: str) -> Measurement:
        """Return the outcome unknown of a slot, without values."""
        return Measurement(
            portal=check.portal,
            check=check.name,
            location=self.location,
            slot=slot,
            kind=check.kind,
            outcome=Outcome.UNKNOWN,
            unknown_reason=reason,
            detail=detail,
            config=self.config_digest,
        )

    def _start_delay_seconds(self, slot: int) -> float:
        return max(0.0, (self.clock.now() - slot) / 1000)
