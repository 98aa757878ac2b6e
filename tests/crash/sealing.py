"""Days that are sealed, and the sweep killed meanwhile: no row is lost or doubled, no incomplete file is visible."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from structlog.testing import capture_logs

from monitor.model.clock import SystemClock
from monitor.model.records import Measurement
from monitor.storage.archive import compaction, job, seal
from monitor.storage.archive.protocol import SealRequest
from monitor.storage.archive.verify import verify
from monitor.storage.history import reader
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.journal import Journal
from monitor.storage.journal.store import JOURNAL_FILE, DirectoryLock, JournalWriter, Record
from probes.registry import PROBE_KINDS
from tests.crash import world
from tests.crash.invariants import UNKNOWN, Identity, identity, leftovers
from tests.crash.stages import Page, watch
from tests.crash.tally import Rule
from tests.crash.work import Work
from tests.factories import DAY


def sweep(data: Path, now: int) -> None:
    """Run the archive maintenance of the sealing process, with the journal's one writer."""
    lock = DirectoryLock(data)
    writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
    request = SealRequest(directory=data, zone="Asia/Ho_Chi_Minh", grace_ms=0, now_ms=now)
    with capture_logs():
        compaction.run_maintenance(request, lambda update: writer.write([update]) and None)
    writer.close()
    lock.release()


async def trim(data: Path) -> None:
    """Trim all sealed rows from the journal, as the daemon does."""
    journal = Journal.open(data, PROBE_KINDS, commit_interval_seconds=0.001)
    try:
        await job.ArchiveJob(
            data, journal, SystemClock(), job.ArchivePolicy(zone="Asia/Ho_Chi_Minh", keep_in_journal_seconds=0.0)
        ).trim()
    finally:
        await journal.close()


@dataclass
class Sealing(Work):
    """A sweep of the sealing process: seal, recover, merge, write the manifest; days get late rows meanwhile."""

    stages = ("days: sweep", "days: copy", "days: write", "days: merge", "days: manifest", "days: trim")
    days: int = 2
    wanted: Counter[Identity] = field(default_factory=Counter)

    def prepare(self) -> None:
        self._wrote(world.fill(self.data, self.days))

    def add_work(self) -> None:
        if self.number:
            self._wrote(world.late(self.data, self.days, self.number))
        self.number += 1

    def _wrote(self, records: list[Record]) -> None:
        self.wanted.update(identity(one) for one in records if isinstance(one, Measurement))

    def watch_stages(self, page: Page) -> None:
        watch(page, compaction, "sweep", "days: sweep")
        watch(page, job.ArchiveJob, "trim", "days: trim")
        watch(page, seal, "copy_rows", "days: copy")
        for owner in (seal, compaction):
            watch(page, owner, "write_parquet_file", "days: write")
        watch(page, compaction, "_merge_period", "days: merge")
        watch(page, compaction.catalog, "write_manifest", "days: manifest")

    def run_once(self) -> None:
        sweep(self.data, world.FIRST + (self.days + 2) * DAY)
        with patch.multiple(job, TRIM_CHUNK_ROWS=1, TRIM_PAUSE_SECONDS=0.001), capture_logs():
            asyncio.run(trim(self.data))

    def check(self) -> None:
        errors = [one for one in verify(self.data).errors if UNKNOWN not in one]
        self.tally.hold(Rule.ARCHIVE, not errors, "; ".join(errors))
        found = self._everything()
        wrong = (found - self.wanted) + (self.wanted - found)
        self.tally.hold(Rule.ROWS, not wrong, f"of the days to seal: {list(wrong.items())[:3]}")
        self.run_once()
        result = verify(self.data)
        self.tally.hold(Rule.ARCHIVE, result.ok, "; ".join(result.errors))
        self.tally.hold(Rule.ROWS, result.rows == self.wanted.total() and self._everything() == self.wanted, "at rest")
        self.tally.hold(Rule.LEFTOVERS, not leftovers(self.data), f"{leftovers(self.data)}")
        listed = json.loads((self.data / "archive" / "manifest.json").read_text("utf-8"))["files"]
        self.tally.hold(Rule.ARCHIVE, len(listed) == result.files, f"the manifest lists {len(listed)} files")

    def _everything(self) -> Counter[Identity]:
        found: Counter[Identity] = Counter()
        for kind in PROBE_KINDS:
            for batch in reader.measurements(self.data, HistoryWindow(kind=kind)):
                found.update(
                    (kind, *row) for row in zip(*(batch[name] for name in reader.IDENTITY_COLUMNS), strict=True)
                )
        return found
