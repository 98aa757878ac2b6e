"""Which source of history the commands read: archive and journal, or InfluxDB, as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.sinks.influxdb.history import InfluxHistory
from monitor.storage.history.source import ARCHIVE, ArchiveHistory, HistoryReader
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.settings import MonitorSettings


def configured_history(settings: MonitorSettings, directory: Path, name: str | None = None) -> HistoryReader:
    """The source called ``name``, or the configured one. Raises :class:`JournalError` where it is not configured."""
    if (name or settings.history.source) == ARCHIVE:
        return ArchiveHistory(directory)
    if settings.sinks.influxdb is None:
        raise JournalError("monitor.yaml names no sinks.influxdb that history could be read from")
    return InfluxHistory(settings.sinks.influxdb, directory)
