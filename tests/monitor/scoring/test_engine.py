"""A whole score: totals, grades, exclusions with and without, portals that are gone, versions side by side."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest

from monitor.model.records import Expect, State
from monitor.scoring import engine, serialize
from monitor.scoring.bootstrap import draw_days
from monitor.scoring.curves import Linear, Share, Threshold
from monitor.scoring.explain import rounded
from monitor.scoring.results import CriterionStatus, ExclusionReason, ScoreStatus
from monitor.scoring.rubric import Aggregate, Exclusion, GradeBand, Grades, ManualEntry, Substitute, Treatment
from monitor.scoring.totals import grade
from tests.monitor.scoring.parts import (
    DAY_MS,
    FIRST,
    HOUR,
    PERIOD,
    Memory,
    attempt,
    change,
    criterion,
    only,
    portal,
    rubric,
    score,
)

SPEED = criterion(id="speed", curve=Linear(full=1.0, zero=3.0), points=4.0)
UPTIME = criterion(Aggregate.AVAILABILITY, id="uptime", points=3.0, lower=False, curve=Share())
MANUAL = criterion(id="load", points=3.0, aggregate=None, selection=None, metric=None, manual=True, lower=False)
GRADES = Grades(bands=tuple(GradeBand(grade=name, min=minimum) for name, minimum in (("A", 90), ("B", 80), ("E", 0))))


def attempts(duration: float = 2.0, **more: object) -> list[dict[str, object]]:
    return [attempt(day * DAY_MS, duration, **more) for day in range(10)]


def exclusion(**more: object) -> Exclusion:
    fields: dict[str, object] = {
        "id": "cut", "portals": frozenset({"hue"}), "since_ms": FIRST, "until_ms": FIRST + 5 * DAY_MS,
        "reason": "Power cut", "approver": "A", "approved": date(2026, 9, 20),
    }  # fmt: skip
    return Exclusion(**(fields | more))  # type: ignore[arg-type]


def test_points_add_up_and_what_is_not_measured_counts_neither_way():
    """Speed: half of 4. Up all the time: 3 of 3. The load was not entered: 5 of 7, and the rubric has 10."""
    (found,) = score(Memory(attempts()), rubric(SPEED, UPTIME, MANUAL, grades=GRADES)).scores
    assert (found.points, found.measured, found.ratio) == (5.0, 7.0, 5 / 7)
    assert (found.shown, found.percent, found.grade) == ("5.00", "71.43", "E")
    assert found.status is ScoreStatus.COMPLETE
    assert [one.status for one in found.criteria] == [
        CriterionStatus.SCORED,
        CriterionStatus.SCORED,
        CriterionStatus.NOT_MEASURED,
    ]
    assert found.profile == ("speed", "uptime")


def test_a_manual_value_counts_as_long_as_it_is_valid():
    entry = ManualEntry(
        rubric="test", criterion="load", portal="hue", value=0.5, author="B", reason="Report 12", made=date(2026, 9, 1),
        since=date(2026, 9, 1), until=date(2026, 9, 11),
    )  # fmt: skip
    older = replace(entry, value=0.1, made=date(2026, 8, 1), since=date(2026, 8, 1))
    over = replace(entry, value=0.9, made=date(2026, 9, 9), until=date(2026, 9, 10))
    other = replace(entry, value=1.0, portal="ha-noi", made=date(2026, 9, 10))
    (found,) = score(Memory(attempts()), rubric(SPEED, MANUAL), entries=(entry, older, over, other)).scores
    assert (found.points, found.measured) == (3.5, 7.0)
    assert "entered by B" in found.criteria[1].sentence.en
    assert "nhập tay bởi B" in found.criteria[1].sentence.vi


def test_a_manual_value_alone_is_no_score():
    entry = ManualEntry(
        rubric="test", criterion="load", portal="hue", value=1.0, author="B", reason="R", made=date(2026, 9, 1),
        since=date(2026, 9, 1),
    )  # fmt: skip
    (found,) = score(Memory(), rubric(SPEED, MANUAL), entries=(entry,)).scores
    assert (found.status, found.points) == (ScoreStatus.INSUFFICIENT, None)


def test_a_missing_criterion_makes_a_score_partial_without_a_grade():
    slow = criterion(id="never", selection=replace(SPEED.selection, check_prefix="nothing"), points=3.0)
    (found,) = score(Memory(attempts()), rubric(SPEED, slow, grades=GRADES)).scores
    assert (found.status, found.points, found.measured, found.grade) == (ScoreStatus.PARTIAL, 2.0, 4.0, None)
    assert found.reason is not None
    assert "Insufficient data for" in found.reason.en


def test_a_score_is_shown_with_and_without_exclusions():
    """Five slow days were excluded; two hours of them down."""
    rows = [attempt(day * DAY_MS, 3.0 if day < 5 else 1.0) for day in range(10)]
    changes = [change(DAY_MS, State.DOWN), change(DAY_MS + 2 * HOUR, State.UP)]
    (found,) = score(Memory(rows, changes), rubric(SPEED, UPTIME), exclusions=(exclusion(),)).scores
    speed, uptime = found.criteria
    assert (speed.value, speed.coverage, uptime.value) == (1.0, 1.0, 1.0)
    assert {(one.reason, one.id, one.attempts) for one in speed.excluded} == {(ExclusionReason.EXCLUDED, "cut", 5)}
    assert {(one.reason, one.id, one.ms) for one in uptime.excluded} == {(ExclusionReason.EXCLUDED, "cut", 5 * DAY_MS)}
    assert found.exclusions == ("cut",)
    plain_score = found.without_exclusions
    assert plain_score is not None
    assert (plain_score.criteria[0].value, plain_score.criteria[1].down) == (2.0, 2 * HOUR)
    (other,) = score(Memory(rows), rubric(SPEED), exclusions=(exclusion(portals=frozenset({"ha-noi"})),)).scores
    assert (other.without_exclusions, other.exclusions) == (None, ())


def test_a_correction_counts_the_time_as_another_state():
    changes = [change(DAY_MS, State.DOWN), change(2 * DAY_MS, State.UP)]
    fixed = exclusion(since_ms=FIRST + DAY_MS, until_ms=FIRST + DAY_MS + 12 * HOUR, state=State.UP)
    (found,) = score(Memory(attempts(), changes), rubric(UPTIME, SPEED), exclusions=(fixed,)).scores
    assert (found.criteria[0].down, found.criteria[1].attempts) == (12 * HOUR, 10)
    kept = exclusion(since_ms=FIRST + DAY_MS, until_ms=FIRST + 2 * DAY_MS, state=State.MAINTENANCE)
    (found,) = score(Memory(attempts(), changes), rubric(UPTIME, SPEED), exclusions=(kept,)).scores
    assert (found.criteria[0].down, found.criteria[0].coverage, found.criteria[1].attempts) == (0, 1.0, 9)


def test_portals_that_are_gone_are_not_scored_or_a_substitute_is():
    retired, redirects = (
        portal("old", expect=Expect.RETIRED),
        portal("moved", expect=Expect.REDIRECTS, redirects_to="x"),
    )
    merged = portal("gone", merged_into="hue")
    portals = [portal(), retired, redirects, merged]
    line = rubric(SPEED)
    found = score(Memory(attempts()), line, portals=portals).scores
    assert [one.status for one in found] == [ScoreStatus.COMPLETE, *[ScoreStatus.NOT_SCORED] * 3]
    assert "hue" in found[3].sentence.en
    substitute = Substitute(portal="hue", pages=("search",))
    line = replace(line, redirects=Treatment.SUBSTITUTE, retired=Treatment.SUBSTITUTE, substitute=substitute)
    rows = [*attempts(), *attempts(1.0, check="latency-search")]
    found = score(Memory(rows), line, portals=portals).scores
    assert [(one.portal, one.measured_portal, one.points) for one in found] == [
        ("hue", "hue", 2.0),
        ("old", "hue", 4.0),
        ("moved", "hue", 4.0),
        ("gone", "gone", None),
    ]


def test_old_and_new_version_are_computed_side_by_side_when_the_formula_changes():
    old = rubric(SPEED, until=date(2026, 9, 5))
    new = replace(rubric(replace(SPEED, curve=Threshold(limit=3.0, lower=True))), version=2, since=date(2026, 9, 5))
    later = replace(new, version=3, since=date(2026, 9, 11))
    in_force = engine.in_force((old, new, later), PERIOD)
    found = score(Memory(attempts()), *in_force).scores
    assert [(one.rubric.key, one.points) for one in found] == [("test@1", 2.0), ("test@2", 4.0)]


def test_half_a_quarter_is_marked():
    """The period runs: half of it is scored. Half of an ended one is not enough for a minimum of three quarters."""
    rows = [attempt(day * DAY_MS + HOUR, 1.0) for day in range(5)]
    line = rubric(replace(SPEED, min_coverage=0.75))
    running = score(Memory(rows), line, now=FIRST + 5 * DAY_MS)
    assert (running.ended, running.scores[0].points) == (False, 4.0)
    ended = score(Memory(rows), line)
    assert (ended.ended, ended.scores[0].status) == (True, ScoreStatus.INSUFFICIENT)
    assert ended.scores[0].criteria[0].coverage == 0.5


def test_another_day_gives_the_same_bytes():
    rows = [attempt(day * DAY_MS + HOUR, 1.0 + day / 7) for day in range(10)]
    line = rubric(SPEED, UPTIME)
    assert serialize.score_set_json(score(Memory(rows), line)) == serialize.score_set_json(
        score(Memory(rows), line, now=FIRST + 400 * DAY_MS)
    )


def test_a_period_that_has_not_begun_has_no_score():
    found = score(Memory(attempts()), rubric(SPEED, UPTIME), now=FIRST - 1)
    assert found.scores[0].status is ScoreStatus.INSUFFICIENT


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [(2.5, 0, "2"), (3.5, 0, "4"), (17.245, 2, "17.24"), (17.255, 2, "17.26"), (0.1 + 0.2, 2, "0.30"), (89.5, 0, "90")],
)
def test_rounding_is_half_to_even_and_shows_every_decimal(value: float, decimals: int, shown: str):
    assert rounded(value, decimals) == shown


def test_grade_limits_are_as_configured():
    assert [grade(GRADES, one) for one in (0.9, 0.8999, 0.8, 0.79999, 0.0)] == ["A", "B", "B", "E", "E"]
    assert grade(replace(GRADES, decimals=0), 0.895) == "A"
    assert grade(replace(GRADES, decimals=0), 0.8949) == "B"
    assert grade(None, 1.0) is None


def test_intervals_hold_the_value_and_are_the_same_tomorrow():
    rows = [
        attempt(day * DAY_MS + hour * HOUR, 1.0 + day % 3 / 2 + hour / 100) for day in range(10) for hour in range(24)
    ]
    lines = [
        criterion(aggregate, id=aggregate.value, curve=Linear(full=0.5, zero=5.0), points=1.0, limit=limit, lower=low)
        for aggregate, limit, low in (
            (Aggregate.MEAN, None, True), (Aggregate.P95, None, True), (Aggregate.MAX, None, True),
            (Aggregate.MEDIAN, None, True),
        )
    ]  # fmt: skip
    score_set = score(Memory(rows), rubric(*lines))
    (found,) = score_set.scores
    for one in found.criteria:
        assert one.value is not None
        assert one.value_interval is not None
        assert one.points_interval is not None
        assert one.value_interval.low <= one.value <= one.value_interval.high
        assert one.points_interval.low <= (one.points or 0) <= one.points_interval.high
    assert found.criteria[0].value_interval is not None
    assert 0.1 < found.criteria[0].value_interval.high - found.criteria[0].value_interval.low < 0.6
    assert found.interval is not None
    assert found.ratio is not None
    assert found.interval.low <= found.ratio <= found.interval.high
    assert serialize.score_set_json(score_set) == serialize.score_set_json(score(Memory(rows), rubric(*lines)))
    assert (draw_days(10) == draw_days(10)).all()
    assert (draw_days(10).sum(axis=1) == 10).all()


def test_a_constant_has_no_width_and_few_days_have_no_interval():
    _, one = only(score(Memory(attempts(2.0)), rubric(criterion(Aggregate.P75, curve=Linear(full=1, zero=3)))))
    assert one.value_interval is not None
    assert (one.value_interval.low, one.value_interval.high) == pytest.approx((2.0, 2.0))
    total, one = only(score(Memory(attempts()[:6]), rubric(criterion(Aggregate.P75, curve=Linear(full=1, zero=3)))))
    assert (one.points, one.value_interval, one.points_interval, total.interval) == (5.0, None, None, None)


def test_a_score_is_plain_json_with_every_intermediate():
    changes = [change(DAY_MS, State.DOWN), change(DAY_MS + HOUR, State.UP)]
    full = replace(rubric(SPEED, UPTIME, MANUAL, grades=GRADES), substitute=Substitute(portal="hue", pages=("home",)))
    score_set = score(Memory(attempts(), changes), full, exclusions=(exclusion(),))
    data = json.loads(serialize.score_set_json(score_set))
    assert data["period"]["name"] == "2026-09-01..2026-09-10"
    (one,) = data["scores"]
    assert one["criteria"][0]["value"] == 2.0
    assert one["without_exclusions"]["criteria"][1]["down"] == HOUR
    assert data["rubrics"][0]["criteria"][0]["basis"]["limit"] == "official"
    assert data["exclusions"][0]["approver"] == "A"


def test_every_criterion_is_explained_in_both_languages():
    changes = [change(DAY_MS, State.DOWN), change(DAY_MS + HOUR, State.UP)]
    lines = (SPEED, UPTIME, MANUAL, criterion(Aggregate.SHARE, id="share", limit=3.0, lower=False))
    (found,) = score(Memory(attempts(), changes), rubric(*lines, grades=GRADES)).scores
    vi, en = (found.criteria[0].sentence.localize(language) for language in ("vi", "en"))
    assert "2 s (mean, 10 attempts on 10 days, coverage 100 %); all points at 1 s, none at 3 s: 2/4 points" in en
    assert "2 s (trung bình, 10 lần đo trong 10 ngày, độ phủ 100 %); đủ điểm ở 1 s" in vi
    assert "99.58 % (availability, 60 minutes down, coverage 100 %)" in found.criteria[1].sentence.en
    assert "manual criterion without a value" in found.criteria[2].sentence.en
    assert "share of attempts below the limit 3 s" in found.criteria[3].sentence.en
    assert "grade if all pillars were like this one: " in found.sentence.en
    assert "xếp loại nếu mọi trụ cột đều như trụ cột này" in found.sentence.vi


def test_a_value_near_a_limit_is_distinguished_from_it():
    """5.796 s is below 5.8 s and earns all: the sentence must not show 5.8 s."""
    line = criterion(curve=Threshold(limit=5.8, lower=True))
    for value, text in ((5.796, "5.796 s"), (5.79999, "5.79999 s"), (5.8, "5.8 s"), (5.81, "5.81 s")):
        _, found = only(score(Memory(attempts(value)), rubric(line)))
        assert f"Line: {text} (mean" in found.sentence.en
        assert ("10/10" in found.sentence.en) == (value < 5.8)


def test_several_locations_are_one_history():
    rows = [*attempts(1.0), *attempts(3.0, location="sg-1")]
    before = {("hue", "hn-1"): State.UP, ("hue", "sg-1"): State.DOWN, ("prober", "hn-1"): State.UP}
    (found,) = score(Memory(rows, before=before), rubric(SPEED, UPTIME)).scores
    assert [one.value for one in found.criteria] == [2.0, 0.5]
