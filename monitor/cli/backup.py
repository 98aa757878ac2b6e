"""``backup`` and ``restore``: a data directory's copy while the daemon runs, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from monitor.cli.output import FAILED, GOOD, DataDir, fail


def backup(
    target: Annotated[Path, typer.Argument(help="A directory that does not exist yet.")],
    data: DataDir = Path("data"),
) -> None:
    """Copy the data directory, whole or not at all; works while the daemon runs."""
    from monitor.cli.output import bar
    from monitor.storage.backup import backup as take

    try:
        with bar("backing up") as progress:
            made = take(data, target, progress)
    except OSError as error:
        fail(f"{error.filename or target}: {error.strerror}")
    typer.echo(f"{target}: {len(made.files)} files, {made.size} bytes, records up to {made.last}")


def restore(
    source: Annotated[Path, typer.Argument(help="A directory that 'backup' made.")],
    data: DataDir = Path("data"),
    check: Annotated[bool, typer.Option("--check", help="Only look whether the backup is good.")] = False,
) -> None:
    """Make a data directory from a backup, whole or not at all; the directory must be absent or empty."""
    from monitor.cli.output import bar
    from monitor.storage import backup as room

    try:
        with bar("checking" if check else "restoring") as progress:
            if check:
                _tell(source, room.check(source, progress))
            made = room.restore(source, data, progress)
    except OSError as error:
        fail(f"{error.filename or source}: {error.strerror}")
    typer.echo(f"{data}: {len(made.files)} files, {made.size} bytes, records up to {made.last}")


def _tell(source: Path, wrong: list[str]) -> NoReturn:
    for complaint in wrong:
        typer.echo(complaint, err=True)
    typer.echo(f"{source}: {f'{len(wrong)} complaints' if wrong else 'good'}")
    raise SystemExit(FAILED if wrong else GOOD)
