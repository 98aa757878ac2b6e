"""Record errors of the configuration with their places; the other files of this package find them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Path to a value in a file: keys of mappings and indices of lists, from the root."""


@dataclass(frozen=True, slots=True, order=True)
class ConfigErrorDetail:
    """One error to correct. ``line`` and ``column`` count from 1, in characters."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; ``errors`` holds every error, sorted by place."""

    def __init__(self, errors: Iterable[ConfigErrorDetail]) -> None:
        self.errors = tuple(sorted(errors))
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLocation:
    """A place in a file, and what messages may show of the value there.

    ``value_position`` and ``key_position`` are (line, column) of the value and of its key, from 1. ``yaml_type`` is how
    YAML reads the value: text, a number, a boolean, a date, nothing, a mapping, a list. ``raw`` is a scalar as written.
    ``redacted_as`` names a value that must not be shown (it may be a secret), and is empty for others.
    ``already_reported``: this value has an error already, so further errors about it would only be noise.
    """

    file: str
    value_position: tuple[int, int]
    key_position: tuple[int, int]
    yaml_type: str
    raw: str = ""
    redacted_as: str = ""
    already_reported: bool = False

    @property
    def file_line_column(self) -> str:
        """Return the place as ``file:line:column``."""
        return f"{self.file}:{self.value_position[0]}:{self.value_position[1]}"

    def display_value(self) -> str:
        """Return the value as text for a message, without secrets."""
        if self.redacted_as:
            return self.redacted_as
        if self.yaml_type in {"nothing", "a mapping", "a list"}:
            return self.yaml_type
        return repr(self.raw if len(self.raw) <= _MAX_DISPLAY_CHARS else self.raw[:_MAX_DISPLAY_CHARS] + "…")


_MAX_DISPLAY_CHARS = 80


class ErrorCollector:
    """Collects errors and warnings; the same error at the same place counts once."""

    def __init__(self) -> None:
        self.errors: set[ConfigErrorDetail] = set()
        self.warnings: list[str] = []

    def add_at(self, file: str, message: str, line: int = 1, column: int = 1) -> None:
        """Add an error at a place in a file."""
        self.errors.add(ConfigErrorDetail(file, line, column, message))

    def add(self, location: SourceLocation, message: str, *, at_key: bool = False) -> None:
        """Add an error about the value at ``location``, or about its key."""
        if at_key or not location.already_reported:
            self.add_at(location.file, message, *(location.key_position if at_key else location.value_position))

    def warn(self, location: SourceLocation, message: str) -> None:
        """Add a warning about something that is allowed but probably not intended."""
        self.warnings.append(f"{location.file_line_column}: {message}")

    def raise_for_errors(self) -> None:
        """Raise :class:`ConfigError` if there is any error."""
        if self.errors:
            raise ConfigError(self.errors)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word nearest to ``word``, or an empty text."""
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
