"""``kill -9`` at 200 random moments over all stages; the invariants are checked after every kill.

``CRASH_SEED`` in the environment repeats a run's choices.
"""

from __future__ import annotations

import os
import random
import tempfile
from pathlib import Path

from tests.chaos.guarantee import Guarantee
from tests.crash.run import run
from tests.crash.tally import Rule

KILLS = 200
DAYS = 16


def guarantees() -> list[Guarantee]:
    """Return one for each rule, with the checks of it as cases."""
    seed = int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(10**6))
    print(f"seed {seed}; CRASH_SEED={seed} repeats its choices", flush=True)
    with tempfile.TemporaryDirectory(prefix="portal-monitor-crash-") as root:
        tally = run(Path(root), KILLS, seed, DAYS)
    print(f"{tally.kills} kills: {tally.summary()}", flush=True)
    measured = {Rule.OPENS: f"{tally.kills} kills, seed {seed}; by stage: {tally.summary()}"}
    return [
        Guarantee(
            part="Crashes",
            text=rule.value,
            test="tests/chaos/crash.py",
            cases=tally.checks[rule],
            broken=tuple(tally.broken.get(rule, ())),
            measured=measured.get(rule, ""),
        )
        for rule in Rule
    ]
