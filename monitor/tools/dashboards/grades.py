"""What rubrics say about a score: titles of criteria and rubrics, bands of grades, as mappings, colours and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, between, steps, values
from monitor.tools.dashboards.metrics import rubrics
from probes.metric import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grafana_foundation_sdk.models.dashboard import Threshold, ValueMapping

    from monitor.scoring.rubric import Criterion, Rubric
    from monitor.tools.dashboards.texts import Say

WINDOWS = ("quarter", "30d")
FULL = 100.0


def graded() -> Rubric:
    """The shipped rubric that has bands of grades. Raises StopIteration when none has."""
    return next(one for one in rubrics() if one.grades is not None)


def _bands() -> Sequence[tuple[str, float, float]]:
    """(grade, from, below) in shares of one, best first."""
    found = graded().grades
    bands = found.bands if found else ()
    tops = [2 * FULL, *(one.least for one in bands)]
    return [(one.grade, one.least / FULL, top / FULL) for one, top in zip(bands, tops, strict=False)]


def _shade(place: int) -> str:
    return GOOD if place < 2 else WARN if place == 2 else BAD  # noqa: PLR2004 - A and B are safe, C is not


def grades_by_ratio(say: Say) -> list[ValueMapping]:
    """The share of points as the grade it would be."""
    return [
        between(low, top - 1e-9, say("grade.is").format(grade=grade), _shade(place))
        for place, (grade, low, top) in enumerate(_bands())
    ]


def grade_colors() -> list[Threshold]:
    """The borders of grades as colours, worst first."""
    ordered = [(low, _shade(place)) for place, (_, low, _) in enumerate(_bands())]
    return steps(BAD, *reversed(ordered))


def grade_ranges() -> Sequence[tuple[str, float, float]]:
    """(grade, from, below) of every band, best first."""
    return _bands()


def criteria_by_id(say: Say) -> list[ValueMapping]:
    """The id of a criterion as its title, with the unit of its values."""
    return [values((id_, title, "") for id_, title in _titles(say).items())]


def criteria_by_check(say: Say) -> list[ValueMapping]:
    """The same for the tag ``check`` of InfluxDB, which names rubric, criterion and window."""
    return [
        values(
            (f"{rubric.id}/{one.id}/{window}", _title(one, say), "")
            for rubric in rubrics()
            for one in rubric.criteria
            for window in WINDOWS
        )
    ]


def rubrics_by_id(say: Say) -> list[tuple[str, str]]:
    """(id, title) of every shipped rubric."""
    return [(one.id, one.title.say(say.language)) for one in rubrics()]


def _titles(say: Say) -> dict[str, str]:
    titles: dict[str, str] = {}
    for one in _criteria():
        titles.setdefault(one.id, _title(one, say))
    return titles


def _criteria() -> Iterator[Criterion]:
    first = graded()
    for rubric in (first, *(one for one in rubrics() if one.id != first.id)):
        yield from rubric.criteria


def _title(one: Criterion, say: Say) -> str:
    unit = {Unit.SECONDS: " [s]", Unit.RATIO: "", Unit.FLAG: ""}.get(one.unit, "")
    return one.title.say(say.language) + unit
