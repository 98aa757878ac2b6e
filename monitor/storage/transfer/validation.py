"""One row of a foreign file becomes a measurement, or complaints that say what is wrong with it; nothing is guessed."""

from __future__ import annotations

import difflib
import json
import math
import re
from typing import TYPE_CHECKING, Any

from monitor.model.records import Measurement
from monitor.storage.history import reader
from monitor.storage.transfer.formats import iso
from probes.registry import KINDS
from probes.result import Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.storage.history.reader import Column
    from monitor.storage.transfer.formats import Row

INT64 = 2**63
LATEST = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC milliseconds."""

EXTRA = ("kind", "time")
"""Keys beside the columns: ``kind`` says whose columns they are, ``time`` repeats the slot for human readers."""

_TIMES = {"slot", "started"}
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_FLAGS = {"true": True, "false": False}


class Judge:
    """Judges rows. With ``textual`` every value comes as text, else as the file's own types."""

    def __init__(self, *, textual: bool) -> None:
        read = _FROM_TEXT if textual else _FROM_VALUE
        self._columns: dict[str, dict[str, tuple[Column, Callable[[Any], Any]]]] = {
            kind: {
                column.name: (column, _hops if column.name == "hops" else read[column.type])
                for column in reader.columns(kind)
            }
            for kind in KINDS
        }
        self._known = {*EXTRA, *(name for columns in self._columns.values() for name in columns)}

    def header(self, names: Sequence[str]) -> list[str]:
        """Complaints about a file's column names."""
        if not names:
            return ["no columns"]
        if len(names) == 1 and ";" in names[0]:
            return ["columns are separated by semicolons, write commas"]
        doubled = sorted({name for name in names if names.count(name) > 1})
        needed = ["kind", *(column.name for column in reader.BASE if column.required)]
        return [
            *(f"column {name!r} is there twice" for name in doubled),
            *(self._unknown(name) for name in dict.fromkeys(names) if name not in self._known),
            *(f"column {name!r} is missing" for name in needed if name not in names),
        ]

    def measurement(self, row: Row) -> Measurement | list[str]:
        """The measurement that a row is, or the complaints about it."""
        kind = row.get("kind", "")
        columns = self._columns.get(kind) if isinstance(kind, str) else None
        if columns is None:
            return [f"kind: {kind!r} is not one of {', '.join(KINDS)}" if kind else "kind is missing"]
        found: dict[str, Any] = {}
        complaints = []
        for name, raw in row.items():
            if name in columns:
                column, read = columns[name]
                try:
                    found[name] = _chosen(column, read(raw))
                except ValueError as error:
                    complaints.append(f"{name}: {error}")
            elif name not in EXTRA:
                complaints.append(f"{name}: not measured by {kind}" if name in self._known else self._unknown(name))
        missing = (name for name, (column, _) in columns.items() if column.required and name not in row)
        complaints += [f"{name} is missing" for name in missing]
        complaints += [] if complaints else _contradictions(row, found)
        return complaints or _measurement(kind, found)

    def _unknown(self, name: str) -> str:
        near = difflib.get_close_matches(name, self._known, n=1)
        return f"unknown column {name!r}" + (f", did you mean {near[0]!r}?" if near else "")


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number")
    return _int(int(text))


def _decimal(text: str) -> float:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return _float(float(text))


def _flag(text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ValueError(f"{text!r} is not true or false")
    return _FLAGS[text.lower()]


def _int(value: object) -> int:
    if type(value) is not int:
        raise ValueError(f"{value!r} is not a whole number")
    if abs(value) >= INT64:
        raise ValueError(f"{value} does not fit into 64 bits")
    return value


def _float(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise ValueError(f"{value!r} is not a number")
    if (isinstance(value, int) and abs(value) >= INT64) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a finite number")
    return float(value)


def _bool(value: object) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{value!r} is not true or false")
    return value


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not text")  # noqa: TRY004 - a complaint about data
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{value!r} is not text") from None
    return value


def _hops(value: object) -> tuple[Hop, ...]:
    """Hops from a list, or from JSON text of one."""
    try:
        raw = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(raw, list):
        raise ValueError("not a list")  # noqa: TRY004 - a complaint about data
    return tuple(_hop(one) for one in raw)


def _hop(raw: object) -> Hop:
    if not isinstance(raw, dict) or not {"url", "phases"} <= raw.keys() <= _HOP_KEYS.keys():
        raise ValueError(f"each one has the keys {', '.join(_HOP_KEYS)}")
    phases = raw["phases"]
    if not isinstance(phases, dict):
        raise ValueError("phases map names to seconds")  # noqa: TRY004 - a complaint about data
    present = {name: read(raw[name]) for name, read in _HOP_KEYS.items() if read and raw.get(name) is not None}
    return Hop(**present, phases={_str(name): _float(seconds) for name, seconds in phases.items()})


_FROM_TEXT: dict[Any, Callable[[Any], Any]] = {int: _whole, float: _decimal, bool: _flag, str: _str}
_FROM_VALUE: dict[Any, Callable[[Any], Any]] = {int: _int, float: _float, bool: _bool, str: _str}
_HOP_KEYS: dict[str, Callable[[Any], Any] | None] = {
    "url": _str,
    "phases": None,
    "family": _int,
    "address": _str,
    "status": _int,
    "location": _str,
}


def _chosen(column: Column, value: Any) -> Any:  # noqa: ANN401 - whatever the column holds
    """A value of a closed set as its member; one out of range is refused."""
    if column.choices is not None:
        try:
            return column.choices(value)
        except ValueError:
            raise ValueError(f"{value!r} is not one of {', '.join(column.choices)}") from None
    if column.name in _TIMES and not 0 <= value <= LATEST:
        raise ValueError(f"{value} is not a time in UTC milliseconds")
    if column.name == "attempt" and value < 1:
        raise ValueError(f"{value} is not 1 or more")
    if column.required and value == "":
        raise ValueError("is empty")
    return value


def _contradictions(row: Row, found: dict[str, Any]) -> list[str]:
    void, fault = found["outcome"] is Outcome.VOID, found.get("fault")
    complaints = []
    if void != ("void" in found):
        complaints.append("void: needed, since the outcome is void" if void else "void: only where the outcome is void")
    if found["outcome"] is Outcome.UP and fault is not None:
        complaints.append(f"fault: {str(fault)!r}, but the outcome is up")
    if "time" in row and row["time"] != iso(found["slot"]):
        complaints.append(f"time: {row['time']!r} is not the slot, {iso(found['slot'])}")
    return complaints


def _measurement(kind: str, found: dict[str, Any]) -> Measurement:
    base = {column.name: found.pop(column.name) for column in reader.BASE if column.name in found}
    return Measurement(kind=kind, **base, values=found)
