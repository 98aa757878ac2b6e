"""Sentences about incidents, the same on pages and in notifications; layout is left to those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.model.incidents import EndReason, EventType, IncidentKind
from monitor.model.records import PROBER_PORTAL, Portal, State
from probes.result import Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.i18n.translator import Translator
    from monitor.model.incidents import AffectedPortal, AttemptSummary, Incident, IncidentEvent

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

    def facts(self, part: AffectedPortal, now_ms: int) -> Iterable[tuple[str, str]]:
        """Yield (name, text) of one portal's part; texts that the portal sent are among them, unescaped."""
        t = self.translator
        yield t("incident.since"), t.date_time(part.since)
        if part.until is not None:
            end_reason = t(f"end_reason.{part.end_reason.value}") if part.end_reason else ""
            yield t("incident.until"), f"{t.date_time(part.until)} ({end_reason})"
        yield t("incident.downtime"), t.duration(part.downtime_seconds(now_ms))
        if part.fault is not None:
            yield t("incident.fault"), _with_detail(t(f"fault.{part.fault.value}"), part.detail)
        elif part.detail and part.portal != PROBER_PORTAL:
            yield t("incident.fault"), part.detail
        if part.phase:
            yield t("incident.phase"), t.text_or(f"phase.{part.phase}", part.phase)
        if part.portal != PROBER_PORTAL:
            yield t("incident.address"), self._address(part)
            if (certificate := self.certificate(part)) != "":
                yield t("incident.certificate"), certificate
            last_good = t("incident.no_last_good") if part.last_good is None else t.date_time(part.last_good)
            yield t("incident.last_good"), last_good
        yield t("incident.references"), "; ".join(part.references) or t("incident.references.ok")

    def _address(self, part: AffectedPortal) -> str:
        if part.address is None:
            return self.translator("incident.no_address")
        if part.family is None:
            return part.address
        return self.translator("incident.via", address=part.address, family=part.family)

    def certificate(self, part: AffectedPortal) -> str:
        """Return the newest certificate that was received; empty without one."""
        values, t = part.certificate, self.translator
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
