"""Parses InfluxQL responses into rows: at once, or part by part as a long response comes in.

`client.py` sends the requests. A truncated response is never taken for a shorter one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READ_CHUNK_BYTES = 2**16
"""Bytes of a long response that are read at a time."""


class AdminError(Exception):
    """A request failed; the message is one sentence for the operator."""


def parse_rows(response: object) -> list[list[Any]]:
    """Return the rows of all series of an InfluxQL response. Raises :class:`AdminError` with the error in it."""
    return [row for result in _results(response) for one in _series(result) for row in _columns_and_rows(one)[1]]


def _results(response: object) -> list[dict[str, Any]]:
    results = response.get("results") if isinstance(response, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise _not_influxql(response)
    for result in results:
        if "error" in result:
            raise AdminError(f"/query failed: {result['error']}")
    return results


def _not_influxql(response: object) -> AdminError:
    return AdminError(f"the /query response is not InfluxQL: {str(response)[:200]!a}")


def _series(result: dict[str, Any]) -> list[dict[str, Any]]:
    series = result.get("series", [])
    if not isinstance(series, list) or not all(isinstance(one, dict) for one in series):
        raise _not_influxql(result)
    return series


def _columns_and_rows(series: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Return columns and rows of a series; every row has one value per column."""
    columns, values = series.get("columns"), series.get("values", [])
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _not_influxql(series)
    length = len(columns)
    if not isinstance(values, list) or not all(type(row) is list and len(row) == length for row in values):
        raise _not_influxql(series)
    return columns, values


def query_parameters(statement: str, database: str) -> list[tuple[str, str]]:
    """Return the parameters of ``/query``; times are returned in ms."""
    return [("q", statement), ("epoch", "ms"), *([("db", database)] if database else [])]


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a body; InfluxDB ends each part of a chunked response with a line break; JSON escapes it."""
    pending: list[bytes] = []
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        pending.append(first)
        for line in more:
            yield b"".join(pending)
            pending = [line]
    yield b"".join(pending)


def parse_chunked(body_lines: Iterable[bytes]) -> Iterator[tuple[list[str], list[list[Any]]]]:
    """Yield (columns, rows) of every series of a chunked response. Raises :class:`AdminError` for a truncated one."""
    more = True  # a response has at least one part, and its last one is not marked as partial
    for line in filter(bytes.strip, body_lines):
        try:
            response = json.loads(line)
        except (ValueError, RecursionError):
            raise AdminError(f"the /query response is truncated or not JSON: {line[:200]!r}") from None
        for result in _results(response):
            series = _series(result)
            more = result.get("partial", False) or any(one.get("partial", False) for one in series)
            for one in series:
                yield _columns_and_rows(one)
    if more:
        raise AdminError("the /query response is truncated")
