"""Incidents follow from the journal alone: they open, collect portals with a common cause, and end, each once."""

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
    """Records of a journal: measurements and changes get numbers, and the tracker processes them."""

    def __init__(self, *portals: Portal) -> None:
        self.portals = portals or (factories.portal(),)
        self.tracker = IncidentTracker(self.portals, LOCATION)
        self.records: list[Measurement | StateChange] = []
        self.events: list[IncidentEvent] = []

    def add(self, record: Measurement | StateChange) -> list[IncidentEvent]:
        record = replace(record, seq=len(self.records) + 1)
        self.records.append(record)
        events = self.tracker.process(record)
        self.events += events
        return events

    def measure(self, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401 - as the factory takes them
        return self.add(factories.measurement(**fields))

    def turn(self, state: State, previous: State, at: int, **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        fields = {"fault": None, "detail": "", "cause": len(self.records)} | fields
        return self.add(factories.change(state=state, previous=previous, at=at, **fields))

    def falls(self, at: int, portal: str = "ha-noi", **fields: Any) -> list[IncidentEvent]:  # noqa: ANN401
        """A successful attempt, three failed ones, and the change."""
        self.measure(portal=portal, slot=at - MINUTE)
        failed = {"outcome": Outcome.DOWN, "portal": portal, "slot": at} | fields
        for attempt in (1, 2, 3):
            self.measure(attempt=attempt, **failed)
        fault = fields.get("fault", Fault.CONNECT_TIMEOUT)
        return self.turn(State.DOWN, State.UP, at, portal=portal, fault=fault, detail=fields.get("detail", "no end"))


def test_an_outage_holds_everything_that_is_known():
    course = Course()
    (event,) = course.falls(SLOT)
    assert (event.type, event.notify, event.number) == (EventType.OPENED, True, 1)
    assert event.incident.id == "ha-noi-20260801T000000Z"
    assert (event.incident.kind, event.incident.severity) == (IncidentKind.OUTAGE, Severity.PAGE)
    part = event.incident.portals[0]
    assert (part.since, part.last_good, part.phase) == (SLOT, SLOT - MINUTE, "connect")
    assert [attempt.attempt for attempt in part.attempts] == [1, 2, 3]
    assert (part.address, part.family) == ("192.0.2.10", 4)
    assert part.certificate["cert_issuer"] == "CN=Example Issuing CA,C=VN"
    assert part.hops
    assert event.confirmed == SLOT + 7 + 10_000
    assert event_from_row(event_row(event, 9)) == replace(event, seq=9)


def test_the_results_of_the_references_are_kept_with_the_outage():
    course = Course()
    references = "vn-dns 12 ms, google-dns no response"
    (event,) = course.falls(SLOT, values={"references": references})
    assert event.incident.portals[0].references == (references,)


def test_recovery_resolves_it_with_its_downtime():
    course = Course()
    course.falls(SLOT)
    course.measure(slot=SLOT + 5 * MINUTE)
    (event,) = course.turn(State.UP, State.DOWN, SLOT + 5 * MINUTE)
    assert (event.type, event.notify, event.incident.resolved) == (EventType.RESOLVED, True, SLOT + 5 * MINUTE)
    assert event.incident.downtime_seconds(SLOT + 99 * MINUTE) == 300
    assert event.incident.portals[0].end_reason is EndReason.RECOVERED
    assert course.tracker.open_incidents == []


def test_time_in_the_unknown_state_is_no_downtime_and_notifies_no_target():
    course = Course()
    course.falls(SLOT)
    (lost,) = course.turn(State.UNKNOWN, State.DOWN, SLOT + 2 * MINUTE)
    (again,) = course.turn(State.DOWN, State.UNKNOWN, SLOT + 6 * MINUTE)
    (over,) = course.turn(State.UP, State.DOWN, SLOT + 7 * MINUTE)
    assert [lost.notify, again.notify, over.notify] == [False, False, True]
    assert {one.incident.id for one in course.events} == {"ha-noi-20260801T000000Z"}
    assert over.incident.downtime_seconds(0) == 180


def test_maintenance_ends_an_incident_and_what_is_down_after_it_is_a_new_one():
    course = Course()
    course.falls(SLOT)
    (into,) = course.turn(State.MAINTENANCE, State.DOWN, SLOT + 2 * MINUTE)
    assert (into.type, into.notify, into.incident.portals[0].end_reason) == (
        EventType.RESOLVED,
        True,
        EndReason.MAINTENANCE,
    )
    (still,) = course.turn(State.DOWN, State.MAINTENANCE, SLOT + 60 * MINUTE, fault=Fault.TIMEOUT)
    assert (still.type, still.notify, still.incident.opened) == (EventType.OPENED, True, SLOT + 60 * MINUTE)
    assert course.turn(State.MAINTENANCE, State.DOWN, SLOT + 61 * MINUTE)[0].type is EventType.RESOLVED
    assert course.turn(State.UP, State.MAINTENANCE, SLOT + 62 * MINUTE) == []


def test_flapping_is_one_message_in_and_one_out():
    course = Course()
    course.falls(SLOT)
    events = course.turn(State.UP, State.DOWN, SLOT + MINUTE, flapping=True)
    assert [(one.incident.kind, one.type, one.notify) for one in events] == [
        (IncidentKind.OUTAGE, EventType.RESOLVED, False),
        (IncidentKind.FLAPPING, EventType.OPENED, True),
    ]
    assert course.turn(State.DOWN, State.UP, SLOT + 2 * MINUTE, flapping=True) == []
    assert course.turn(State.UP, State.DOWN, SLOT + 3 * MINUTE, flapping=True) == []
    (out,) = course.turn(State.UP, State.UP, SLOT + 30 * MINUTE)
    assert (out.incident.kind, out.type, out.notify) == (IncidentKind.FLAPPING, EventType.RESOLVED, True)


def test_flapping_that_comes_to_rest_in_an_outage_pages_for_it_once():
    course = Course()
    course.turn(State.DOWN, State.UP, SLOT, flapping=True)
    events = course.turn(State.DOWN, State.DOWN, SLOT + 30 * MINUTE)
    assert [(one.incident.kind, one.type, one.notify) for one in events] == [
        (IncidentKind.FLAPPING, EventType.RESOLVED, False),
        (IncidentKind.OUTAGE, EventType.OPENED, True),
    ]


def test_degraded_is_a_notice_and_gives_way_to_an_outage_silently():
    course = Course()
    (slow,) = course.turn(State.DEGRADED, State.UP, SLOT, detail="slower than 3 s")
    assert (slow.incident.kind, slow.incident.severity, slow.notify) == (IncidentKind.DEGRADED, Severity.NOTICE, True)
    events = course.turn(State.DOWN, State.DEGRADED, SLOT, fault=Fault.TIMEOUT)
    assert [(one.incident.kind, one.type, one.notify) for one in events] == [
        (IncidentKind.DEGRADED, EventType.RESOLVED, False),
        (IncidentKind.OUTAGE, EventType.OPENED, True),
    ]
    assert events[1].incident.id == f"{slow.incident.id}-2", "another incident of the same second has an id of its own"
    events = course.turn(State.DEGRADED, State.DOWN, SLOT + MINUTE, detail="slow")
    assert [one.incident.portals[0].end_reason for one in events] == [EndReason.BETTER, None]


def test_a_failing_self_check_is_one_page_whatever_the_portals_do():
    course = Course()
    detail = "none of 3 references answers"
    course.measure(
        outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.SELF_CHECK, started=SLOT + 5, duration=2.0, detail=detail
    )
    (failing,) = course.turn(State.UNKNOWN, State.UP, SLOT, portal=PROBER_PORTAL, detail=detail)
    assert (failing.incident.kind, failing.incident.severity) == (IncidentKind.PROBER, Severity.PAGE)
    assert failing.notify
    assert failing.incident.portals[0].references == (detail,)
    assert failing.confirmed == SLOT + 2005
    assert course.turn(State.UNKNOWN, State.UP, SLOT, portal="ha-noi") == []
    (recovered,) = course.turn(State.UP, State.UNKNOWN, SLOT + 10 * MINUTE, portal=PROBER_PORTAL)
    assert (recovered.type, recovered.incident.downtime_seconds(0)) == (EventType.RESOLVED, 600)


def several(**shared: Any) -> list[Portal]:  # noqa: ANN401 - fields of the portal
    return [factories.portal(id=name, **shared) for name in ("hue", "da-nang", "can-tho")]


TLS = {"fault": Fault.TLS_UNTRUSTED, "hops": (), "values": {"cert_issuer": "CN=Old CA"}}
ALONE = {"hops": (), "values": {}}


@pytest.mark.parametrize(
    ("portals", "fields", "key"),
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
    portals: list[Portal], fields: dict[str, Any], key: str
):
    course = Course(*portals)
    events = [course.falls(SLOT + number * 20_000, one.id, **fields)[0] for number, one in enumerate(portals)]
    assert [one.type for one in events] == [EventType.OPENED, EventType.UPDATED, EventType.UPDATED]
    assert {one.incident.id for one in events} == {"hue-20260801T000000Z"}
    assert all(one.notify for one in events)
    assert events[-1].incident.shared == (key,)
    assert [one.portal for one in events[-1].incident.portals] == ["hue", "da-nang", "can-tho"]
    ends = [course.turn(State.UP, State.DOWN, SLOT + 9 * MINUTE, portal=one.id)[0] for one in portals]
    assert [one.type for one in ends] == [EventType.UPDATED, EventType.UPDATED, EventType.RESOLVED]


@pytest.mark.parametrize(
    ("fields", "later"),
    [
        pytest.param({"hops": (), "values": {"cert_issuer": "CN=Big CA"}}, 1000, id="an issuer explains no timeout"),
        pytest.param(ALONE, 1000, id="nothing in common"),
        pytest.param({}, 300_000, id="too late"),
    ],
)
def test_what_has_nothing_in_common_stays_apart(fields: dict[str, Any], later: int):
    course = Course(*several())
    first, second = course.falls(SLOT, "hue", **fields)[0], course.falls(SLOT + later, "da-nang", **fields)[0]
    assert first.incident.id != second.incident.id


def test_a_portal_that_leaves_the_inventory_leaves_its_incident():
    course = Course(*several(platform="x"))
    course.falls(SLOT, "hue")
    course.falls(SLOT, "da-nang")
    (event,) = course.tracker.update_inventory([factories.portal(id="da-nang")], SLOT + MINUTE)
    assert (event.type, event.incident.portals[0].end_reason) == (EventType.UPDATED, EndReason.REMOVED)
    retired = factories.portal(id="da-nang", expect=Expect.RETIRED)
    (event,) = course.tracker.update_inventory([retired], SLOT + MINUTE)
    assert event.type is EventType.RESOLVED


def test_changes_of_other_locations_are_ignored():
    course = Course()
    assert course.turn(State.DOWN, State.UP, SLOT, location="hcm-2") == []


MEASUREMENTS = st.tuples(st.just("measurement"), st.sampled_from(["hue", "da-nang"]), st.sampled_from(list(Outcome)))
TURNS = st.tuples(st.just("turn"), st.sampled_from(["hue", "da-nang", PROBER_PORTAL]), st.sampled_from(list(State)))
FLAPS = st.tuples(st.just("flap"), st.sampled_from(["hue", "da-nang"]), st.sampled_from([State.UP, State.DOWN]))


@given(st.lists(st.one_of(MEASUREMENTS, TURNS, FLAPS), max_size=60), st.integers(0, 60))
def test_replaying_the_journal_gives_the_same_incidents_wherever_it_was_interrupted(
    story: list[tuple[str, str, Any]], cut: int
):
    portals = several(platform="x")
    course = Course(*portals)
    for number, (what, portal, value) in enumerate(story):
        at = SLOT + number * 7_000
        if what == "measurement":
            course.measure(portal=portal, slot=at, outcome=value)
        else:
            course.turn(value, State.UP, at, portal=portal, flapping=what == "flap")
    whole = IncidentTracker(portals, LOCATION)
    assert whole.process_all(course.records) == course.events
    first = IncidentTracker(portals, LOCATION)
    events = first.process_all(course.records[:cut])
    second = IncidentTracker(portals, LOCATION, state=first.dump_state())
    measurements = [one for one in course.records[:cut] if isinstance(one, Measurement) and one.outcome is Outcome.UP]
    second.restore_latest({one.portal: one for one in measurements}.values())
    events += second.process_all(course.records[cut:])
    assert [essence(one) for one in events] == [essence(one) for one in course.events]
    assert len({(one.incident.id, one.number) for one in events}) == len(events)


def essence(event: IncidentEvent) -> tuple[object, ...]:
    """Return all but the successful attempts, which a checkpoint leaves to the journal."""
    parts = [(one.portal, one.since, one.until, one.down_ms, one.end_reason) for one in event.incident.portals]
    return (event.incident.id, event.number, event.type, event.portal, event.at, event.notify, parts)
