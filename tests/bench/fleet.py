"""A fleet's hours, made up quickly: what 106 portals with three checks a minute leave in the journal."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from monitor.model.records import State, StateChange
from monitor.storage.journal.store import CheckpointUpdate
from probes.result import Outcome
from tests import factories

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement
    from monitor.storage.journal.journal import Journal

PORTALS = 106
CHECKS = (("uptime", "uptime"), ("uptime", "uptime-search"), ("latency", "latency"))
"""Kind and name of each check."""

AT_A_TIME = 5000


def measurements(hours: float, seed: int = 7) -> Iterator[Measurement]:
    """Probes of ``hours``, slot by slot, each with its own values; one in a hundred fails and is confirmed."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    for minute in range(int(hours * 60)):
        slot = factories.SLOT + minute * factories.MINUTE
        for number in range(PORTALS):
            for kind, check in CHECKS:
                one = {"portal": f"portal-{number}", "kind": kind, "check": check, "slot": slot + number * 500}
                if draw.random() < 0.01:
                    for attempt in (1, 2):
                        yield factories.measurement(**one, attempt=attempt, outcome=Outcome.DOWN)
                else:
                    wait = draw.uniform(0.05, 2.0)
                    values = factories.values(wait_seconds=wait, bytes_body=draw.randrange(10**6))
                    yield factories.measurement(**one, duration=0.145 + wait, values=values)


async def fill(journal: Journal, hours: float) -> int:
    """Commit all of it, and a state change now and then; returns the number of records."""
    waiting: list[Measurement] = []
    for one in measurements(hours):
        waiting.append(one)
        if len(waiting) == AT_A_TIME:
            await journal.commit_all(waiting)
            waiting.clear()
    await journal.commit_all(waiting)
    changes = tuple(
        StateChange(
            portal=f"portal-{number}",
            location="hn-1",
            at=factories.SLOT + number * factories.MINUTE,
            state=State.UP,
            previous=State.UNKNOWN,
            cause=number,
        )
        for number in range(PORTALS)
    )
    await journal.commit(CheckpointUpdate(consumer="states", seq=journal.last_seq, changes=changes))
    return journal.last_seq
