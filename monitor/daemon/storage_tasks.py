"""Wires the consumers of stored rows: sinks, rollups of closed periods, archive and trimming of the journal."""

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
    """The tasks that deliver, roll up and archive the rows of one daemon's journal.

    ``consumers`` are checkpoints of other consumers that must have passed a row before it may leave the journal.
    """

    def __init__(  # noqa: PLR0913 - the parts that the daemon wires, each named at the one call
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
        configured = settings.sinks.configured()
        self._sinks = [sink.open(name, label_lookup) for name, sink in configured.items()]
        self._rollup_sinks: dict[Tier, Sink] = {}
        for name, sink in configured.items():
            self._rollup_sinks |= sink.open_tiers(name, label_lookup)
        names = [sink.name for sink in (*self._sinks, *self._rollup_sinks.values())]
        self._metrics = DeliveryMetrics(registry, names)
        writes = {tier: BatchWriter(sink, clock, self._metrics).write for tier, sink in self._rollup_sinks.items()}
        self.rollup_job = RollupJob(directory, journal, clock, settings.report_zone, writes)
        register_rollup_metrics(registry, self.rollup_job.statistics)
        sink_consumers = [consumer_name(sink.name) for sink in self._sinks]
        sink_consumers += [tier.consumer_name for tier in self._rollup_sinks]
        archive = settings.archive
        policy = ArchivePolicy(
            zone=settings.report_zone,
            grace_seconds=archive.grace,
            keep_in_journal_seconds=archive.keep_in_journal,
            retention_days=None if archive.retention is None else int(archive.retention // DAY_SECONDS),
        )
        self.archive_job: ArchiveJob | None = None
        if archive.enabled:
            self.archive_job = ArchiveJob(directory, journal, clock, policy, (*consumers, *sink_consumers))
            register_archive_metrics(registry, self.archive_job.statistics)

    def score_writers(self) -> list[WriteScores]:
        """Return a writer to each sink, for points that are not in the journal."""
        return [BatchWriter(sink, self._clock, self._metrics).write for sink in self._sinks]

    def daily_score_writers(self) -> list[WriteScores]:
        """Return writers to the daily tier, for points with one value a day that are not in the journal."""
        sink = self._rollup_sinks.get(Tier.DAY)
        return [BatchWriter(sink, self._clock, self._metrics).write] if sink is not None else []

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Start all tasks; each runs until it is cancelled, and fails only when the journal does."""
        consumers = [SinkConsumer(self._journal, sink, self._clock, self._metrics) for sink in self._sinks]
        tasks = [group.create_task(one.run(), name=f"sink {one.sink.name}") for one in consumers]
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
