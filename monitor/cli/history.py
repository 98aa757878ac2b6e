"""The sub-commands about stored measurements: ``history`` and ``influx``."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import USAGE, ConfigDir, DataDir, fail

if TYPE_CHECKING:
    from monitor.storage.history.source import Source

history_app = typer.Typer(help="Take measurements out of a journal, or into one.", no_args_is_help=True)


class FileFormat(StrEnum):
    """Formats of exported measurements."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Origin(StrEnum):
    """Where history is read from."""

    ARCHIVE = "archive"
    INFLUXDB = "influxdb"


Form = Annotated[FileFormat | None, typer.Option("--format", help="Default: by the file's suffix, else csv.")]


@history_app.command(name="export")
def history_export(
    out: Annotated[Path, typer.Argument(help="A file, a directory (one file per kind), or - for standard output.")],
    data: DataDir = Path("data"),
    config: ConfigDir = Path("config"),
    origin: Annotated[
        Origin | None, typer.Option("--from", help="Where to read; default: history.source of monitor.yaml.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Probe kind; may be repeated; default: all.")] = None,
    portal: Annotated[list[str] | None, typer.Option(help="Portal id; may be repeated; default: all.")] = None,
    since: Annotated[str, typer.Option(help="ISO 8601, milliseconds since 1970, or such as -24h.")] = "0",
    until: Annotated[str | None, typer.Option(help="The same; not included. Default: now.")] = None,
    form: Form = None,
) -> None:
    """Write measurements to a file; works while the daemon runs."""
    from monitor.cli.output import bar
    from monitor.model.time_parsing import parse_time
    from monitor.storage.history.reader import Window
    from monitor.storage.transfer import files as exchange
    from probes.registry import KINDS

    now = time.time_ns() // 1_000_000
    try:
        begin, end = parse_time(since, now), parse_time(until, now) if until else now
    except ValueError as error:
        fail(str(error), USAGE)
    unknown = set(kind or ()) - KINDS.keys()
    if unknown:
        fail(f"there is no probe kind {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}", USAGE)
    portals = frozenset(portal) if portal else None
    windows = [Window(kind=one, since=begin, until=end, portals=portals) for one in kind or KINDS]
    suffix = out.suffix.removeprefix(".").lower()
    chosen = form.value if form else suffix if suffix in set(FileFormat) else "csv"
    source = _source(config, data, origin)
    with bar("exporting") as progress:
        written = exchange.export(source, windows, "-" if str(out) == "-" else out, chosen, progress)
    for one in written:
        if one.path is not None:
            typer.echo(f"{one.path}: {one.rows} rows", err=True)


@history_app.command(name="import")
def history_import(
    path: Annotated[Path, typer.Argument(help="A file that history export wrote.")],
    data: DataDir = Path("data"),
    form: Form = None,
) -> None:
    """Take measurements into a journal that no daemon is using; rows that are known already change nothing."""
    from monitor.cli.output import bar
    from monitor.storage.transfer import files as exchange

    with bar("importing") as progress:
        found = exchange.import_(data, path, form.value if form else None, progress)
    typer.echo(f"{found.read} rows read, {found.added} added, {found.present} known already", err=True)


def _source(config: Path, data: Path, origin: Origin | None) -> Source:
    """Where to read; the archive needs no configuration."""
    from monitor.cli.history_source import chosen
    from monitor.config import load
    from monitor.storage.history.source import Archive

    if origin is Origin.ARCHIVE or (origin is None and not (config / "monitor.yaml").exists()):
        return Archive(data)
    return chosen(load(config).settings, data, origin)
