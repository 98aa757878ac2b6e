"""The sub-commands about stored measurements: ``history`` and ``influx``."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.terminal import FAILED, GOOD, USAGE, ConfigDir, DataDir, fail

if TYPE_CHECKING:
    from monitor.sinks.influxdb import InfluxDB
    from monitor.source import Source

history_app = typer.Typer(help="Take measurements out of a journal, or into one.", no_args_is_help=True)
influx_app = typer.Typer(help="Prepare and try the configured InfluxDB.", no_args_is_help=True)


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
    from monitor import exchange
    from monitor.history import Window
    from monitor.progress import bar
    from monitor.web.times import parse_time
    from probes.kinds import KINDS

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
    from monitor import exchange
    from monitor.progress import bar

    with bar("importing") as progress:
        found = exchange.import_(data, path, form.value if form else None, progress)
    typer.echo(f"{found.read} rows read, {found.added} added, {found.present} known already", err=True)


def _source(config: Path, data: Path, origin: Origin | None) -> Source:
    """Where to read; the archive needs no configuration."""
    from monitor.cli_history_source import chosen
    from monitor.config import load
    from monitor.source import Archive

    if origin is Origin.ARCHIVE or (origin is None and not (config / "monitor.yaml").exists()):
        return Archive(data)
    return chosen(load(config).settings, data, origin)


def _influxdb(directory: Path) -> InfluxDB:
    from monitor.config import load

    found = load(directory).settings.sinks.influxdb
    if found is None:
        fail(f"{directory / 'monitor.yaml'} names no sinks.influxdb")
    return found


@influx_app.command(name="init")
def influx_init(config: ConfigDir = Path("config")) -> None:
    """Create the buckets (2.x) or databases (1.x) for raw, hourly and daily data, with their retention."""
    from monitor.sinks.admin import init
    from monitor.sinks.server import AdminError

    try:
        for line in init(_influxdb(config)):
            typer.echo(line)
    except AdminError as error:
        fail(str(error))


@influx_app.command(name="check")
def influx_check(config: ConfigDir = Path("config")) -> None:
    """Prove that writing and reading work with the configured credentials."""
    from monitor.sinks.admin import check

    steps = check(_influxdb(config))
    for step in steps:
        typer.echo(f"{'ok  ' if step.ok else 'FAIL'} {step.text}")
    raise SystemExit(GOOD if all(step.ok for step in steps) else FAILED)
