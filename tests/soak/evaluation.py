"""The verdict on a soak: facts in, promises kept or broken out; pure, so that a test can hand it a lie.

Pages are judged in their own file, as is the log.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from monitor.prober.schedule import interval_ms, slot_after
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests.chaos.promise import Promise
from tests.soak import log, pages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.model.records import Check
    from tests.soak.facts import Facts, Life, Sample

PART = "Soak"
TEST = "make soak"
PLATEAU_S = 300.0
"""A shorter life has not come to rest, and nothing is said of its memory and its files."""

GROWTH = 0.05
MORE_FILES = 3
"""Looks that happen to go on hold files open; a leak of one a minute is more."""


def verdict(facts: Facts) -> list[Promise]:
    """Every promise of the soak."""
    return [
        slots(facts),
        points(facts),
        memory(facts.lives),
        descriptors(facts.lives),
        processes(facts.lives),
        leftovers(facts),
        pages.false(facts),
        pages.missed(facts),
        pages.ended(facts),
        pages.delivered(facts),
        log.quiet(facts),
    ]


def _promise(text: str, cases: int, broken: Iterable[str], measured: str) -> Promise:
    return Promise(part=PART, text=text, test=TEST, cases=cases, broken=tuple(broken), measured=measured)


def slots(facts: Facts) -> Promise:
    """Of every check every slot, from the first life's start to the order to end the last one, has one outcome."""
    lives = [life for life in facts.lives if life.samples]  # the drain looks at nothing
    since, until = round(lives[0].started * 1000), round(lives[-1].told * 1000)
    found: dict[str, Counter[int]] = {check.key: Counter() for check in facts.checks}
    broken: list[str] = []
    outcomes: Counter[str] = Counter()
    for look in facts.looks:
        if not PROBE_KINDS[look.kind].is_representative(look.attempt, look.values):
            continue
        outcomes[f"void ({look.void.value})" if look.void else look.outcome.value] += 1
        if look.key in found:
            found[look.key][look.slot] += 1
        else:
            broken.append(f"{look.key} was never planned")
    planned = 0
    for check in facts.checks:
        wanted = _grid(check, since, until, found[check.key])
        planned += len(wanted)
        broken += [f"{check.key} slot {slot}: no outcome" for slot in wanted if not found[check.key][slot]]
        broken += [f"{check.key} slot {slot}: {n} outcomes" for slot, n in found[check.key].items() if n > 1]
        broken += [f"{check.key} slot {slot} is off its grid" for slot in found[check.key] if slot not in wanted]
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    measured = f"{planned:,} slots, {outcomes.total():,} outcomes: {told}"
    return _promise("every slot of every check has exactly one outcome", planned, broken, measured)


def _grid(check: Check, since: int, until: int, found: Counter[int]) -> range:
    """The slots that must be there. A few may be there besides: before the start was told, and while it ended."""
    first = slot_after(check, since)
    step = interval_ms(check)
    early = [slot for slot in found if first - 10 * step <= slot < first and (first - slot) % step == 0]
    late = [slot for slot in found if slot > until and (slot - first) % step == 0]
    last = max([until, *late])
    return range(min([first, *early]), last + 1, step)


def points(facts: Facts) -> Promise:
    """What the journal holds is in InfluxDB, point by point, and nothing else is.

    No day is sealed during a soak, six hours after its end, so that the journal has every record.
    """
    lost, strange = facts.stored - facts.written, facts.written - facts.stored
    broken = [f"{tuple(point)}: {n} not in InfluxDB" for point, n in lost.items()]
    broken += [f"{tuple(point)}: {n} too many in InfluxDB" for point, n in strange.items()]
    broken += [f"{facts.quarantined} records in quarantine"] if facts.quarantined else []
    measured = "; ".join(
        f"{kind} {sum(n for point, n in facts.stored.items() if point.measurement == kind):,} ="
        f" {sum(n for point, n in facts.written.items() if point.measurement == kind):,}"
        for kind in sorted({point.measurement for point in (*facts.stored, *facts.written)})
    )
    text = "every record of the journal is one point of InfluxDB, through its outages and restarts"
    return _promise(text, facts.stored.total(), broken, measured)


def quarters(life: Life) -> list[list[Sample]]:
    """The samples of a life's second, third and last quarter, by time: it has warmed up by then."""
    length = (life.told - life.started) / 4
    parts: list[list[Sample]] = [[], [], [], []]
    for one in life.samples:
        parts[min(3, int((one.at - life.started) / length))].append(one)
    return parts[1:]


def _long(lives: Iterable[Life]) -> list[Life]:
    return [life for life in lives if life.samples and life.told - life.started >= PLATEAU_S]


def memory(lives: Iterable[Life]) -> Promise:
    """The median resident memory of a life's last quarter is within 5 % of its plateau, that of its second quarter.

    All three medians from there on are told, so that a reader sees whether it still grows.
    """
    broken, told = [], []
    long = _long(lives)
    for life in long:
        early, middle, late = (median(one.memory for one in part) for part in quarters(life))
        minutes = (life.told - life.started) / 60
        slope = (late - early) / 1024 / (minutes / 2)  # the middles of the two quarters are half a life apart
        told.append(
            f"{early / 2**20:.1f}, {middle / 2**20:.1f}, {late / 2**20:.1f} MiB in {minutes:.1f} min"
            f" ({late / early - 1:+.1%}, {slope:+.0f} KiB a minute)"
        )
        if abs(late / early - 1) > GROWTH:
            broken.append(told[-1])
    text = "the daemon's memory in a life's last quarter is within 5 % of that in its second"
    return _promise(text, len(long), broken, "; ".join(told) or "no life was long enough")


def descriptors(lives: Iterable[Life]) -> Promise:
    """As many files are open in the end as were after the start."""
    broken, told = [], []
    long = _long(lives)
    for life in long:
        early, _, late = (median(one.files for one in part) for part in quarters(life))
        told.append(f"{early:.0f} to {late:.0f}, most {max(one.files for one in life.samples)}")
        if late > early + MORE_FILES:
            broken.append(told[-1])
    text = "the daemon has as many files open in a life's last quarter as in its second"
    return _promise(text, len(long), broken, "; ".join(told) or "no life was long enough")


def processes(lives: Iterable[Life]) -> Promise:
    """However a daemon ended, nothing of it and of its browsers lives on; and one that was asked to end did so."""
    every = list(lives)
    broken = [f"life {n}: {orphan}" for n, life in enumerate(every, 1) for orphan in life.orphans]
    broken += [
        f"life {n}: exit code {life.code} after SIGTERM"
        for n, life in enumerate(every, 1)
        if not life.killed and life.code != 0
    ]
    killed = sum(life.killed for life in every)
    most = max((sample.below for life in every for sample in life.samples), default=0)
    text = "a daemon that was stopped or killed leaves no process behind, and a stopped one ends well"
    measured = f"{killed} killed, {len(every) - killed} stopped; up to {most} processes, none was left after "
    return _promise(text, len(every), broken, measured + f"{max(life.gone for life in every):.1f} s")


def leftovers(facts: Facts) -> Promise:
    """No temporary file outlives its daemon, and nothing half done stays in the data directory."""
    broken = [f"life {n}: {path}" for n, life in enumerate(facts.lives, 1) for path in life.left]
    broken += [f"data: {path}" for path in facts.remains]
    text = "no temporary file, scratch directory or half-written evidence is left"
    return _promise(text, len(facts.lives) + 1, broken, f"{len(broken)} files")


def rendered(facts: Facts) -> Counter[Outcome]:
    """What became of the renderings, for the test that wants some to have taken place."""
    return Counter(look.outcome for look in facts.looks if look.kind == "mobile")
