"""Take a seat, look, judge, commit, confirm: every slot that comes in leaves exactly one recorded outcome."""

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


async def _discard_screenshots(_check: Check, _measurement: Measurement, _screenshots: Sequence[Screenshot]) -> None:
    """What becomes of pictures where nobody asked for them."""


@dataclass(slots=True)
class _HostLock:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class ConcurrencyLimiter:
    """Bounded crowd: so many looks a lane, and in it one at a time for each host.

    Lanes share nothing: a look that shows a page takes half a minute, and an uptime look of its host must not wait.
    """

    def __init__(self, limits: Mapping[Pool, int]) -> None:
        self._pools = {lane: asyncio.Semaphore(seats) for lane, seats in limits.items()}
        self._hosts: defaultdict[tuple[Pool, str], _HostLock] = defaultdict(_HostLock)

    async def acquire(self, check: Check, max_wait_seconds: float) -> bool:
        """Hold the host first, then a seat in the lane, so that waiting for a host costs the others no seat.

        False when they did not come free within ``patience`` seconds; else :meth:`leave` gives them back.
        """
        lane = check.probe.pool
        host, seats = self._hosts[lane, check.host], self._pools[lane]
        host.users += 1
        try:
            async with asyncio.timeout(max_wait_seconds if host.users > 1 or seats.locked() else None):
                await host.lock.acquire()
                try:
                    await seats.acquire()
                except BaseException:
                    host.lock.release()
                    raise
        except BaseException as error:
            self._drop_host(lane, check.host)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def release(self, check: Check) -> None:
        """Give back what :meth:`take` holds."""
        lane = check.probe.pool
        self._pools[lane].release()
        self._hosts[lane, check.host].lock.release()
        self._drop_host(lane, check.host)

    def _drop_host(self, pool: Pool, host_name: str) -> None:
        host = self._hosts[pool, host_name]
        host.users -= 1
        if host.users == 0:
            del self._hosts[pool, host_name]


class CheckRunner:
    """Turns (check, slot) into a committed :class:`Measurement`. It never raises for what a look does.

    A failure of the check that decides is confirmed by further looks within its slot: measurements of their own, with
    the next attempt numbers. They are no outcomes of slots; one that does not fit before the next slot is left out.

    The outcomes of one check are committed in order of their slots, also when the look of a slot lasts longer than the
    interval: so the newest outcome tells where a crash cut the row off, and no reader meets a slot too late.
    """

    def __init__(  # noqa: PLR0913 - the parts that one look needs, each named at the one call
        self,
        *,
        resources: ProbeResources,
        journal: Journal,
        self_check: SelfCheck,
        limiter: ConcurrencyLimiter,
        clock: Clock,
        location: str,
        misfire_grace_time: float,
        config_digest: str,
        confirmation: Confirmation | None = None,
        host_health: HostHealth | None = None,
    ) -> None:
        self.resources = resources
        self.self_check = self_check
        self.misfire_grace_time = misfire_grace_time
        self.config_digest = config_digest
        self.confirmation = confirmation or Confirmation(delays_seconds=())
        self.host_health = host_health
        self._journal = journal
        self._limiter = limiter
        self._clock = clock
        self._location = location
        self._deferred: dict[str, list[Measurement]] = {}
        self._confirming_stopped = asyncio.Event()
        self.store_screenshots: StoreScreenshots = _discard_screenshots
        self.on_start: Callable[[Check, float], None] = lambda _check, _lateness: None

    async def run_check(self, check: Check, slot: int) -> None:
        """Fill one slot. A slot whose predecessor is still going on is overlapped.

        Cancelling records it as stopped, unless it has its outcome and is being confirmed: that ends without a word.
        """
        behind = self._deferred.get(check.key)
        if behind is not None:
            detail = "the look of the slot before was still running"
            behind.append(self.unknown_measurement(check, slot, UnknownReason.OVERLAPPED, detail))
            return
        self._deferred[check.key] = []
        try:
            found = await self._run_slot(check, slot)
        except asyncio.CancelledError:
            self._submit(
                check, self.unknown_measurement(check, slot, UnknownReason.STOPPED, "the daemon was told to stop")
            )
            raise
        handed_in: list[asyncio.Future[None]] = []
        try:
            # All runs at once: killed between two of them, the slot has no outcome yet and is filled later.
            handed_in += [self._journal.submit(one) for one in found]
            if not check.probe.representative_flag:
                handed_in += await self._run_confirmations(check, found[0])
        finally:
            handed_in += self._submit(check)
        await asyncio.gather(*handed_in)

    def record_late(self, check: Check, slot: int) -> asyncio.Future[None] | None:
        """Record a slot that came in too late to be looked at; the future, if any, is done when that is on disk."""
        void = self._late_measurement(check, slot)
        if (behind := self._deferred.get(check.key)) is not None:
            behind.append(void)
            return None
        return self._journal.submit(void)

    def stop_confirming(self) -> None:
        """Take no more looks to confirm a failure: we are about to stop."""
        self._confirming_stopped.set()

    def _submit(self, check: Check, *outcomes: Measurement) -> list[asyncio.Future[None]]:
        behind = self._deferred.pop(check.key)
        return [self._journal.submit(one) for one in (*outcomes, *behind)]

    async def _run_confirmations(self, check: Check, scheduled_attempt: Measurement) -> list[asyncio.Future[None]]:
        """Look again as long as looks fail, when the confirmation says so; each is handed in as it ends."""
        began = self._clock.monotonic()
        looks: list[Measurement] = [scheduled_attempt]
        handed_in: list[asyncio.Future[None]] = []
        for attempt, seconds in enumerate(self.confirmation.delays(check, scheduled_attempt), start=2):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds - (self._clock.monotonic() - began)):
                    await self._confirming_stopped.wait()
            left = check.interval - (self._clock.now() - scheduled_attempt.slot) / 1000 - check.probe.deadline
            if self._confirming_stopped.is_set() or left < 0:
                break
            seen = await self._run_with_permit(check, scheduled_attempt.slot, attempt, left)
            if seen is None:
                break
            (look,) = seen
            handed_in.append(self._journal.submit(look))
            looks.append(look)
            if look.outcome is Outcome.UP:
                break
        self.confirmation.record(check, looks)
        return handed_in

    async def _run_slot(self, check: Check, slot: int) -> list[Measurement]:
        """What becomes of the slot: one measurement, or one for each run. Only cancellation passes through."""
        grace = max(self.misfire_grace_time, check.probe.max_wait_seconds)
        patience = grace - self._start_delay_seconds(slot)
        if patience < 0.0:  # the clock leapt: a look now tells nothing about a moment long gone
            return [self._late_measurement(check, slot)]
        looks = await self._run_with_permit(check, slot, 1, patience)
        return looks or [self.unknown_measurement(check, slot, UnknownReason.LATE, f"no seat within {grace:g} s")]

    async def _run_with_permit(
        self, check: Check, slot: int, attempt: int, max_wait_seconds: float
    ) -> list[Measurement] | None:
        """One look, or all runs of a kind that has several; None when no seat came free within ``patience`` seconds."""
        if not await self._limiter.acquire(check, max_wait_seconds):
            return None
        try:
            if check.probe.representative_flag:
                return await self._run_repeatedly(check, slot)
            return [(await self._run_attempt(check, slot, attempt))[0]]
        except Exception as error:
            log.exception("measure_bug", check=check.key, slot=slot)
            bug = self.unknown_measurement(
                check, slot, UnknownReason.PROBER, f"{type(error).__name__} in the monitor itself"
            )
            return [replace(bug, attempt=attempt)]
        finally:
            self._limiter.release(check)

    async def _run_repeatedly(self, check: Check, slot: int) -> list[Measurement]:
        """Look as often as the kind wants; one of the runs is marked to speak for the slot."""
        probe = check.probe
        results: list[ProbeResult] = []
        found: list[Measurement] = []
        while not results or not probe.is_complete(results, probe.max_runs):
            one, result = await self._run_attempt(check, slot, len(found) + 1)
            found.append(one)
            results.append(replace(result, outcome=one.outcome))
        chosen = probe.select_representative(results)
        late = found[0].lateness
        marked = [
            replace(
                one,
                lateness=late,
                values={**one.values, "run": one.attempt, probe.representative_flag: number == chosen},
            )
            for number, one in enumerate(found)
        ]
        await self.store_screenshots(check, marked[chosen], results[chosen].screenshots)
        return marked

    async def _run_attempt(self, check: Check, slot: int, attempt: int) -> tuple[Measurement, ProbeResult]:
        started, lateness = self._clock.now(), self._start_delay_seconds(slot) if attempt == 1 else None
        if lateness is not None:
            self.on_start(check, lateness)
        result = await run_probe(check.probe, self.resources)
        ours = self.host_health.problem(check, result) if self.host_health else None
        blind = None if ours else await self.self_check.problem(check, result)
        if not ours and (heard := self.self_check.reference_summary(check, result)):
            result = replace(result, values={**result.values, "references": heard})
        why = ours or blind
        void = (
            UnknownReason.PROBER if ours or result.outcome is Outcome.VOID else UnknownReason.BLIND if blind else None
        )
        plain = result.outcome is Outcome.UP and len(result.hops) == 1
        found = Measurement(
            portal=check.portal,
            check=check.name,
            location=self._location,
            slot=slot,
            attempt=attempt,
            kind=check.kind,
            outcome=Outcome.VOID if void else result.outcome,
            fault=result.fault,
            void=void,
            phase=result.phase,
            detail="; ".join(part for part in (why, result.detail) if part),
            started=started,
            duration=result.duration,
            lateness=lateness,
            config=self.config_digest,
            values=result.values,
            hops=() if plain else result.hops,
        )
        return found, result

    def _late_measurement(self, check: Check, slot: int) -> Measurement:
        return self.unknown_measurement(
            check,
            slot,
            UnknownReason.LATE,
            f"{self._start_delay_seconds(slot):.0f} s late, more than {self.misfire_grace_time:g} s",
        )

    def unknown_measurement(self, check: Check, slot: int, reason: UnknownReason, detail: str) -> Measurement:
        """The outcome of a slot in which nobody looked."""
        return Measurement(
            portal=check.portal,
            check=check.name,
            location=self._location,
            slot=slot,
            kind=check.kind,
            outcome=Outcome.VOID,
            void=reason,
            detail=detail,
            config=self.config_digest,
        )

    def _start_delay_seconds(self, slot: int) -> float:
        return max(0.0, (self._clock.now() - slot) / 1000)
