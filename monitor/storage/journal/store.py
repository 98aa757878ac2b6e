"""The journal's file: one SQLite database in WAL mode, append only; synchronous, for one writer and many readers."""

from __future__ import annotations

import heapq
import importlib.resources
import sqlite3
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import islice
from typing import TYPE_CHECKING

from monitor.model.incidents import OutboxUpdate
from monitor.model.records import Measurement
from monitor.storage.journal import incident_rows as notes
from monitor.storage.journal import rows
from monitor.storage.journal.database import (
    APPLICATION_ID,
    JOURNAL_FILE,
    JOURNAL_SCHEMA_VERSION,
    DirectoryLock,
    JournalError,
    open_journal,
    table_columns,
)
from monitor.storage.journal.incident_queries import IncidentQueries
from monitor.storage.journal.record_types import RECORD_TYPES, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from monitor.model.incidents import IncidentEvent, Message
    from monitor.model.records import StateChange
    from probes.probe import Probe

__all__ = [
    "APPLICATION_ID",
    "JOURNAL_FILE",
    "JOURNAL_SCHEMA_VERSION",
    "ArchiveUpdate",
    "CheckpointUpdate",
    "DirectoryLock",
    "JournalEntry",
    "JournalError",
    "JournalReader",
    "JournalWriter",
    "MetaUpdate",
    "OutboxUpdate",
    "Record",
    "open_journal",
]


MAX_WAL_BYTES = 64 * 2**20
"""A write-ahead log that grew longer, behind a slow reader, is cut back to this."""


class JournalReader(IncidentQueries):
    """Reads the journal. Each reader has a connection of its own and sees committed rows only."""

    def __init__(self, path: Path, kinds: dict[str, type[Probe]]) -> None:
        self._db = open_journal(path, write=False)
        self._tables: dict[str, rows.KindTable] = {}
        for kind, probe in kinds.items():
            table = rows.KindTable(kind, probe)
            if existing := table_columns(self._db, table.name):
                table.select = table.select_existing(existing)
                self._tables[kind] = table

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def records_after(self, seq: int, limit: int) -> list[Record]:
        """The next records past ``seq`` over all tables, in order, at most ``limit``; all as of one moment.

        Without that, a commit between two tables would show a record while one with a smaller number stays unseen.
        """
        found: list[Iterator[Record]] = []
        cursors: list[sqlite3.Cursor] = []
        self._db.execute("BEGIN")
        try:
            for table in self._tables.values():
                sql = f"{table.select} WHERE seq > ? ORDER BY seq LIMIT ?"
                cursors.append(self._db.execute(sql, (seq, limit)))
                found.append(map(table.measurement, cursors[-1]))
            for sort in RECORD_TYPES.values():
                cursors.append(self._db.execute(f"{sort.select} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)))
                found.append(map(sort.from_row, cursors[-1]))
            return list(islice(heapq.merge(*found, key=lambda record: record.seq), limit))
        finally:
            for cursor in cursors:
                cursor.close()
            self._db.execute("COMMIT")

    def checkpoint(self, consumer: str) -> tuple[int, str]:
        """How far a reader has come, and its memo; (0, "") for one that has not begun."""
        row = self._db.execute("SELECT seq, memo FROM bookmark WHERE reader = ?", (consumer,)).fetchone()
        return (row[0], row[1]) if row else (0, "")

    def meta(self, key: str) -> str | None:
        """A stored remark, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def last_slot(self, kind: str, portal: str, check: str, location: str, until_ms: int) -> int | None:
        """The newest slot of a check up to ``until`` that has an outcome, in UTC ms."""
        if kind not in self._tables:
            return None
        sql = (
            f'SELECT MAX(slot) FROM "{self._tables[kind].name}" '  # noqa: S608 - our own names
            'WHERE portal = ? AND "check" = ? AND location = ? AND slot <= ?'
        )
        slot = self._db.execute(sql, (portal, check, location, until_ms)).fetchone()[0]
        return None if slot is None else int(slot)

    def measurements(  # noqa: PLR0913 - each narrows the question, and is named where it is asked
        self,
        *,
        kind: str,
        portal: str | None = None,
        since_ms: int = 0,
        until_ms: int = 2**62,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Measurement]:
        """Measurements of a kind with ``since <= slot < until`` (UTC ms), streamed in order of slot."""
        if kind not in self._tables:
            return
        table = self._tables[kind]
        direction = "DESC" if newest_first else "ASC"
        where = "slot >= ? AND slot < ?" + (" AND portal = ?" if portal else "")
        sql = f"{table.select} WHERE {where} ORDER BY slot {direction}, seq {direction} LIMIT ?"
        values = (since_ms, until_ms, *((portal,) if portal else ()), -1 if limit is None else limit)
        for row in self._db.execute(sql, values):
            yield table.measurement(row)

    def latest(self, kind: str, portal: str, check: str, location: str) -> Measurement | None:
        """The first look of the newest slot of a check."""
        if kind not in self._tables:
            return None
        table = self._tables[kind]
        where = 'portal = ? AND "check" = ? AND location = ?' + (
            f" AND {table.representative_condition}" if table.representative_flag else ""
        )
        sql = f"{table.select} WHERE {where} ORDER BY slot DESC, attempt LIMIT 1"
        row = self._db.execute(sql, (portal, check, location)).fetchone()
        return table.measurement(row) if row else None

    def state_changes(
        self, *, portal: str | None = None, since_ms: int = 0, until_ms: int = 2**62
    ) -> list[StateChange]:
        """State changes with ``since <= at < until`` (UTC ms), oldest first."""
        where = "at >= ? AND at < ?" + (" AND portal = ?" if portal else "")
        sql = f"{rows.SELECT_STATE_CHANGES} WHERE {where} ORDER BY seq"
        return [
            rows.state_change_from_row(row)
            for row in self._db.execute(sql, (since_ms, until_ms, *((portal,) if portal else ())))
        ]

    def state_at(self, portal: str, location: str, at_ms: int) -> StateChange | None:
        """The change that made the state which ``portal``, seen from ``location``, was in at ``at`` (UTC ms)."""
        sql = f"{rows.SELECT_STATE_CHANGES} WHERE portal = ? AND location = ? AND at <= ? ORDER BY at DESC, seq DESC LIMIT 1"
        row = self._db.execute(sql, (portal, location, at_ms)).fetchone()
        return rows.state_change_from_row(row) if row else None

    def quarantine(self, sink: str) -> list[rows.QuarantinedRecord]:
        """The records that ``sink`` did not take, oldest first."""
        sql = f"{rows.SELECT_QUARANTINE} WHERE sink = ? ORDER BY record"
        return [rows.QuarantinedRecord(*row) for row in self._db.execute(sql, (sink,))]

    def row_counts(self) -> dict[str, int]:
        """Rows per table, for status and tests."""
        names = [table.name for table in self._tables.values()] + ["state_change"]
        return {name: self._db.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointUpdate:
    """A reader's step: its new bookmark and memo, and what it made of what it read."""

    reader: str
    seq: int
    memo: str = ""
    changes: tuple[StateChange, ...] = ()
    quarantined: tuple[rows.QuarantinedRecord, ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    messages: tuple[Message, ...] = ()

    @property
    def urgent(self) -> bool:
        """Whether people wait for what is in it: changes of states and of incidents are not gathered, they go."""
        return bool(self.changes or self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaUpdate:
    """A word that the daemon leaves for its next life."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveUpdate:
    """Statements of the archive, (SQL, values) each, that belong into one transaction and make no records."""

    statements: tuple[tuple[str, tuple[str | int | None, ...]], ...]


JournalEntry = Measurement | CheckpointUpdate | MetaUpdate | ArchiveUpdate | OutboxUpdate


class JournalWriter:
    """The one writer. Every call is one transaction: all of it is on disk when the call returns, or none of it."""

    def __init__(self, path: Path, kinds: dict[str, type[Probe]]) -> None:
        self.path = path
        self._tables = {kind: rows.KindTable(kind, probe) for kind, probe in kinds.items()}
        self._db = open_journal(path, write=True)
        try:
            self._prepare()
            self.last_seq = int(self._db.execute("SELECT last FROM sequence").fetchone()[0])
        except sqlite3.Error as error:
            self._db.close()
            raise JournalError(f"journal {path} cannot be opened: {error}") from error

    def _prepare(self) -> None:
        """Bring the file to this version's form in one transaction: a crash leaves an empty file or a journal."""
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA wal_autocheckpoint = 2000")
        self._db.execute(f"PRAGMA journal_size_limit = {MAX_WAL_BYTES}")
        statements = [f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {JOURNAL_SCHEMA_VERSION}"]
        for table in self._tables.values():
            existing = table_columns(self._db, table.name)
            statements += table.create_statements()
            statements += table.add_column_statements(existing) if existing else []
        common = importlib.resources.files("monitor.storage.journal").joinpath("schema.sql").read_text()
        try:
            self._db.executescript(f"BEGIN IMMEDIATE;\n{common};\n{';'.join(statements)};\nCOMMIT;")
        finally:
            self._roll_back()

    def write(self, entries: Sequence[JournalEntry]) -> list[Record]:
        """Commit ``entries`` in order and return the records that are new, numbered; known identities are left out.

        Records come back as :class:`Reader` would read them.
        """
        new: list[Record] = []
        try:
            self._db.execute("BEGIN IMMEDIATE")
            number = int(self._db.execute("SELECT last FROM sequence").fetchone()[0])
            for entry in entries:
                for record in self._store_entry(entry):
                    if (stored := self._insert_record(record, number + 1)) is not None:
                        number += 1
                        new.append(stored)
            self._db.execute("UPDATE sequence SET last = ?", (number,))
            self._db.execute("COMMIT")
        finally:
            self._roll_back()
        self.last_seq = number
        return new

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _store_entry(self, entry: JournalEntry) -> tuple[Record, ...]:
        """The records of an entry; what it is besides is stored here."""
        if isinstance(entry, Measurement):
            return (entry,)
        if isinstance(entry, ArchiveUpdate):
            for sql, values in entry.statements:
                self._db.execute(sql, values)
            return ()
        if isinstance(entry, MetaUpdate):
            self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (entry.key, entry.value))
            return ()
        self._db.executemany(notes.INSERT_MESSAGE, [notes.message_row(one) for one in entry.messages])
        if isinstance(entry, OutboxUpdate):
            settled = [notes.completion_row(one, fate, entry.completed_at) for one, fate in entry.completed]
            self._db.executemany(notes.COMPLETE_MESSAGE, settled)
            return entry.notes
        sql = "INSERT OR REPLACE INTO bookmark (reader, seq, memo) VALUES (?, ?, ?)"
        self._db.execute(sql, (entry.reader, entry.seq, entry.memo))
        self._db.executemany(rows.INSERT_QUARANTINE, [astuple(one) for one in entry.quarantined])
        return (*entry.changes, *entry.events)

    def _insert_record(self, record: Record, seq: int) -> Record | None:
        """The record as it was stored, or None when its identity is there already."""
        if not isinstance(record, Measurement):
            sort = RECORD_TYPES[type(record)]
            row = sort.row(record, seq)
            return sort.from_row(row) if self._db.execute(sort.insert, row).rowcount else None
        table = self._tables[record.kind]
        row = table.row(record, seq)
        return table.measurement(row) if self._db.execute(table.insert, row).rowcount else None

    def size_bytes(self) -> int:
        """Bytes on disk, write-ahead log included."""
        found = 0
        for file in (self.path, self.path.with_name(self.path.name + "-wal")):
            with suppress(OSError):  # a figure for people: not knowing it undoes no commit
                found += file.stat().st_size
        return found

    def close(self) -> None:
        """Close the file; SQLite folds the write-ahead log back when this is the last connection."""
        self._db.close()
