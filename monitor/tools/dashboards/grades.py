"""Titles of criteria and rubrics and grade bands, as mappings, thresholds and lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.tools.dashboards.mappings import BAD, GOOD, WARN, range_mapping, steps, value_mapping
from monitor.tools.dashboards.metrics import rubrics
from probes.metric import Unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grafana_foundation_sdk.models.dashboard import Threshold, ValueMapping

    from monitor.scoring.rubric import Criterion, Rubric
    from monitor.tools.dashboards.texts import DashboardTexts

WINDOWS = ("quarter", "30d")
FULL_POINTS = 100.0


def graded_rubric() -> Rubric:
    """Return the shipped rubric that has grade bands. Raises StopIteration when none has."""
    return next(one for one in rubrics() if one.grades is not None)


def grade_ranges() -> Sequence[tuple[str, float, float]]:
    """Return (grade, from, below) of every band as ratios, best first."""
    found = graded_rubric().grades
    bands = found.bands if found else ()
    tops = [2 * FULL_POINTS, *(one.min for one in bands)]
    return [(one.grade, one.min / FULL_POINTS, top / FULL_POINTS) for one, top in zip(bands, tops, strict=False)]


def _band_color(rank: int) -> str:
    return GOOD if rank < 2 else WARN if rank == 2 else BAD  # noqa: PLR2004 - A and B are safe, C is not


def grade_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map the share of points to its grade."""
    return [
        range_mapping(low, top - 1e-9, texts("grade.is").format(grade=grade), _band_color(place))
        for place, (grade, low, top) in enumerate(grade_ranges())
    ]


def grade_thresholds() -> list[Threshold]:
    """Return the thresholds of grades with their colours, worst first."""
    ordered = [(low, _band_color(place)) for place, (_, low, _) in enumerate(grade_ranges())]
    return steps(BAD, *reversed(ordered))


def criterion_id_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map the id of a criterion to its title, with the unit of its values."""
    return [value_mapping((id_, title, "") for id_, title in _titles(texts).items())]


def check_tag_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map the tag ``check`` of InfluxDB, which names rubric, criterion and window, to the criterion's title."""
    return [
        value_mapping(
            (f"{rubric.id}/{one.id}/{window}", _title(one, texts), "")
            for rubric in rubrics()
            for one in rubric.criteria
            for window in WINDOWS
        )
    ]


def rubric_titles(texts: DashboardTexts) -> list[tuple[str, str]]:
    """Return (id, title) of every shipped rubric."""
    return [(one.id, one.title.localize(texts.language)) for one in rubrics()]


def _titles(texts: DashboardTexts) -> dict[str, str]:
    titles: dict[str, str] = {}
    for one in _criteria():
        titles.setdefault(one.id, _title(one, texts))
    return titles


def _criteria() -> Iterator[Criterion]:
    first = graded_rubric()
    for rubric in (first, *(one for one in rubrics() if one.id != first.id)):
        yield from rubric.criteria


def _title(criterion: Criterion, texts: DashboardTexts) -> str:
    unit = {Unit.SECONDS: " [s]", Unit.RATIO: "", Unit.FLAG: ""}.get(criterion.unit, "")
    return criterion.title.localize(texts.language) + unit
