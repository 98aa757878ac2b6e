"""The shipped rules: promtool accepts them, every alert fires, does not fire and ends, with texts in two languages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import rule_files
from tests.rule_files import CASES, PROMETHEUS, ROOT, RULES, Selector, selectors

ALERTS = rule_files.rules("alert")
NAMES = sorted({rule["alert"] for rule in ALERTS})
ALWAYS = {"Watchdog"}
"""Always fires, on purpose."""

TEXTS = ("summary", "description", "summary_en", "description_en", "runbook_url", "dashboard_url", "dashboard_url_en")
SEVERITIES = {"critical", "warning", "info", "none"}


def promtool(*words: str | Path, where: Path = ROOT) -> str:
    done = subprocess.run(
        ["promtool", *map(str, words)], cwd=where, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_configuration_and_rules():
    assert "is valid prometheus config" in promtool("check", "config", PROMETHEUS / "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", *sorted(RULES.glob("*.yml")))


@pytest.mark.slow
@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("*.yml")))
def test_the_rules_evaluate_the_cases_as_expected(tmp_path: Path, case: str):
    rule_files.without_texts(tmp_path)
    assert "SUCCESS" in promtool("test", "rules", f"cases-{case}", where=tmp_path)


def steps() -> dict[str, list[list[tuple[str, list[dict[str, Any]]]]]]:
    """Alert -> its cases, each as (time, expected alerts) in order."""
    found: dict[str, list[list[tuple[str, list[dict[str, Any]]]]]] = {}
    for path in CASES.glob("*.yml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            steps_of_case = [(one["eval_time"], one["exp_alerts"]) for one in test.get("alert_rule_test", [])]
            for name in {one["alertname"] for one in test.get("alert_rule_test", [])}:
                found.setdefault(name, []).append(steps_of_case)
    return found


@pytest.mark.parametrize("alert", [name for name in NAMES if name not in ALWAYS])
def test_every_alert_has_a_case_in_which_it_is_silent_fires_and_ends(alert: str):
    shapes = ["".join("!" if expected else "." for _, expected in case) for case in steps().get(alert, [])]
    assert any(re.fullmatch(r"\.+!+\.+", shape) for shape in shapes), f"{alert}: {shapes}"


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"] + rule["labels"].get("within", ""))
def test_every_alert_has_texts_in_two_languages(rule: dict[str, Any]):
    annotations, labels = rule["annotations"], rule["labels"]
    assert set(TEXTS) <= annotations.keys()
    assert all(annotations[name].strip() for name in TEXTS)
    assert labels["severity"] in SEVERITIES
    assert labels["scope"] in {"portal", "prober"}
    assert annotations["summary"] != annotations["summary_en"]
    assert re.search(r"-vi\b", annotations["dashboard_url"])
    assert re.search(r"-en\b", annotations["dashboard_url_en"])
    runbook = annotations["runbook_url"].removeprefix("{{ $externalLabels.runbooks_url }}/")
    assert (ROOT / "docs" / "runbooks" / runbook).is_file()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"] + rule["labels"].get("within", ""))
def test_texts_name_only_labels_that_the_alert_has(rule: dict[str, Any]):
    """Labels of the cases are verified by promtool; one case of several prober alerts lacks the instance."""
    wanted = {name for text in rule["annotations"].values() for name in re.findall(r"\$labels\.(\w+)", text)}
    expected = [alert["exp_labels"] for case in steps()[rule["alert"]] for _, alerts in case for alert in alerts]
    assert any(wanted <= labels.keys() for labels in expected), wanted


def test_texts_of_one_alert(tmp_path: Path):
    """Templates are filled in as Prometheus does it, external labels and all."""
    rule = next(rule for rule in ALERTS if rule["alert"] == "PortalDown")
    labels = {"portal": "dvc-a", "location": "hn-1", "job": "j", "instance": "d:1"}
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    facts = 'portal="dvc-a", job="j", instance="d:1", kind="province", group="hue", name="Cổng A"'
    link = "http://grafana/d/portal-monitor-portal-{}?var-portal=dvc-a&var-location=hn-1"
    case = {
        "rule_files": [str(RULES / "portals.yml")],
        "tests": [
            {
                "interval": "1m",
                "external_labels": {
                    "grafana_url": "http://grafana",
                    "status_page_url": "http://s",
                    "runbooks_url": "http://r",
                },
                "input_series": [
                    {"series": f'portal_monitor_portal_state{{{shown}, state="down"}}', "values": "1x5"},
                    {"series": f"portal_monitor_portal_info{{{facts}}}", "values": "1x5"},
                ],
                "alert_rule_test": [
                    {
                        "eval_time": "1m",
                        "alertname": "PortalDown",
                        "exp_alerts": [
                            {
                                "exp_labels": labels
                                | rule["labels"]
                                | {"state": "down", "kind": "province", "group": "hue", "name": "Cổng A"},
                                "exp_annotations": {
                                    "summary": "Cổng A (dvc-a) không truy cập được",
                                    "description": rule["annotations"]["description"].replace(
                                        "{{ $labels.location }}", "hn-1"
                                    ),
                                    "summary_en": "Cổng A (dvc-a) is down",
                                    "description_en": rule["annotations"]["description_en"].replace(
                                        "{{ $labels.location }}", "hn-1"
                                    ),
                                    "runbook_url": "http://r/PortalDown.md",
                                    "dashboard_url": link.format("vi"),
                                    "dashboard_url_en": link.format("en"),
                                    "status_page_url": "http://s/portals/dvc-a",
                                },
                            }
                        ],
                    }
                ],
            }
        ],
    }
    (tmp_path / "case.yml").write_text(yaml.safe_dump(case, allow_unicode=True))
    promtool("test", "rules", tmp_path / "case.yml")


def test_no_runbook_is_without_an_alert():
    linked = {rule["annotations"]["runbook_url"].rpartition("/")[2] for rule in ALERTS}
    assert {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")} == linked | {"README.md"}


def test_selectors_of_an_expression_contain_every_metric():
    text = (
        'sum by (job) (rate(a_total{x="b by (c)"}[5m])) / on (z) group_left (n) (d:e:f > 0)'
        " and histogram_quantile(0.9, g) or up"
    )
    assert selectors(text) == {
        Selector("a_total", '{x="b by (c)"}'),
        Selector("d:e:f", ""),
        Selector("g", ""),
        Selector("up", ""),
    }
