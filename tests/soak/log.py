"""The daemon's log: no traceback, and no word of trouble that the soak did not cause."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tests.chaos.promise import Promise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.soak.facts import Facts

PART, TEST = "Soak", "make soak"
AFTERWARDS_S = 15.0
"""A try that began while a server was away may fail so long after its return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A line at warning or above that the soak causes, and why; ``server``: only while that one is away."""

    why: str
    server: str = ""


EXPECTED: Mapping[str, Expected] = {
    "sink_unavailable": Expected(why="the database is stopped, halted or busy", server="database"),
    "target_does_not_accept": Expected(why="the webhook answers 503", server="webhook"),
    "absence_recorded": Expected(why="the slots between two lives"),
    "render_without_sandbox": Expected(why="root runs the soak where tests install their servers"),
    "state_changed": Expected(why="portals go down, which the judge of pages looks into"),
    "incident_changed": Expected(why="the same"),
}
WORDS = ("warning: ",)
"""How plain lines begin that the command says before the log is set up: warnings about the configuration."""

LOUD = frozenset({"warning", "error", "critical"})


def quiet(facts: Facts) -> Promise:
    """Every line at warning or above is expected, in its time; no line is anything but a log line."""
    seen: Counter[str] = Counter()
    broken = []
    for line in facts.lines:
        try:
            told = json.loads(line)
        except ValueError:
            if not line.startswith(WORDS):
                broken.append(line[:200])
            continue
        event = str(told.get("event", ""))
        if "exception" in told or (told.get("level") in LOUD and not _caused(facts, event, told["timestamp"])):
            broken.append(line[:200])
        elif told.get("level") in LOUD:
            seen[event] += 1
    text = "the log holds no traceback, and no trouble that the soak did not cause"
    measured = ", ".join(f"{count} {event}" for event, count in sorted(seen.items())) or "nothing"
    return Promise(
        part=PART, text=text, test=TEST, cases=len(facts.lines), broken=tuple(broken), measured=f"expected: {measured}"
    )


def _caused(facts: Facts, event: str, stamp: str) -> bool:
    known = EXPECTED.get(event)
    if known is None:
        return False
    at = datetime.fromisoformat(stamp).timestamp()
    away = [(since, until) for server, since, until in facts.away if server == known.server]
    return not known.server or any(since <= at <= until + AFTERWARDS_S for since, until in away)
