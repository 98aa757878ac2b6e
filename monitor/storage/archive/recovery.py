"""Recovery of files that a killed process renamed but did not add to the catalog: added now, or removed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog, duckdb_session, layout
from monitor.storage.archive.catalog import ArchiveFile, SealedPeriod
from monitor.storage.archive.layout import (
    ARCHIVE_FOLDER,
    ARCHIVE_SCHEMA_VERSION,
    ArchiveError,
    RowSchema,
    quote_identifier,
    quote_literal,
)
from monitor.storage.archive.parquet import count_and_bounds, sha256

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.protocol import SealRequest
    from monitor.storage.journal.store import ArchiveUpdate

log = structlog.get_logger(__name__)


def recover(request: SealRequest, db: sqlite3.Connection) -> Iterator[ArchiveUpdate]:
    """Add files that are not in the catalog; remove a file whose rows are all in others.

    A file that cannot be identified stays where it is, and ``archive verify`` reports it.
    """
    known = catalog.read(db)
    unknown = [path for path in layout.list_files(request.directory) if path not in {one.path for one in known}]
    if not unknown:
        return
    with duckdb_session.open_session(request.directory, memory_limit=request.memory_limit) as session:
        for path in unknown:
            try:
                one = _identify_file(request, session, path, known)
            except ArchiveError as error:
                log.warning("archive_file_unknown", path=path, reason=str(error))
                continue
            if one is None:
                (request.directory / ARCHIVE_FOLDER / path).unlink()
                log.info("archive_leftover_removed", path=path)
                continue
            known.append(one)
            log.info("archive_file_recovered", path=path, rows=one.rows)
            yield catalog.add_file(one)


def _identify_file(
    request: SealRequest, session: duckdb.DuckDBPyConnection, path: str, known: Sequence[ArchiveFile]
) -> ArchiveFile | None:
    """Return the entry for an unknown file, None for a leftover. Raises :class:`ArchiveError` when it is neither."""
    parsed = layout.parse_path(path)
    if parsed is None or parsed[0] not in layout.archived_kinds():
        raise ArchiveError("unexpected file name")
    schema, file = layout.row_schema(parsed[0]), request.directory / ARCHIVE_FOLDER / path
    metadata, types = _read_metadata(session, file)
    if (metadata.get("kind"), metadata.get("day")) != parsed[:2]:
        raise ArchiveError("its metadata does not match its path")
    if int(metadata["schema"]) < ARCHIVE_SCHEMA_VERSION:
        raise ArchiveError(f"it was sealed before the first release (schema {metadata['schema']})")
    if int(metadata["schema"]) > ARCHIVE_SCHEMA_VERSION:
        versions = f"(schema {metadata['schema']}, this version supports {ARCHIVE_SCHEMA_VERSION})"
        raise ArchiveError(f"it was sealed by a newer version {versions}")
    since, until = int(metadata["since"]), int(metadata["until"])
    rows, first, last = count_and_bounds(session, file, schema)
    periods = catalog.sealed_periods(known, schema.kind)
    period = next((one for one in periods if (one.since_ms, one.until_ms) == (since, until)), None)
    if period is not None:
        overlap = _count_overlap(session, request.directory, schema, period, file)
        if overlap == rows:
            return None
        if overlap:
            raise ArchiveError(f"{overlap} of its {rows} rows are in other files")
    digest, size = sha256(file)
    entry = catalog.new_file(schema, *parsed[1:], since, until, metadata["zone"], request.now_ms)
    one = replace(
        entry, rows=rows, size=size, sha256=digest, first=first, last=last, late=period is not None,
        through=0,  # unknown: the next task compares the period's rows with this file
        columns=json.dumps(types), code=metadata["code"],
    )  # fmt: skip
    catalog.sealed_periods([*known, one], schema.kind)
    return one


def _read_metadata(session: duckdb.DuckDBPyConnection, file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return a file's metadata and its columns; every page is read. Raises :class:`ArchiveError`."""
    import duckdb  # noqa: PLC0415 - an optional extra

    name = quote_literal(str(file))
    try:
        pairs = session.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({name})").fetchall()  # noqa: S608 - quoted
        described = session.execute(f"DESCRIBE SELECT * FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
        session.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
    except duckdb.Error as error:
        raise ArchiveError(f"not readable: {str(error).splitlines()[0]}") from error
    return dict(pairs), {row[0]: row[1] for row in described}


def _count_overlap(
    session: duckdb.DuckDBPyConnection, directory: Path, schema: RowSchema, period: SealedPeriod, file: Path
) -> int:
    known = duckdb_session.select_sql(directory, schema, period.files, schema.identity_columns)
    keys = ", ".join(quote_identifier(name) for name in schema.identity_columns)
    same = f"SELECT {keys} FROM read_parquet({quote_literal(str(file))})"  # noqa: S608 - quoted
    found = session.execute(f"SELECT COUNT(*) FROM ({same}) SEMI JOIN ({known}) USING ({keys})").fetchone()  # noqa: S608 - the same
    return int(found[0]) if found else 0
