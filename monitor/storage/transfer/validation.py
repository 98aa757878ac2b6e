"""Validates rows of an imported file: each becomes a measurement, or errors that describe it; nothing is guessed."""

from __future__ import annotations

import difflib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from monitor.model.records import Measurement
from monitor.model.time_parsing import MAX_TIMESTAMP_MS, iso_utc
from monitor.storage.history import reader
from probes.registry import PROBE_KINDS
from probes.result import Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.storage.history.reader import HistoryColumn
    from monitor.storage.transfer.formats import RawRow

    _Conversions = dict[Any, Callable[[Any], Any]]

INT64 = 2**63

EXTRA_KEYS = ("kind", "time")
"""Keys beside the columns: ``kind`` is the kind of the columns, ``time`` repeats the slot for human readers."""

_TIME_COLUMNS = {"slot", "started"}
_INTEGER_PATTERN = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL_PATTERN = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}


class RowValidator:
    """Validates rows. With ``textual`` every value is text, else it has the types of the file."""

    def __init__(self, *, textual: bool) -> None:
        read = _FROM_TEXT if textual else _FROM_VALUE
        self._columns: dict[str, dict[str, tuple[HistoryColumn, Callable[[Any], Any]]]] = {
            kind: {
                column.name: (column, _parse_hops if column.name == "hops" else read[column.type])
                for column in reader.history_columns(kind)
            }
            for kind in PROBE_KINDS
        }
        self._known_names = {*EXTRA_KEYS, *(name for columns in self._columns.values() for name in columns)}

    def validate_header(self, names: Sequence[str]) -> list[str]:
        """Return the errors of a file's column names."""
        if not names:
            return ["no columns"]
        if len(names) == 1 and ";" in names[0]:
            return ["columns are separated by semicolons, write commas"]
        duplicates = sorted({name for name in names if names.count(name) > 1})
        required = ["kind", *(column.name for column in reader.BASE_COLUMNS if column.required)]
        return [
            *(f"duplicate column {name!r}" for name in duplicates),
            *(self._unknown_column(name) for name in dict.fromkeys(names) if name not in self._known_names),
            *(f"column {name!r} is missing" for name in required if name not in names),
        ]

    def validate_row(self, row: RawRow) -> Measurement | list[str]:
        """Return the measurement of a row, or its errors."""
        kind = row.get("kind", "")
        columns = self._columns.get(kind) if isinstance(kind, str) else None
        if columns is None:
            return [f"kind: {kind!r} is not one of {', '.join(PROBE_KINDS)}" if kind else "kind is missing"]
        found: dict[str, Any] = {}
        errors = []
        for name, raw in row.items():
            if name in columns:
                column, read = columns[name]
                try:
                    found[name] = _checked_value(column, read(raw))
                except ValueError as error:
                    errors.append(f"{name}: {error}")
            elif name not in EXTRA_KEYS:
                known = name in self._known_names
                errors.append(f"{name}: not measured by {kind}" if known else self._unknown_column(name))
        missing = (name for name, (column, _) in columns.items() if column.required and name not in row)
        errors += [f"{name} is missing" for name in missing]
        errors += [] if errors else _contradictions(row, found)
        return errors or _measurement(kind, found)

    def _unknown_column(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._known_names, n=1)
        return f"unknown column {name!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _parse_integer(text: str) -> int:
    if not _INTEGER_PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    return _checked_integer(int(text))


def _parse_float(text: str) -> float:
    if not _DECIMAL_PATTERN.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return _checked_float(float(text))


def _parse_boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(f"{text!r} is not true or false")
    return _BOOLEANS[text.lower()]


def _checked_integer(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    if abs(value) >= INT64:
        raise ValueError(f"{value} does not fit into 64 bits")
    return value


def _checked_float(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise ValueError(f"{value!r} is not a number")
    if (isinstance(value, int) and abs(value) >= INT64) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _checked_boolean(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{value!r} is not true or false")
    return value


def _checked_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")  # noqa: TRY004 - an error in the data
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value!r} is not text") from None
    return value


def _parse_hops(value: object) -> tuple[Hop, ...]:
    """Parse hops from a list, or from JSON text of one."""
    try:
        raw = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - an error in the data
    return tuple(_parse_hop(one) for one in raw)


def _parse_hop(raw: object) -> Hop:
    if not isinstance(raw, dict) or not {"url", "phases"} <= raw.keys() <= _HOP_KEYS.keys():
        raise ValueError(f"each one has the keys {', '.join(_HOP_KEYS)}")
    phases = raw["phases"]
    if not isinstance(phases, dict):
        raise ValueError("phases map names to seconds")  # noqa: TRY004 - an error in the data
    present = {name: read(raw[name]) for name, read in _HOP_KEYS.items() if read and raw.get(name) is not None}
    return Hop(**present, phases={_checked_text(name): _checked_float(seconds) for name, seconds in phases.items()})


_FROM_TEXT: _Conversions = {int: _parse_integer, float: _parse_float, bool: _parse_boolean, str: _checked_text}
_FROM_VALUE: _Conversions = {int: _checked_integer, float: _checked_float, bool: _checked_boolean, str: _checked_text}
_HOP_KEYS: dict[str, Callable[[Any], Any] | None] = {
    "url": _checked_text,
    "phases": None,
    "family": _checked_integer,
    "address": _checked_text,
    "status": _checked_integer,
    "location": _checked_text,
}


def _checked_value(column: HistoryColumn, value: Any) -> Any:  # noqa: ANN401 - any type of a column
    """Return the value, as a member of the column's closed set if any. Raises ValueError for one out of range."""
    if column.choices is not None:
        try:
            return column.choices(value)
        except ValueError:
            raise ValueError(f"{value!r} is not one of {', '.join(column.choices)}") from None
    if column.name in _TIME_COLUMNS and not 0 <= value <= MAX_TIMESTAMP_MS:
        raise ValueError(f"{value} is not a time in UTC milliseconds")
    if column.name == "attempt" and value < 1:
        raise ValueError(f"{value} is not 1 or more")
    if column.required and value == "":
        raise ValueError("is empty")
    return value


def _contradictions(row: RawRow, found: dict[str, Any]) -> list[str]:
    unknown, fault = found["outcome"] is Outcome.UNKNOWN, found.get("fault")
    errors = []
    if unknown != ("unknown_reason" in found):
        need = "required" if unknown else "only allowed"
        errors.append(f"unknown_reason: {need} when the outcome is unknown")
    if found["outcome"] is Outcome.UP and fault is not None:
        errors.append(f"fault: {str(fault)!r}, but the outcome is up")
    if "time" in row and row["time"] != iso_utc(found["slot"]):
        errors.append(f"time: {row['time']!r} is not the slot, {iso_utc(found['slot'])}")
    return errors


def _measurement(kind: str, found: dict[str, Any]) -> Measurement:
    base = {column.name: found.pop(column.name) for column in reader.BASE_COLUMNS if column.name in found}
    return Measurement(kind=kind, **base, values=found)
