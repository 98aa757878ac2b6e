"""Degraded: it answers, but slowly, over one address family or on some pages only, or its certificate ends soon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.records import DECIDING
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement
    from monitor.states.portal_memory import Standing
    from monitor.states.rules import Rules

PLAIN = {"uptime", "latency"}
"""Kinds whose looks take as long as one answer; a page that is shown takes longer by design."""

_DAY = 86_400


def signs(one: Measurement, rules: Rules) -> Iterator[tuple[str, bool, int]]:
    """(name of a sign, whether it is a bad one, how many looks in a row it takes) of a first look."""
    after = rules.degraded_after
    if one.check != DECIDING and one.outcome is not Outcome.VOID:
        yield f"fails {one.check}", one.outcome is Outcome.DOWN, after
    if one.outcome is not Outcome.UP:
        return
    if one.duration is not None and one.kind in PLAIN:
        yield f"slow {one.check}", one.duration > rules.latency, after
    if one.check != DECIDING:
        return
    families = {bool(one.values[name]) for name in ("ipv4_success", "ipv6_success") if name in one.values}
    yield "family", len(families) > 1, after
    ends = one.values.get("cert_chain_expiry", one.values.get("cert_leaf_expiry"))
    if ends is not None:
        yield "certificate", float(ends) - one.slot / 1000 < rules.certificate_days * _DAY, 1


def note(kept: Standing, one: Measurement, rules: Rules) -> int | None:
    """Count the signs of ``one``; the slot from which a mark came or went, None when none did."""
    turned = None
    for name, bad, after in signs(one, rules):
        on, run, since = kept.marks.get(name, [0, 0, 0])
        if bad == bool(on):
            run = 0
        else:
            since = since if run else one.slot
            run += 1
        if run >= after:
            on, run, turned = int(bad), 0, since
        if on or run:
            kept.marks[name] = [on, run, since]
        else:
            kept.marks.pop(name, None)
    return turned


def holds(kept: Standing, name: str) -> bool:
    """Whether one mark holds."""
    return name in kept.marks and bool(kept.marks[name][0])


def degraded(kept: Standing) -> bool:
    """Whether a mark holds."""
    return any(on for on, _, _ in kept.marks.values())


def why(kept: Standing, rules: Rules) -> str:
    """The marks that hold, in one sentence."""
    return "; ".join(_said(name, rules) for name, (on, _, _) in sorted(kept.marks.items()) if on)


def _said(name: str, rules: Rules) -> str:
    sort, _, check = name.partition(" ")
    return {
        "fails": f"{check} fails while the home page answers",
        "slow": f"{check} takes longer than {rules.latency:g} s",
        "family": "answers over one address family only",
        "certificate": f"the certificate ends in less than {rules.certificate_days:g} days",
    }[sort]
