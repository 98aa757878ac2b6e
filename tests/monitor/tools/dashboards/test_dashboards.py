"""Dashboards are current, complete in both languages, well laid out, and query only declared series and fields."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from monitor.alerting.metrics import AlertingMetrics
from monitor.daemon.metrics import SelfMetrics
from monitor.model.records import State
from monitor.model.rollups import Tier, rollup_fields
from monitor.model.scores import SCORE_FIELDS
from monitor.scoring.live import FAMILIES
from monitor.sinks.influxdb.line_protocol import SCORE, STATE_CHANGE, TAGS, point_fields
from monitor.sinks.metrics import DeliveryMetrics
from monitor.states.rules import StateRules
from monitor.states.status_cache import StatusCache
from monitor.storage.archive.job import ArchiveStatistics
from monitor.storage.journal.size_limit import WARNING_RATIO
from monitor.storage.metrics import register_archive_metrics, register_rollup_metrics
from monitor.storage.rollups.job import RollupStatistics
from monitor.tools.dashboards import files, thresholds
from monitor.tools.dashboards.datasources import DAILY, HOURLY, PROMETHEUS, RAW
from monitor.tools.dashboards.mappings import BAD, STATE_STYLES
from monitor.tools.dashboards.metrics import CERTIFICATE_DAYS, SLOW_SECONDS, VITALS, rubrics, vital_limits
from monitor.tools.dashboards.texts import LANGUAGES, TEXTS, DashboardTexts
from monitor.web.metrics.exposition import Exposition
from probes.registry import PROBE_KINDS
from tests.dashboard_queries import DATABASES, FOLDER, dashboards, queries
from tests.monitor.parts import HandClock
from tests.rule_files import ROOT, RULES, rules

DASHBOARDS = [
    pytest.param(language, name, dashboard, id=f"{language}-{name}")
    for language in LANGUAGES
    for name, dashboard in dashboards(language).items()
]
every_dashboard = pytest.mark.parametrize(("language", "name", "dashboard"), DASHBOARDS)

NUMBERLESS = {"string"}
COLUMN, HEAD, CHARACTER = 46.0, 90.0, 7.2
"""Pixels of a column on a screen of 1,440 beside the docked menu, of a title's surroundings, and of a character."""


def test_committed_files_are_current():
    """``make dashboards`` would change nothing, and nothing else lies beside the files."""
    made = dict(files())
    found = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.json")}
    assert made.keys() == found.keys()
    stale = [name for name, content in made.items() if found[name] != content]
    assert not stale, "run make dashboards"


@every_dashboard
def test_uids_are_fixed_and_no_input_is_needed(language: str, name: str, dashboard: dict[str, Any]):
    assert dashboard["uid"] == f"portal-monitor-{name}-{language}"
    assert len(dashboard["uid"]) <= 40
    assert dashboard["id"] is None
    assert dashboard["editable"] is False
    assert "portal-monitor" in dashboard["tags"]
    assert "__inputs" not in dashboard
    assert "${DS_" not in (FOLDER / language / f"{name}.json").read_text("utf-8")


def test_data_sources_are_those_of_the_provisioning():
    """By uid and name, and every panel reads from one that a variable chooses."""
    provisioned = yaml.safe_load((ROOT / "grafana/provisioning/datasources/portal-monitor.yml").read_text())[
        "datasources"
    ]
    known = {(one["type"], one["name"], one["uid"]) for one in provisioned}
    assert {(one.kind, one.name, one.uid) for one in (PROMETHEUS, RAW, HOURLY, DAILY)} <= known
    assert {one["name"]: one["jsonData"]["dbName"] for one in provisioned if one["type"] == "influxdb"} == DATABASES
    for dashboard in dashboards().values():
        chosen = {one["name"]: one for one in dashboard["templating"]["list"] if one["type"] == "datasource"}
        for one in chosen.values():
            assert (one["query"], one["current"]["text"], one["current"]["value"]) in known
        assert all(panel["datasource"]["uid"].strip("${}") in chosen for panel in dashboard["panels"])


def test_long_ranges_are_read_in_any_tier_and_first_in_one_that_still_has_them():
    """Raw results are kept for 100 days; a dashboard for years that began there would show a gap."""
    first = {
        name: next(one for one in dashboard["templating"]["list"] if one["name"] == "influxdb")["current"]["text"]
        for name, dashboard in dashboards().items()
        if name.endswith("-history")
    }
    assert first == {"mobile-history": HOURLY.name, "score-history": DAILY.name}
    queried = {(query.where.partition(":")[0], query.database) for query in queries() if query.source == "influxdb"}
    raw, hourly, daily = DATABASES.values()
    assert queried == {
        ("mobile-history", raw), ("mobile-history", hourly), ("mobile-history", daily),
        ("score-history", raw), ("score-history", daily),
    }  # fmt: skip


def test_dashboards_that_alerts_link_to_exist():
    text = "".join(path.read_text() for path in RULES.glob("*.yml"))
    linked = set(re.findall(r"/d/([\w-]+)", text))
    assert linked
    assert linked <= {dashboard["uid"] for language in LANGUAGES for dashboard in dashboards(language).values()}


@every_dashboard
def test_panels_lie_beside_each_other(language: str, name: str, dashboard: dict[str, Any]):
    assert 0 < len(dashboard["panels"]) <= 20
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 and at["h"] >= 3 for at in places)
    for one, other in combinations(places, 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)
    for row in {at["y"] for at in places}:
        assert sum(at["w"] for at in places if at["y"] == row) == 24, f"row {row} of {name} has a hole"


@every_dashboard
def test_every_panel_has_unit_description_and_no_data_text(language: str, name: str, dashboard: dict[str, Any]):
    for panel in dashboard["panels"]:
        defaults = panel["fieldConfig"]["defaults"]
        assert defaults["unit"], panel["title"]
        assert defaults["noValue"], panel["title"]
        assert len(panel["description"]) > 20, panel["title"]
        if panel["type"] == "table":
            ends = {prop["id"] for one in panel["fieldConfig"]["overrides"] for prop in one["properties"]}
            assert "noValue" in ends, f"{panel['title']}: an empty cell would show {defaults['noValue']}"
        if panel["type"] == "timeseries":
            assert defaults["custom"]["spanNulls"] is False, f"{panel['title']} draws over gaps"


@every_dashboard
def test_titles_fit_their_panels(language: str, name: str, dashboard: dict[str, Any]):
    for panel in dashboard["panels"]:
        max_letters = (panel["gridPos"]["w"] * COLUMN - HEAD) / CHARACTER
        assert len(panel["title"]) <= max_letters, (
            f"{panel['title']!r} has {len(panel['title'])} letters, at most {max_letters:.0f} fit"
        )


@every_dashboard
def test_colour_is_never_alone(language: str, name: str, dashboard: dict[str, Any]):
    """A mapped value has a text or a symbol; tiles, stats and bars show their number or text."""
    for panel in dashboard["panels"]:
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


def test_sentences_differ_between_the_languages():
    assert all(vi.strip() and en.strip() for vi, en in TEXTS.values())
    same = {key for key, (vi, en) in TEXTS.items() if vi == en}
    short = {key for key in same if len(TEXTS[key][0]) <= 15}
    assert same == short, "a sentence is the same in both languages"
    for vi, en in zip(dashboards("vi").values(), dashboards("en").values(), strict=True):
        assert [one["gridPos"] for one in vi["panels"]] == [one["gridPos"] for one in en["panels"]]


def test_every_state_has_a_style_and_the_worst_has_the_highest_code():
    assert STATE_STYLES.keys() == set(State)
    assert max(STATE_STYLES, key=lambda state: STATE_STYLES[state].code) is State.DOWN


def test_limits_come_from_the_rubrics_and_the_alerts():
    official = next(rubric for rubric in rubrics() if rubric.id == "website-2025")
    limits = {one.metric: one.curve.limit for one in official.criteria}  # type: ignore[union-attr]
    assert limits == {name: vital_limits(name)[-1] for name in VITALS if name != "cls"}
    alert_days = {int(days) for rule in rules("alert") for days in re.findall(r"< (\d+) \* 86400", rule["expr"])}
    assert {int(days) for days in CERTIFICATE_DAYS} <= alert_days


def test_thresholds_are_those_of_alerts_settings_and_rubrics():
    """Each equals its declaration, and the panel turns red at the same number."""
    assert thresholds.AVAILABILITY_OBJECTIVE == 0.995
    assert thresholds.JOURNAL_SIZE_RATIOS[0] == WARNING_RATIO, "the daemon warns of its journal when the alert does"
    assert thresholds.MIN_COVERAGE == 0.75
    assert {SLOW_SECONDS, *CERTIFICATE_DAYS} >= {StateRules().max_latency_seconds, StateRules().min_certificate_days}
    red = {
        "Missed": thresholds.alert_threshold("ProberMissesSlots"),
        "Event loop lag": thresholds.alert_threshold("ProberLoopLag"),
        "Sink lag": thresholds.alert_threshold("SinkLagging"),
        "Last probe": thresholds.alert_threshold("ProberNotProbing"),
        "Journal": thresholds.alert_threshold("JournalNearlyFull"),
    }
    found = {
        panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]
        for panel in dashboards("en")["prober"]["panels"]
    }
    assert {title: found[title]["value"] for title in red} == red
    assert {found[title]["color"] for title in red} == {BAD}
    day = next(panel for panel in dashboards("en")["portal"]["panels"] if panel["title"] == "24 hours")
    assert day["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == thresholds.AVAILABILITY_OBJECTIVE


def test_rules_with_other_numbers_make_other_thresholds(monkeypatch: pytest.MonkeyPatch):
    expressions = {"SinkLagging": ["portal_monitor_sink_lag_seconds > 1200"], "o": ["vector(0.99)"], "none": ["up"]}
    monkeypatch.setattr(thresholds, "_expressions", lambda: expressions)
    assert (thresholds.alert_threshold("SinkLagging"), thresholds.recorded_value("o")) == (1200.0, 0.99)
    with pytest.raises(LookupError):
        thresholds.alert_threshold("none")
    with pytest.raises(LookupError):
        thresholds.recorded_value("none")


def test_texts_contain_the_thresholds_and_no_placeholder_is_left():
    vi, en = DashboardTexts("vi"), DashboardTexts("en")
    assert "99,5 %" in vi("portal.day.why")
    assert "99.5 %" in en("portal.day.why")
    for texts in (vi, en):
        left = {name for key in TEXTS for name in re.findall(r"{(\w+)}", texts(key))}
        assert left == {"grade"}, "filled in where it is used"


def test_the_link_to_the_status_page_follows_the_daemon():
    """The files contain no URL: the link follows the series that the daemon exposes."""
    for language in LANGUAGES:
        dashboard = dashboards(language)["portal"]
        link = next(one for one in dashboard["links"] if one["type"] == "link")
        assert link["url"] == "${status_page:raw}/portals/${portal}"
        variable = next(one for one in dashboard["templating"]["list"] if one["name"] == "status_page")
        assert variable["query"]["query"] == (
            'label_values(portal_monitor_status_page_info{location=~"$location"}, url)'
        )
        assert "127.0.0.1" not in (FOLDER / language / "portal.json").read_text("utf-8")


def declared() -> set[str]:
    """Every series that the daemon can expose, and every one that a shipped rule records."""
    registry = SelfMetrics(list(PROBE_KINDS)).registry
    DeliveryMetrics(registry, ["influxdb"])
    AlertingMetrics(registry, ["mail"])
    register_archive_metrics(registry, ArchiveStatistics())
    register_rollup_metrics(registry, {tier: RollupStatistics() for tier in Tier})
    exposition = Exposition(StatusCache(clock=HandClock(), location="hn-1"), PROBE_KINDS, CollectorRegistry())
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
            series = set(re.findall(r"(?<![\w:])((?:portal|probe|process)[\w]*[_:][\w:]+)(?![\w:(\"])", query.text))
            assert series <= known, (query.where, series - known)


def test_every_field_and_tag_is_declared():
    known = {
        *TAGS,
        *point_fields("mobile"),
        *point_fields(STATE_CHANGE),
        *SCORE_FIELDS,
        "rubric",
        "criterion",
        "window",
        "version",
    }
    for query in queries():
        if query.source == "influxdb":
            measured = set(re.findall(r'FROM "(\w+)"', query.text))
            assert measured <= {"mobile", SCORE, STATE_CHANGE}, query.where
            renamed = set(re.findall(r'AS "(\w+)"', query.text))
            # A pattern matches the field of a result or the mean of a period, in every tier.
            for name in re.findall(r"\(/\^(\w+)\(_mean\)\?\$/", query.text):
                assert name in point_fields("mobile"), query.where
                assert f"{name}_mean" in rollup_fields("mobile"), query.where
            left = re.sub(r'"slots"', "", query.text)
            assert "slots" in rollup_fields("mobile")
            assert set(re.findall(r'"(\w+)"', left)) - measured - renamed <= known, query.where
