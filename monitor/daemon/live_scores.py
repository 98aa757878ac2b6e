"""Joins live scores: the keeper, where Prometheus reads them, and the sinks that take them by hour and day."""

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


def start_scores(  # noqa: PLR0913, PLR0917 - the parts that are joined
    config: Config,
    data_dir: Path,
    clock: Clock,
    storage_tasks: StorageTasks,
    exposition: Exposition,
    registry: CollectorRegistry,
    group: asyncio.TaskGroup,
) -> list[asyncio.Task[None]]:
    """The task of the keeper, none where there is no rubric to score by or scores are not wanted."""
    wanted = config.settings.scores
    if not wanted.enabled or not config.rules.rubrics:
        return []
    zone = ZoneInfo(config.settings.report_zone)
    daily = [at_start_of_day(write, zone) for write in storage_tasks.daily_score_writers()]
    keeper = ScoreJob(config.directory, data_dir, clock, wanted.every, [*storage_tasks.score_writers(), *daily])
    register_score_metrics(registry, keeper)
    exposition.extra_sections.append(lambda: keeper.exposition)
    return [group.create_task(keeper.run(), name="scores")]


def at_start_of_day(write: WriteScores, zone: ZoneInfo) -> WriteScores:
    """Delivers points as those of their day in ``zone``: later ones replace earlier ones, the last of a day stays."""

    async def write_dated(points: Sequence[ScorePoint]) -> object:
        return await write([replace(one, at=day_of(one.at, zone).since_ms) for one in points])

    return write_dated


def register_score_metrics(registry: CollectorRegistry, job: ScoreJob) -> None:
    """Expose what the keeper of scores says of its last run; once for a registry."""

    def gauge(name: str, help_text: str, value: Callable[[], float]) -> None:
        Gauge(f"portal_monitor_scoring_{name}", help_text, registry=registry).set_function(value)

    gauge(
        "last_run_timestamp_seconds", "When scores were last worked out.", lambda: timestamp(job.statistics.last_run_ms)
    )
    gauge("cost_seconds", "Processor time of the last run.", lambda: job.statistics.cpu_seconds)
    gauge("failing", "Whether the last run failed.", lambda: int(bool(job.last_error)))
