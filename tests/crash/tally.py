"""What a run of kills adds up to: how many fell into which stage, which rules were looked at, and what broke them."""

from __future__ import annotations

import enum
import math
from collections import Counter
from dataclasses import dataclass, field


class Rule(enum.Enum):
    """What holds after every kill; the value is the sentence of the promise."""

    OPENS = "killed at any moment, the journal opens and is sound"
    ROWS = "no committed row is lost, doubled or changed, in the journal and in the archive"
    BOOKMARKS = "no bookmark is ahead of what it stands for: states, incidents, InfluxDB, rollups"
    ARCHIVE = "every sealed file is whole, and after the next sweep `archive verify` has no complaint"
    INCIDENTS = "no incident is there twice, and a replay of the journal gives the same ones"
    ALERTS = "no message is lost; it is sent twice only when the kill came between sending and noting"
    SEALS = "a seal of scores is the old one or the new one, never a mixture"
    EXPORTS = "an export is whole or absent"
    EVIDENCE = "an exhibit of pictures is whole or absent"
    RUBBISH = "nothing unfinished stays: the next run sweeps it"


@dataclass
class Tally:
    """Kept by the parent of those that are killed. ``stages`` counts a kill in every stage that it interrupted."""

    kills: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    checks: Counter[Rule] = field(default_factory=Counter)
    broken: dict[Rule, list[str]] = field(default_factory=dict)

    def killed(self, stages: set[str]) -> None:
        """One kill, and what was going on."""
        self.kills += 1
        self.stages.update(stages or {"between stages"})

    def hold(self, rule: Rule, good: object, words: str = "") -> None:
        """One look at a rule; ``words`` say what was found where it is broken."""
        self.checks[rule] += 1
        if not good:
            self.broken.setdefault(rule, []).append(f"after kill {self.kills}: {words}"[:500])

    @property
    def complaints(self) -> list[str]:
        """All that was broken."""
        return [f"{rule.name}: {words}" for rule, said in self.broken.items() for words in said]

    def told(self) -> str:
        """The kills by stage, the most frequent first."""
        return ", ".join(f"{stage} {count}" for stage, count in self.stages.most_common())


def share(kills: int, part: float) -> int:
    """That part of the kills, one at least."""
    return max(1, math.floor(kills * part + 0.5))
