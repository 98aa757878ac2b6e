"""Sentences about incidents, the same on pages and in notifications; layout is left to those."""

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
"""End reason of flapping: which sentence names the state afterwards."""


@dataclass(frozen=True, slots=True)
class IncidentSentences:
    """Sentences about incidents in one language; ``portals`` gives the names of ids."""

    translator: Translator
    portals: Mapping[str, Portal]

    def portal_name(self, portal_id: str) -> str:
        """Return the name of a portal, or its id when the inventory no longer has it."""
        known = self.portals.get(portal_id)
        return known.name(self.translator.language) if known else portal_id

    def headline(self, event: IncidentEvent, now_ms: int) -> str:
        """Return the event as one line."""
        incident, t = event.incident, self.translator
        part = incident.affected_portal(event.portal) or incident.portals[0]
        name, kind = self.portal_name(event.portal), incident.kind
        downtime = t.duration(part.downtime_seconds(now_ms))
        if part.until is None:
            if kind is IncidentKind.PROBER:
                return t("message.prober.opened", location=incident.location)
            count = len(incident.ongoing)
            if event.type is EventType.OPENED or count == 1 or kind is IncidentKind.FLAPPING:
                return t(f"message.{kind.value}.opened", name=name)
            return t(f"message.{kind.value}.joined", name=name, n=count)
        if kind is IncidentKind.PROBER:
            return t("message.prober.recovered", location=incident.location, duration=downtime)
        end_reason = part.end_reason or EndReason.RECOVERED
        if kind is IncidentKind.FLAPPING and end_reason in _STATE_AFTER_FLAPPING:
            return t(f"message.flapping_ended.{_STATE_AFTER_FLAPPING[end_reason]}", name=name)
        key = f"message.{end_reason.value}"
        return t(key, name=name, duration=downtime) if end_reason is EndReason.RECOVERED else t(key, name=name)

    def summary(self, incident: Incident) -> str:
        """Return the incident as one line, for lists and titles."""
        t = self.translator
        if incident.kind is IncidentKind.PROBER:
            return t("message.prober.opened", location=incident.location)
        first = t(f"message.{incident.kind.value}.opened", name=self.portal_name(incident.portals[0].portal))
        return first if len(incident.portals) == 1 else f"{first} (+{len(incident.portals) - 1})"

    def shared(self, incident: Incident) -> str:
        """Return what the portals of an incident have in common; empty for one portal."""
        if len(incident.portals) == 1:
            return ""
        texts = []
        for key in incident.shared:
            key_type, _, value = key.partition(":")
            name = self.portal_name(value) if key_type == "dependency" else value
            texts.append(self.translator(f"shared.{key_type}", value=name))
        return "; ".join(texts)

    def facts(self, affected_portal: AffectedPortal, now_ms: int) -> Iterable[tuple[str, str]]:
        """Yield (name, text) of one portal's part; texts that the portal sent are among them, unescaped."""
        t = self.translator
        yield t("incident.since"), t.date_time(affected_portal.since)
        if affected_portal.until is not None:
            end_reason = t(f"end_reason.{affected_portal.end_reason.value}") if affected_portal.end_reason else ""
            yield t("incident.until"), f"{t.date_time(affected_portal.until)} ({end_reason})"
        yield t("incident.downtime"), t.duration(affected_portal.downtime_seconds(now_ms))
        if affected_portal.fault is not None:
            yield t("incident.fault"), _with_detail(t(f"fault.{affected_portal.fault.value}"), affected_portal.detail)
        elif affected_portal.detail and affected_portal.portal != PROBER_PORTAL:
            yield t("incident.fault"), affected_portal.detail
        if affected_portal.phase:
            yield t("incident.phase"), t.text_or(f"phase.{affected_portal.phase}", affected_portal.phase)
        if affected_portal.portal != PROBER_PORTAL:
            yield t("incident.address"), self._address(affected_portal)
            if (certificate := self.certificate(affected_portal)) != "":
                yield t("incident.certificate"), certificate
            yield (
                t("incident.last_good"),
                t.date_time(affected_portal.last_good)
                if affected_portal.last_good is not None
                else t("incident.no_last_good"),
            )
        yield t("incident.references"), "; ".join(affected_portal.references) or t("incident.references.ok")

    def _address(self, affected_portal: AffectedPortal) -> str:
        if affected_portal.address is None:
            return self.translator("incident.no_address")
        if affected_portal.family is None:
            return affected_portal.address
        return self.translator("incident.via", address=affected_portal.address, family=affected_portal.family)

    def certificate(self, affected_portal: AffectedPortal) -> str:
        """Return the newest certificate that was received; empty without one."""
        values, t = affected_portal.certificate, self.translator
        expiry = values.get("cert_leaf_expiry")
        if not values:
            return ""
        return t(
            "incident.certificate.summary",
            subject=values.get("cert_subject") or t("none"),
            issuer=values.get("cert_issuer") or t("none"),
            expiry=t.date(int(float(expiry) * 1000)) if expiry else t("none"),
        )

    def result(self, attempt: AttemptSummary) -> str:
        """Return how one attempt ended."""
        t = self.translator
        if attempt.unknown_reason is not None:
            return _with_detail(t(f"unknown_reason.{attempt.unknown_reason}"), attempt.detail)
        if attempt.outcome is Outcome.UP:
            return _with_detail(t("outcome.up"), attempt.detail)
        return _with_detail(t(f"fault.{attempt.fault.value}") if attempt.fault else t("outcome.down"), attempt.detail)

    def hop(self, hop: Hop) -> str:
        """Return one request of the attempt that decided the change."""
        status = str(hop.status) if hop.status is not None else self.translator("incident.hop.none")
        return f"{hop.url}: {status}" + (f" → {hop.location}" if hop.location else "")

    def state(self, state: State) -> str:
        """Return the name of a state."""
        return self.translator(f"state.{state.value}")


def _with_detail(text: str, detail: str) -> str:
    return f"{text} ({detail})" if detail else text
