"""Hold what all commands share: exit codes, the two directories, errors, JSON and progress bars."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

EXIT_OK, EXIT_FAILURE, EXIT_USAGE, EXIT_PARTIAL = 0, 1, 2, 3
"""Exit codes; 2 is the one of wrong usage, as in typer."""

ConfigDir = Annotated[Path, typer.Option("--config", help="Directory with monitor.yaml and portals.yaml.")]
DataDir = Annotated[Path, typer.Option("--data", help="Directory of the journal.")]


class HistorySource(StrEnum):
    """Source of history."""

    ARCHIVE = "archive"
    INFLUXDB = "influxdb"


def fail(message: str, exit_code: int = EXIT_FAILURE) -> NoReturn:
    """Print one message on stderr and exit. Raises SystemExit."""
    typer.echo(f"portal-monitor: {message}", err=True)
    raise SystemExit(exit_code)


def unknown_choice(name: str, unknown: Iterable[str], known: Iterable[str]) -> str:
    """Return the message about unknown values of an option."""
    return f"unknown {name} {', '.join(map(repr, unknown))}; known: {', '.join(known) or 'none'}"


def print_json(value: object) -> None:
    """Print *value* as JSON on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int | None], None]]:
    """Yield a function to call with (rows done, rows in total or None)."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
