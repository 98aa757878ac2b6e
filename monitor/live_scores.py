"""Joins live scores: the keeper, where Prometheus reads them, and the sinks that take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.score_keeper import ScoreKeeper
from monitor.storage_metrics import watch_scores

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.clock import Clock
    from monitor.config import Config
    from monitor.exposition import Exposition
    from monitor.storage import Storage


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
    keeper = ScoreKeeper(config.directory, data, clock, wanted.every, storage.writes())
    watch_scores(registry, keeper)
    exposition.finished.append(lambda: keeper.text)
    return [group.create_task(keeper.run(), name="scores")]
