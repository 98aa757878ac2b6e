"""``backup`` and ``restore``: a data directory's copy while the daemon runs, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, DataDir, fail


def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.")],
    data: DataDir = Path("data"),
) -> None:
    """Copy the data directory, whole or not at all; works while the daemon runs."""
    from monitor.cli.output import progress_bar
    from monitor.storage.backup import backup as take

    try:
        with progress_bar("backing up") as progress:
            made = take(data, target, progress)
    except OSError as error:
        fail(f"{error.filename or target}: {error.strerror}")
    typer.echo(f"{target}: {len(made.files)} files, {made.size_bytes} bytes, records up to {made.last}")


def restore(
    source: Annotated[Path, typer.Argument(help="A directory that 'backup' made.")],
    data: DataDir = Path("data"),
    check: Annotated[bool, typer.Option("--check", help="Only look whether the backup is good.")] = False,
) -> None:
    """Make a data directory from a backup, whole or not at all; the directory must be absent or empty."""
    from monitor.cli.output import progress_bar
    from monitor.storage import backup as room

    try:
        with progress_bar("checking" if check else "restoring") as progress:
            if check:
                _report_check(source, room.check(source, progress))
            made = room.restore(source, data, progress)
    except OSError as error:
        fail(f"{error.filename or source}: {error.strerror}")
    typer.echo(f"{data}: {len(made.files)} files, {made.size_bytes} bytes, records up to {made.last}")


def _report_check(source: Path, problems: list[str]) -> NoReturn:
    for complaint in problems:
        typer.echo(complaint, err=True)
    typer.echo(f"{source}: {f'{len(problems)} complaints' if problems else 'good'}")
    raise SystemExit(EXIT_FAILURE if problems else EXIT_OK)
