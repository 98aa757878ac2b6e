"""Joins live scores: the keeper, where Prometheus reads them, and the sinks that take them by hour and day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from prometheus_client import Gauge

from monitor.daemon.scores_job import ScoreKeeper
from monitor.storage.archive.layout import day_of
from monitor.storage.metrics import timestamp

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config import Config
    from monitor.daemon.scores_job import Write
    from monitor.daemon.storage_tasks import Storage
    from monitor.model.clock import Clock
    from monitor.model.scores import ScorePoint
    from monitor.web.metrics.exposition import Exposition


def start_scores(  # noqa: PLR0913, PLR0917 - the parts that are joined
    config: Config,
    data: Path,
    clock: Clock,
    storage: Storage,
    exposition: Exposition,
    registry: CollectorRegistry,
    group: asyncio.TaskGroup,
) -> list[asyncio.Task[None]]:
    """The task of the keeper, none where there is no rubric to score by or scores are not wanted."""
    wanted = config.settings.scores
    if not wanted.enabled or not config.rules.rubrics:
        return []
    zone = ZoneInfo(config.settings.report_zone)
    daily = [of_the_day(write, zone) for write in storage.daily_writes()]
    keeper = ScoreKeeper(config.directory, data, clock, wanted.every, [*storage.writes(), *daily])
    watch_scores(registry, keeper)
    exposition.finished.append(lambda: keeper.text)
    return [group.create_task(keeper.run(), name="scores")]


def of_the_day(write: Write, zone: ZoneInfo) -> Write:
    """Delivers points as those of their day in ``zone``: later ones replace earlier ones, the last of a day stays."""

    async def dated(points: Sequence[ScorePoint]) -> object:
        return await write([replace(one, at=day_of(one.at, zone).since) for one in points])

    return dated


def watch_scores(registry: CollectorRegistry, keeper: ScoreKeeper) -> None:
    """Expose what the keeper of scores says of its last run; once for a registry."""

    def gauge(name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(f"portal_monitor_scoring_{name}", text, registry=registry).set_function(value)

    gauge("last_run_timestamp_seconds", "When scores were last worked out.", lambda: timestamp(keeper.statistics.at))
    gauge("cost_seconds", "Processor time of the last run.", lambda: keeper.statistics.cost)
    gauge("failing", "Whether the last run failed.", lambda: int(bool(keeper.failing)))
