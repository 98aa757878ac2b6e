"""A week of the demo fleet without waiting for it: its seeded fault schedule, probed on a simulated clock.

The results of probes are derived from the fault schedule; journal, state machine, sinks and archive are real.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.records import Expect, UnknownReason
from monitor.states.rules import StateRules
from monitor.states.state_machine import StateMachine
from monitor.storage.journal.store import CheckpointUpdate
from monitor.tools.demo import portals as demo_portals
from monitor.tools.demo.fault_schedule import FaultCondition, FaultMode, fault_interval_at, first_byte_seconds
from monitor.tools.demo.portals import PortalSpec, Trait
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement
    from monitor.storage.journal.journal import Journal

ZONE = "Asia/Ho_Chi_Minh"
FIRST = 1_785_517_200_000
"""2026-08-01T00:00 in the report zone."""

HOUR = 60 * MINUTE
STOPPED = (3 * DAY + 9 * HOUR, 3 * DAY + 10 * HOUR)
"""The daemon is stopped, in ms of the week."""
SELF_CHECK_FAILED = (5 * DAY + 2 * HOUR, 5 * DAY + 3 * HOUR)
"""The prober has no network."""

FAILURES: dict[FaultMode, tuple[Fault, str]] = {
    FaultMode.REFUSE: (Fault.CONNECT_REFUSED, "connect"),
    FaultMode.RESET: (Fault.RESET, "wait"),
    FaultMode.ERROR: (Fault.HTTP_STATUS, "transfer"),
    FaultMode.STALL: (Fault.TIMEOUT, "wait"),
    FaultMode.MAINTENANCE_PAGE: (Fault.HTTP_STATUS, "transfer"),
    FaultMode.BLOCKED: (Fault.BLOCKED, "transfer"),
    FaultMode.WRONG_BODY: (Fault.BODY_MISMATCH, "transfer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """The portals and days; each portal has an uptime probe every ``every`` ms, and a third as many latency probes."""

    portals: int = 8
    days: int = 7
    every: int = 10 * MINUTE
    seed: int = 7

    def measurements(self, day: int) -> Iterator[Measurement]:
        """Yield the measurements of a day, from 0, in the order in which they end."""
        parts = demo_portals.portal_specs(self.portals, self.seed)
        for slot in range(FIRST + day * DAY, FIRST + (day + 1) * DAY, self.every):
            for number, part in enumerate(parts):
                yield from self._attempts(part, "uptime", slot + number * 1500)
                if slot % (3 * self.every) == 0:
                    yield from self._attempts(part, "latency", slot + number * 1500 + 700)
                if slot % (6 * HOUR) < self.every:
                    yield from self._loads(part, slot + number * 1500 + 900)

    def _loads(self, part: PortalSpec, slot: int) -> Iterator[Measurement]:
        """Yield three mobile runs, of which the second is the representative one."""
        for run in (1, 2, 3):
            paint = first_byte_seconds(self.seed, part.id, slot // 1000 + run) * 9
            values = {"fcp_seconds": paint, "lcp_seconds": paint * 1.7, "cls": paint / 7, "lcp_element": "IMG «bìa»"}
            run_values = {"run": run, "median": run == 2, "profile": "mobile", "bytes_total": 812_345 + run}
            yield factories.measurement(
                portal=part.id, kind="mobile", slot=slot, location="demo", attempt=run, duration=paint * 2,
                values=values | run_values,
            )  # fmt: skip

    def _attempts(self, part: PortalSpec, kind: str, slot: int) -> Iterator[Measurement]:
        base = {"portal": part.id, "kind": kind, "slot": slot, "location": "demo"}
        at = slot - FIRST
        for (since, until), reason in ((STOPPED, UnknownReason.STOPPED), (SELF_CHECK_FAILED, UnknownReason.SELF_CHECK)):
            if since <= at < until:
                yield factories.measurement(**base, outcome=Outcome.UNKNOWN, unknown_reason=reason)
                return
        for attempt in (1, 2):
            now = fault_interval_at(
                self.seed, part.fault_schedule_key, at / 1000 + 30 * (attempt - 1), part.fault_profile
            ).condition
            if part.trait is Trait.RETIRED:
                now = FaultCondition(mode=FaultMode.REFUSE)
            yield (measured := self._found(base | {"attempt": attempt}, now, at // self.every))
            if measured.outcome is Outcome.UP:
                return

    def _found(self, base: dict[str, object], now: FaultCondition, count: int) -> Measurement:
        wait = first_byte_seconds(self.seed, str(base["portal"]), count) * now.factor + now.delay
        if now.mode in FAILURES:
            fault, phase = FAILURES[now.mode]
            failed = factories.measurement(**base, outcome=Outcome.DOWN)
            detail = f'«{base["portal"]}»: {now.mode} {now.status or ""}, nói "không"\\'
            hop = factories.hop(phases={"resolve": 0.012, phase: wait}, status=None)
            return factories.measurement(
                **base, outcome=Outcome.DOWN, fault=fault, phase=phase, detail=detail, duration=wait,
                values=failed.values | ({"status": now.status} if fault is Fault.HTTP_STATUS else {}), hops=(hop,),
            )  # fmt: skip
        spent = {"wait_seconds": wait, "resolve_seconds": wait / 7, "transfer_seconds": wait / 3}
        return factories.measurement(**base, values=factories.values(**spent), duration=wait * (1 + 1 / 7 + 1 / 3))

    def state_machine(self) -> StateMachine:
        """Return the state machine of the portals."""
        retired = {part.id: part.trait is Trait.RETIRED for part in demo_portals.portal_specs(self.portals, self.seed)}
        listed = [
            factories.portal(id=name, expect=Expect.RETIRED if over else Expect.ANSWERS)
            for name, over in retired.items()
        ]
        return StateMachine(listed, StateRules())

    async def write_day(self, journal: Journal, state_machine: StateMachine, day: int) -> None:
        """Write a day to the journal, with its state changes."""
        before = journal.last_seq
        await journal.commit_all(list(self.measurements(day)))
        new = await journal.records_after(before, 1_000_000)
        await journal.commit(
            CheckpointUpdate(consumer="states", seq=journal.last_seq, changes=tuple(state_machine.process_all(new)))
        )
