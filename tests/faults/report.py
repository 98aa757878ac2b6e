"""Which pages would have been sent: those of the monitor and of two simpler ones, against the real outages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from monitor.model.records import PROBER_PORTAL, Measurement, State, StateChange
from probes.result import Outcome
from tests.factories import MINUTE
from tests.faults.scenario import RECOVERY_MS, FaultInterval, FaultScenario
from tests.faults.simulation import Simulation

CAUSES = {
    "loss": "packets lost on our own network, 10 min at 10 % to 100 %",
    "resolver": "our resolver dead, 10 min",
    "overload": "our machine overloaded, 10 min",
    "slow": "slow answers, 40 min around 6 s, some beyond the limit of 10 s",
    "restart": "the daemon restarted or killed, every hour",
    "502": "single 502s, 0.5 % of all probes",
}
LATE = 2 * MINUTE
"""A page this long after its outage is still about it; a false one this long after a fault is still caused by it."""

SIMPLE = (1, 2)
"""Monitors without precautions: one failed probe is an outage, or two in a row are."""


@dataclass
class SimpleMonitor:
    """A monitor that pages after ``after`` failed probes in a row, without a self-check."""

    after: int
    failures: Counter[str] = field(default_factory=Counter)
    pages: list[tuple[int, str]] = field(default_factory=list)

    def process(self, one: Measurement) -> None:
        if one.attempt > 1 or one.started is None:
            return
        if one.outcome is Outcome.UP or one.fault is None:
            self.failures[one.portal] = 0
            return
        self.failures[one.portal] += 1
        if self.failures[one.portal] == self.after:
            self.pages.append((one.slot, one.portal))


@dataclass
class Report:
    """``pages`` are (UTC ms of the decision, portal)."""

    scenario: FaultScenario
    pages: list[tuple[int, str]]
    self_check_alarms: list[int]
    simple: dict[int, list[tuple[int, str]]]
    probes: int
    failed: int

    def cause(self, at: int, portal: str) -> str:
        """Return the fault that caused a false page."""
        for what in ("loss", "resolver", "overload"):
            if any(one.what == what and one.holds(at, LATE) for one in self.scenario.own):
                return what
        if any(one.holds(at, LATE) for one in self.scenario.slow[portal]):
            return "slow"
        return "restart" if any(0 <= at - restart < LATE for restart in self.scenario.restarts) else "502"

    def false(self, pages: list[tuple[int, str]]) -> Counter[str]:
        """False pages by cause."""
        return Counter(
            self.cause(at, portal)
            for at, portal in pages
            if not any(one.holds(at, LATE) for one in self.scenario.outages[portal])
        )

    def missed(self, pages: list[tuple[int, str]]) -> list[FaultInterval]:
        """Return the outages without a page."""
        paged = {
            portal: [at for at, paged_portal in pages if paged_portal == portal] for portal in self.scenario.outages
        }
        return [
            one
            for portal, outages in self.scenario.outages.items()
            for one in outages
            if not any(one.holds(at, LATE) for at in paged[portal])
        ]

    def delays(self) -> list[float]:
        """Seconds from the beginning of each outage to its page, sorted."""
        found = []
        for outages in self.scenario.outages.values():
            for one in outages:
                at = min(
                    (at for at, portal in self.pages if portal == one.portal and one.holds(at, LATE)), default=None
                )
                found += [] if at is None else [(at - one.start) / 1000]
        return sorted(found)

    def false_self_check_alarms(self) -> list[int]:
        """Return the times of self-check alarms without a fault of ours."""
        return [at for at in self.self_check_alarms if not any(one.holds(at, RECOVERY_MS) for one in self.scenario.own)]

    def max_alarms_per_fault(self) -> int:
        """Return the greatest number of self-check alarms within one fault of ours."""
        return max(sum(one.holds(at, RECOVERY_MS) for at in self.self_check_alarms) for one in self.scenario.own)

    def table(self) -> str:
        """The report as Markdown."""
        ours, simple = self.false(self.pages), {after: self.false(pages) for after, pages in self.simple.items()}
        lines = [
            "| fault | times | false pages: first failed probe | two in a row | portal-monitor |",
            "|---|---:|---:|---:|---:|",
        ]
        times = Counter(one.what for one in self.scenario.own)
        times |= Counter(
            slow=sum(map(len, self.scenario.slow.values())), restart=len(self.scenario.restarts), **{"502": self.failed}
        )
        for cause, text in CAUSES.items():
            lines.append(f"| {text} | {times[cause]} | {simple[1][cause]} | {simple[2][cause]} | **{ours[cause]}** |")
        totals = [sum(one.values()) for one in (simple[1], simple[2], ours)]
        lines.append(f"| all false pages | | {totals[0]} | {totals[1]} | **{totals[2]}** |")
        missed = [len(self.missed(pages)) for pages in (self.simple[1], self.simple[2], self.pages)]
        outages = sum(map(len, self.scenario.outages.values()))
        lines.append(
            f"| missed outages of two intervals or longer | {outages} | {missed[0]} | {missed[1]} | **{missed[2]}** |"
        )
        return "\n".join([*lines, "", self._summary()])

    def _summary(self) -> str:
        delays = self.delays()
        return (
            f"{self.scenario.days} days, {self.scenario.count} portals, a probe a minute: {self.probes} probes. "
            f"Every other outage lasts exactly two intervals. From the beginning of an outage to its page: median "
            f"{delays[len(delays) // 2]:.0f} s, longest {delays[-1]:.0f} s.\n\n"
            f"The self-check failed {len(self.self_check_alarms)} times, at most {self.max_alarms_per_fault()} "
            f"time for one fault, {len(self.false_self_check_alarms())} times without a fault of ours."
        )


def report(scenario: FaultScenario, *, keep: bool = False) -> tuple[Report, Simulation]:
    """Simulate the scenario and evaluate the pages."""
    simulation = Simulation.of(scenario, keep=keep)
    simple = {after: SimpleMonitor(after) for after in SIMPLE}
    counts: Counter[str] = Counter()

    def count(one: Measurement) -> None:
        counts["probes"] += one.started is not None
        counts["502"] += one.detail == "status 502"

    simulation.journal.listeners += [count, *(one.process for one in simple.values())]
    simulation.run()
    pages, self_check_alarms = [], []
    for at, change in simulation.journal.changes:
        if is_page(change):
            (self_check_alarms.append(at) if change.portal == PROBER_PORTAL else pages.append((at, change.portal)))
    simple_pages = {after: one.pages for after, one in simple.items()}
    return Report(scenario, pages, self_check_alarms, simple_pages, counts["probes"], counts["502"]), simulation


def is_page(change: StateChange) -> bool:
    """Return whether *change* is paged: a portal went down and does not flap, or the self-check fails."""
    if change.portal == PROBER_PORTAL:
        return change.state is State.UNKNOWN
    return change.state is State.DOWN and not change.flapping
