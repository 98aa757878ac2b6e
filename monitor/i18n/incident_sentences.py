"""An incident put into words for a person, the same ones on pages and in messages; how they look is left to those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.incidents import Ending, IncidentKind, Step
from monitor.model.records import PROBER, State
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.i18n.translator import Tongue
    from monitor.model.incidents import Glance, Incident, IncidentEvent, Member
    from monitor.model.records import Portal
    from probes.result import Hop

_STEADY = {Ending.RECOVERED: "up", Ending.WORSE: "down", Ending.BETTER: "other"}
"""How a portal that flapped came to rest."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Says things about incidents in one language; ``portals`` gives names to ids."""

    tongue: Tongue
    portals: Mapping[str, Portal]

    def name(self, portal: str) -> str:
        """What a portal is called; its id when nobody knows it any more."""
        known = self.portals.get(portal)
        return known.name(self.tongue.language) if known else portal

    def headline(self, event: IncidentEvent, now: int) -> str:
        """What an event says, in one line."""
        incident, t = event.incident, self.tongue
        member = incident.member(event.portal) or incident.members[0]
        name, kind = self.name(event.portal), incident.kind
        lasted = t.duration(member.downtime(now))
        if member.until is None:
            if kind is IncidentKind.BLIND:
                return t("say.blind.opened", location=incident.location)
            count = len(incident.lasting)
            if event.step is Step.OPENED or count == 1 or kind is IncidentKind.FLAPPING:
                return t(f"say.{kind.value}.opened", name=name)
            return t(f"say.{kind.value}.joined", name=name, n=count)
        if kind is IncidentKind.BLIND:
            return t("say.sees", location=incident.location, duration=lasted)
        ending = member.ending or Ending.RECOVERED
        if kind is IncidentKind.FLAPPING and ending in _STEADY:
            return t(f"say.steady.{_STEADY[ending]}", name=name)
        key = f"say.{ending.value}"
        return t(key, name=name, duration=lasted) if ending is Ending.RECOVERED else t(key, name=name)

    def standing(self, incident: Incident) -> str:
        """What an incident is, in one line, for lists and titles."""
        t = self.tongue
        if incident.kind is IncidentKind.BLIND:
            return t("say.blind.opened", location=incident.location)
        first = t(f"say.{incident.kind.value}.opened", name=self.name(incident.members[0].portal))
        return first if len(incident.members) == 1 else f"{first} (+{len(incident.members) - 1})"

    def shared(self, incident: Incident) -> str:
        """What the portals of an incident have in common; empty for one portal."""
        if len(incident.members) == 1:
            return ""
        said = []
        for key in incident.shared:
            sort, _, value = key.partition(":")
            said.append(self.tongue(f"shared.{sort}", value=self.name(value) if sort == "dependency" else value))
        return "; ".join(said)

    def facts(self, member: Member, now: int) -> Iterable[tuple[str, str]]:
        """(what, how it was) of one portal's part; texts of the portal itself are among them, as they came."""
        t = self.tongue
        yield t("incident.since"), t.moment(member.since)
        if member.until is not None:
            ending = t(f"ending.{member.ending.value}") if member.ending else ""
            yield t("incident.until"), f"{t.moment(member.until)} ({ending})"
        yield t("incident.downtime"), t.duration(member.downtime(now))
        if member.fault is not None:
            yield t("incident.fault"), _with(t(f"fault.{member.fault.value}"), member.detail)
        elif member.detail and member.portal != PROBER:
            yield t("incident.fault"), member.detail
        if member.phase:
            yield t("incident.phase"), t.known(f"phase.{member.phase}", member.phase)
        if member.portal != PROBER:
            yield t("incident.address"), self._address(member)
            if (said := self.certificate(member)) != "":
                yield t("incident.certificate"), said
            yield t("incident.good"), t.moment(member.good) if member.good is not None else t("incident.no_good")
        yield t("incident.references"), "; ".join(member.references) or t("incident.references.seen")

    def _address(self, member: Member) -> str:
        if member.address is None:
            return self.tongue("incident.no_address")
        if member.family is None:
            return member.address
        return self.tongue("incident.via", address=member.address, family=member.family)

    def certificate(self, member: Member) -> str:
        """The newest certificate that was seen; empty when none was."""
        told, t = member.certificate, self.tongue
        expiry = told.get("cert_leaf_expiry")
        if not told:
            return ""
        return t(
            "incident.certificate.said",
            subject=told.get("cert_subject") or t("none"),
            issuer=told.get("cert_issuer") or t("none"),
            expiry=t.date(int(float(expiry) * 1000)) if expiry else t("none"),
        )

    def result(self, look: Glance) -> str:
        """How one look ended."""
        t = self.tongue
        if look.void is not None:
            return _with(t(f"void.{look.void}"), look.detail)
        if look.outcome is Outcome.UP:
            return _with(t("outcome.up"), look.detail)
        return _with(t(f"fault.{look.fault.value}") if look.fault else t("outcome.down"), look.detail)

    def hop(self, hop: Hop) -> str:
        """One request of the look that tipped it."""
        status = str(hop.status) if hop.status is not None else self.tongue("incident.hop.none")
        return f"{hop.url}: {status}" + (f" → {hop.location}" if hop.location else "")

    def state(self, state: State) -> str:
        """A state."""
        return self.tongue(f"state.{state.value}")


def _with(said: str, detail: str) -> str:
    return f"{said} ({detail})" if detail else said
