"""Files that were renamed but never entered, for somebody was killed in between: taken over, or removed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import structlog

from monitor.storage.archive import catalog, duckdb_session
from monitor.storage.archive.catalog import Sealed, Span
from monitor.storage.archive.layout import (
    FOLDER,
    SCHEMA,
    ArchiveError,
    Shape,
    files,
    kinds,
    parse,
    shape,
    sql_name,
    sql_text,
)
from monitor.storage.archive.parquet import contents, sha256

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb

    from monitor.storage.archive.protocol import Order
    from monitor.storage.journal.store import Chore

log = structlog.get_logger(__name__)


def adopt(order: Order, db: sqlite3.Connection) -> Iterator[Chore]:
    """Take over files that were renamed and not entered; a file whose rows are all in others is a left-over and goes.

    What cannot be judged stays where it is, and ``archive verify`` says so.
    """
    known = catalog.read(db)
    unknown = [path for path in files(order.directory) if path not in {one.path for one in known}]
    if not unknown:
        return
    with duckdb_session.database(order.directory, memory=order.memory) as work:
        for path in unknown:
            try:
                one = _judge(order, work, path, known)
            except ArchiveError as error:
                log.warning("archive_file_unknown", path=path, reason=str(error))
                continue
            if one is None:
                (order.directory / FOLDER / path).unlink()
                log.info("archive_leftover_removed", path=path)
                continue
            known.append(one)
            log.info("archive_file_adopted", path=path, rows=one.rows)
            yield catalog.record(one)


def _judge(order: Order, work: duckdb.DuckDBPyConnection, path: str, known: Sequence[Sealed]) -> Sealed | None:
    """The entry for an unknown file, None for a left-over. Raises :class:`ArchiveError` when it is neither."""
    named = parse(path)
    if named is None or named[0] not in kinds():
        raise ArchiveError("its name is not one of ours")
    form, file = shape(named[0]), order.directory / FOLDER / path
    about, types = _about(work, file)
    if (about.get("kind"), about.get("day")) != named[:2]:
        raise ArchiveError("it does not say that it belongs here")
    if int(about["schema"]) > SCHEMA:
        raise ArchiveError(f"it was sealed by a newer version (schema {about['schema']}, this one knows {SCHEMA})")
    since, until = int(about["since"]), int(about["until"])
    rows, first, last = contents(work, file, form)
    span = next((one for one in catalog.spans(known, form.kind) if (one.since, one.until) == (since, until)), None)
    if span is not None:
        overlap = _overlap(work, order.directory, form, span, file)
        if overlap == rows:
            return None
        if overlap:
            raise ArchiveError(f"{overlap} of its {rows} rows are in other files")
    digest, size = sha256(file)
    one = Sealed(
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
        created=order.now,
    )
    catalog.spans([*known, one], form.kind)
    return one


def _about(work: duckdb.DuckDBPyConnection, file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What a file says of itself, and its columns; every page of it is read. Raises :class:`ArchiveError`."""
    import duckdb  # noqa: PLC0415 - an optional extra

    name = sql_text(str(file))
    try:
        marks = work.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata({name})").fetchall()  # noqa: S608 - quoted
        described = work.execute(f"DESCRIBE SELECT * FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
        work.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet({name})").fetchall()  # noqa: S608 - the same
    except duckdb.Error as error:
        raise ArchiveError(f"it cannot be read: {str(error).splitlines()[0]}") from error
    return dict(marks), {row[0]: row[1] for row in described}


def _overlap(work: duckdb.DuckDBPyConnection, directory: Path, form: Shape, span: Span, file: Path) -> int:
    known = duckdb_session.select(directory, form, span.files, form.identity)
    keys = ", ".join(sql_name(name) for name in form.identity)
    same = f"SELECT {keys} FROM read_parquet({sql_text(str(file))})"  # noqa: S608 - quoted
    found = work.execute(f"SELECT COUNT(*) FROM ({same}) SEMI JOIN ({known}) USING ({keys})").fetchone()  # noqa: S608 - the same
    return int(found[0]) if found else 0
