"""The journal's file: one SQLite database in WAL mode, append only; synchronous, for one writer and many readers."""

from __future__ import annotations

import heapq
import importlib.resources
import sqlite3
from contextlib import suppress
from dataclasses import astuple
from itertools import islice
from typing import TYPE_CHECKING

from monitor.model.incidents import OutboxUpdate
from monitor.model.records import Measurement
from monitor.storage.journal import incident_rows, rows
from monitor.storage.journal.database import (
    APPLICATION_ID,
    JOURNAL_FILE,
    JOURNAL_SCHEMA_VERSION,
    DirectoryLock,
    JournalError,
    open_journal,
    table_columns,
)
from monitor.storage.journal.entries import ArchiveUpdate, CheckpointUpdate, JournalEntry, MetaUpdate
from monitor.storage.journal.incident_queries import IncidentQueries
from monitor.storage.journal.record_types import RECORD_TYPES, Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

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
    "Record",
    "open_journal",
]

MAX_WAL_BYTES = 64 * 2**20
"""Bytes to which a write-ahead log is truncated that grew larger behind a slow reader."""


class JournalReader(IncidentQueries):
    """Reads the journal. Each reader has its own connection and sees committed rows only."""

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
        """Return the next records past ``seq`` over all tables, in order, at most ``limit``, from one snapshot.

        Without that, a commit between two tables would return a record while one with a smaller number is missed.
        """
        found: list[Iterator[Record]] = []
        cursors: list[sqlite3.Cursor] = []
        self._db.execute("BEGIN")
        try:
            stored = [(table.select, table.measurement) for table in self._tables.values()]
            for select, from_row in (*stored, *((one.select, one.from_row) for one in RECORD_TYPES.values())):
                cursors.append(self._db.execute(f"{select} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)))
                found.append(map(from_row, cursors[-1]))
            return list(islice(heapq.merge(*found, key=lambda record: record.seq), limit))
        finally:
            for cursor in cursors:
                cursor.close()
            self._db.execute("COMMIT")

    def checkpoint(self, consumer: str) -> tuple[int, str]:
        """Return the position of a consumer, and its state; (0, "") for one without a checkpoint."""
        row = self._db.execute("SELECT seq, state FROM checkpoint WHERE consumer = ?", (consumer,)).fetchone()
        return (row[0], row[1]) if row else (0, "")

    def meta(self, key: str) -> str | None:
        """Return a stored value, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def last_slot(self, kind: str, portal: str, check: str, location: str, until_ms: int) -> int | None:
        """Return the newest slot of a check up to ``until_ms`` that has an outcome, in UTC ms."""
        if kind not in self._tables:
            return None
        sql = (
            f'SELECT MAX(slot) FROM "{self._tables[kind].name}" '  # noqa: S608 - names of this schema
            'WHERE portal = ? AND "check" = ? AND location = ? AND slot <= ?'
        )
        slot = self._db.execute(sql, (portal, check, location, until_ms)).fetchone()[0]
        return None if slot is None else int(slot)

    def measurements(  # noqa: PLR0913 - filters, passed by keyword
        self,
        *,
        kind: str,
        portal: str | None = None,
        since_ms: int = 0,
        until_ms: int = 2**62,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Measurement]:
        """Yield measurements of a kind with ``since_ms <= slot < until_ms`` (UTC ms), in order of slot."""
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
        """Return the representative attempt of the newest slot of a check, or None."""
        if kind not in self._tables:
            return None
        table = self._tables[kind]
        where = 'portal = ? AND "check" = ? AND location = ?'
        where += f" AND {table.representative_condition}" if table.representative_flag else ""
        sql = f"{table.select} WHERE {where} ORDER BY slot DESC, attempt LIMIT 1"
        row = self._db.execute(sql, (portal, check, location)).fetchone()
        return table.measurement(row) if row else None

    def state_changes(self, *, portal: str = "", since_ms: int = 0, until_ms: int = 2**62) -> list[StateChange]:
        """Return state changes with ``since_ms <= at < until_ms`` (UTC ms), oldest first."""
        where = "at >= ? AND at < ?" + (" AND portal = ?" if portal else "")
        sql = f"{rows.SELECT_STATE_CHANGES} WHERE {where} ORDER BY seq"
        values = (since_ms, until_ms, *((portal,) if portal else ()))
        return list(map(rows.state_change_from_row, self._db.execute(sql, values)))

    def state_at(self, portal: str, location: str, at_ms: int) -> StateChange | None:
        """Return the state change of ``portal`` at ``location`` that was in force at ``at_ms`` (UTC ms), or None."""
        where = "portal = ? AND location = ? AND at <= ?"
        sql = f"{rows.SELECT_STATE_CHANGES} WHERE {where} ORDER BY at DESC, seq DESC LIMIT 1"
        row = self._db.execute(sql, (portal, location, at_ms)).fetchone()
        return rows.state_change_from_row(row) if row else None

    def quarantine(self, sink: str) -> list[rows.QuarantinedRecord]:
        """Return the records that ``sink`` rejected, oldest first."""
        sql = f"{rows.SELECT_QUARANTINE} WHERE sink = ? ORDER BY record"
        return [rows.QuarantinedRecord(*row) for row in self._db.execute(sql, (sink,))]

    def row_counts(self) -> dict[str, int]:
        """Return the rows per table, for status and tests."""
        names = [table.name for table in self._tables.values()] + ["state_change"]
        return {name: self._db.execute(f'SELECT COUNT(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


class JournalWriter:
    """The only writer. Every call is one transaction: all of it is on disk when the call returns, or none of it."""

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
        """Create tables and new columns in one transaction: a crash leaves an empty file or a journal."""
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
        """Commit ``entries`` in order and return the new records with their numbers; known identities are left out.

        The records are those that :class:`JournalReader` would read.
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
        """Store the other parts of an entry, and return its records."""
        if isinstance(entry, Measurement):
            return (entry,)
        if isinstance(entry, ArchiveUpdate):
            for sql, values in entry.statements:
                self._db.execute(sql, values)
            return ()
        if isinstance(entry, MetaUpdate):
            self._db.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (entry.key, entry.value))
            return ()
        self._db.executemany(incident_rows.INSERT_MESSAGE, [incident_rows.message_row(one) for one in entry.messages])
        if isinstance(entry, OutboxUpdate):
            completed = (incident_rows.completion_row(*one, entry.completed_at) for one in entry.completed)
            self._db.executemany(incident_rows.COMPLETE_MESSAGE, completed)
            return entry.notes
        sql = "INSERT OR REPLACE INTO checkpoint (consumer, seq, state) VALUES (?, ?, ?)"
        self._db.execute(sql, (entry.consumer, entry.seq, entry.state))
        self._db.executemany(rows.INSERT_QUARANTINE, [astuple(one) for one in entry.quarantined])
        return (*entry.changes, *entry.events)

    def _insert_record(self, record: Record, seq: int) -> Record | None:
        """Return the record as it was stored, or None when its identity is already present."""
        if not isinstance(record, Measurement):
            record_type = RECORD_TYPES[type(record)]
            row = record_type.row(record, seq)
            return record_type.from_row(row) if self._db.execute(record_type.insert, row).rowcount else None
        table = self._tables[record.kind]
        row = table.row(record, seq)
        return table.measurement(row) if self._db.execute(table.insert, row).rowcount else None

    def size_bytes(self) -> int:
        """Return the bytes on disk, write-ahead log included."""
        found = 0
        for file in (self.path, self.path.with_name(self.path.name + "-wal")):
            with suppress(OSError):  # a statistic: without it the commit is still valid
                found += file.stat().st_size
        return found

    def close(self) -> None:
        """Close the file; SQLite checkpoints the write-ahead log when this is the last connection."""
        self._db.close()
