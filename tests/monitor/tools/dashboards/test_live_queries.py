"""Every query of every dashboard against a real Prometheus and a real InfluxDB that a real daemon fills."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import yaml

from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from monitor.tools.demo.config_files import write_config
from monitor.tools.demo.fleet_file import FleetFile
from monitor.tools.demo.process import fleet_process
from probes.browser.device_profiles import DEVICE_PROFILES
from probes.registry import PROBE_KINDS
from tests import factories
from tests.bench import seeded
from tests.dashboard_queries import DATABASES, Asker, dashboards, queries
from tests.monitor.cli.test_main import Running
from tests.rule_files import ROOT, RULES
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port
from tests.servers.prometheus import Scraper
from tests.test_demo import force
from tests.test_stored import wait_until

pytestmark = pytest.mark.slow

TIERS = ("portal_monitor_hourly", "portal_monitor_daily")

RUBRIC, WINDOW = "qd473-2024", "quarter"

EMPTY = {
    "@Bảo trì": "no maintenance is announced",
    "@Đổi bộ tiêu chí": "no rubric changes its version",
    "@Trạm đo tự kiểm tra thất bại": "the self-check always succeeds",
    "7 ngày qua": "there is no score of a week ago",
    "Tin báo đang chờ và gửi hỏng": "no message is sent anywhere",
    "portal: Các chặng của một lượt đo A": "the demo fleet is reached by address, without a name",
    "portal: Từng yêu cầu của lượt đo mới nhất, theo thứ tự C": "the same",
    "IPv4 bên cạnh IPv6 B": "the demo fleet listens on IPv4 only",
}
"""End of a query's place: why an empty result is right."""


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[FleetFile]:
    async with fleet_process(5, directory=tmp_path / "fleet", time_scale=0.1) as fleet_file:
        yield fleet_file


def configure(fleet_file: FleetFile, directory: Path, influx: str) -> Path:
    """The demo's configuration with an InfluxDB, and rubrics that score after one attempt."""
    write_config(fleet_file, directory, listen=f"127.0.0.1:{free_port()}", uptime_interval_seconds=2)
    settings = yaml.safe_load((directory / "monitor.yaml").read_text())
    settings["sinks"] = {"influxdb": {"url": influx, "bucket": "portal_monitor", "token": TOKEN}}
    settings["scores"] = {"interval": 10}
    settings["checks"]["mobile"]["interval"] = 150  # the least that a rendering allows
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    (directory / "rubrics").mkdir()
    for path in (ROOT / "config" / "rubrics").glob("*.yaml"):
        text = path.read_text().replace("coverage: 0.75", "coverage: 0").replace("min_attempts: 100", "min_attempts: 1")
        (directory / "rubrics" / path.name).write_text(text.replace("min_attempts: 30", "min_attempts: 1"))
    return directory


def write_past(fleet_file: FleetFile, data: Path) -> None:
    """Renderings of two days that are over, as an earlier run would have left them: the daemon rolls them up."""
    data.mkdir()
    now = time.time_ns() // 1_000_000
    writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
    for portal in fleet_file.portals:
        for device in DEVICE_PROFILES:
            writer.write([
                factories.measurement(
                    portal=portal.id, check=device, kind="mobile", location="demo", slot=now - hours * 3_600_000,
                    values=seeded.rendered(device, 1.0),
                )
                for hours in range(48, 96, 6)
            ])  # fmt: skip
    writer.close()


def rules_at_once(directory: Path) -> Path:
    """The recording rules, evaluated every second."""
    rules = yaml.safe_load((RULES / "recording.yml").read_text())
    for group in rules["groups"]:
        group["interval"] = "1s"
    directory.mkdir()
    (directory / "recording.yml").write_text(yaml.safe_dump(rules))
    return directory / "recording.yml"


async def test_every_query_returns_data_or_is_empty_for_a_reason(fleet: FleetFile, tmp_path: Path):
    with InfluxServer(tmp_path / "influx") as influx:
        for database in DATABASES.values():
            influx.create(database)
        config = configure(fleet, tmp_path / "config", influx.url)
        write_past(fleet, tmp_path / "data")
        daemon = Running(config, tmp_path / "data")
        try:
            daemon.until("/metrics", 'state="up"} 1')
            with Scraper(tmp_path / "prometheus", daemon.listen, rules_at_once(tmp_path / "rules")) as prometheus:
                # A rendering that failed or is unknown has no vitals.
                fresh = '"median" = true AND time > now() - 1h'
                vitals = f'SELECT LAST("lcp_seconds") FROM "mobile" WHERE {fresh} GROUP BY "portal"'
                scored = {
                    one.id for one in fleet.portals if one.expect == "answers"
                }  # a redirecting portal is not scored
                wait_until(lambda: scored & portals_of(influx, vitals), 600)
                rendered = min(scored & portals_of(influx, vitals))
                broken = next(one.id for one in fleet.portals if one.id != rendered and one.expect == "answers")
                daemon.stop()  # scores go to InfluxDB at the start, and once an hour; now a rendering is among them
                daemon = Running(config, tmp_path / "data")
                until_scored_and_down(prometheus, influx, fleet, rendered, broken)
                until_rolled_up(influx)
                empty = unanswered(prometheus, influx, [one.id for one in fleet.portals])
        finally:
            daemon.stop()
    assert not empty, "\n".join(empty)


def portals_of(influx: InfluxServer, query: str) -> set[str]:
    """The portals that a query grouped by portal answers for."""
    return {series["tags"]["portal"] for series in influx.query(query, "portal_monitor")}


def until_scored_and_down(
    prometheus: Scraper, influx: InfluxServer, fleet: FleetFile, rendered: str, broken: str
) -> None:
    """Break a portal, and wait until all servers have its state, and until there are scores."""
    scored = "SELECT * FROM score WHERE \"check\" = 'website-2025/total/quarter' LIMIT 1"
    wait_until(lambda: influx.query(scored, "portal_monitor"), 240)
    ratio = f'portal_monitor_score_ratio{{portal="{rendered}",rubric="{RUBRIC}",window="{WINDOW}"}}'
    wait_until(lambda: prometheus.query(ratio), 240)
    down = f'portal_monitor_portal_state{{portal="{broken}",state="down"}}'
    # The begin of a state is queried at whole minutes: one of them has to pass before the state changes.
    wait_until(lambda: prometheus.query(f"max_over_time(timestamp({down} == 0)[6h:1m])"), 150)
    force(fleet, broken, "POST", mode="refuse")
    wait_until(lambda: prometheus.query(f"min_over_time({down}[9s]) == 1"))
    wait_until(lambda: prometheus.query("portal:portal_monitor_availability:ratio30d"))
    wait_until(lambda: influx.query("SELECT * FROM state_change WHERE state = 'down'", "portal_monitor"))


def until_rolled_up(influx: InfluxServer) -> None:
    """The daemon's own process has worked out hours and days of what was there, and scores stand in their day."""
    wait_until(lambda: influx.query('SELECT "lcp_seconds_mean" FROM "mobile" LIMIT 1', "portal_monitor_hourly"), 240)
    wait_until(lambda: influx.query('SELECT "cls_mean" FROM "mobile" LIMIT 1', "portal_monitor_daily"), 240)
    wait_until(lambda: influx.query('SELECT "ratio" FROM "score" LIMIT 1', "portal_monitor_daily"), 240)


def unanswered(prometheus: Scraper, influx: InfluxServer, portals: Sequence[str]) -> list[str]:
    """Places of queries that came back empty without a reason."""
    url = f"http://127.0.0.1:{prometheus.port}"
    end = int(time.time()) + 1
    lately = Asker(url, influx.direct, end=end, seconds=600, step=5)
    days = Asker(url, influx.direct, end=end, seconds=5 * 86_400, step=3600)
    every = dict.fromkeys(("kind", "group", "location", "instance"), ".*")
    every |= {"check": "mobile", "rubric": RUBRIC, "window": WINDOW}
    found = []
    for query in queries():
        # A query about one portal runs for one after the other until one has data; others run for all at once.
        dashboard = dashboards()[query.where.partition(":")[0]]
        one = any(var["name"] == "portal" and not var["multi"] for var in dashboard["templating"]["list"])
        wanted = portals if one else (".*",)
        runner = days if query.database in TIERS else lately
        answered = any(runner.count(query, every | {"portal": portal}) for portal in wanted)
        if not answered and not excused(query.where):
            found.append(f"{query.where} {query.database}")
    return found


def excused(where: str) -> bool:
    return any(where.endswith(end) or where.rpartition(" ")[0].endswith(end) for end in EMPTY)
