"""Select the source of history for commands: archive and journal, or InfluxDB, as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.sinks.influxdb.history import InfluxHistory
from monitor.storage.history.source import ARCHIVE, ArchiveHistory, HistoryReader
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.settings import MonitorSettings


def configured_history(settings: MonitorSettings, directory: Path, name: str | None = None) -> HistoryReader:
    """Return the source called ``name``, or the configured one. Raises :class:`JournalError` if it is missing."""
    if (name or settings.history.source) == ARCHIVE:
        return ArchiveHistory(directory)
    if settings.sinks.influxdb is None:
        raise JournalError("monitor.yaml has no sinks.influxdb to read history from")
    return InfluxHistory(settings.sinks.influxdb, directory)
