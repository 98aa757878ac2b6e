"""Joins what carries stored rows on: couriers to sinks, rollups of closed periods, the archive and what it lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.rollups import Tier
from monitor.sinks.batch_writer import BatchWriter
from monitor.sinks.delivery import SinkConsumer, consumer_name
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.archive.job import ArchiveJob, ArchivePolicy
from monitor.storage.metrics import register_archive_metrics, register_rollup_metrics
from monitor.storage.rollups.job import RollupJob

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config.settings import MonitorSettings
    from monitor.daemon.scores_job import WriteScores
    from monitor.model.clock import Clock
    from monitor.sinks.base import LabelLookup, Sink
    from monitor.storage.journal.journal import Journal

DAY_SECONDS = 86_400.0


class StorageTasks:
    """The right side of one daemon's journal, as far as it is about rows at rest.

    ``readers`` are the bookmarks of others that must have passed a row before it may leave the journal.
    """

    def __init__(  # noqa: PLR0913 - the parts that the daemon joins, each named at the one call
        self,
        *,
        journal: Journal,
        directory: Path,
        clock: Clock,
        settings: MonitorSettings,
        registry: CollectorRegistry,
        label_lookup: LabelLookup,
        consumers: tuple[str, ...],
    ) -> None:
        self._journal, self._clock = journal, clock
        chosen = settings.sinks.configured()
        self._sinks = [sink.open(name, label_lookup) for name, sink in chosen.items()]
        self._rollup_sinks: dict[Tier, Sink] = {}
        for name, sink in chosen.items():
            self._rollup_sinks |= sink.open_tiers(name, label_lookup)
        named = [sink.name for sink in (*self._sinks, *self._rollup_sinks.values())]
        self._metrics = DeliveryMetrics(registry, named)
        writes = {tier: BatchWriter(sink, clock, self._metrics).write for tier, sink in self._rollup_sinks.items()}
        self.rollup_job = RollupJob(directory, journal, clock, settings.report_zone, writes)
        register_rollup_metrics(registry, self.rollup_job.statistics)
        behind = (
            *map(consumer_name, (sink.name for sink in self._sinks)),
            *(tier.consumer_name for tier in self._rollup_sinks),
        )
        kept = settings.archive
        keeping = ArchivePolicy(
            zone=settings.report_zone,
            grace_seconds=kept.grace,
            keep_in_journal_seconds=kept.hot,
            retention_days=None if kept.keep is None else int(kept.keep // DAY_SECONDS),
        )
        self.archive_job = (
            ArchiveJob(directory, journal, clock, keeping, (*consumers, *behind)) if kept.enabled else None
        )
        if self.archive_job is not None:
            register_archive_metrics(registry, self.archive_job.statistics)

    def score_writers(self) -> list[WriteScores]:
        """A way to each sink for what is in no journal."""
        return [BatchWriter(sink, self._clock, self._metrics).write for sink in self._sinks]

    def daily_score_writers(self) -> list[WriteScores]:
        """A way to where figures of days are kept, for what has one value a day and is in no journal either."""
        return [
            BatchWriter(sink, self._clock, self._metrics).write
            for tier, sink in self._rollup_sinks.items()
            if tier is Tier.DAY
        ]

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """All tasks; each runs until it is cancelled, and fails only when the journal does."""
        journal, clock, metrics = self._journal, self._clock, self._metrics
        tasks = [
            group.create_task(SinkConsumer(journal, sink, clock, metrics).run(), name=f"courier {sink.name}")
            for sink in self._sinks
        ]
        if self._rollup_sinks:
            tasks.append(group.create_task(self._run_rollups(), name="rollups"))
        if self.archive_job is not None:
            tasks.append(group.create_task(self.archive_job.run(), name="archive"))
        return tasks

    async def _run_rollups(self) -> None:
        try:
            await self.rollup_job.run()
        finally:
            for sink in self._rollup_sinks.values():
                await sink.close()
