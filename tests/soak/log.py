"""The daemon's log: no traceback, and no problem that the soak did not cause."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tests.chaos.guarantee import Guarantee

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.soak.facts import Facts

PART, TEST = "Soak", "make soak"
AFTERWARDS_S = 15.0
"""An attempt that began while a server was down may fail so long after its return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A line at warning or above that the soak causes, and why; ``server``: only while that one is down."""

    why: str
    server: str = ""


EXPECTED: Mapping[str, Expected] = {
    "sink_write_failed": Expected(why="the database is stopped, halted or busy", server="database"),
    "notification_failed": Expected(why="the webhook answers 503", server="webhook"),
    "missed_slots_recorded": Expected(why="the slots between two runs"),
    "browser_sandbox_disabled": Expected(why="root runs the soak where tests install their servers"),
    "state_changed": Expected(why="portals go down, which are evaluated with the pages"),
    "incident_changed": Expected(why="the same"),
}
PREFIXES = ("warning: ",)
"""How plain lines begin that the command prints before the log is configured: warnings about the configuration."""

LOUD = frozenset({"warning", "error", "critical"})


def quiet(facts: Facts) -> Guarantee:
    """Every line at warning or above is expected, in its time; no line is anything but a log line."""
    seen: Counter[str] = Counter()
    broken = []
    for line in facts.lines:
        try:
            entry = json.loads(line)
        except ValueError:
            if not line.startswith(PREFIXES):
                broken.append(line[:200])
            continue
        event = str(entry.get("event", ""))
        if "exception" in entry or (entry.get("level") in LOUD and not _caused(facts, event, entry["timestamp"])):
            broken.append(line[:200])
        elif entry.get("level") in LOUD:
            seen[event] += 1
    text = "the log holds no traceback, and no problem that the soak did not cause"
    measured = ", ".join(f"{count} {event}" for event, count in sorted(seen.items())) or "nothing"
    return Guarantee(
        part=PART, text=text, test=TEST, cases=len(facts.lines), broken=tuple(broken), measured=f"expected: {measured}"
    )


def _caused(facts: Facts, event: str, stamp: str) -> bool:
    known = EXPECTED.get(event)
    if known is None:
        return False
    at = datetime.fromisoformat(stamp).timestamp()
    outages = [(since, until) for server, since, until in facts.server_outages if server == known.server]
    return not known.server or any(since <= at <= until + AFTERWARDS_S for since, until in outages)
