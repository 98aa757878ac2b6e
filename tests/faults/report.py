"""Who would have been woken, and for what: pages of the monitor and of two plainer ones, against what really was."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from monitor.model.records import PROBER_PORTAL, Measurement, State, StateChange
from probes.result import Outcome
from tests.factories import MINUTE
from tests.faults.month import Month
from tests.faults.world import SETTLED, Trouble, World

CAUSES = {
    "loss": "packets lost on our own network, 10 min at 10 % to 100 %",
    "resolver": "our resolver dead, 10 min",
    "overload": "our machine overloaded, 10 min",
    "slow": "slow answers, 40 min around 6 s, some beyond the limit of 10 s",
    "restart": "the daemon restarted or killed, every hour",
    "502": "single 502s, 0.5 % of all looks",
}
LATE = 2 * MINUTE
"""A page this long after its outage is still about it; a false one this long after a trouble is still its fault."""

PLAIN = (1, 2)
"""Monitors without our measures: one failed look is an outage, or two in a row are."""


@dataclass
class Plain:
    """A monitor that believes ``after`` failed looks in a row, whatever its own network does."""

    after: int
    run: Counter[str] = field(default_factory=Counter)
    pages: list[tuple[int, str]] = field(default_factory=list)

    def take(self, one: Measurement) -> None:
        if one.attempt > 1 or one.started is None:
            return
        if one.outcome is Outcome.UP or one.fault is None:
            self.run[one.portal] = 0
            return
        self.run[one.portal] += 1
        if self.run[one.portal] == self.after:
            self.pages.append((one.slot, one.portal))


@dataclass
class Report:
    """``pages`` are (UTC ms of the decision, portal)."""

    world: World
    pages: list[tuple[int, str]]
    blind: list[int]
    plain: dict[int, list[tuple[int, str]]]
    looks: int
    failed: int

    def cause(self, at: int, portal: str) -> str:
        """Whose fault a false page is."""
        for what in ("loss", "resolver", "overload"):
            if any(one.what == what and one.holds(at, LATE) for one in self.world.own):
                return what
        if any(one.holds(at, LATE) for one in self.world.slow[portal]):
            return "slow"
        return "restart" if any(0 <= at - restart < LATE for restart in self.world.restarts) else "502"

    def false(self, pages: list[tuple[int, str]]) -> Counter[str]:
        """False pages by cause."""
        return Counter(
            self.cause(at, portal)
            for at, portal in pages
            if not any(one.holds(at, LATE) for one in self.world.outages[portal])
        )

    def missed(self, pages: list[tuple[int, str]]) -> list[Trouble]:
        """Outages that woke nobody."""
        told = {portal: [at for at, who in pages if who == portal] for portal in self.world.outages}
        return [
            one
            for portal, outages in self.world.outages.items()
            for one in outages
            if not any(one.holds(at, LATE) for at in told[portal])
        ]

    def delays(self) -> list[float]:
        """Seconds from the beginning of each outage to its page, sorted."""
        found = []
        for outages in self.world.outages.values():
            for one in outages:
                at = min((at for at, who in self.pages if who == one.portal and one.holds(at, LATE)), default=None)
                found += [] if at is None else [(at - one.start) / 1000]
        return sorted(found)

    def false_alarms_of_blindness(self) -> list[int]:
        """Times at which the prober said that it cannot see, and could."""
        return [at for at in self.blind if not any(one.holds(at, SETTLED) for one in self.world.own)]

    def most_alarms_of_one_trouble(self) -> int:
        """How often the prober said it within one trouble of its own, at most."""
        return max(sum(one.holds(at, SETTLED) for at in self.blind) for one in self.world.own)

    def table(self) -> str:
        """The report as Markdown."""
        ours, plain = self.false(self.pages), {after: self.false(pages) for after, pages in self.plain.items()}
        lines = [
            "| trouble | times | false pages: first failed look | two in a row | portal-monitor |",
            "|---|---:|---:|---:|---:|",
        ]
        times = Counter(one.what for one in self.world.own)
        times |= Counter(
            slow=sum(map(len, self.world.slow.values())), restart=len(self.world.restarts), **{"502": self.failed}
        )
        for cause, words in CAUSES.items():
            lines.append(f"| {words} | {times[cause]} | {plain[1][cause]} | {plain[2][cause]} | **{ours[cause]}** |")
        totals = [sum(one.values()) for one in (plain[1], plain[2], ours)]
        lines.append(f"| all false pages | | {totals[0]} | {totals[1]} | **{totals[2]}** |")
        missed = [len(self.missed(pages)) for pages in (self.plain[1], self.plain[2], self.pages)]
        outages = sum(map(len, self.world.outages.values()))
        lines.append(
            f"| missed outages of two intervals or longer | {outages} | {missed[0]} | {missed[1]} | **{missed[2]}** |"
        )
        return "\n".join([*lines, "", self._summary()])

    def _summary(self) -> str:
        delays = self.delays()
        return (
            f"{self.world.days} days, {self.world.count} portals, a look a minute: {self.looks} looks. "
            f"Every other outage lasts exactly two intervals. From the beginning of an outage to its page: median "
            f"{delays[len(delays) // 2]:.0f} s, longest {delays[-1]:.0f} s.\n\n"
            f"«The prober cannot see» was said {len(self.blind)} times, at most {self.most_alarms_of_one_trouble()} "
            f"time for one trouble, {len(self.false_alarms_of_blindness())} times without trouble of our own."
        )


def report(world: World, *, keep: bool = False) -> tuple[Report, Month]:
    """Play the world's month and judge what was said."""
    month = Month.of(world, keep=keep)
    plain = {after: Plain(after) for after in PLAIN}
    counts: Counter[str] = Counter()

    def count(one: Measurement) -> None:
        counts["looks"] += one.started is not None
        counts["502"] += one.detail == "status 502"

    month.memory.listeners += [count, *(one.take for one in plain.values())]
    month.play()
    pages, blind = [], []
    for at, change in month.memory.changes:
        if is_page(change):
            (blind.append(at) if change.portal == PROBER_PORTAL else pages.append((at, change.portal)))
    told = {after: one.pages for after, one in plain.items()}
    return Report(world, pages, blind, told, counts["looks"], counts["502"]), month


def is_page(change: StateChange) -> bool:
    """Whether somebody is woken: a portal went down and does not flap, or the prober cannot see."""
    if change.portal == PROBER_PORTAL:
        return change.state is State.UNKNOWN
    return change.state is State.DOWN and not change.flapping
