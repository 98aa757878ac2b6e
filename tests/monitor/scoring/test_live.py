"""Live scores: computed by a worker process, exposed to Prometheus, written to sinks, within their CPU share."""

from __future__ import annotations

import asyncio
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from monitor.daemon import scores_job
from monitor.daemon.live_scores import at_start_of_day, register_score_metrics
from monitor.daemon.scores_job import ScoreJob, ScoreStatistics
from monitor.model.clock import SystemClock
from monitor.model.scores import SCORE_FIELDS, TOTAL_CRITERION, ScorePoint
from monitor.scoring import live
from monitor.scoring.curves import CurveStep, Linear, LogNormal, Share, Steps, Threshold
from monitor.scoring.rubric import Aggregate
from monitor.sinks.base import PortalLabels
from monitor.sinks.influxdb.line_protocol import LineProtocolEncoder
from monitor.storage.archive.layout import day_of
from monitor.storage.journal.store import JournalError
from tests.monitor.cli.test_main import Running
from tests.monitor.parts import until
from tests.monitor.scoring import quarter
from tests.monitor.scoring.parts import DAY_MS, Memory, attempt, criterion, rubric, score
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port

NOW = quarter.FIRST + quarter.DAYS * quarter.DAY_MS - 1


class Fixed:
    """A clock that stands at the end of the fortnight."""

    def now(self) -> int:
        return NOW

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("live")
    quarter.write_config(root / "config")
    quarter.fill(root / "data")
    return root


def score_points() -> list[ScorePoint]:
    lines = (criterion(id="speed", curve=Linear(full=1, zero=3)), criterion(Aggregate.P95, id="p95", min_coverage=1.0))
    score_set = score(Memory([attempt(day * DAY_MS, 2.0) for day in range(9)]), rubric(*lines), intervals=False)
    return live.points({"quarter": score_set}, 7)


def test_a_score_becomes_points_with_the_value_and_the_limits_it_comes_from():
    total, speed, short = score_points()
    assert (total.portal, total.rubric, total.version, total.criterion, total.window, total.at) == (
        "hue", "test", 1, TOTAL_CRITERION, "quarter", 7,
    )  # fmt: skip
    assert total.values == {"points": 5.0, "possible": 10.0, "ratio": 0.5}
    assert speed.values == {
        "value": 2.0, "points": 5.0, "possible": 10.0, "ratio": 0.5, "coverage": 0.9, "limit": 1, "zero": 3,
    }  # fmt: skip
    assert short.values.keys() == {"value", "possible", "coverage", "limit", "zero"}, "what has no points shows none"
    assert all(one.values.keys() <= SCORE_FIELDS.keys() for one in (total, speed, short))


def test_limits_of_every_curve():
    steps = Steps(steps=(CurveStep(limit=1, share=1), CurveStep(limit=4, share=0.5)), lower=True)
    assert live.curve_limits(steps) == {"limit": 1, "zero": 4}
    assert live.curve_limits(Threshold(limit=3, lower=True)) == {"limit": 3, "zero": 3}
    assert live.curve_limits(LogNormal(p10=1.8, median=3)) == {"limit": 1.8, "zero": None}
    assert live.curve_limits(Share()) == {"limit": 1.0, "zero": 0.0}


def test_prometheus_reads_the_points():
    families = {family.name: family for family in text_string_to_metric_families(live.exposition(score_points()))}
    assert families.keys() <= live.FAMILIES.keys()
    (total,) = families["portal_monitor_score_ratio"].samples
    assert (total.labels, total.value) == (
        {"portal": "hue", "rubric": "test", "version": "1", "window": "quarter"},
        0.5,
    )
    values = {one.labels["criterion"]: one.value for one in families["portal_monitor_score_criterion_value"].samples}
    assert values == {"speed": 2.0, "p95": 2.0}
    limit = families["portal_monitor_score_criterion_limit"].samples[0]
    assert limit.labels == {"rubric": "test", "version": "1", "criterion": "speed"}


def test_a_point_as_a_line():
    total, speed, _ = score_points()
    lines = LineProtocolEncoder(lambda _: PortalLabels("province", "hue"))
    assert lines.encode(total) == (
        "score,check=test/total/quarter,group=hue,kind=province,portal=hue "
        'version=1i,rubric="test",criterion="total",window="quarter",points=5.0,possible=10.0,ratio=0.5 7'
    )
    assert ",value=2.0," in lines.encode(speed)


def test_windows_are_the_quarter_so_far_and_thirty_days():
    found = live.windows(NOW, ZoneInfo("Asia/Ho_Chi_Minh"))
    assert (found["quarter"].name, str(found["30d"].first), str(found["30d"].last)) == (
        "2026Q3", "2026-06-15", "2026-07-14",
    )  # fmt: skip


async def test_the_job_exposes_and_writes_what_its_worker_computes(site: Path):
    """Sinks get scores once an hour; one that is still busy with the last batch is skipped, newer scores follow."""
    written: list[Sequence[ScorePoint]] = []
    released = asyncio.Event()

    async def quick(points: Sequence[ScorePoint]) -> None:
        written.append(points)

    async def slow(_points: Sequence[ScorePoint]) -> None:
        await released.wait()

    clock = Fixed()
    job = ScoreJob(site / "config", site / "data", clock, 10.0, (quick, slow))
    found = await job.run_once()
    assert {(one.window, one.rubric) for one in found} == {
        (window, name) for window in ("quarter", "30d") for name in ("lighthouse-mobile", "qd473-2024", "website-2025")
    }
    assert {one.portal for one in found} == {"hue", "ha-noi", "lao-cai"}
    assert (job.statistics.last_run_ms, job.statistics.points) == (NOW, len(found))
    assert 0 < job.statistics.cpu_seconds < 60
    assert b'portal_monitor_score_ratio{portal="hue"' in job.exposition
    async with asyncio.TaskGroup() as group:
        for seconds in (0.0, 300.0, 3599.0, 3600.0):
            clock.seconds = seconds
            job._write_to_sinks(group, found)  # noqa: SLF001 - what run does after each once
            await asyncio.sleep(0)
        released.set()
    assert written == [found, found]


async def test_a_faulty_rubric_stops_nothing_and_is_reported(site: Path, tmp_path: Path):
    job = ScoreJob(tmp_path, site / "data", Fixed(), 10.0)
    with pytest.raises(JournalError, match="the file is missing"):
        await job.run_once()
    assert job.exposition == b""


async def test_what_prometheus_reads_of_a_run_that_fails_and_recovers(site: Path, tmp_path: Path):
    """The series behind the alert ScoringFailing: 1 while a run fails, 0 after one that did not."""
    registry = CollectorRegistry()
    job = ScoreJob(tmp_path / "config", site / "data", Fixed(), 0.05)
    register_score_metrics(registry, job)

    def failing() -> float | None:
        return registry.get_sample_value("portal_monitor_scoring_failing")

    assert failing() == 0.0
    assert math.isnan(registry.get_sample_value("portal_monitor_scoring_last_run_timestamp_seconds") or 0.0)
    running = asyncio.create_task(job.run())
    try:
        await until(lambda: failing() == 1.0, 120)
        shutil.copytree(site / "config", tmp_path / "config")
        await until(lambda: failing() == 0.0, 120)
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert registry.get_sample_value("portal_monitor_scoring_last_run_timestamp_seconds") == NOW / 1000


async def test_a_day_keeps_its_last_score():
    """Every hour's points stand at the start of their day, so that the next hour's replace them."""
    written: list[ScorePoint] = []

    async def write(points: Sequence[ScorePoint]) -> None:
        written.extend(points)

    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    dated = at_start_of_day(write, zone)
    midnight = quarter.FIRST
    for at in (midnight - 1, midnight, midnight + 5_000_000, midnight + quarter.DAY_MS - 1):
        await dated([replace(score_points()[0], at=at)])
    assert [one.at for one in written] == [midnight - quarter.DAY_MS, midnight, midnight, midnight]
    assert {tuple(one.values.items()) for one in written} == {tuple(score_points()[0].values.items())}


def test_scores_never_take_more_than_their_share():
    job = ScoreJob(Path(), Path(), SystemClock(), 300.0)
    assert job.pause_seconds == 300.0
    for cost, pause in ((2.0, 300.0), (5.0, 500.0), (1000.0, scores_job.MAX_PAUSE_SECONDS)):
        job.statistics = ScoreStatistics(cpu_seconds=cost)
        assert job.pause_seconds == pause


@pytest.mark.slow
def test_a_daemon_keeps_scores_in_prometheus_and_influxdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A real daemon over a journal with today's attempts, a real InfluxDB; the portals refuse connections."""
    monkeypatch.setenv("INFLUX_TOKEN", TOKEN)
    now = time.time_ns() // 1_000_000
    with InfluxServer(tmp_path / "influx") as server:
        bucket, daily = server.create("scores"), server.create("scores_daily")
        server.create("portal_monitor_hourly")
        config = quarter.write_config(tmp_path / "config")
        settings = {
            "contact": "https://example.org/test",
            "listen": f"127.0.0.1:{free_port()}",
            "checks": {"uptime": {"interval": "1h"}},
            "scores": {"interval": "10s"},
            "sinks": {
                "influxdb": {"url": server.url, "bucket": bucket, "bucket_daily": daily, "token": "${INFLUX_TOKEN}"}
            },
        }
        config.joinpath("monitor.yaml").write_text(yaml.safe_dump(settings))
        quarter.fill(tmp_path / "data", first=now - 40 * quarter.DAY_MS, days=40)
        daemon = Running(config, tmp_path / "data")
        try:
            daemon.until("/metrics", 'portal_monitor_score_ratio{portal="hue",rubric="website-2025"', 60)
            assert "portal_monitor_scoring_failing 0.0" in daemon.get("/metrics")[1]
            end = time.monotonic() + 60
            while not (server.rows("score", bucket) and server.rows("score", daily)) and time.monotonic() < end:
                time.sleep(0.1)
        finally:
            daemon.stop()
        rows = server.rows("score", bucket)
        days = server.rows("score", daily)
        assert len(days) == len(rows)
        began = day_of(now, ZoneInfo("Asia/Ho_Chi_Minh")).since_ms
        assert {row["time"] for row in days} <= {began, began + DAY_MS}, "a day that ended meanwhile counts as well"
        assert {(row["check"], row["portal"]) for row in days} == {(row["check"], row["portal"]) for row in rows}
        assert {row["rubric"] for row in rows} == {"lighthouse-mobile", "qd473-2024", "website-2025"}
        (one,) = [row for row in rows if row["check"] == "website-2025/lcp/30d" and row["portal"] == "hue"][:1]
        assert one["limit"] == 4.0
        assert one["value"] > 0
