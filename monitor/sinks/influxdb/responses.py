"""What an InfluxDB answers to InfluxQL, as rows: at once, or part by part as a long answer comes in.

Asking is left to `server`. An answer that is not whole is never taken for a shorter one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

READ_CHUNK_BYTES = 2**16
"""Bytes of a long answer that are read at a time."""


class AdminError(Exception):
    """It did not work; the message is one sentence for the operator."""


def parse_rows(response: object) -> list[list[Any]]:
    """Values of all series of an InfluxQL answer. Raises :class:`AdminError` with the error inside it."""
    return [
        row for result in _results(response) for one in _series_of_result(result) for row in _columns_and_rows(one)[1]
    ]


def _results(response: object) -> list[dict[str, Any]]:
    results = response.get("results") if isinstance(response, dict) else None
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise _not_influxql(response)
    for result in results:
        if "error" in result:
            raise AdminError(f"/query refused: {result['error']}")
    return results


def _not_influxql(response: object) -> AdminError:
    return AdminError(f"/query answered something that is not InfluxQL: {str(response)[:200]!a}")


def _series_of_result(result: dict[str, Any]) -> list[dict[str, Any]]:
    series = result.get("series", [])
    if not isinstance(series, list) or not all(isinstance(one, dict) for one in series):
        raise _not_influxql(result)
    return series


def _columns_and_rows(series: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a series, every row as long as the columns are many."""
    columns, values = series.get("columns"), series.get("values", [])
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _not_influxql(series)
    length = len(columns)
    if not isinstance(values, list) or not all(type(row) is list and len(row) == length for row in values):
        raise _not_influxql(series)
    return columns, values


def query_parameters(statement: str, database: str) -> list[tuple[str, str]]:
    """What ``/query`` is asked with; times come in ms."""
    return [("q", statement), ("epoch", "ms"), *([("db", database)] if database else [])]


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a body; InfluxDB ends every part of a chunked answer with a line break, which JSON escapes."""
    begun: list[bytes] = []
    for piece in chunks:
        first, *more = piece.split(b"\n")
        begun.append(first)
        for line in more:
            yield b"".join(begun)
            begun = [line]
    yield b"".join(begun)


def parse_chunked(body_lines: Iterable[bytes]) -> Iterator[tuple[list[str], list[list[Any]]]]:
    """(columns, rows) of every series in a chunked answer. Raises :class:`AdminError` for one that is not whole."""
    more = True  # an answer has at least one part, and its last one does not say that more comes
    for line in filter(bytes.strip, body_lines):
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError):
            raise AdminError(f"/query broke off, or answered something that is no JSON: {line[:200]!r}") from None
        for result in _results(answer):
            series = _series_of_result(result)
            more = result.get("partial", False) or any(one.get("partial", False) for one in series)
            for one in series:
                yield _columns_and_rows(one)
    if more:
        raise AdminError("/query broke off before the end of its answer")
