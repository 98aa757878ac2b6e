"""Files that were renamed but never entered, for somebody was killed in between: taken over, or removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.catalog import ArchiveFile, SealedPeriod
from monitor.storage.archive.layout import (
    ARCHIVE_FOLDER,
    ARCHIVE_SCHEMA_VERSION,
    ArchiveError,
    RowSchema,
    archived_kinds,
    list_files,
    parse_path,
    quote_identifier,
    quote_literal,
    row_schema,
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
    """Take over files that were renamed and not entered; a file whose rows are all in others is a left-over and goes.

    What cannot be judged stays where it is, and ``archive verify`` says so.
    """
    known = catalog.read(db)
    unknown = [path for path in list_files(request.directory) if path not in {one.path for one in known}]
    if not unknown:
        return
    with duckdb_session.open_session(request.directory, memory_limit=request.memory_limit) as work:
        for path in unknown:
            try:
                one = _identify_file(request, work, path, known)
            except ArchiveError as error:
                log.warning("archive_file_unknown", path=path, reason=str(error))
                continue
            if one is None:
                (request.directory / ARCHIVE_FOLDER / path).unlink()
                log.info("archive_leftover_removed", path=path)
                continue
            known.append(one)
            log.info("archive_file_adopted", path=path, rows=one.rows)
            yield catalog.add_file(one)


def _identify_file(
    request: SealRequest, session: duckdb.DuckDBPyConnection, path: str, known: Sequence[ArchiveFile]
) -> ArchiveFile | None:
    """The entry for an unknown file, None for a left-over. Raises :class:`ArchiveError` when it is neither."""
    named = parse_path(path)
    if named is None or named[0] not in archived_kinds():
        raise ArchiveError("its name is not one of ours")
    form, file = row_schema(named[0]), request.directory / ARCHIVE_FOLDER / path
    about, types = _read_metadata(session, file)
    if (about.get("kind"), about.get("day")) != named[:2]:
        raise ArchiveError("it does not say that it belongs here")
    if int(about["schema"]) > ARCHIVE_SCHEMA_VERSION:
        raise ArchiveError(
            f"it was sealed by a newer version (schema {about['schema']}, this one knows {ARCHIVE_SCHEMA_VERSION})"
        )
    since, until = int(about["since"]), int(about["until"])
    rows, first, last = count_and_bounds(session, file, form)
    span = next(
        (one for one in catalog.sealed_periods(known, form.kind) if (one.since_ms, one.until_ms) == (since, until)),
        None,
    )
    if span is not None:
        overlap = _count_overlap(session, request.directory, form, span, file)
        if overlap == rows:
            return None
        if overlap:
            raise ArchiveError(f"{overlap} of its {rows} rows are in other files")
    digest, size = sha256(file)
    one = ArchiveFile(
        path=path,
        kind=form.kind,
        day=named[1],
        number=named[2],
        late=span is not None,
        rows=rows,
        size=size,
        sha256=digest,
        since=since,
        until=until,
        first=first,
        last=last,
        through=0,  # nothing is proven: the next task compares the period's rows with this file
        columns=json.dumps(types),
        zone=about["zone"],
        schema=int(about["schema"]),
        code=about["code"],
        created=request.now_ms,
    )
    catalog.sealed_periods([*known, one], form.kind)
    return one


def _read_metadata(session: duckdb.DuckDBPyConnection, file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What a file says of itself, and its columns; every page of it is read. Raises :class:`ArchiveError`."""
    import duckdb  # noqa: PLC0415 - an optional extra

    name = quote_literal(str(file))
    try:
        marks = session.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({name})").fetchall()  # noqa: S608 - quoted
        described = session.execute(f"DESCRIBE SELECT * FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
        session.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
    except duckdb.Error as error:
        raise ArchiveError(f"it cannot be read: {str(error).splitlines()[0]}") from error
    return dict(marks), {row[0]: row[1] for row in described}


def _count_overlap(
    session: duckdb.DuckDBPyConnection, directory: Path, schema: RowSchema, period: SealedPeriod, file: Path
) -> int:
    known = duckdb_session.select_sql(directory, schema, period.files, schema.identity_columns)
    keys = ", ".join(quote_identifier(name) for name in schema.identity_columns)
    same = f"SELECT {keys} FROM read_parquet({quote_literal(str(file))})"  # noqa: S608 - quoted
    found = session.execute(f"SELECT COUNT(*) FROM ({same}) SEMI JOIN ({known}) USING ({keys})").fetchone()  # noqa: S608 - the same
    return int(found[0]) if found else 0
