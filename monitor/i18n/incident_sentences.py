"""An incident put into words for a person, the same ones on pages and in messages; how they look is left to those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.incidents import EndReason, EventType, IncidentKind
from monitor.model.records import PROBER_PORTAL, State
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.i18n.translator import Translator
    from monitor.model.incidents import AffectedPortal, AttemptSummary, Incident, IncidentEvent
    from monitor.model.records import Portal
    from probes.result import Hop

_STATE_AFTER_FLAPPING = {EndReason.RECOVERED: "up", EndReason.WORSE: "down", EndReason.BETTER: "other"}
"""How a portal that flapped came to rest."""


@dataclass(frozen=True, slots=True)
class IncidentSentences:
    """Says things about incidents in one language; ``portals`` gives names to ids."""

    translator: Translator
    portals: Mapping[str, Portal]

    def portal_name(self, portal_id: str) -> str:
        """What a portal is called; its id when nobody knows it any more."""
        known = self.portals.get(portal_id)
        return known.name(self.translator.language) if known else portal_id

    def headline(self, event: IncidentEvent, now_ms: int) -> str:
        """What an event says, in one line."""
        incident, t = event.incident, self.translator
        member = incident.affected_portal(event.portal) or incident.members[0]
        name, kind = self.portal_name(event.portal), incident.kind
        lasted = t.duration(member.downtime_seconds(now_ms))
        if member.until is None:
            if kind is IncidentKind.BLIND:
                return t("say.blind.opened", location=incident.location)
            count = len(incident.ongoing)
            if event.step is EventType.OPENED or count == 1 or kind is IncidentKind.FLAPPING:
                return t(f"say.{kind.value}.opened", name=name)
            return t(f"say.{kind.value}.joined", name=name, n=count)
        if kind is IncidentKind.BLIND:
            return t("say.sees", location=incident.location, duration=lasted)
        ending = member.ending or EndReason.RECOVERED
        if kind is IncidentKind.FLAPPING and ending in _STATE_AFTER_FLAPPING:
            return t(f"say.steady.{_STATE_AFTER_FLAPPING[ending]}", name=name)
        key = f"say.{ending.value}"
        return t(key, name=name, duration=lasted) if ending is EndReason.RECOVERED else t(key, name=name)

    def summary(self, incident: Incident) -> str:
        """What an incident is, in one line, for lists and titles."""
        t = self.translator
        if incident.kind is IncidentKind.BLIND:
            return t("say.blind.opened", location=incident.location)
        first = t(f"say.{incident.kind.value}.opened", name=self.portal_name(incident.members[0].portal))
        return first if len(incident.members) == 1 else f"{first} (+{len(incident.members) - 1})"

    def shared(self, incident: Incident) -> str:
        """What the portals of an incident have in common; empty for one portal."""
        if len(incident.members) == 1:
            return ""
        said = []
        for key in incident.shared:
            sort, _, value = key.partition(":")
            said.append(
                self.translator(f"shared.{sort}", value=self.portal_name(value) if sort == "dependency" else value)
            )
        return "; ".join(said)

    def facts(self, affected_portal: AffectedPortal, now_ms: int) -> Iterable[tuple[str, str]]:
        """(what, how it was) of one portal's part; texts of the portal itself are among them, as they came."""
        t = self.translator
        yield t("incident.since"), t.date_time(affected_portal.since)
        if affected_portal.until is not None:
            ending = t(f"ending.{affected_portal.ending.value}") if affected_portal.ending else ""
            yield t("incident.until"), f"{t.date_time(affected_portal.until)} ({ending})"
        yield t("incident.downtime"), t.duration(affected_portal.downtime_seconds(now_ms))
        if affected_portal.fault is not None:
            yield t("incident.fault"), _with_detail(t(f"fault.{affected_portal.fault.value}"), affected_portal.detail)
        elif affected_portal.detail and affected_portal.portal != PROBER_PORTAL:
            yield t("incident.fault"), affected_portal.detail
        if affected_portal.phase:
            yield t("incident.phase"), t.text_or(f"phase.{affected_portal.phase}", affected_portal.phase)
        if affected_portal.portal != PROBER_PORTAL:
            yield t("incident.address"), self._address(affected_portal)
            if (said := self.certificate(affected_portal)) != "":
                yield t("incident.certificate"), said
            yield (
                t("incident.good"),
                t.date_time(affected_portal.good) if affected_portal.good is not None else t("incident.no_good"),
            )
        yield t("incident.references"), "; ".join(affected_portal.references) or t("incident.references.seen")

    def _address(self, affected_portal: AffectedPortal) -> str:
        if affected_portal.address is None:
            return self.translator("incident.no_address")
        if affected_portal.family is None:
            return affected_portal.address
        return self.translator("incident.via", address=affected_portal.address, family=affected_portal.family)

    def certificate(self, affected_portal: AffectedPortal) -> str:
        """The newest certificate that was seen; empty when none was."""
        told, t = affected_portal.certificate, self.translator
        expiry = told.get("cert_leaf_expiry")
        if not told:
            return ""
        return t(
            "incident.certificate.said",
            subject=told.get("cert_subject") or t("none"),
            issuer=told.get("cert_issuer") or t("none"),
            expiry=t.date(int(float(expiry) * 1000)) if expiry else t("none"),
        )

    def result(self, attempt: AttemptSummary) -> str:
        """How one look ended."""
        t = self.translator
        if attempt.void is not None:
            return _with_detail(t(f"void.{attempt.void}"), attempt.detail)
        if attempt.outcome is Outcome.UP:
            return _with_detail(t("outcome.up"), attempt.detail)
        return _with_detail(t(f"fault.{attempt.fault.value}") if attempt.fault else t("outcome.down"), attempt.detail)

    def hop(self, hop: Hop) -> str:
        """One request of the look that tipped it."""
        status = str(hop.status) if hop.status is not None else self.translator("incident.hop.none")
        return f"{hop.url}: {status}" + (f" → {hop.location}" if hop.location else "")

    def state(self, state: State) -> str:
        """A state."""
        return self.translator(f"state.{state.value}")


def _with_detail(text: str, detail: str) -> str:
    return f"{text} ({detail})" if detail else text
