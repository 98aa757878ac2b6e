"""Define the command ``portal-monitor``: read arguments, call one package, print the result, set the exit code."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer

from monitor import __version__
from monitor.cli.archive import archive_app
from monitor.cli.backup import backup, restore
from monitor.cli.export import export_app
from monitor.cli.hash_secret import hash_secret
from monitor.cli.healthcheck import healthcheck
from monitor.cli.history import history_app
from monitor.cli.incidents import drill, incident_app, incidents
from monitor.cli.influxdb import influx_app
from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_PARTIAL, EXIT_USAGE, ConfigDir, DataDir, fail, print_json
from monitor.cli.score import score_app
from monitor.storage.journal.store import JournalError

app = typer.Typer(
    name="portal-monitor",
    help="Synthetic monitor of public-service portals: probes on schedule, keeps every result, shows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for _group in (history_app, influx_app, archive_app, incident_app, score_app, export_app):
    app.add_typer(_group)
for _command in (healthcheck, hash_secret, incidents, drill, backup, restore):
    app.command()(_command)


class LogFormat(StrEnum):
    """Format of log lines."""

    JSON = "json"
    CONSOLE = "console"


def main() -> None:
    """Run the command. Known errors become one message on stderr and exit code 1, never a traceback."""
    from monitor.config import ConfigError

    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may hold invalid text; stderr does the same
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except ConfigError as error:
        for config_error in error.errors:
            typer.echo(str(config_error), err=True)
        raise SystemExit(EXIT_FAILURE) from None
    except JournalError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(EXIT_FAILURE) from None


@app.command()
def run(
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
    listen: Annotated[
        str | None,
        typer.Option(envvar="PORTAL_MONITOR_LISTEN", help="host:port of the web server; overrides monitor.yaml."),
    ] = None,
    log_format: Annotated[LogFormat | None, typer.Option(help="Default: console on a terminal, else json.")] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Run the daemon until SIGTERM or SIGINT; SIGHUP reloads the configuration."""
    from monitor.config import load
    from monitor.config.loaded import secrets_of
    from monitor.daemon.daemon import Daemon
    from monitor.daemon.logs import configure_logging, set_redacted_texts
    from monitor.storage.journal.database import set_private_umask

    chosen_format = log_format or (LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON)
    set_private_umask()
    loaded = load(config)
    configure_logging(chosen_format.value, log_level)
    set_redacted_texts(secrets_of(loaded))
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)

    async def serve() -> None:
        await Daemon(loaded, data, listen=listen).run()

    _run_daemon(serve)


def _run_daemon(start: Callable[[], Coroutine[Any, Any, None]]) -> None:
    from monitor.daemon.daemon import DaemonError

    try:
        asyncio.run(start())
    except (DaemonError, JournalError) as error:
        fail(str(error))
    except ExceptionGroup as group:
        structlog.get_logger("monitor").error("daemon_failed", exc_info=group)
        fail(f"stopped by an internal error: {group.exceptions[0]!r}")


@app.command(name="check-config")
def check_config(directory: Annotated[Path, typer.Argument(help="Configuration directory.")] = Path("config")) -> None:
    """Validate a configuration: print every error as file:line:column, or a summary."""
    from monitor.config import load
    from monitor.config.cost_estimate import estimate
    from monitor.states.maintenance import describe_upcoming

    loaded = load(directory)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    cost = estimate(loaded)
    typer.echo(
        f"{directory} is valid ({loaded.digest}): {cost.portals} portals, {cost.checks} checks, "
        f"{len(loaded.rules.rubrics)} rubrics, {cost.probes_per_minute:g} probes per minute,\n"
        f"about {cost.prometheus_series} Prometheus series and {cost.influx_points_per_day} InfluxDB points per day"
    )
    upcoming = describe_upcoming(loaded.settings.calendar.windows, time.time_ns() // 1_000_000)
    if upcoming:
        typer.echo("\n".join(["next maintenance:", *(f"  {line}" for line in upcoming)]))


class SchemaName(StrEnum):
    """The files that have a JSON Schema."""

    MONITOR = "monitor"
    PORTALS = "portals"
    RUBRIC = "rubric"
    EXCLUSIONS = "exclusions"
    ENTRIES = "entries"


@app.command()
def schema(which: Annotated[SchemaName, typer.Argument(help="The file.")] = SchemaName.MONITOR) -> None:
    """Print the JSON Schema of a configuration file."""
    from monitor.config import schema as schema_of

    print_json(schema_of(which.value))


@app.command()
def probe(
    target: Annotated[str, typer.Argument(help="A portal's id, or any http or https URL.")],
    kind: Annotated[str, typer.Option(help="Probe kind.")] = "uptime",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ConfigDir = Path("config"),
    ca_file: Annotated[Path | None, typer.Option(help="Further authorities to trust, PEM.")] = None,
    profile: Annotated[str | None, typer.Option(help="Kind mobile: mobile, mobile-real or desktop.")] = None,
    screenshot: Annotated[
        Path | None, typer.Option(help="Kind mobile: write the final screenshot here (WebP).")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="Kind mobile: write the trace here, for DevTools.")] = None,
) -> None:
    """Run one probe and show its phases. Exit code 0: up, 1: down, 3: unknown."""
    from rich.console import Console

    from monitor.cli import probe_output
    from monitor.cli.probe import TargetError, probe_once
    from monitor.daemon.logs import configure_logging
    from probes.result import Outcome

    configure_logging("console", "error")
    try:
        result = asyncio.run(probe_once(target, kind, config, ca_file, profile=profile, trace=trace))
    except TargetError as error:
        fail(str(error), EXIT_USAGE)
    if screenshot is not None and result.screenshots:
        screenshot.write_bytes(result.screenshots[-1].body)
    if as_json:
        print_json(probe_output.result_json(result))
    else:
        probe_output.print_result(result, Console())
    raise SystemExit({Outcome.UP: EXIT_OK, Outcome.DOWN: EXIT_FAILURE, Outcome.UNKNOWN: EXIT_PARTIAL}[result.outcome])


@app.command()
def status(
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the status of the fleet from the journal; works while the daemon runs. Exit code 1: not healthy."""
    from rich.console import Console

    from monitor.cli import status as fleet_status
    from monitor.config import load

    loaded = load(config)
    now = time.time_ns() // 1_000_000
    found = fleet_status.collect(data, loaded.portals, loaded.checks, loaded.settings.location, now)
    if as_json:
        print_json(fleet_status.as_json(found))
    else:
        fleet_status.print_status(found, Console())
    raise SystemExit(EXIT_OK if found.healthy else EXIT_FAILURE)


@app.command()
def demo(
    portals: Annotated[int, typer.Option(min=1, max=1000, help="How many simulated portals.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet and the same faults.")] = 7,
    time_scale: Annotated[float, typer.Option(min=0.1, help="Speed-up of the fault schedule.")] = 60.0,
    listen: Annotated[str, typer.Option(help="host:port of the web server.")] = "127.0.0.1:9797",
    data: Annotated[Path | None, typer.Option(help="Keep the journal here; default: a temporary directory.")] = None,
) -> None:
    """Start simulated portals on this machine and a daemon that monitors them."""
    import tempfile

    from monitor.daemon.logs import configure_logging
    from monitor.tools.demo.config_files import write_config
    from monitor.tools.demo.process import FleetStartError, fleet_process

    configure_logging("console" if sys.stderr.isatty() else "json", "info")

    async def serve(temp_dir: Path) -> None:
        from monitor.config import load
        from monitor.daemon.daemon import Daemon

        async with fleet_process(portals, seed, time_scale, directory=temp_dir / "fleet") as fleet:
            config = load(write_config(fleet, temp_dir / "config", listen=listen))
            typer.echo(f"{len(fleet.portals)} portals are up; open http://{listen}/ (Ctrl-C ends it)")
            await Daemon(config, data or temp_dir / "data").run()

    with tempfile.TemporaryDirectory(prefix="portal-monitor-demo-") as temp_dir:
        try:
            _run_daemon(lambda: serve(Path(temp_dir)))
        except FleetStartError as error:
            fail(str(error))


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write config/ and grafana/.")]) -> None:
    """Write the sample configuration and dashboards into DIRECTORY; never overwrites a file."""
    from monitor.config.package_data import copy_package_data

    try:
        written = copy_package_data(directory)
    except OSError as error:
        fail(f"{directory}: {error.strerror}")
    for path in written:
        typer.echo(path)
    typer.echo(f"next: portal-monitor run --config {directory / 'config'} --data {directory / 'data'}")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"portal-monitor {__version__}")
