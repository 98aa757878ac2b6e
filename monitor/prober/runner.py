"""Take a seat, look, judge, commit, confirm: every slot that comes in leaves exactly one recorded outcome."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from monitor.model.records import Check, Measurement, Void
from monitor.prober.confirmation import Confirmation
from probes.probe import Lane
from probes.result import Outcome, ProbeResult
from probes.runner import observe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from monitor.model.clock import Clock
    from monitor.prober.host_health import Machine
    from monitor.prober.self_check import Sight
    from monitor.storage.journal.journal import Journal
    from probes.resources import Instruments
    from probes.result import Picture

    Keep = Callable[[Check, Measurement, Sequence[Picture]], Awaitable[None]]

log = structlog.get_logger(__name__)


async def _keep_nothing(_check: Check, _one: Measurement, _pictures: Sequence[Picture]) -> None:
    """What becomes of pictures where nobody asked for them."""


@dataclass(slots=True)
class _Seat:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class Seats:
    """Bounded crowd: so many looks a lane, and in it one at a time for each host.

    Lanes share nothing: a look that shows a page takes half a minute, and an uptime look of its host must not wait.
    """

    def __init__(self, lanes: Mapping[Lane, int]) -> None:
        self._lanes = {lane: asyncio.Semaphore(seats) for lane, seats in lanes.items()}
        self._hosts: defaultdict[tuple[Lane, str], _Seat] = defaultdict(_Seat)

    async def take(self, check: Check, patience: float) -> bool:
        """Hold the host first, then a seat in the lane, so that waiting for a host costs the others no seat.

        False when they did not come free within ``patience`` seconds; else :meth:`leave` gives them back.
        """
        lane = check.probe.lane
        host, seats = self._hosts[lane, check.host], self._lanes[lane]
        host.wanted += 1
        try:
            async with asyncio.timeout(patience if host.wanted > 1 or seats.locked() else None):
                await host.lock.acquire()
                try:
                    await seats.acquire()
                except BaseException:
                    host.lock.release()
                    raise
        except BaseException as error:
            self._forget(lane, check.host)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def leave(self, check: Check) -> None:
        """Give back what :meth:`take` holds."""
        lane = check.probe.lane
        self._lanes[lane].release()
        self._hosts[lane, check.host].lock.release()
        self._forget(lane, check.host)

    def _forget(self, lane: Lane, name: str) -> None:
        host = self._hosts[lane, name]
        host.wanted -= 1
        if host.wanted == 0:
            del self._hosts[lane, name]


class Measurer:
    """Turns (check, slot) into a committed :class:`Measurement`. It never raises for what a look does.

    A failure of the check that decides is confirmed by further looks within its slot: measurements of their own, with
    the next attempt numbers. They are no outcomes of slots; one that does not fit before the next slot is left out.

    The outcomes of one check are committed in order of their slots, also when the look of a slot lasts longer than the
    interval: so the newest outcome tells where a crash cut the row off, and no reader meets a slot too late.
    """

    def __init__(  # noqa: PLR0913 - the parts that one look needs, each named at the one call
        self,
        *,
        tools: Instruments,
        journal: Journal,
        sight: Sight,
        seats: Seats,
        clock: Clock,
        location: str,
        grace: float,
        config: str,
        confirmation: Confirmation | None = None,
        machine: Machine | None = None,
    ) -> None:
        self.tools = tools
        self.sight = sight
        self.grace = grace
        self.config = config
        self.confirmation = confirmation or Confirmation(after=())
        self.machine = machine
        self._journal = journal
        self._seats = seats
        self._clock = clock
        self._location = location
        self._running: dict[str, list[Measurement]] = {}
        self._hushed = asyncio.Event()
        self.keep: Keep = _keep_nothing
        self.on_start: Callable[[Check, float], None] = lambda _check, _lateness: None

    async def measure(self, check: Check, slot: int) -> None:
        """Fill one slot. A slot whose predecessor is still going on is overlapped.

        Cancelling records it as stopped, unless it has its outcome and is being confirmed: that ends without a word.
        """
        behind = self._running.get(check.key)
        if behind is not None:
            detail = "the look of the slot before was still running"
            behind.append(self.void(check, slot, Void.OVERLAPPED, detail))
            return
        self._running[check.key] = []
        try:
            found = await self._fill(check, slot)
        except asyncio.CancelledError:
            self._hand_in(check, self.void(check, slot, Void.STOPPED, "the daemon was told to stop"))
            raise
        handed_in: list[asyncio.Future[None]] = []
        try:
            # All runs at once: killed between two of them, the slot has no outcome yet and is filled later.
            handed_in += [self._journal.put(one) for one in found]
            if not check.probe.mark:
                handed_in += await self._confirm(check, found[0])
        finally:
            handed_in += self._hand_in(check)
        await asyncio.gather(*handed_in)

    def miss(self, check: Check, slot: int) -> asyncio.Future[None] | None:
        """Record a slot that came in too late to be looked at; the future, if any, is done when that is on disk."""
        void = self._too_late(check, slot)
        if (behind := self._running.get(check.key)) is not None:
            behind.append(void)
            return None
        return self._journal.put(void)

    def hush(self) -> None:
        """Take no more looks to confirm a failure: we are about to stop."""
        self._hushed.set()

    def _hand_in(self, check: Check, *outcomes: Measurement) -> list[asyncio.Future[None]]:
        behind = self._running.pop(check.key)
        return [self._journal.put(one) for one in (*outcomes, *behind)]

    async def _confirm(self, check: Check, first: Measurement) -> list[asyncio.Future[None]]:
        """Look again as long as looks fail, when the confirmation says so; each is handed in as it ends."""
        began = self._clock.monotonic()
        looks: list[Measurement] = [first]
        handed_in: list[asyncio.Future[None]] = []
        for attempt, seconds in enumerate(self.confirmation.times(check, first), start=2):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds - (self._clock.monotonic() - began)):
                    await self._hushed.wait()
            left = check.interval - (self._clock.now() - first.slot) / 1000 - check.probe.deadline
            if self._hushed.is_set() or left < 0:
                break
            seen = await self._seated(check, first.slot, attempt, left)
            if seen is None:
                break
            (look,) = seen
            handed_in.append(self._journal.put(look))
            looks.append(look)
            if look.outcome is Outcome.UP:
                break
        self.confirmation.note(check, looks)
        return handed_in

    async def _fill(self, check: Check, slot: int) -> list[Measurement]:
        """What becomes of the slot: one measurement, or one for each run. Only cancellation passes through."""
        grace = max(self.grace, check.probe.patience)
        patience = grace - self._lateness(slot)
        if patience < 0.0:  # the clock leapt: a look now tells nothing about a moment long gone
            return [self._too_late(check, slot)]
        looks = await self._seated(check, slot, 1, patience)
        return looks or [self.void(check, slot, Void.LATE, f"no seat within {grace:g} s")]

    async def _seated(self, check: Check, slot: int, attempt: int, patience: float) -> list[Measurement] | None:
        """One look, or all runs of a kind that has several; None when no seat came free within ``patience`` seconds."""
        if not await self._seats.take(check, patience):
            return None
        try:
            if check.probe.mark:
                return await self._runs(check, slot)
            return [(await self._look(check, slot, attempt))[0]]
        except Exception as error:
            log.exception("measure_bug", check=check.key, slot=slot)
            bug = self.void(check, slot, Void.PROBER, f"{type(error).__name__} in the monitor itself")
            return [replace(bug, attempt=attempt)]
        finally:
            self._seats.leave(check)

    async def _runs(self, check: Check, slot: int) -> list[Measurement]:
        """Look as often as the kind wants; one of the runs is marked to speak for the slot."""
        probe = check.probe
        results: list[ProbeResult] = []
        found: list[Measurement] = []
        while not results or not probe.settled(results, probe.times):
            one, result = await self._look(check, slot, len(found) + 1)
            found.append(one)
            results.append(replace(result, outcome=one.outcome))
        chosen = probe.choose(results)
        late = found[0].lateness
        marked = [
            replace(one, lateness=late, values={**one.values, "run": one.attempt, probe.mark: number == chosen})
            for number, one in enumerate(found)
        ]
        await self.keep(check, marked[chosen], results[chosen].pictures)
        return marked

    async def _look(self, check: Check, slot: int, attempt: int) -> tuple[Measurement, ProbeResult]:
        started, lateness = self._clock.now(), self._lateness(slot) if attempt == 1 else None
        if lateness is not None:
            self.on_start(check, lateness)
        result = await observe(check.probe, self.tools)
        ours = self.machine.trouble(check, result) if self.machine else None
        blind = None if ours else await self.sight.judge(check, result)
        if not ours and (heard := self.sight.heard(check, result)):
            result = replace(result, values={**result.values, "references": heard})
        why = ours or blind
        void = Void.PROBER if ours or result.outcome is Outcome.VOID else Void.BLIND if blind else None
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
            config=self.config,
            values=result.values,
            hops=() if plain else result.hops,
        )
        return found, result

    def _too_late(self, check: Check, slot: int) -> Measurement:
        return self.void(check, slot, Void.LATE, f"{self._lateness(slot):.0f} s late, more than {self.grace:g} s")

    def void(self, check: Check, slot: int, reason: Void, detail: str) -> Measurement:
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
            config=self.config,
        )

    def _lateness(self, slot: int) -> float:
        return max(0.0, (self._clock.now() - slot) / 1000)
