"""The evaluation of a soak finds every error, a lost slot, a doubled point, a false page, a leak, and nothing else."""

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
from tests.soak.evaluation import evaluate
from tests.soak.facts import ConditionInterval, DaemonRun, Facts, Sample, point_of

START = SLOT / 1000
LENGTH_S = 600.0
CHECKS = (factories.check(interval=6.0), factories.check("latency", interval=30.0))
BROKE, MENDED = START + 100.0, START + 160.0
DOWN = SLOT + 102_000

SLOTS = "every slot of every check has exactly one outcome"
POINTS = "every record of the journal is one point"
MEMORY = "the daemon's memory"
FILES = "the daemon has as many files open"
PROCESSES = "leaves no process behind"
LEFT = "no temporary file"
FALSE = "no page is false"
MISSED = "every outage that lasts longer"
ENDED = "an outage ends"
DELIVERED = "every message about an incident"
LOG = "the log holds no traceback"

Change = Callable[[Facts], Facts]


def measured(check: int, slot: int) -> Measurement:
    one = CHECKS[check]
    down = one.name == "uptime" and BROKE <= slot / 1000 < MENDED
    outcome = Outcome.DOWN if down else Outcome.UP
    return factories.measurement(check=one.name, kind=one.kind, slot=slot, outcome=outcome)


def event(portal: str = "ha-noi", at: int = DOWN, number: int = 1, until: int | None = None) -> IncidentEvent:
    affected = AffectedPortal(portal=portal, since=at, state=State.DOWN, until=until)
    incident = Incident(
        id=incident_id(portal, at),
        kind=IncidentKind.OUTAGE,
        severity=Severity.PAGE,
        location="hn-1",
        opened=at,
        portals=(affected,),
        resolved=until,
    )
    event_type = EventType.RESOLVED if until else EventType.OPENED
    return IncidentEvent(
        incident=incident,
        number=number,
        type=event_type,
        portal=portal,
        at=until or at,
        confirmed=at + 500,
        notify=True,
    )


def message(one: IncidentEvent) -> Message:
    return Message(
        incident=one.incident.id,
        number=one.number,
        target="on-call",
        severity=one.incident.severity,
        occurred_at=one.confirmed,
        created=one.confirmed,
        status=MessageStatus.ACCEPTED,
    )


def notified(*events: IncidentEvent) -> dict[str, object]:
    return {
        "events": events,
        "messages": tuple(message(one) for one in events),
        "notified": tuple((one.incident.id,) for one in events),
    }


def truth() -> Facts:
    """Ten minutes of one portal that was down for one of them, and a daemon that recorded and notified it all."""
    until = SLOT + round(LENGTH_S * 1000)
    measurements = [measured(n, slot) for n, one in enumerate(CHECKS) for slot in slots_between(one, SLOT, until + 1)]
    samples = tuple(Sample(at=START + n, memory=120_000_000 + n % 7 * 100_000, files=17 + n % 3) for n in range(600))
    stored = Counter(point_of(one) for one in measurements)
    run = DaemonRun(
        started=START,
        stop_requested=START + LENGTH_S,
        ended=START + LENGTH_S + 1,
        killed=False,
        code=0,
        samples=samples,
    )
    drain = DaemonRun(started=START + 610, stop_requested=START + 615, ended=START + 616, killed=False, code=0)
    conditions = (
        ConditionInterval(portal="ha-noi", mode="fine", since=START - 5, until=BROKE),
        ConditionInterval(portal="ha-noi", mode="refuse", since=BROKE, until=MENDED),
        ConditionInterval(portal="ha-noi", mode="fine", since=MENDED, until=math.inf),
    )
    opened, resolved = event(), event(number=2, until=DOWN + 60_000)
    return Facts(
        checks=CHECKS,
        runs=(run, drain),
        measurements=tuple(measurements),
        stored=stored,
        written=Counter(stored),
        conditions=conditions,
        server_outages=(("database", START + 50, START + 80),),
        lines=(line("started", "info", START), line("sink_write_failed", "error", START + 51)),
        **notified(opened, resolved),
    )


def line(name: str, level: str, at: float, **more: object) -> str:
    return json.dumps({"event": name, "level": level, "timestamp": datetime.fromtimestamp(at, UTC).isoformat(), **more})


def broken(facts: Facts) -> list[str]:
    return [one.text for one in evaluate(facts) if one.broken]


def samples(facts: Facts, change: Callable[[int, Sample], Sample]) -> Facts:
    """The same with other samples in its first run, each with its number."""
    run = facts.runs[0]
    other = tuple(change(number, one) for number, one in enumerate(run.samples))
    return replace(facts, runs=(replace(run, samples=other), *facts.runs[1:]))


def first_run(facts: Facts, **changes: object) -> Facts:
    return replace(facts, runs=(replace(facts.runs[0], **changes), *facts.runs[1:]))


def paged(facts: Facts, one: IncidentEvent) -> Facts:
    """Return the facts with one more notified outage, which ends a minute later."""
    every = (*facts.events, one, event(one.portal, one.at, 2, one.at + 60_000))
    return replace(facts, **notified(*every))


def shifted(one: Measurement) -> Measurement:
    return replace(one, slot=one.slot + 1)


ERRORS: dict[str, tuple[str, Change]] = {
    "a lost slot": (
        SLOTS,
        lambda facts: replace(facts, measurements=facts.measurements[:20] + facts.measurements[21:]),
    ),
    "the first slot is lost": (SLOTS, lambda facts: replace(facts, measurements=facts.measurements[1:])),
    "the last slot is lost": (SLOTS, lambda facts: replace(facts, measurements=facts.measurements[:-1])),
    "two outcomes of a slot": (
        SLOTS,
        lambda facts: replace(facts, measurements=(*facts.measurements, facts.measurements[20])),
    ),
    "a slot off the grid": (
        SLOTS,
        lambda facts: replace(facts, measurements=(*facts.measurements, shifted(facts.measurements[20]))),
    ),
    "a check that was not scheduled": (SLOTS, lambda facts: replace(facts, checks=facts.checks[:1])),
    "a doubled point": (POINTS, lambda facts: replace(facts, written=facts.written + Counter([*facts.written][:1]))),
    "a lost point": (POINTS, lambda facts: replace(facts, written=facts.written - Counter([*facts.written][:1]))),
    "a lost and an unexpected point": (
        POINTS,
        lambda facts: replace(facts, written=Counter(point_of(shifted(one)) for one in facts.measurements)),
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
    "a browser that is still alive": (PROCESSES, lambda facts: first_run(facts, orphans=("chromium --headless",))),
    "a bad exit code": (PROCESSES, lambda facts: first_run(facts, code=1)),
    "a temporary file": (LEFT, lambda facts: first_run(facts, left=("portal-monitor-browser-1-x/frame.jpg",))),
    "half a screenshot set": (LEFT, lambda facts: replace(facts, remains=("screenshots/ha-noi/mobile/1.part",))),
    "a page without a fault": (FALSE, lambda facts: paged(facts, event(at=SLOT + 300_000))),
    "a page for another portal": (FALSE, lambda facts: paged(facts, event(portal="hue"))),
    "a page long after the fault": (FALSE, lambda facts: paged(facts, event(at=SLOT + 170_000))),
    "a page for a retired portal": (FALSE, lambda facts: replace(facts, retired=frozenset({"ha-noi"}))),
    "an outage without a page": (MISSED, lambda facts: replace(facts, events=(), messages=(), notified=())),
    "a second outage without a page": (
        MISSED,
        lambda facts: replace(
            facts,
            conditions=(
                *facts.conditions,
                ConditionInterval(portal="ha-noi", mode="error", since=START + 300, until=START + 330),
            ),
        ),
    ),
    "an outage that never ends": (ENDED, lambda facts: replace(facts, **notified(*facts.events[:1]))),
    "a message that waits": (
        DELIVERED,
        lambda facts: replace(
            facts, messages=(replace(facts.messages[0], status=MessageStatus.WAITING), *facts.messages[1:])
        ),
    ),
    "a message that was not received": (DELIVERED, lambda facts: replace(facts, notified=())),
    "a page that was never written": (DELIVERED, lambda facts: replace(facts, messages=facts.messages[1:])),
    "a notification about no incident": (
        DELIVERED,
        lambda facts: replace(facts, notified=(*facts.notified, ("hue-x",))),
    ),
    "a traceback": (LOG, lambda facts: replace(facts, lines=(*facts.lines, "Traceback (most recent call last):"))),
    "an exception": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("probe_internal_error", "error", START, exception="x"))),
    ),
    "a sink that fails without an outage": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("sink_write_failed", "error", START + 200))),
    ),
    "an unexpected error": (
        LOG,
        lambda facts: replace(facts, lines=(*facts.lines, line("scoring_failing", "error", START))),
    ),
}


def test_the_truth_breaks_nothing():
    facts = truth()
    assert broken(facts) == []
    assert {one.text: one.cases for one in evaluate(facts)}.items() >= {SLOTS: 120, FALSE: 1}.items()


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_found_and_nothing_else(error: str):
    text, change = ERRORS[error]
    (found,) = broken(change(truth()))
    assert text in found


def test_a_fault_that_was_not_probed_long_enough_needs_no_page():
    """A short one; one while no daemon ran; one whose slots were unknown or late."""
    conditions = [ConditionInterval(portal="ha-noi", mode="error", since=START + 300, until=START + 304)]
    facts = truth()
    assert broken(replace(facts, conditions=(*facts.conditions, *conditions))) == []
    long = replace(facts, conditions=(*facts.conditions, replace(conditions[0], until=START + 330)))
    assert MISSED in broken(long)[0]
    unknown = [
        factories.measurement(slot=one.slot, outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.LATE)
        for one in facts.measurements[48:56]
    ]
    late = [replace(one, start_delay=1.5) for one in facts.measurements[48:56]]
    for replaced in (unknown, late):
        assert broken(replace(long, measurements=(*facts.measurements[:48], *replaced, *facts.measurements[56:]))) == []


def test_slowness_may_page_and_need_not():
    """A probe of a slow portal may last too long."""
    facts = truth()
    slow = replace(
        facts,
        conditions=(
            *facts.conditions,
            ConditionInterval(portal="ha-noi", mode="slow", since=START + 300, until=START + 400),
        ),
    )
    assert broken(slow) == []
    assert broken(paged(slow, event(at=SLOT + 310_000))) == []


def test_the_memory_of_a_short_run_is_not_evaluated():
    facts = samples(truth(), lambda n, one: replace(one, memory=one.memory + 25_000 * n))
    run = facts.runs[0]
    assert broken(facts) != []
    (cases,) = [
        one.cases
        for one in evaluate(first_run(facts, started=run.stop_requested - 200.0))
        if one.text.startswith(MEMORY)
    ]
    assert cases == 0
