"""Rubrics of one criterion, history in memory, and a period of ten days: shared by most tests of scores."""
# ruff: noqa: ANN401 - a factory takes whatever fields its record has

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from monitor.model.records import Portal, PortalKind, State, StateChange
from monitor.scoring import engine, periods
from monitor.scoring.curves import Share
from monitor.scoring.periods import DAY_MS
from monitor.scoring.results import CriterionScore, Score, ScoreSet
from monitor.scoring.rubric import Aggregate, Basis, Criterion, CriterionBasis, Rubric, ScoringRules, Selection, Text
from monitor.scoring.source import StateHistory
from monitor.storage.archive.layout import row_schema
from probes.metric import Unit

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DAYS = 10
PERIOD = periods.parse("2026-09-01..2026-09-10", ZONE, 0)
FIRST = PERIOD.since_ms
HOUR = DAY_MS // 24
NOW = PERIOD.until_ms + 1
BASIS = CriterionBasis(limit=Basis.OFFICIAL, metric=Basis.DERIVED, aggregate=Basis.ASSUMED, points=Basis.ASSUMED)


def text(both: str) -> Text:
    return Text(vi=both, en=both)


def portal(name: str = "hue", **more: Any) -> Portal:
    fields: dict[str, Any] = {
        "id": name, "name_vi": "Huế", "name_en": "Hue", "kind": PortalKind.PROVINCE, "group": name,
        "url": "https://hue.example.gov.vn/",
    }  # fmt: skip
    return Portal(**(fields | more))


def criterion(aggregate: Aggregate = Aggregate.MEAN, **more: Any) -> Criterion:
    """A criterion about the duration of latency attempts at the home page, worth 10 points."""
    metric = None if aggregate is Aggregate.SUCCESS else "duration"
    selection = Selection(kind="latency", check_prefix="latency", failed=aggregate is Aggregate.SUCCESS)
    fields: dict[str, Any] = {
        "id": "line", "title": text("Line"), "points": 10.0, "aggregate": aggregate, "curve": Share(), "lower": True,
        "unit": Unit.SECONDS, "selection": selection, "metric": metric, "basis": BASIS, "source": "here",
    }  # fmt: skip
    if aggregate is Aggregate.AVAILABILITY:
        fields |= {"selection": None, "metric": None}
    return Criterion(**(fields | more))


def rubric(*criteria: Criterion, **more: Any) -> Rubric:
    fields: dict[str, Any] = {
        "id": "test", "version": 1, "title": text("Test"), "set": text("Set"), "since": date(2026, 1, 1), "until": None,
        "points": sum(one.points for one in criteria), "criteria": criteria, "source": "here", "digest": "0" * 64,
    }  # fmt: skip
    return Rubric(**(fields | more))


def attempt(slot: int, duration: float | None = 1.0, **more: Any) -> dict[str, Any]:
    """A successful latency attempt ``slot`` ms after the period's start."""
    base = {
        "portal": "hue", "check": "latency", "location": "hn-1", "slot": FIRST + slot, "attempt": 1, "outcome": "up",
        "duration": duration,
    }  # fmt: skip
    return base | more


def change(at: int, state: State, previous: State = State.UP, **more: Any) -> StateChange:
    fields = {"portal": "hue", "location": "hn-1", "at": FIRST + at, "state": state, "previous": previous}
    return StateChange(**(fields | more))


class Memory:
    """A source that holds rows by kind, and state changes; portals were up before unless given otherwise."""

    name = "memory"

    def __init__(
        self,
        attempts: Mapping[str, Sequence[Mapping[str, Any]]] | Sequence[Mapping[str, Any]] = (),
        changes: Sequence[StateChange] = (),
        before: Mapping[tuple[str, str], State] | None = None,
    ) -> None:
        self.rows = dict(attempts) if isinstance(attempts, Mapping) else {"latency": attempts}
        self.known = StateHistory(
            initial_states={("hue", "hn-1"): State.UP} if before is None else before, changes=changes
        )

    @contextmanager
    def attempts(
        self, kinds: Sequence[str], since_ms: int, until_ms: int, names: Sequence[str]
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        with duckdb.connect(config={"threads": 1}) as db:
            for kind in kinds:
                schema = row_schema(kind)
                columns = [name for name in dict.fromkeys([*schema.identity_columns, *names]) if name in schema.types]
                listed = ", ".join(f'"{name}" {schema.types[name]}' for name in columns)
                db.execute(f"CREATE TABLE {kind} ({listed})")
                rows = [row for row in self.rows.get(kind, ()) if since_ms <= row["slot"] < until_ms]
                if rows:
                    parts = ", ".join(f"unnest(?::{schema.types[name]}[])" for name in columns)
                    values = [[row.get(name) for row in rows] for name in columns]
                    db.execute(f"INSERT INTO {kind} SELECT {parts}", values)
            yield db

    def state_history(self, since_ms: int, until_ms: int) -> StateHistory:
        return replace(self.known, changes=[one for one in self.known.changes if since_ms <= one.at < until_ms])


def score(source: Memory, *rubrics: Rubric, portals: Sequence[Portal] = (), now: int = NOW, **more: Any) -> ScoreSet:
    rules = ScoringRules(rubrics=rubrics, **{key: more.pop(key) for key in ("exclusions", "entries") if key in more})
    return engine.score(rules, portals or (portal(),), more.pop("period", PERIOD), source, now, **more)


def only(score_set: ScoreSet) -> tuple[Score, CriterionScore]:
    """The one score of a score set, and its one criterion."""
    (found,) = score_set.scores
    (line,) = found.criteria
    return found, line
