"""What every benchmark returns: one row of the table, with its goal and whether it was met."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TIMED = re.compile(r"\d m?s\b|/s\b")
"""A goal in seconds, or in something a second."""

HEADS = ("what", "ours", "theirs", "ratio", "goal", "met")


class CannotRun(Exception):
    """The benchmark's peer or tool is missing here; the message names it. No value is guessed in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. ``theirs`` and ``ratio`` are empty without a peer, ``met`` is None without a goal.

    ``why`` is what is known, from a profile, of a goal that is missed.
    """

    name: str
    ours: str
    theirs: str = ""
    ratio: str = ""
    goal: str = ""
    met: bool | None = None
    why: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the line."""
        met = "" if self.met is None else "yes" if self.met else "**no**"
        return self.name, self.ours, self.theirs or "-", self.ratio or "-", self.goal or "-", met or "-"


def compared(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    unit: str,
    most: float | None = None,
    why: str = "",
) -> Row:
    """Compare two sides measured in turn. The ratio is that of each pair, so that what slows a machine slows both."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True) if other > 0]
    if not ratios:
        raise CannotRun(f"{name}: theirs was too small to be measured")
    ratio = statistics.median(ratios)
    return Row(
        name=name,
        ours=spread(ours, unit),
        theirs=spread(theirs, unit),
        ratio=f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
        goal="" if most is None else f"ratio <= {most:g}",
        met=None if most is None else ratio <= most,
        why=why,
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the others lie; the greatest for 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float], unit: str) -> str:
    """The median, and between which values it lies."""
    middle = statistics.median(values)
    around = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
    return f"{middle:.3g} {unit}{around}"


def reasons(rows: Iterable[Row], otherwise: str) -> str:
    """Why goals were missed, as Markdown; empty when none was. ``otherwise`` explains those in absolute time."""

    def why(row: Row) -> str:
        return row.why or (otherwise if _TIMED.search(row.goal) else "not explained yet")

    return "".join(f"- {row.name}: {why(row)}.\n" for row in rows if row.met is False)


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = [HEADS, ("---",) * len(HEADS), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"
