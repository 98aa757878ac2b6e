"""Dashboards are current, complete in both languages, well laid out, and ask only for what somebody declares."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from monitor.alerting.metrics import AlertingMetrics
from monitor.archive.keeper import ArchiveStatistics
from monitor.board import Board
from monitor.dashboards import files
from monitor.dashboards.measures import CERTIFICATE_DAYS, VITALS, rubrics, vital_limits
from monitor.dashboards.signs import LOOKS
from monitor.dashboards.sources import UIDS
from monitor.dashboards.words import LANGUAGES, WORDS
from monitor.delivery_metrics import DeliveryMetrics
from monitor.exposition import Exposition
from monitor.figures import Tier
from monitor.model import State
from monitor.rollup_keeper import RollupStatistics
from monitor.score_live import FAMILIES
from monitor.sinks.points import SCORE, STATE_CHANGE, TAGS, fields
from monitor.storage_metrics import watch_archive, watch_rollups
from monitor.telemetry import SelfMetrics
from probes.kinds import KINDS
from tests.dashboard_queries import FOLDER, dashboards, queries
from tests.monitor.parts import HandClock
from tests.rule_files import ROOT, RULES, rules

BOARDS = [
    pytest.param(language, name, board, id=f"{language}-{name}")
    for language in LANGUAGES
    for name, board in dashboards(language).items()
]
every_board = pytest.mark.parametrize(("language", "name", "board"), BOARDS)

NUMBERLESS = {"string"}
COLUMN, HEAD, LETTER = 54.0, 90.0, 7.2
"""Pixels of a column on a screen of 1,600 beside the docked menu, of a title's surroundings, and of a letter."""


def test_committed_files_are_current():
    """``make dashboards`` would change nothing, and nothing else lies beside the files."""
    made = dict(files())
    found = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.json")}
    assert made.keys() == found.keys()
    stale = [name for name, content in made.items() if found[name] != content]
    assert not stale, "run make dashboards"


@every_board
def test_uids_are_fixed_and_no_input_is_asked_for(language: str, name: str, board: dict[str, Any]):
    assert board["uid"] == f"portal-monitor-{name}-{language}"
    assert len(board["uid"]) <= 40
    assert board["id"] is None
    assert board["editable"] is False
    assert "portal-monitor" in board["tags"]
    assert "__inputs" not in board
    assert "${DS_" not in (FOLDER / language / f"{name}.json").read_text("utf-8")


def test_data_sources_are_those_of_the_provisioning():
    told = yaml.safe_load((ROOT / "grafana/provisioning/datasources/portal-monitor.yml").read_text())["datasources"]
    assert {one["type"]: one["uid"] for one in told}.items() >= UIDS.items()
    for board in dashboards().values():
        chosen = [one for one in board["templating"]["list"] if one["type"] == "datasource"]
        assert [(one["query"], one["current"]["value"]) for one in chosen] == [
            (chosen[0]["query"], UIDS[chosen[0]["query"]])
        ]
        assert all(panel["datasource"]["uid"] == f"${{{chosen[0]['name']}}}" for panel in board["panels"])


def test_dashboards_that_alerts_link_to_exist():
    text = "".join(path.read_text() for path in RULES.glob("*.yml"))
    linked = set(re.findall(r"/d/([\w-]+)", text))
    assert linked
    assert linked <= {board["uid"] for language in LANGUAGES for board in dashboards(language).values()}


@every_board
def test_panels_lie_beside_each_other(language: str, name: str, board: dict[str, Any]):
    assert 0 < len(board["panels"]) <= 20
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 and at["h"] >= 3 for at in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)
    for row in {at["y"] for at in places}:
        assert sum(at["w"] for at in places if at["y"] == row) == 24, f"row {row} of {name} has a hole"


@every_board
def test_every_panel_has_unit_description_and_words_for_nothing(language: str, name: str, board: dict[str, Any]):
    for panel in board["panels"]:
        told = panel["fieldConfig"]["defaults"]
        assert told["unit"], panel["title"]
        assert told["noValue"], panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        if panel["type"] == "table":
            ends = {prop["id"] for one in panel["fieldConfig"]["overrides"] for prop in one["properties"]}
            assert "noValue" in ends, f"{panel['title']}: an empty cell would say {told['noValue']}"
        if panel["type"] == "timeseries":
            assert told["custom"]["spanNulls"] is False, f"{panel['title']} draws over gaps"


@every_board
def test_titles_fit_their_panels(language: str, name: str, board: dict[str, Any]):
    for panel in board["panels"]:
        room = (panel["gridPos"]["w"] * COLUMN - HEAD) / LETTER
        assert len(panel["title"]) <= room, f"{panel['title']!r} has {len(panel['title'])} letters, room for {room:.0f}"


@every_board
def test_colour_is_never_alone(language: str, name: str, board: dict[str, Any]):
    """A mapped value has a word or a sign; tiles, lights and bars show their number or word."""
    for panel in board["panels"]:
        config = panel["fieldConfig"]
        mappings = [*config["defaults"].get("mappings", [])]
        for override in config["overrides"]:
            mappings += [one for prop in override["properties"] if prop["id"] == "mappings" for one in prop["value"]]
        for mapping in mappings:
            options = mapping["options"]
            results = [options["result"]] if "result" in options else list(options.values())
            assert all(result["text"].strip() for result in results), panel["title"]
        if panel["type"] == "stat":
            assert panel["options"]["textMode"] in {"value", "value_and_name"}


def test_both_languages_say_everything_differently_where_they_should():
    assert all(vi.strip() and en.strip() for vi, en in WORDS.values())
    same = {key for key, (vi, en) in WORDS.items() if vi == en}
    short = {key for key in same if len(WORDS[key][0]) <= 15}
    assert same == short, "a sentence is the same in both languages"
    for vi, en in zip(dashboards("vi").values(), dashboards("en").values(), strict=True):
        assert [one["gridPos"] for one in vi["panels"]] == [one["gridPos"] for one in en["panels"]]


def test_every_state_has_a_look_and_the_worst_has_the_highest_code():
    assert LOOKS.keys() == set(State)
    assert max(LOOKS, key=lambda state: LOOKS[state].code) is State.DOWN


def test_limits_come_from_the_rubrics_and_the_alerts():
    official = next(rubric for rubric in rubrics() if rubric.id == "website-2025")
    limits = {one.metric: one.curve.limit for one in official.criteria}  # type: ignore[union-attr]
    assert limits == {name: vital_limits(name)[-1] for name in VITALS if name != "cls"}
    borders = {int(days) for rule in rules("alert") for days in re.findall(r"< (\d+) \* 86400", rule["expr"])}
    assert {int(days) for days in CERTIFICATE_DAYS} <= borders


def declared() -> set[str]:
    """Every series that the daemon can expose, and every one that a shipped rule records."""
    registry = SelfMetrics(list(KINDS)).registry
    DeliveryMetrics(registry, ["influxdb"])
    AlertingMetrics(registry, ["mail"])
    watch_archive(registry, ArchiveStatistics())
    watch_rollups(registry, {tier: RollupStatistics() for tier in Tier})
    exposition = Exposition(Board(clock=HandClock(), location="hn-1"), KINDS, CollectorRegistry())
    names = {sample.name for family in registry.collect() for sample in family.samples}
    names |= {f"{family.name}{end}" for family in registry.collect() for end in ("", "_total", "_bucket")}
    names |= set(exposition._families) | FAMILIES.keys() | {rule["record"] for rule in rules("record")}  # noqa: SLF001
    names |= {"portal_monitor_portal_state", "portal_monitor_portal_info", "portal_monitor_prober_state"}
    names |= {"portal_monitor_scoring_last_run_timestamp_seconds"}
    return names


def test_every_series_is_declared():
    known = declared()
    for query in queries():
        if query.source == "prometheus":
            asked = set(re.findall(r"(?<![\w:])((?:portal|probe|process)[\w]*[_:][\w:]+)(?![\w:(\"])", query.text))
            assert asked <= known, (query.where, asked - known)


def test_every_field_and_tag_is_declared():
    known = {*TAGS, *fields("mobile"), *fields(STATE_CHANGE), "rubric", "criterion", "window", "version"}
    known |= {"points", "possible", "ratio", "value", "limit", "zero", "coverage"}
    for query in queries():
        if query.source == "influxdb":
            measured = set(re.findall(r'FROM "(\w+)"', query.text))
            assert measured <= {"mobile", SCORE, STATE_CHANGE}, query.where
            renamed = set(re.findall(r'AS "(\w+)"', query.text))
            assert set(re.findall(r'"(\w+)"', query.text)) - measured - renamed <= known, query.where
