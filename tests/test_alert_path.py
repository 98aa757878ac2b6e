"""The whole path with real processes: fleet, daemon, Prometheus, Alertmanager, webhook, as they are shipped."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from monitor.model.scores import TOTAL_CRITERION, ScorePoint
from monitor.scoring import live
from monitor.scoring.live import QUARTER
from monitor.tools.demo.config_files import write_config
from monitor.tools.demo.fleet_file import FleetFile
from tests import rule_files
from tests.servers.alert_path import Alertmanager, Prometheus, Webhook, wait_until
from tests.servers.ports import free_port
from tests.test_demo import ROOT, force

pytestmark = pytest.mark.slow

BLACKBOX = sorted((rule_files.CASES / "blackbox").glob("*.yml"))

BLACKBOX_PAGE = ROOT / "docs" / "from-blackbox-exporter.md"

LATER = {"portal_monitor_score_ratio": "scores are worked out from closed days, and there is none yet"}
"""What a daemon does not have in its first minute, and why."""


class Daemon:
    """A fleet of made-up portals, and the daemon that watches it every three seconds."""

    def __init__(self, scratch: Path) -> None:
        self.listen = f"127.0.0.1:{free_port()}"
        self.log = scratch / "daemon.log"
        words = ("--portals", "12", "--seed", "7", "--time-scale", "0.01", "--directory", str(scratch / "fleet"))
        (scratch / "fleet").mkdir()
        self._processes = [self._start("monitor.tools.demo.fleet", *words)]
        wait_until((scratch / "fleet" / "fleet.json").exists)
        self.fleet_file = FleetFile.read(scratch / "fleet")
        config = write_config(self.fleet_file, scratch / "config", listen=self.listen, uptime_interval_seconds=3.0)
        settings = yaml.safe_load((config / "monitor.yaml").read_text())
        shutil.copytree(ROOT / "config" / "rubrics", config / "rubrics")
        settings["scores"] = {"interval": 10}  # the first run comes so soon as well
        # A sink and a target that are unreachable, so that there are delivery errors.
        settings["sinks"] = {
            "influxdb": {"url": f"http://127.0.0.1:{free_port()}", "org": "o", "bucket": "b", "token": "t"}
        }
        settings["notify"] = {"targets": [{"name": "on-call", "url": f"json://127.0.0.1:{free_port()}"}]}
        (config / "monitor.yaml").write_text(yaml.safe_dump(settings))
        self._processes.append(self._start("monitor", "run", "--config", str(config), "--data", str(scratch / "data")))

    def _start(self, module: str, *words: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", module, *words], cwd=ROOT, stdout=log, stderr=log)

    def page(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        with urllib.request.urlopen(f"http://{self.listen}/metrics", timeout=10.0) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}

    def kill(self) -> None:
        """As a power cut would."""
        self._processes[1].kill()
        self._processes[1].wait()

    def stop(self) -> None:
        for process in reversed(self._processes):
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def old_job(daemon: Daemon) -> dict[str, Any]:
    """The scrape job of docs/from-blackbox-exporter.md, for this daemon and two portals, one by address, one by id."""
    block = re.search(r"^```yaml\n(.*?)^```", BLACKBOX_PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert block is not None
    job: dict[str, Any] = yaml.safe_load(block[1])["scrape_configs"][0]
    first, second = daemon.fleet_file.portals[:2]
    job["static_configs"] = [{"targets": [first.url, second.id, "https://unknown.example.vn/"]}]
    job["relabel_configs"][-1]["replacement"] = daemon.listen
    return job


class AlertPath:
    """Everything that an alert passes."""

    def __init__(self, daemon: Daemon, prometheus: Prometheus, webhook: Webhook) -> None:
        self.daemon, self.prometheus, self.webhook = daemon, prometheus, webhook

    def alerts(self, name: str) -> list[dict[str, str]]:
        """Labels of what fires now."""
        found = self.prometheus.query(f'ALERTS{{alertname="{name}", alertstate="firing", job="portal-monitor"}}')
        return [one["metric"] for one in found]

    def portals(self, name: str) -> set[str]:
        return {one["portal"] for one in self.alerts(name)}


@pytest.fixture(scope="module")
def alert_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertPath]:
    scratch = tmp_path_factory.mktemp("alert_path")
    daemon = Daemon(scratch)
    try:
        with Webhook() as webhook:
            hooks = {"ALERT_WEBHOOK_URL": f"{webhook.url}/alerts", "ALERT_HEARTBEAT_URL": f"{webhook.url}/beat"}
            with (
                Alertmanager(scratch / "alertmanager", hooks) as alertmanager,
                Prometheus(
                    scratch / "prometheus",
                    daemon.listen,
                    f"127.0.0.1:{alertmanager.port}",
                    BLACKBOX,
                    [old_job(daemon)],
                ) as prometheus,
            ):
                yield AlertPath(daemon, prometheus, webhook)
    finally:
        daemon.stop()


def wait_for_states(alert_path: AlertPath) -> None:
    """Wait until every portal of the fleet was probed and Prometheus knows its state."""
    number = sum(portal.expect != "retired" for portal in alert_path.daemon.fleet_file.portals)
    known = 'count(count by (portal) (portal_monitor_portal_state{state="unknown"} == 0))'
    wait_until(lambda: [one["value"][1] for one in alert_path.prometheus.query(known)] == [str(number)])


def test_what_the_rules_read_is_there(alert_path: AlertPath):
    """Every metric under every matcher of every shipped rule, on a daemon that has just begun."""
    wait_for_states(alert_path)
    wanted = {one for one in rule_files.read_metrics() if one.metric not in LATER}

    def missing() -> list[str]:
        texts = (f"{one.metric}{one.matchers}" for one in sorted(wanted))
        return [text for text in texts if not alert_path.prometheus.query(f"count({text})")]

    with suppress(AssertionError):
        wait_until(lambda: not missing(), 60.0)
    assert not missing()


@pytest.mark.parametrize("metric", LATER)
def test_what_comes_later_comes_under_the_matchers_of_the_rules(metric: str):
    """The exposition of the daemon once there are scores."""
    values = {"points": 1.0, "possible": 2.0, "ratio": 0.5}
    point = ScorePoint(
        at=0, window=QUARTER, portal="a", rubric="r", version=1, criterion=TOTAL_CRITERION, values=values
    )
    (line,) = [one for one in live.exposition([point]).splitlines() if one.startswith(f"{metric}{{")]
    wanted = {one.matchers.strip("{}") for one in rule_files.read_metrics() if one.metric == metric}
    assert all(pair in line for matchers in wanted for pair in matchers.split(", "))


def test_rules_are_in_good_health(alert_path: AlertPath):
    wait_until(lambda: all(rule["health"] == "ok" for rule in alert_path.prometheus.rules()))
    assert {rule["name"] for rule in alert_path.prometheus.rules()} >= {
        rule["alert"] for rule in rule_files.rules("alert")
    }


def test_rules_of_blackbox_users_hold_on_our_metrics(alert_path: AlertPath):
    """What fires is compared with what was done to the portals, and with certificates read from the daemon's page."""
    wait_for_states(alert_path)
    fleet = alert_path.daemon.fleet_file
    ends = {
        dict(labels)["portal"]: value
        for (name, labels), value in alert_path.daemon.page().items()
        if name == "probe_ssl_earliest_cert_expiry"
    }
    soon = {portal for portal, at in ends.items() if at - time.time() < 30 * 86400}
    assert 0 < len(soon) < len(ends)
    wait_until(lambda: alert_path.portals("CertificateEndsSoon") == soon)
    plain = {portal.id for portal in fleet.portals if portal.url.startswith("http://")}
    wait_until(lambda: alert_path.portals("NotEncrypted"))
    assert alert_path.portals("NotEncrypted") <= plain, "some of them lead on to https"
    assert alert_path.portals("OldTls") == alert_path.portals("AnswersByIPv6") == set()

    before = alert_path.portals("ProbeFails") | alert_path.portals("HttpStatusBad") | alert_path.portals("ProbeSlow")
    healthy = [portal.id for portal in fleet.portals if portal.id not in before and portal.expect == "answers"]
    refused, broken, slow = healthy[:3]
    force(fleet, refused, "POST", mode="refuse")
    force(fleet, broken, "POST", mode="error", status=503)
    force(fleet, slow, "POST", mode="slow", delay=1.5)
    try:
        wait_until(lambda: {refused, broken} <= alert_path.portals("ProbeFails"))
        wait_until(lambda: broken in alert_path.portals("HttpStatusBad"))
        assert refused not in alert_path.portals("HttpStatusBad"), "a refused connection has no status"
        wait_until(lambda: slow in alert_path.portals("ProbeSlow") | alert_path.portals("ProbeFails"))
        share = alert_path.prometheus.query("job:probe_success:ratio")
        assert 0 < float(share[0]["value"][1]) < 1
    finally:
        for portal in (refused, broken, slow):
            force(fleet, portal, "DELETE")
    wait_until(lambda: not {refused, broken} & alert_path.portals("ProbeFails"))
    wait_until(lambda: broken not in alert_path.portals("HttpStatusBad"))


def test_an_old_scrape_job_goes_on_with_another_address(alert_path: AlertPath):
    wait_for_states(alert_path)
    first, second = alert_path.daemon.fleet_file.portals[:2]
    wait_until(lambda: alert_path.prometheus.query('up{job="blackbox"} == 0'))

    def instances() -> set[str]:
        return {one["metric"]["instance"] for one in alert_path.prometheus.query('probe_success{job="blackbox"} == 1')}

    wait_until(lambda: instances() == {first.url, second.id})
    unknown = alert_path.prometheus.query('up{job="blackbox"} == 0')
    assert [one["metric"]["instance"] for one in unknown] == ["https://unknown.example.vn/"]


def test_a_portal_that_stops_reaches_the_webhook_and_its_return_too(
    alert_path: AlertPath, record_testsuite_property: Callable[[str, object], None]
):
    wait_for_states(alert_path)
    fleet = alert_path.daemon.fleet_file
    portal = next(
        one for one in fleet.portals if one.id not in alert_path.portals("PortalDown") and one.expect == "answers"
    )
    began = time.monotonic()
    force(fleet, portal.id, "POST", mode="refuse")
    wait_until(lambda: alert_path.webhook.alerts("firing", alertname="PortalDown", portal=portal.id))
    at, alert = alert_path.webhook.alerts("firing", alertname="PortalDown", portal=portal.id)[0]
    record_testsuite_property("stopped_to_webhook_seconds", round(at - began, 1))
    assert alert["annotations"]["summary"] == f"{portal.name_vi} ({portal.id}) không truy cập được"
    assert alert["annotations"]["summary_en"].endswith("is down")
    assert alert["annotations"]["runbook_url"] == "http://runbooks/PortalDown.md"
    assert alert["annotations"]["status_page_url"] == f"http://status/portals/{portal.id}"
    assert alert["annotations"]["dashboard_url"].startswith("http://grafana/d/portal-monitor-portal-vi?var-portal=")
    assert not {"grafana_url", "runbooks_url"} & alert["labels"].keys(), "addresses are no labels of alerts"
    began = time.monotonic()
    force(fleet, portal.id, "DELETE")
    wait_until(lambda: alert_path.webhook.alerts("resolved", alertname="PortalDown", portal=portal.id))
    at, _ = alert_path.webhook.alerts("resolved", alertname="PortalDown", portal=portal.id)[0]
    record_testsuite_property("returned_to_webhook_seconds", round(at - began, 1))


def test_the_heartbeat_is_pinged(alert_path: AlertPath):
    wait_until(lambda: alert_path.webhook.alerts("firing", alertname="Watchdog"))
    assert {path for _, path, _, one in alert_path.webhook.received if one["labels"]["alertname"] == "Watchdog"} == {
        "/beat"
    }


def test_a_prober_that_dies_is_reported_and_is_no_recovery_of_a_portal(alert_path: AlertPath):
    """Last, since it ends the daemon: what was down is not reported as up because it is not probed any more."""
    wait_for_states(alert_path)
    fleet = alert_path.daemon.fleet_file
    portal = next(
        one for one in fleet.portals if one.id not in alert_path.portals("PortalDown") and one.expect == "answers"
    )
    down = {"alertname": "PortalDown", "portal": portal.id}
    before = len(alert_path.webhook.alerts("firing", **down))
    force(fleet, portal.id, "POST", mode="refuse")
    wait_until(lambda: len(alert_path.webhook.alerts("firing", **down)) > before)
    alert_path.daemon.kill()
    wait_until(lambda: alert_path.webhook.alerts("firing", alertname="ProberDown"))
    silence = 'count_over_time((up{job="portal-monitor"} == 0)[1m:1s]) >= 8'
    wait_until(lambda: alert_path.prometheus.query(silence))
    assert portal.id in alert_path.portals("PortalDown"), "the last state still holds"
    died = alert_path.webhook.alerts("firing", alertname="ProberDown")[0][0]
    later = [(at, status, one["labels"]) for at, _, status, one in alert_path.webhook.received if at >= died]
    assert not [one for one in later if one[1] == "resolved" and down.items() <= one[2].items()], later
