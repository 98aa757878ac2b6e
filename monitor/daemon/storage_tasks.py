"""Joins what carries stored rows on: couriers to sinks, rollups of closed periods, the archive and what it lets go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model.rollups import Tier
from monitor.sinks.batch_writer import Carrier
from monitor.sinks.delivery import Courier, reader_name
from monitor.sinks.metrics import DeliveryMetrics
from monitor.storage.archive.job import Keeper, Keeping
from monitor.storage.metrics import watch_archive, watch_rollups
from monitor.storage.rollups.job import RollupKeeper

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from prometheus_client import CollectorRegistry

    from monitor.config.settings import MonitorSettings
    from monitor.daemon.scores_job import Write
    from monitor.model.clock import Clock
    from monitor.sinks.base import Labels, Sink
    from monitor.storage.journal.journal import Journal

DAY = 86_400.0


class Storage:
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
        labels: Labels,
        readers: tuple[str, ...],
    ) -> None:
        self._journal, self._clock = journal, clock
        chosen = settings.sinks.chosen()
        self._sinks = [sink.open(name, labels) for name, sink in chosen.items()]
        self._tiers: dict[Tier, Sink] = {}
        for name, sink in chosen.items():
            self._tiers |= sink.open_tiers(name, labels)
        named = [sink.name for sink in (*self._sinks, *self._tiers.values())]
        self._metrics = DeliveryMetrics(registry, named)
        writes = {tier: Carrier(sink, clock, self._metrics).carry for tier, sink in self._tiers.items()}
        self.rollups = RollupKeeper(directory, journal, clock, settings.report_zone, writes)
        watch_rollups(registry, self.rollups.statistics)
        behind = (*map(reader_name, (sink.name for sink in self._sinks)), *(tier.reader for tier in self._tiers))
        kept = settings.archive
        keeping = Keeping(
            zone=settings.report_zone,
            grace=kept.grace,
            hot=kept.hot,
            keep=None if kept.keep is None else int(kept.keep // DAY),
        )
        self.keeper = Keeper(directory, journal, clock, keeping, (*readers, *behind)) if kept.enabled else None
        if self.keeper is not None:
            watch_archive(registry, self.keeper.statistics)

    def writes(self) -> list[Write]:
        """A way to each sink for what is in no journal."""
        return [Carrier(sink, self._clock, self._metrics).carry for sink in self._sinks]

    def daily_writes(self) -> list[Write]:
        """A way to where figures of days are kept, for what has one value a day and is in no journal either."""
        return [
            Carrier(sink, self._clock, self._metrics).carry for tier, sink in self._tiers.items() if tier is Tier.DAY
        ]

    def start(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """All tasks; each runs until it is cancelled, and fails only when the journal does."""
        journal, clock, metrics = self._journal, self._clock, self._metrics
        tasks = [
            group.create_task(Courier(journal, sink, clock, metrics).run(), name=f"courier {sink.name}")
            for sink in self._sinks
        ]
        if self._tiers:
            tasks.append(group.create_task(self._roll_up(), name="rollups"))
        if self.keeper is not None:
            tasks.append(group.create_task(self.keeper.run(), name="archive"))
        return tasks

    async def _roll_up(self) -> None:
        try:
            await self.rollups.run()
        finally:
            for sink in self._tiers.values():
                await sink.close()
