"""The result of a run of kills: kills by stage, rules that were checked, and what broke them."""

from __future__ import annotations

import enum
import math
from collections import Counter
from dataclasses import dataclass, field


class Rule(enum.Enum):
    """What holds after every kill; the value is the guarantee as a sentence."""

    OPENS = "killed at any moment, the journal opens and is sound"
    ROWS = "no committed row is lost, doubled or changed, in the journal and in the archive"
    CHECKPOINTS = "no checkpoint is ahead of its results: states, incidents, InfluxDB, rollups"
    ARCHIVE = "every sealed file is whole, and after the next sweep `archive verify` has no errors"
    INCIDENTS = "no incident exists twice, and a replay of the journal gives the same ones"
    ALERTS = "no message is lost; it is sent twice only when the kill came between sending and recording"
    SEALS = "a seal of scores is the old one or the new one, never a mixture"
    EXPORTS = "an export is whole or absent"
    SCREENSHOTS = "a set of screenshots is whole or absent"
    LEFTOVERS = "no temporary file stays: the next run removes it"


@dataclass
class Tally:
    """Kept by the parent of the killed processes. ``stages`` counts a kill in every stage that it interrupted."""

    kills: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    checks: Counter[Rule] = field(default_factory=Counter)
    broken: dict[Rule, list[str]] = field(default_factory=dict)

    def killed(self, stages: set[str]) -> None:
        """Count one kill, in the stages that it interrupted."""
        self.kills += 1
        self.stages.update(stages or {"between stages"})

    def hold(self, rule: Rule, good: object, message: str = "") -> None:
        """Check a rule once; ``message`` describes how it is broken."""
        self.checks[rule] += 1
        if not good:
            self.broken.setdefault(rule, []).append(f"after kill {self.kills}: {message}"[:500])

    @property
    def errors(self) -> list[str]:
        """All broken rules."""
        return [f"{rule.name}: {message}" for rule, messages in self.broken.items() for message in messages]

    def summary(self) -> str:
        """Return the kills by stage, the most frequent first."""
        return ", ".join(f"{stage} {count}" for stage, count in self.stages.most_common())


def share(kills: int, part: float) -> int:
    """Return that part of the kills, at least one."""
    return max(1, math.floor(kills * part + 0.5))
