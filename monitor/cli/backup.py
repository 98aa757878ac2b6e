"""Define ``backup`` and ``restore``: copy a data directory while the daemon runs, and make one from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, DataDir, fail


def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.")], data: DataDir = Path("data")
) -> None:
    """Copy the data directory, whole or not at all; works while the daemon runs."""
    from monitor.cli.output import progress_bar
    from monitor.storage.backup import backup as make_backup

    try:
        with progress_bar("backing up") as progress:
            made = make_backup(data, target, progress)
    except OSError as error:
        fail(f"{error.filename or target}: {error.strerror}")
    typer.echo(f"{target}: {len(made.files)} files, {made.size_bytes} bytes, records up to {made.last}")


def restore(
    source: Annotated[Path, typer.Argument(help="A directory made by 'backup'.")],
    data: DataDir = Path("data"),
    check: Annotated[bool, typer.Option("--check", help="Only verify the backup.")] = False,
) -> None:
    """Make a data directory from a backup, whole or not at all; the directory must be absent or empty."""
    from monitor.cli.output import progress_bar
    from monitor.storage import backup as backups

    try:
        with progress_bar("checking" if check else "restoring") as progress:
            if check:
                _report_check(source, backups.check(source, progress))
            made = backups.restore(source, data, progress)
    except OSError as error:
        fail(f"{error.filename or source}: {error.strerror}")
    typer.echo(f"{data}: {len(made.files)} files, {made.size_bytes} bytes, records up to {made.last}")


def _report_check(source: Path, problems: list[str]) -> NoReturn:
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"{source}: {f'{len(problems)} problems' if problems else 'ok'}")
    raise SystemExit(EXIT_FAILURE if problems else EXIT_OK)
