"""Define the sub-commands of ``history``: export and import of measurements."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import EXIT_USAGE, ConfigDir, DataDir, HistorySource, fail, unknown_choice

if TYPE_CHECKING:
    from monitor.storage.history.source import HistoryReader

history_app = typer.Typer(name="history", help="Export or import measurements.", no_args_is_help=True)


class FileFormat(StrEnum):
    """Formats of exported measurements."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


FormatOption = Annotated[FileFormat | None, typer.Option("--format", help="Default: by the file's suffix, else csv.")]


@history_app.command(name="export")
def history_export(
    out: Annotated[Path, typer.Argument(help="A file, a directory (one file per kind), or - for standard output.")],
    data: DataDir = Path("data"),
    config: ConfigDir = Path("config"),
    origin: Annotated[
        HistorySource | None, typer.Option("--from", help="Source; default: history.source of monitor.yaml.")
    ] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Probe kind; may be repeated; default: all.")] = None,
    portal: Annotated[list[str] | None, typer.Option(help="Portal id; may be repeated; default: all.")] = None,
    since: Annotated[str, typer.Option(help="ISO 8601, milliseconds since 1970, or such as -24h.")] = "0",
    until: Annotated[str | None, typer.Option(help="The same; not included. Default: now.")] = None,
    file_format: FormatOption = None,
) -> None:
    """Write measurements to a file; works while the daemon runs."""
    from monitor.cli.output import progress_bar
    from monitor.model.time_parsing import parse_time
    from monitor.storage.history.reader import HistoryWindow
    from monitor.storage.transfer import files as transfer
    from probes.registry import PROBE_KINDS

    now = time.time_ns() // 1_000_000
    try:
        begin, end = parse_time(since, now), parse_time(until, now) if until else now
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    unknown = set(kind or ()) - PROBE_KINDS.keys()
    if unknown:
        fail(unknown_choice("probe kind", sorted(unknown), PROBE_KINDS), EXIT_USAGE)
    portals = frozenset(portal) if portal else None
    windows = [HistoryWindow(kind=one, since_ms=begin, until_ms=end, portals=portals) for one in kind or PROBE_KINDS]
    suffix = out.suffix.removeprefix(".").lower()
    chosen_format = file_format.value if file_format else suffix if suffix in set(FileFormat) else "csv"
    source = _source(config, data, origin)
    with progress_bar("exporting") as progress:
        written = transfer.export(source, windows, "-" if str(out) == "-" else out, chosen_format, progress)
    for one in written:
        if one.path is not None:
            typer.echo(f"{one.path}: {one.rows} rows", err=True)


@history_app.command(name="import")
def history_import(
    path: Annotated[Path, typer.Argument(help="A file written by history export.")],
    data: DataDir = Path("data"),
    file_format: FormatOption = None,
) -> None:
    """Import measurements into a journal that no daemon uses; rows that are already present change nothing."""
    from monitor.cli.output import progress_bar
    from monitor.storage.transfer import files as transfer

    with progress_bar("importing") as progress:
        imported = transfer.import_(data, path, file_format.value if file_format else None, progress)
    typer.echo(
        f"{imported.rows_read} rows read, {imported.added} added, {imported.already_present} already present", err=True
    )


def _source(config: Path, data: Path, origin: HistorySource | None) -> HistoryReader:
    """Return the source of history; the archive needs no configuration."""
    from monitor.cli.history_source import configured_history
    from monitor.config import load
    from monitor.storage.history.source import ArchiveHistory

    if origin is HistorySource.ARCHIVE or (origin is None and not (config / "monitor.yaml").exists()):
        return ArchiveHistory(data)
    return configured_history(load(config).settings, data, origin)
