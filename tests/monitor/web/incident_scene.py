"""Incidents of every kind for the pages, derived as by the daemon and written to the stage's journal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from monitor.alerting.incidents import IncidentTracker
from monitor.model.incidents import IncidentEvent, IncidentNote, Message, NoteKind, OutboxUpdate, Severity
from monitor.model.records import PROBER_PORTAL, Measurement, State, StateChange, UnknownReason
from monitor.storage.journal.store import CheckpointUpdate
from probes.result import Fault, Outcome
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.web.scene import EVIL, LOCATION

if TYPE_CHECKING:
    from tests.monitor.web.scene import Stage

FAULTS = [fault for fault in Fault if fault is not Fault.INTERNAL_ERROR]
"""Every fault that can be charged to a portal; an internal error of the prober makes the outcome unknown."""

AT = SLOT - 5 * MINUTE
PHASES = {Fault.DNS: "resolve", Fault.CONNECT_REFUSED: "connect", Fault.CONNECT_TIMEOUT: "connect"}


def portal_of(fault: Fault) -> str:
    return f"of-{fault.value.replace('_', '-')}"


def incident_of(fault: Fault) -> str:
    return f"{portal_of(fault)}-20260731T235500Z"


def detail_of(fault: Fault) -> str:
    return f"what was seen: {fault.value} {EVIL}"


def attempt_of(fault: Fault, attempt: int) -> Measurement:
    """A failed attempt, with as much as a probe knows of such a fault."""
    phase = PHASES.get(fault, "tls" if fault.value.startswith("tls") else "wait")
    first = factories.hop(url=f"https://{portal_of(fault)}.example.gov.vn/", status=302, location="/login")
    last = factories.hop(url=f"https://{portal_of(fault)}.example.gov.vn/login", status=502)
    hops = (replace(first, address=None, family=None, status=None, location=None),)
    if fault is not Fault.DNS:
        hops = (first, last) if phase == "wait" else (replace(first, status=None, location=None),)
    return factories.measurement(
        portal=portal_of(fault),
        slot=AT,
        attempt=attempt,
        outcome=Outcome.DOWN,
        fault=fault,
        phase=phase,
        detail=detail_of(fault),
        values={},
        hops=hops,
        duration=0.4,
        started=AT + 2000 * attempt,
    )


class IncidentStory:
    """What happened, fed to the tracker; ``events`` are the result."""

    def __init__(self) -> None:
        self.portals = [
            factories.portal(id=portal_of(fault), name_vi=f"Cổng {fault.value}", name_en=f"Portal {fault.value}")
            for fault in FAULTS
        ]
        self.portals += [
            factories.portal(id=f"twin-{n}", name_vi=f"Cổng đôi {n}", name_en=f"Twin {n}", platform="egov-4")
            for n in (1, 2)
        ]
        self.tracker = IncidentTracker(self.portals, LOCATION, correlation_window_seconds=0.001)
        self.events: list[IncidentEvent] = []
        self.seq = 0

    def feed(self, record: Measurement | StateChange) -> None:
        self.seq += 1
        self.events += self.tracker.process(replace(record, seq=self.seq))

    def turn(self, portal: str, state: State, at: int, **fields: Any) -> None:  # noqa: ANN401 - as in the record
        values = {"fault": None, "detail": "", "previous": State.UP, "cause": self.seq} | fields
        self.feed(factories.change(portal=portal, state=state, at=at, **values))

    def play(self) -> None:
        for number, fault in enumerate(FAULTS):
            portal = portal_of(fault)
            good = factories.values(cert_issuer=f"CN=CA {number}")  # or issuers would be a common cause
            self.feed(factories.measurement(portal=portal, slot=AT - MINUTE, values=good))
            for attempt in (1, 2, 3):
                failed = attempt_of(fault, attempt)
                # Each has its own address, or they would share a cause.
                hops = tuple(replace(hop, address=hop.address and f"192.0.2.{number + 1}") for hop in failed.hops)
                self.feed(replace(failed, hops=hops))
            self.turn(portal, State.DOWN, AT, fault=fault, detail=detail_of(fault))
        self.turn("twin-1", State.DOWN, AT - 9 * MINUTE, fault=Fault.TIMEOUT, detail="no end after 10 s")
        self.turn("twin-2", State.DOWN, AT - 9 * MINUTE, fault=Fault.TIMEOUT, detail="no end after 10 s")
        self.turn("twin-1", State.UP, AT - 2 * MINUTE, previous=State.DOWN)
        self_check_failed = factories.measurement(
            portal="twin-1", slot=AT, outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.SELF_CHECK
        )
        self.feed(self_check_failed)
        self.turn(PROBER_PORTAL, State.UNKNOWN, AT - 30 * MINUTE, detail="none of 3 references answers")
        self.turn(PROBER_PORTAL, State.UP, AT - 20 * MINUTE, previous=State.UNKNOWN)


async def bring(stage: Stage) -> IncidentStory:
    """Write all of it to the journal, and add the portals to the status cache."""
    story = IncidentStory()
    story.play()
    first = incident_of(Fault.CONNECT_REFUSED)
    message = Message(
        incident=first, number=1, target="on-call", severity=Severity.PAGE, occurred_at=AT, created=AT + 500
    )
    note = IncidentNote(
        id="n1", incident=first, kind=NoteKind.ACKNOWLEDGED, by=f"Lan {EVIL}", text=f"đang xử lý {EVIL}", at=AT + 900
    )
    update = CheckpointUpdate(
        consumer="incidents", seq=stage.journal.last_seq, events=tuple(story.events), messages=(message,)
    )
    await stage.journal.commit_all([update, OutboxUpdate(notes=(note,))])
    stage.cache.portals = {**stage.cache.portals, **{one.id: one for one in story.portals}}
    return story
