"""The evaluation of a soak: facts in, guarantees kept or broken out; pure, so that a test can give it wrong facts.

Pages and the log are evaluated in separate files.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from monitor.prober.schedule import interval_ms, slot_after
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests.chaos.guarantee import Guarantee
from tests.soak import log, pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Check
    from tests.soak.facts import DaemonRun, Facts, Sample

PART = "Soak"
TEST = "make soak"
PLATEAU_S = 300.0
"""A shorter run has not reached its plateau; its memory and files are not evaluated."""

GROWTH = 0.05
MORE_FILES = 3
"""Probes in flight hold files open; a leak of one a minute is more."""


def evaluate(facts: Facts) -> list[Guarantee]:
    """Return every guarantee of the soak."""
    return [
        slots(facts),
        points(facts),
        memory(facts.runs),
        descriptors(facts.runs),
        processes(facts.runs),
        leftovers(facts),
        pages.false(facts),
        pages.missed(facts),
        pages.ended(facts),
        pages.delivered(facts),
        log.quiet(facts),
    ]


def _guarantee(text: str, cases: int, broken: Iterable[str], measured: str) -> Guarantee:
    return Guarantee(part=PART, text=text, test=TEST, cases=cases, broken=tuple(broken), measured=measured)


def slots(facts: Facts) -> Guarantee:
    """Every slot of every check, from the first run's start to the request to end the last one, has one outcome."""
    runs = [run for run in facts.runs if run.samples]  # the drain has no checks
    since, until = round(runs[0].started * 1000), round(runs[-1].stop_requested * 1000)
    found: dict[str, Counter[int]] = {check.key: Counter() for check in facts.checks}
    broken: list[str] = []
    outcomes: Counter[str] = Counter()
    for one in facts.measurements:
        if not PROBE_KINDS[one.kind].is_representative(one.attempt, one.values):
            continue
        outcomes[f"unknown ({one.unknown_reason.value})" if one.unknown_reason else one.outcome.value] += 1
        if one.key in found:
            found[one.key][one.slot] += 1
        else:
            broken.append(f"{one.key} was never scheduled")
    due = 0
    for check in facts.checks:
        wanted = _grid(check, since, until, found[check.key])
        due += len(wanted)
        broken += [f"{check.key} slot {slot}: no outcome" for slot in wanted if not found[check.key][slot]]
        broken += [f"{check.key} slot {slot}: {n} outcomes" for slot, n in found[check.key].items() if n > 1]
        broken += [f"{check.key} slot {slot} is off its grid" for slot in found[check.key] if slot not in wanted]
    by_outcome = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    measured = f"{due:,} slots, {outcomes.total():,} outcomes: {by_outcome}"
    return _guarantee("every slot of every check has exactly one outcome", due, broken, measured)


def _grid(check: Check, since: int, until: int, found: Counter[int]) -> range:
    """Return the slots that must be there. A few more may be: before the start was logged, and while it ended."""
    first = slot_after(check, since)
    step = interval_ms(check)
    early = [slot for slot in found if first - 10 * step <= slot < first and (first - slot) % step == 0]
    late = [slot for slot in found if slot > until and (slot - first) % step == 0]
    last = max([until, *late])
    return range(min([first, *early]), last + 1, step)


def points(facts: Facts) -> Guarantee:
    """What the journal holds is in InfluxDB, point by point, and nothing else is.

    No day is sealed during a soak, six hours after its end, so that the journal has every record.
    """
    lost, unexpected = facts.stored - facts.written, facts.written - facts.stored
    broken = [f"{tuple(point)}: {n} not in InfluxDB" for point, n in lost.items()]
    broken += [f"{tuple(point)}: {n} too many in InfluxDB" for point, n in unexpected.items()]
    broken += [f"{facts.quarantined} records in quarantine"] if facts.quarantined else []
    measured = "; ".join(
        f"{kind} {sum(n for point, n in facts.stored.items() if point.measurement == kind):,} ="
        f" {sum(n for point, n in facts.written.items() if point.measurement == kind):,}"
        for kind in sorted({point.measurement for point in (*facts.stored, *facts.written)})
    )
    text = "every record of the journal is one point of InfluxDB, through its outages and restarts"
    return _guarantee(text, facts.stored.total(), broken, measured)


def quarters(run: DaemonRun) -> list[list[Sample]]:
    """The samples of a run's second, third and last quarter, by time: it has warmed up by then."""
    length = (run.stop_requested - run.started) / 4
    parts: list[list[Sample]] = [[], [], [], []]
    for one in run.samples:
        parts[min(3, int((one.at - run.started) / length))].append(one)
    return parts[1:]


def _long(runs: Iterable[DaemonRun]) -> list[DaemonRun]:
    return [run for run in runs if run.samples and run.stop_requested - run.started >= PLATEAU_S]


def memory(runs: Iterable[DaemonRun]) -> Guarantee:
    """The median resident memory of a run's last quarter is within 5 % of its plateau, that of its second quarter.

    All three medians from there on are printed, so that a reader sees whether it still grows.
    """
    broken, values = [], []
    long = _long(runs)
    for run in long:
        early, middle, late = (median(one.memory for one in part) for part in quarters(run))
        minutes = (run.stop_requested - run.started) / 60
        slope = (late - early) / 1024 / (minutes / 2)  # the middles of the two quarters are half a run apart
        values.append(
            f"{early / 2**20:.1f}, {middle / 2**20:.1f}, {late / 2**20:.1f} MiB in {minutes:.1f} min"
            f" ({late / early - 1:+.1%}, {slope:+.0f} KiB a minute)"
        )
        if abs(late / early - 1) > GROWTH:
            broken.append(values[-1])
    text = "the daemon's memory in a run's last quarter is within 5 % of that in its second"
    return _guarantee(text, len(long), broken, "; ".join(values) or "no run was long enough")


def descriptors(runs: Iterable[DaemonRun]) -> Guarantee:
    """As many files are open in the end as were after the start."""
    broken, values = [], []
    long = _long(runs)
    for run in long:
        early, _, late = (median(one.files for one in part) for part in quarters(run))
        values.append(f"{early:.0f} to {late:.0f}, most {max(one.files for one in run.samples)}")
        if late > early + MORE_FILES:
            broken.append(values[-1])
    text = "the daemon has as many files open in a run's last quarter as in its second"
    return _guarantee(text, len(long), broken, "; ".join(values) or "no run was long enough")


def processes(runs: Iterable[DaemonRun]) -> Guarantee:
    """However a daemon ended, no process of it and of its browsers runs on; and one that was asked to end did so."""
    every = list(runs)
    broken = [f"run {n}: {orphan}" for n, run in enumerate(every, 1) for orphan in run.orphans]
    broken += [
        f"run {n}: exit code {run.code} after SIGTERM"
        for n, run in enumerate(every, 1)
        if not run.killed and run.code != 0
    ]
    killed = sum(run.killed for run in every)
    most = max((sample.below for run in every for sample in run.samples), default=0)
    text = "a daemon that was stopped or killed leaves no process behind, and a stopped one exits with 0"
    measured = f"{killed} killed, {len(every) - killed} stopped; up to {most} processes, none was left after "
    return _guarantee(text, len(every), broken, measured + f"{max(run.gone for run in every):.1f} s")


def leftovers(facts: Facts) -> Guarantee:
    """No temporary file outlives its daemon, and nothing half done stays in the data directory."""
    broken = [f"run {n}: {path}" for n, run in enumerate(facts.runs, 1) for path in run.left]
    broken += [f"data: {path}" for path in facts.remains]
    text = "no temporary file, temporary directory or half-written screenshot set is left"
    return _guarantee(text, len(facts.runs) + 1, broken, f"{len(broken)} files")


def rendered(facts: Facts) -> Counter[Outcome]:
    """What became of the renderings, for the test that wants some to have taken place."""
    return Counter(one.outcome for one in facts.measurements if one.kind == "mobile")
