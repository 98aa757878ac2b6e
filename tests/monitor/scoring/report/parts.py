"""A small report: four portals, two rubrics, a previous period, an exclusion, two outages; made by the real engine."""
# ruff: noqa: ANN401 - a factory takes whatever fields its record has

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from monitor.model.records import Portal, State, StateChange
from monitor.scoring import periods
from monitor.scoring.curves import Linear, LogNormal, Threshold
from monitor.scoring.report.outages import outages
from monitor.scoring.report.ranking import ranking_result
from monitor.scoring.report.report import FilmstripFrame, Report, ReportFilmstrip, with_ranking
from monitor.scoring.results import ScoreSet
from monitor.scoring.rubric import Aggregate, Exclusion, GradeBand, Grades, Rubric, Text
from probes.result import Fault
from tests.monitor.scoring.parts import (
    DAYS,
    FIRST,
    HOUR,
    PERIOD,
    Memory,
    attempt,
    change,
    criterion,
    portal,
    rubric,
    score,
)

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

SPEEDS = {"hue": 1.0, "ha-noi": 2.0, "da-nang": 2.0, "lao-cai": 3.4}
NAMES = {"hue": "Huế", "ha-noi": "Hà Nội", "da-nang": "=Đà Nẵng", "lao-cai": "Lào Cai"}
"""One of the names looks like a formula."""

GONE = portal("yen-bai", name_vi="Yên Bái", name_en="Yen Bai", merged_into="lao-cai")

POWER_CUT = Exclusion(
    id="power-cut", portals=frozenset({"hue"}), since_ms=FIRST + 30 * HOUR, until_ms=FIRST + 31 * HOUR,
    reason="+Mất điện tại trung tâm dữ liệu", approver="@Người duyệt", approved=date(2026, 9, 20),
)  # fmt: skip


def portals() -> tuple[Portal, ...]:
    listed = [portal(one, name_vi=name, name_en=name.title(), group=one) for one, name in NAMES.items()]
    return (*listed, GONE)


def rubrics() -> tuple[Rubric, Rubric]:
    speed = criterion(id="speed", title=Text(vi="Tốc độ trung bình", en="Mean speed"), curve=Linear(full=1.0, zero=4.0))
    worst = criterion(
        Aggregate.P95, id="worst", title=Text(vi="Chậm nhất", en="Slowest"), curve=Threshold(limit=2.5, lower=True)
    )
    open_ = criterion(Aggregate.AVAILABILITY, id="open", points=5.0, curve=Linear(full=1.0, zero=0.9), lower=False)
    hand = criterion(
        id="hand", points=2.0, aggregate=None, selection=None, metric=None, manual=True, curve=Linear(full=1, zero=0)
    )
    grades = Grades(bands=(GradeBand(grade="A", min=90), GradeBand(grade="B", min=50), GradeBand(grade="C", min=0)))
    first = rubric(speed, worst, open_, hand, id="mixed", pillar=100.0, grades=grades)
    smooth = criterion(Aggregate.MEDIAN, id="smooth", curve=LogNormal(p10=1.2, median=3.0))
    return first, rubric(smooth, id="smooth")


def memory(slower: float = 0.0, first: int = 0, days: int = DAYS) -> Memory:
    """One attempt an hour of every portal from ``first`` days after the period's start; two outages."""
    attempts = [
        attempt((first * 24 + hour) * HOUR + number, pace + slower + hour % 5 / 100, portal=one)
        for number, (one, pace) in enumerate(SPEEDS.items())
        for hour in range(days * 24)
    ]
    before = {(one, "hn-1"): State.UP for one in SPEEDS}
    return Memory(attempts, changes(), before)


def changes() -> list[StateChange]:
    down, up = {"state": State.DOWN}, {"state": State.UP, "previous": State.DOWN}
    return [
        change(30 * HOUR, **down, fault=Fault.TIMEOUT, detail="=no end after 10 s"),
        change(32 * HOUR, **up),
        change(50 * HOUR, **down, portal="ha-noi", fault=Fault.DNS),
        change(50 * HOUR + 90_000, **up, portal="ha-noi"),
    ]


def score_set(source: Memory | None = None, **more: Any) -> ScoreSet:
    return score(source or memory(), *rubrics(), portals=portals(), exclusions=(POWER_CUT,), **more)


@cache
def made(language: str) -> Report:
    """The whole report, made once: it is frozen."""
    previous = periods.previous(PERIOD, ZONE)
    previous_scores = score(memory(0.5, first=-DAYS), *rubrics(), portals=portals(), period=previous)
    held = memory()
    days = (("01/09", PERIOD.first), ("10/09", PERIOD.last))
    trend = [score_set(held, period=periods.between(name, day, day, ZONE), intervals=False) for name, day in days]
    filmstrip = ReportFilmstrip(
        slot=FIRST, check="mobile", frames=(FilmstripFrame(at_seconds=0.5, content_type="image/webp", body=b"RIFF"),)
    )
    return with_ranking(
        Report(
            score_set=score_set(held),
            language=language,
            portals=portals(),
            previous_period_name=previous.name,
            previous_results=tuple(ranking_result(one) for one in previous_scores.scores),
            subperiod_scores=tuple(trend),
            outages=outages(held.known, (POWER_CUT,), PERIOD.since_ms, PERIOD.until_ms),
            inputs={"rubric mixed@1": "0" * 64},
            filmstrips={"hue": filmstrip},
            code="test",
        )
    )


def report(language: str = "vi", **more: Any) -> Report:
    """The whole report; ``more`` replaces fields."""
    return with_ranking(replace(made(language), **more)) if more else made(language)


@cache
def empty(language: str = "vi") -> Report:
    """A report of a period in which nothing was measured."""
    none = score(Memory((), (), {}), *rubrics(), portals=portals())
    return with_ranking(Report(score_set=none, language=language, portals=portals(), code="test"))


def renamed(one: Report, portal_id: str, name: str) -> Report:
    """The report with another name of a portal, as an inventory renames it."""
    listed = tuple(replace(each, name_vi=name) if each.id == portal_id else each for each in one.portals)
    return replace(one, portals=listed)
