"""Degraded: the portal responds, but slowly, over one address family or on some pages only, or its certificate ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import STATE_CHECK
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement
    from monitor.states.portal_memory import PortalMemory
    from monitor.states.rules import StateRules

SINGLE_RESPONSE_KINDS = {"uptime", "latency"}
"""Kinds whose probes last as long as one response; loading a page takes longer by design."""

_DAY_SECONDS = 86_400


def conditions(measurement: Measurement, rules: StateRules) -> Iterator[tuple[str, bool, int]]:
    """Yield (name, whether it is met, consecutive slots that it needs) of each condition of a scheduled attempt."""
    consecutive = rules.degraded_consecutive
    if measurement.check != STATE_CHECK and measurement.outcome is not Outcome.UNKNOWN:
        yield f"fails {measurement.check}", measurement.outcome is Outcome.DOWN, consecutive
    if measurement.outcome is not Outcome.UP:
        return
    if measurement.duration is not None and measurement.kind in SINGLE_RESPONSE_KINDS:
        yield f"slow {measurement.check}", measurement.duration > rules.max_latency_seconds, consecutive
    if measurement.check != STATE_CHECK:
        return
    values = measurement.values
    families = {bool(values[name]) for name in ("ipv4_success", "ipv6_success") if name in values}
    yield "family", len(families) > 1, consecutive
    ends = values.get("cert_chain_expiry", values.get("cert_leaf_expiry"))
    if ends is not None:
        yield "certificate", float(ends) - measurement.slot / 1000 < rules.min_certificate_days * _DAY_SECONDS, 1


def update_conditions(memory: PortalMemory, measurement: Measurement, rules: StateRules) -> int | None:
    """Update the conditions with *measurement*; return the slot from which one began or ended to hold, or None."""
    changed_at = None
    for name, met, consecutive in conditions(measurement, rules):
        on, run, since = memory.conditions.get(name, [0, 0, 0])
        if met == bool(on):
            run = 0
        else:
            since = since if run else measurement.slot
            run += 1
        if run >= consecutive:
            on, run, changed_at = int(met), 0, since
        if on or run:
            memory.conditions[name] = [on, run, since]
        else:
            memory.conditions.pop(name, None)
    return changed_at


def condition_holds(memory: PortalMemory, name: str) -> bool:
    """Return whether the condition *name* holds."""
    return name in memory.conditions and bool(memory.conditions[name][0])


def is_degraded(memory: PortalMemory) -> bool:
    """Return whether any condition holds."""
    return any(on for on, _, _ in memory.conditions.values())


def describe_conditions(memory: PortalMemory, rules: StateRules) -> str:
    """Return the conditions that hold, as one sentence."""
    return "; ".join(_describe_condition(name, rules) for name, (on, _, _) in sorted(memory.conditions.items()) if on)


def _describe_condition(name: str, rules: StateRules) -> str:
    condition, _, check = name.partition(" ")
    return {
        "fails": f"{check} fails while the home page responds",
        "slow": f"{check} takes longer than {rules.max_latency_seconds:g} s",
        "family": "responds over one address family only",
        "certificate": f"the certificate ends in less than {rules.min_certificate_days:g} days",
    }[condition]
