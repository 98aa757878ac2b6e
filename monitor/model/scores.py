"""The record of a live score: one figure of a portal at one moment, as sinks take it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOTAL_CRITERION = "total"
"""Stands for the criterion in the score as a whole."""

SCORE_FIELDS: dict[str, str] = {
    "points": "Points earned.",
    "possible": "The most that they could be: of the criterion, or of all criteria that were scored.",
    "ratio": "Points of those possible, 0 to 1.",
    "value": "The value that the points come from, in the unit of its metric.",
    "limit": "From where on all points are earned, in the same unit.",
    "zero": "From where on none are.",
    "coverage": "How much of what was due was seen, 0 to 1.",
}
"""Fields of a score: meaning. Those that do not exist are absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePoint:
    """A portal's score, or one criterion of it, over ``window`` (``quarter`` or ``30d``) as of ``at`` (UTC ms).

    The identity is all but ``values``, which :data:`FIELDS` lists. ``seq`` is 0: a score is derived and is in no
    journal.
    """

    at: int
    window: str
    portal: str
    rubric: str
    version: int
    criterion: str
    values: Mapping[str, float] = field(default_factory=dict)
    seq: int = 0
