"""What is wrong with the configuration and where it stands; finding it out is left to the other files here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Steps = tuple[str | int, ...]
"""The way to a value inside of a file: keys of mappings and indices of lists, from the root."""


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing that somebody has to mend. ``line`` and ``column`` count from 1, in characters."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; ``complaints`` holds all that is wrong with it, sorted by place."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(sorted(complaints))
        super().__init__("\n".join(map(str, self.complaints)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A place in a file and what may be told about the value there.

    ``place`` and ``key`` are (line, column) of the value and of its key, from 1. ``sort`` is how YAML reads the value:
    text, a number, a boolean, a date, nothing, a mapping, a list. ``raw`` is a scalar as it is written. ``hidden`` is
    what to call a value that must not be told (it may be a secret), empty where it may. ``broken``: something is known
    to be wrong with this very value, so that further complaints about it would only be noise.
    """

    file: str
    place: tuple[int, int]
    key: tuple[int, int]
    sort: str
    raw: str = ""
    hidden: str = ""
    broken: bool = False

    @property
    def at(self) -> str:
        """The place as ``file:line:column``."""
        return f"{self.file}:{self.place[0]}:{self.place[1]}"

    def shown(self) -> str:
        """The value in words that fit into a message and give no secret away."""
        if self.hidden:
            return self.hidden
        if self.sort in {"nothing", "a mapping", "a list"}:
            return self.sort
        return repr(self.raw if len(self.raw) <= _LONGEST else self.raw[:_LONGEST] + "…")


_LONGEST = 80


class Ledger:
    """Collects complaints and warnings; the same complaint about the same place counts once."""

    def __init__(self) -> None:
        self.complaints: set[Complaint] = set()
        self.warnings: list[str] = []

    def note(self, file: str, message: str, line: int = 1, column: int = 1) -> None:
        """Complain about a place in a file."""
        self.complaints.add(Complaint(file, line, column, message))

    def add(self, spot: Spot, message: str, *, key: bool = False) -> None:
        """Complain about the value at ``spot``, or about its key."""
        if key or not spot.broken:
            self.note(spot.file, message, *(spot.key if key else spot.place))

    def warn(self, spot: Spot, message: str) -> None:
        """Tell of something that is allowed and probably not meant."""
        self.warnings.append(f"{spot.at}: {message}")

    def raise_all(self) -> None:
        """Raise :class:`ConfigError` when there is any complaint."""
        if self.complaints:
            raise ConfigError(self.complaints)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known word nearest to ``word``, or nothing."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
