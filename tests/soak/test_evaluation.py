"""The judge of a soak finds every lie, a lost slot, a doubled point, a page for nothing, a leak, and nothing else."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.model.incidents import (
    AffectedPortal,
    EventType,
    Incident,
    IncidentEvent,
    IncidentKind,
    Message,
    MessageStatus,
    Severity,
    incident_id,
)
from monitor.model.records import Measurement, State, UnknownReason
from monitor.prober.schedule import slots_between
from probes.result import Outcome
from tests import factories
from tests.factories import SLOT
from tests.soak.facts import Facts, Life, Sample, Spell, point_of
from tests.soak.judge import verdict

START = SLOT / 1000
LASTS = 600.0
CHECKS = (factories.check(interval=6.0), factories.check("latency", interval=30.0))
BROKE, MENDED = START + 100.0, START + 160.0
DOWN = SLOT + 102_000

SLOTS = "every slot of every check has exactly one outcome"
POINTS = "every record of the journal is one point"
MEMORY = "the daemon's memory"
FILES = "the daemon has as many files open"
PROCESSES = "leaves no process behind"
LEFT = "no temporary file"
FALSE = "nobody is paged for nothing"
MISSED = "every outage that lasts longer"
ENDED = "an outage ends"
DELIVERED = "every message about an incident"
LOG = "the log holds no traceback"

Lie = Callable[[Facts], Facts]


def look(check: int, slot: int) -> Measurement:
    one = CHECKS[check]
    down = one.name == "uptime" and BROKE <= slot / 1000 < MENDED
    outcome = Outcome.DOWN if down else Outcome.UP
    return factories.measurement(check=one.name, kind=one.kind, slot=slot, outcome=outcome)


def event(portal: str = "ha-noi", at: int = DOWN, number: int = 1, until: int | None = None) -> IncidentEvent:
    member = AffectedPortal(portal=portal, since=at, state=State.DOWN, until=until)
    incident = Incident(
        id=incident_id(portal, at),
        kind=IncidentKind.OUTAGE,
        severity=Severity.PAGE,
        location="hn-1",
        opened=at,
        members=(member,),
        resolved=until,
    )
    step = EventType.RESOLVED if until else EventType.OPENED
    return IncidentEvent(
        incident=incident, number=number, step=step, portal=portal, at=until or at, confirmed=at + 500, tell=True
    )


def message(one: IncidentEvent) -> Message:
    return Message(
        incident=one.incident.id,
        number=one.number,
        target="on-call",
        severity=one.incident.severity,
        happened=one.confirmed,
        created=one.confirmed,
        fate=MessageStatus.ACCEPTED,
    )


def told(*events: IncidentEvent) -> dict[str, object]:
    return {
        "events": events,
        "messages": tuple(message(one) for one in events),
        "told": tuple((one.incident.id,) for one in events),
    }


def truth() -> Facts:
    """Ten minutes of one portal that was down for one of them, and a daemon that saw, stored and told it all."""
    until = SLOT + round(LASTS * 1000)
    looks = [look(n, slot) for n, one in enumerate(CHECKS) for slot in slots_between(one, SLOT, until + 1)]
    samples = tuple(Sample(at=START + n, memory=120_000_000 + n % 7 * 100_000, files=17 + n % 3) for n in range(600))
    stored = Counter(point_of(one) for one in looks)
    life = Life(started=START, told=START + LASTS, ended=START + LASTS + 1, killed=False, code=0, samples=samples)
    drain = Life(started=START + 610, told=START + 615, ended=START + 616, killed=False, code=0)
    spells = (
        Spell(portal="ha-noi", mode="fine", since=START - 5, until=BROKE),
        Spell(portal="ha-noi", mode="refuse", since=BROKE, until=MENDED),
        Spell(portal="ha-noi", mode="fine", since=MENDED, until=math.inf),
    )
    opened, resolved = event(), event(number=2, until=DOWN + 60_000)
    return Facts(
        checks=CHECKS,
        lives=(life, drain),
        looks=tuple(looks),
        stored=stored,
        written=Counter(stored),
        spells=spells,
        away=(("database", START + 50, START + 80),),
        lines=(line("started", "info", START), line("sink_unavailable", "error", START + 51)),
        **told(opened, resolved),
    )


def line(name: str, level: str, at: float, **more: object) -> str:
    return json.dumps({"event": name, "level": level, "timestamp": datetime.fromtimestamp(at, UTC).isoformat(), **more})


def broken(facts: Facts) -> list[str]:
    return [one.text for one in verdict(facts) if one.broken]


def samples(facts: Facts, change: Callable[[int, Sample], Sample]) -> Facts:
    """The same with other samples in its first life, each with its number."""
    life = facts.lives[0]
    other = tuple(change(number, one) for number, one in enumerate(life.samples))
    return replace(facts, lives=(replace(life, samples=other), *facts.lives[1:]))


def first_life(facts: Facts, **changes: object) -> Facts:
    return replace(facts, lives=(replace(facts.lives[0], **changes), *facts.lives[1:]))


def paged(facts: Facts, one: IncidentEvent) -> Facts:
    """Somebody was told of one outage more, and of its end a minute later."""
    every = (*facts.events, one, event(one.portal, one.at, 2, one.at + 60_000))
    return replace(facts, **told(*every))


def shifted(one: Measurement) -> Measurement:
    return replace(one, slot=one.slot + 1)


LIES: dict[str, tuple[str, Lie]] = {
    "a lost slot": (SLOTS, lambda facts: replace(facts, looks=facts.looks[:20] + facts.looks[21:])),
    "the first slot is lost": (SLOTS, lambda facts: replace(facts, looks=facts.looks[1:])),
    "the last slot is lost": (SLOTS, lambda facts: replace(facts, looks=facts.looks[:-1])),
    "two outcomes of a slot": (SLOTS, lambda facts: replace(facts, looks=(*facts.looks, facts.looks[20]))),
    "a slot off the grid": (SLOTS, lambda facts: replace(facts, looks=(*facts.looks, shifted(facts.looks[20])))),
    "a check that nobody planned": (SLOTS, lambda facts: replace(facts, checks=facts.checks[:1])),
    "a doubled point": (POINTS, lambda facts: replace(facts, written=facts.written + Counter([*facts.written][:1]))),
    "a lost point": (POINTS, lambda facts: replace(facts, written=facts.written - Counter([*facts.written][:1]))),
    "a lost and a strange point": (
        POINTS,
        lambda facts: replace(facts, written=Counter(point_of(shifted(one)) for one in facts.looks)),
    ),
    "a record in quarantine": (POINTS, lambda facts: replace(facts, quarantined=1)),
    "memory that grows": (
        MEMORY,
        lambda facts: samples(facts, lambda n, one: replace(one, memory=one.memory + 25_000 * n)),
    ),
    "a file a minute that stays open": (
        FILES,
        lambda facts: samples(facts, lambda n, one: replace(one, files=one.files + n // 60)),
    ),
    "a browser that lives on": (PROCESSES, lambda facts: first_life(facts, orphans=("chromium --headless",))),
    "a bad end": (PROCESSES, lambda facts: first_life(facts, code=1)),
    "a temporary file": (LEFT, lambda facts: first_life(facts, left=("portal-monitor-render-1-x/frame.jpg",))),
    "half an exhibit": (LEFT, lambda facts: replace(facts, remains=("evidence/ha-noi/mobile/1.part",))),
    "a page in good weather": (FALSE, lambda facts: paged(facts, event(at=SLOT + 300_000))),
    "a page for another portal": (FALSE, lambda facts: paged(facts, event(portal="hue"))),
    "a page long after the fault": (FALSE, lambda facts: paged(facts, event(at=SLOT + 170_000))),
    "a page for a retired portal": (FALSE, lambda facts: replace(facts, retired=frozenset({"ha-noi"}))),
    "an outage without a page": (MISSED, lambda facts: replace(facts, events=(), messages=(), told=())),
    "a second outage without a page": (
        MISSED,
        lambda facts: replace(
            facts, spells=(*facts.spells, Spell(portal="ha-noi", mode="error", since=START + 300, until=START + 330))
        ),
    ),
    "an outage that never ends": (ENDED, lambda facts: replace(facts, **told(*facts.events[:1]))),
    "a message that waits": (
        DELIVERED,
        lambda facts: replace(
            facts, messages=(replace(facts.messages[0], fate=MessageStatus.WAITING), *facts.messages[1:])
        ),
    ),
    "a message that came to nobody": (DELIVERED, lambda facts: replace(facts, told=())),
    "a page that was never written": (DELIVERED, lambda facts: replace(facts, messages=facts.messages[1:])),
    "a letter about nothing": (DELIVERED, lambda facts: replace(facts, told=(*facts.told, ("hue-x",)))),
    "a traceback": (LOG, lambda facts: replace(facts, lines=(*facts.lines, "Traceback (most recent call last):"))),
    "an exception": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("probe_bug", "error", START, exception="x"))),
    ),
    "a sink that is away of itself": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("sink_unavailable", "error", START + 200))),
    ),
    "an error that nobody knows": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("scoring_failing", "error", START))),
    ),
}


def test_the_truth_breaks_nothing():
    facts = truth()
    assert broken(facts) == []
    assert {one.text: one.cases for one in verdict(facts)}.items() >= {SLOTS: 120, FALSE: 1}.items()


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_and_nothing_else(lie: str):
    text, tell = LIES[lie]
    (found,) = broken(tell(truth()))
    assert text in found


def test_a_fault_that_nobody_could_see_long_enough_needs_no_page():
    """A short one; one in an absence; one whose slots were void or late."""
    spells = [Spell(portal="ha-noi", mode="error", since=START + 300, until=START + 304)]
    facts = truth()
    assert broken(replace(facts, spells=(*facts.spells, *spells))) == []
    long = replace(facts, spells=(*facts.spells, replace(spells[0], until=START + 330)))
    assert MISSED in broken(long)[0]
    void = [
        factories.measurement(slot=one.slot, outcome=Outcome.VOID, void=UnknownReason.LATE)
        for one in facts.looks[48:56]
    ]
    late = [replace(one, lateness=1.5) for one in facts.looks[48:56]]
    for unseen in (void, late):
        assert broken(replace(long, looks=(*facts.looks[:48], *unseen, *facts.looks[56:]))) == []


def test_slowness_may_page_and_need_not():
    """A look at a slow portal may last too long."""
    facts = truth()
    slow = replace(
        facts, spells=(*facts.spells, Spell(portal="ha-noi", mode="slow", since=START + 300, until=START + 400))
    )
    assert broken(slow) == []
    assert broken(paged(slow, event(at=SLOT + 310_000))) == []


def test_a_short_life_says_nothing_of_memory():
    facts = samples(truth(), lambda n, one: replace(one, memory=one.memory + 25_000 * n))
    life = facts.lives[0]
    assert broken(facts) != []
    (cases,) = [
        one.cases for one in verdict(first_life(facts, started=life.told - 200.0)) if one.text.startswith(MEMORY)
    ]
    assert cases == 0
