"""The record of a live score: the values of a portal at one moment, as sinks write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOTAL_CRITERION = "total"
"""The criterion name of the score as a whole."""

SCORE_FIELDS: dict[str, str] = {
    "points": "Points earned.",
    "possible": "Maximum points: of the criterion, or of all criteria that were scored.",
    "ratio": "Points divided by possible points, 0 to 1.",
    "value": "The value that the points are computed from, in the unit of its metric.",
    "limit": "Value from which on all points are earned, in the same unit.",
    "zero": "Value from which on no points are earned.",
    "coverage": "Measured share of what was due, 0 to 1.",
}
"""Fields of a score: meaning. Those that do not exist are absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePoint:
    """A portal's score, or one criterion of it, over ``window`` (``quarter`` or ``30d``) as of ``at`` (UTC ms).

    The identity is all but ``values``, which :data:`SCORE_FIELDS` lists. ``seq`` is 0: a score is derived and is not in
    the journal.
    """

    at: int
    window: str
    portal: str
    rubric: str
    version: int
    criterion: str
    values: Mapping[str, float] = field(default_factory=dict)
    seq: int = 0
