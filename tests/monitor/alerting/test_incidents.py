"""Incidents follow from the journal alone: they open, gather what shares a cause, and end, each told once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerting.incidents import IncidentTracker
from monitor.model.incidents import EndReason, EventType, IncidentEvent, IncidentKind, Severity
from monitor.model.records import PROBER_PORTAL, Expect, Measurement, Portal, State, StateChange, UnknownReason
from monitor.storage.journal.incident_rows import event_from_row, event_row
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT

LOCATION = "hn-1"


class Course:
    """A journal in the making: looks and changes get numbers, and the fold is fed as it grows."""

    def __init__(self, *portals: Portal) -> None:
        self.portals = portals or (factories.portal(),)
        self.fold = IncidentTracker(self.portals, LOCATION)
        self.records: list[Measurement | StateChange] = []
        self.events: list[IncidentEvent] = []

    def add(self, record: Measurement | StateChange) -> list[IncidentEvent]:
        record = replace(record, seq=len(self.records) + 1)
        self.records.append(record)
        events = self.fold.process(record)
        self.events += events
        return events

    def look(self, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401 - as the factory takes them
        return self.add(factories.measurement(**fields))

    def turn(self, state: State, previous: State, at: int, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        fields = {"fault": None, "detail": "", "cause": len(self.records)} | fields
        return self.add(factories.change(state=state, previous=previous, at=at, **fields))

    def falls(self, at: int, portal: str = "ha-noi", **look: Any) -> list[IncidentEvent]:  # noqa: ANN401
        """A good look, three failed ones, and the change."""
        self.look(portal=portal, slot=at - MINUTE)
        failed = {"outcome": Outcome.DOWN, "portal": portal, "slot": at} | look
        for attempt in (1, 2, 3):
            self.look(attempt=attempt, **failed)
        fault = look.get("fault", Fault.CONNECT_TIMEOUT)
        return self.turn(State.DOWN, State.UP, at, portal=portal, fault=fault, detail=look.get("detail", "no end"))


def test_an_outage_says_everything_that_is_known():
    course = Course()
    (event,) = course.falls(SLOT)
    assert (event.step, event.tell, event.number) == (EventType.OPENED, True, 1)
    assert event.incident.id == "ha-noi-20260801T000000Z"
    assert (event.incident.kind, event.incident.severity) == (IncidentKind.OUTAGE, Severity.PAGE)
    member = event.incident.members[0]
    assert (member.since, member.good, member.phase) == (SLOT, SLOT - MINUTE, "connect")
    assert [look.attempt for look in member.looks] == [1, 2, 3]
    assert (member.address, member.family) == ("192.0.2.10", 4)
    assert member.certificate["cert_issuer"] == "CN=Example Issuing CA,C=VN"
    assert member.hops
    assert event.confirmed == SLOT + 7 + 10_000
    assert event_from_row(event_row(event, 9)) == replace(event, seq=9)


def test_what_the_references_said_stands_with_the_outage():
    course = Course()
    said = "vn-dns 12 ms, google-dns no answer"
    (event,) = course.falls(SLOT, values={"references": said})
    assert event.incident.members[0].references == (said,)


def test_recovery_resolves_it_and_says_for_how_long():
    course = Course()
    course.falls(SLOT)
    course.look(slot=SLOT + 5 * MINUTE)
    (event,) = course.turn(State.UP, State.DOWN, SLOT + 5 * MINUTE)
    assert (event.step, event.tell, event.incident.resolved) == (EventType.RESOLVED, True, SLOT + 5 * MINUTE)
    assert event.incident.downtime_seconds(SLOT + 99 * MINUTE) == 300
    assert event.incident.members[0].ending is EndReason.RECOVERED
    assert course.fold.open_incidents == []


def test_time_in_which_we_could_not_see_is_no_downtime_and_no_news():
    course = Course()
    course.falls(SLOT)
    (lost,) = course.turn(State.UNKNOWN, State.DOWN, SLOT + 2 * MINUTE)
    (again,) = course.turn(State.DOWN, State.UNKNOWN, SLOT + 6 * MINUTE)
    (over,) = course.turn(State.UP, State.DOWN, SLOT + 7 * MINUTE)
    assert [lost.tell, again.tell, over.tell] == [False, False, True]
    assert {one.incident.id for one in course.events} == {"ha-noi-20260801T000000Z"}
    assert over.incident.downtime_seconds(0) == 180


def test_maintenance_ends_an_incident_and_what_is_down_after_it_is_a_new_one():
    course = Course()
    course.falls(SLOT)
    (into,) = course.turn(State.MAINTENANCE, State.DOWN, SLOT + 2 * MINUTE)
    assert (into.step, into.tell, into.incident.members[0].ending) == (EventType.RESOLVED, True, EndReason.MAINTENANCE)
    (still,) = course.turn(State.DOWN, State.MAINTENANCE, SLOT + 60 * MINUTE, fault=Fault.TIMEOUT)
    assert (still.step, still.tell, still.incident.opened) == (EventType.OPENED, True, SLOT + 60 * MINUTE)
    assert course.turn(State.MAINTENANCE, State.DOWN, SLOT + 61 * MINUTE)[0].step is EventType.RESOLVED
    assert course.turn(State.UP, State.MAINTENANCE, SLOT + 62 * MINUTE) == []


def test_flapping_is_one_message_in_and_one_out():
    course = Course()
    course.falls(SLOT)
    told = course.turn(State.UP, State.DOWN, SLOT + MINUTE, flapping=True)
    assert [(one.incident.kind, one.step, one.tell) for one in told] == [
        (IncidentKind.OUTAGE, EventType.RESOLVED, False),
        (IncidentKind.FLAPPING, EventType.OPENED, True),
    ]
    assert course.turn(State.DOWN, State.UP, SLOT + 2 * MINUTE, flapping=True) == []
    assert course.turn(State.UP, State.DOWN, SLOT + 3 * MINUTE, flapping=True) == []
    (out,) = course.turn(State.UP, State.UP, SLOT + 30 * MINUTE)
    assert (out.incident.kind, out.step, out.tell) == (IncidentKind.FLAPPING, EventType.RESOLVED, True)


def test_flapping_that_comes_to_rest_in_an_outage_pages_for_it_once():
    course = Course()
    course.turn(State.DOWN, State.UP, SLOT, flapping=True)
    told = course.turn(State.DOWN, State.DOWN, SLOT + 30 * MINUTE)
    assert [(one.incident.kind, one.step, one.tell) for one in told] == [
        (IncidentKind.FLAPPING, EventType.RESOLVED, False),
        (IncidentKind.OUTAGE, EventType.OPENED, True),
    ]


def test_degraded_is_a_notice_and_gives_way_to_an_outage_silently():
    course = Course()
    (slow,) = course.turn(State.DEGRADED, State.UP, SLOT, detail="slower than 3 s")
    assert (slow.incident.kind, slow.incident.severity, slow.tell) == (IncidentKind.DEGRADED, Severity.NOTICE, True)
    told = course.turn(State.DOWN, State.DEGRADED, SLOT, fault=Fault.TIMEOUT)
    assert [(one.incident.kind, one.step, one.tell) for one in told] == [
        (IncidentKind.DEGRADED, EventType.RESOLVED, False),
        (IncidentKind.OUTAGE, EventType.OPENED, True),
    ]
    assert told[1].incident.id == f"{slow.incident.id}-2", "another incident of the same second has an id of its own"
    told = course.turn(State.DEGRADED, State.DOWN, SLOT + MINUTE, detail="slow")
    assert [one.incident.members[0].ending for one in told] == [EndReason.BETTER, None]


def test_blindness_is_one_page_whatever_the_portals_do():
    course = Course()
    detail = "none of 3 references answers"
    course.look(outcome=Outcome.VOID, void=UnknownReason.BLIND, started=SLOT + 5, duration=2.0, detail=detail)
    (blind,) = course.turn(State.UNKNOWN, State.UP, SLOT, portal=PROBER_PORTAL, detail=detail)
    assert (blind.incident.kind, blind.incident.severity, blind.tell) == (IncidentKind.BLIND, Severity.PAGE, True)
    assert blind.incident.members[0].references == (detail,)
    assert blind.confirmed == SLOT + 2005
    assert course.turn(State.UNKNOWN, State.UP, SLOT, portal="ha-noi") == []
    (sees,) = course.turn(State.UP, State.UNKNOWN, SLOT + 10 * MINUTE, portal=PROBER_PORTAL)
    assert (sees.step, sees.incident.downtime_seconds(0)) == (EventType.RESOLVED, 600)


def several(**shared: Any) -> list[Portal]:  # noqa: ANN401 - fields of the portal
    return [factories.portal(id=name, **shared) for name in ("hue", "da-nang", "can-tho")]


TLS = {"fault": Fault.TLS_UNTRUSTED, "hops": (), "values": {"cert_issuer": "CN=Old CA"}}
ALONE = {"hops": (), "values": {}}


@pytest.mark.parametrize(
    ("portals", "look", "key"),
    [
        (several(), {}, "address:192.0.2.10"),
        (several(platform="egov-4"), ALONE, "platform:egov-4"),
        (several(depends_on=("vneid",)), ALONE, "dependency:vneid"),
        (several(depends_on=("hue",)), ALONE, "dependency:hue"),
        (several(name_server="ns.vn"), {"fault": Fault.DNS} | ALONE, "name_server:ns.vn"),
        (several(), TLS, "issuer:CN=Old CA"),
    ],
)
def test_portals_that_fall_together_for_one_cause_are_one_incident(
    portals: list[Portal], look: dict[str, Any], key: str
):
    course = Course(*portals)
    told = [course.falls(SLOT + number * 20_000, one.id, **look)[0] for number, one in enumerate(portals)]
    assert [one.step for one in told] == [EventType.OPENED, EventType.UPDATED, EventType.UPDATED]
    assert {one.incident.id for one in told} == {"hue-20260801T000000Z"}
    assert all(one.tell for one in told)
    assert told[-1].incident.shared == (key,)
    assert [one.portal for one in told[-1].incident.members] == ["hue", "da-nang", "can-tho"]
    ends = [course.turn(State.UP, State.DOWN, SLOT + 9 * MINUTE, portal=one.id)[0] for one in portals]
    assert [one.step for one in ends] == [EventType.UPDATED, EventType.UPDATED, EventType.RESOLVED]


@pytest.mark.parametrize(
    ("look", "later"),
    [
        pytest.param({"hops": (), "values": {"cert_issuer": "CN=Big CA"}}, 1000, id="an issuer explains no timeout"),
        pytest.param(ALONE, 1000, id="nothing in common"),
        pytest.param({}, 300_000, id="too late"),
    ],
)
def test_what_has_nothing_in_common_stays_apart(look: dict[str, Any], later: int):
    course = Course(*several())
    first, second = course.falls(SLOT, "hue", **look)[0], course.falls(SLOT + later, "da-nang", **look)[0]
    assert first.incident.id != second.incident.id


def test_a_portal_that_leaves_the_inventory_leaves_its_incident():
    course = Course(*several(platform="x"))
    course.falls(SLOT, "hue")
    course.falls(SLOT, "da-nang")
    (event,) = course.fold.update_inventory([factories.portal(id="da-nang")], SLOT + MINUTE)
    assert (event.step, event.incident.members[0].ending) == (EventType.UPDATED, EndReason.REMOVED)
    retired = factories.portal(id="da-nang", expect=Expect.RETIRED)
    (event,) = course.fold.update_inventory([retired], SLOT + MINUTE)
    assert event.step is EventType.RESOLVED


def test_other_places_have_incidents_of_their_own():
    course = Course()
    assert course.turn(State.DOWN, State.UP, SLOT, location="hcm-2") == []


LOOKS = st.tuples(st.just("look"), st.sampled_from(["hue", "da-nang"]), st.sampled_from(list(Outcome)))
TURNS = st.tuples(st.just("turn"), st.sampled_from(["hue", "da-nang", PROBER_PORTAL]), st.sampled_from(list(State)))
FLAPS = st.tuples(st.just("flap"), st.sampled_from(["hue", "da-nang"]), st.sampled_from([State.UP, State.DOWN]))


@given(st.lists(st.one_of(LOOKS, TURNS, FLAPS), max_size=60), st.integers(0, 60))
def test_replaying_the_journal_gives_the_same_incidents_wherever_it_was_interrupted(
    story: list[tuple[str, str, Any]], cut: int
):
    portals = several(platform="x")
    course = Course(*portals)
    for number, (what, portal, value) in enumerate(story):
        at = SLOT + number * 7_000
        if what == "look":
            course.look(portal=portal, slot=at, outcome=value)
        else:
            course.turn(value, State.UP, at, portal=portal, flapping=what == "flap")
    whole = IncidentTracker(portals, LOCATION)
    assert whole.process_all(course.records) == course.events
    first = IncidentTracker(portals, LOCATION)
    events = first.process_all(course.records[:cut])
    second = IncidentTracker(portals, LOCATION, state=first.dump_state())
    looks = [one for one in course.records[:cut] if isinstance(one, Measurement) and one.outcome is Outcome.UP]
    second.restore_latest({one.portal: one for one in looks}.values())
    events += second.process_all(course.records[cut:])
    assert [essence(one) for one in events] == [essence(one) for one in course.events]
    assert len({(one.incident.id, one.number) for one in events}) == len(events)


def essence(event: IncidentEvent) -> tuple[object, ...]:
    """All but the good looks that a memo leaves to the journal."""
    members = [(one.portal, one.since, one.until, one.down_ms, one.ending) for one in event.incident.members]
    return (event.incident.id, event.number, event.step, event.portal, event.at, event.tell, members)
