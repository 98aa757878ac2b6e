"""Wires live scores: the job, the exposition for Prometheus, and the sinks that take them by hour and day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from prometheus_client import Gauge

from monitor.daemon.scores_job import ScoreJob
from monitor.storage.archive.layout import day_of
from monitor.storage.metrics import timestamp

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config import Config
    from monitor.daemon.scores_job import WriteScores
    from monitor.daemon.storage_tasks import StorageTasks
    from monitor.model.clock import Clock
    from monitor.model.scores import ScorePoint
    from monitor.web.metrics.exposition import Exposition


def start_scores(  # noqa: PLR0913, PLR0917 - the parts that are wired
    config: Config,
    data_dir: Path,
    clock: Clock,
    storage_tasks: StorageTasks,
    exposition: Exposition,
    registry: CollectorRegistry,
    group: asyncio.TaskGroup,
) -> list[asyncio.Task[None]]:
    """Start the task of the score job, none without a rubric or with scores disabled."""
    settings = config.settings.scores
    if not settings.enabled or not config.rules.rubrics:
        return []
    zone = ZoneInfo(config.settings.report_zone)
    daily = [at_start_of_day(write, zone) for write in storage_tasks.daily_score_writers()]
    job = ScoreJob(config.directory, data_dir, clock, settings.interval, [*storage_tasks.score_writers(), *daily])
    register_score_metrics(registry, job)
    exposition.extra_sections.append(lambda: job.exposition)
    return [group.create_task(job.run(), name="scores")]


def at_start_of_day(write: WriteScores, zone: ZoneInfo) -> WriteScores:
    """Return a writer that dates points to their day in *zone*: later ones replace earlier ones of the day."""

    async def write_dated(points: Sequence[ScorePoint]) -> object:
        return await write([replace(one, at=day_of(one.at, zone).since_ms) for one in points])

    return write_dated


def register_score_metrics(registry: CollectorRegistry, job: ScoreJob) -> None:
    """Register metrics of the last run of *job*; once for a registry."""

    def add(name: str, help_text: str, value: Callable[[], float]) -> None:
        Gauge(f"portal_monitor_scoring_{name}", help_text, registry=registry).set_function(value)

    add("last_run_timestamp_seconds", "When scores were last computed.", lambda: timestamp(job.statistics.last_run_ms))
    add("last_run_cpu_seconds", "CPU time of the last run.", lambda: job.statistics.cpu_seconds)
    add("failing", "Whether the last run failed.", lambda: int(bool(job.last_error)))
