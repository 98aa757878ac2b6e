"""The command that containers and scripts ask: is the daemon well?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.terminal import FAILED, GOOD, USAGE, ConfigDir, fail


def healthcheck(
    config: ConfigDir = Path("config"),
    listen: Annotated[
        str | None, typer.Option(envvar="PORTAL_MONITOR_LISTEN", help="host:port to ask; default: as in monitor.yaml.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask whether it answers at all, not whether looks complete.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 5.0,
) -> None:
    """Ask the running daemon whether looks are being completed. Exit code 0: it is well, 1: it is not."""
    from monitor.healthcheck import HEALTHY, READY, ask

    where = listen or _configured(config)
    if not where.rpartition(":")[2].isdigit():
        fail(f"{where!r} is not host:port", USAGE)
    well, words = ask(where, HEALTHY if live else READY, timeout)
    typer.echo(words, err=not well)
    raise SystemExit(GOOD if well else FAILED)


def _configured(config: Path) -> str:
    from monitor.config import load

    return load(config).settings.listen
