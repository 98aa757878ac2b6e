"""Creates and changes one portal's part in an incident. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.alerting.correlation import correlation_keys
from monitor.model.incidents import AffectedPortal, EndReason, Incident
from monitor.model.records import PROBER_PORTAL, Portal, StateChange

if TYPE_CHECKING:
    from monitor.alerting.recent_results import RecentAttempts


def new_part(change: StateChange, recent: RecentAttempts, portal: Portal | None) -> AffectedPortal:
    """Return the part that begins with ``change``, with the attempts that confirmed it."""
    deciding = recent.find(change.cause)
    summary = deciding.summary if deciding else None
    is_prober = change.portal == PROBER_PORTAL
    part = AffectedPortal(
        portal=change.portal,
        since=change.at,
        failing_since=change.at,
        state=change.state,
        fault=change.fault,
        detail=change.detail,
        last_good=recent.last_good(change.at),
        attempts=recent.since(change.at) or ((summary,) if summary else ()),
        hops=deciding.hops if deciding else (),
        certificate=dict(recent.certificate),
        references=(change.detail,) if is_prober and change.detail else recent.references(change.at),
    )
    if summary:
        part = replace(part, phase=summary.phase, address=summary.address, family=summary.family)
    return replace(part, shared=correlation_keys(part, portal))


def suspend_part(part: AffectedPortal, at_ms: int) -> AffectedPortal:
    """Return the part with its downtime counted up to ``at_ms``, and not beyond."""
    since = at_ms if part.failing_since is None else part.failing_since
    return replace(part, failing_since=None, down_ms=part.down_ms + max(0, at_ms - since))


def end_part(part: AffectedPortal, at_ms: int, end_reason: EndReason) -> AffectedPortal:
    """Return the part as it ended at ``at_ms``."""
    return replace(suspend_part(part, at_ms), until=max(at_ms, part.since), end_reason=end_reason)


def with_part(incident: Incident, part: AffectedPortal) -> Incident:
    """Return the incident with one portal's part replaced."""
    return replace(incident, portals=tuple(part if one.portal == part.portal else one for one in incident.portals))
