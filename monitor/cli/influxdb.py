"""Define the sub-commands of ``influx``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, ConfigDir, fail

if TYPE_CHECKING:
    from monitor.sinks.influxdb.sink import InfluxDBSettings


influx_app = typer.Typer(name="influx", help="Initialise and check the configured InfluxDB.", no_args_is_help=True)


def _influxdb(directory: Path) -> InfluxDBSettings:
    from monitor.config import load

    found = load(directory).settings.sinks.influxdb
    if found is None:
        fail(f"{directory / 'monitor.yaml'} has no sinks.influxdb")
    return found


@influx_app.command(name="init")
def influx_init(config: ConfigDir = Path("config")) -> None:
    """Create the buckets (2.x) or databases (1.x) for raw, hourly and daily data, with their retention."""
    from monitor.sinks.influxdb.admin import init
    from monitor.sinks.influxdb.client import AdminError

    try:
        for line in init(_influxdb(config)):
            typer.echo(line)
    except AdminError as error:
        fail(str(error))


@influx_app.command(name="check")
def influx_check(config: ConfigDir = Path("config")) -> None:
    """Check that writing and reading work with the configured credentials."""
    from monitor.sinks.influxdb.admin import check

    steps = check(_influxdb(config))
    for step in steps:
        typer.echo(f"{'ok  ' if step.ok else 'FAIL'} {step.message}")
    raise SystemExit(EXIT_OK if all(step.ok for step in steps) else EXIT_FAILURE)
