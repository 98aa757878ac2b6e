"""The command ``portal-monitor``: reads arguments, calls one room, turns the answer into text and an exit code."""

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
app.command()(healthcheck)
app.command()(hash_secret)
app.add_typer(history_app, name="history")
app.add_typer(influx_app, name="influx")
app.add_typer(archive_app, name="archive")
app.add_typer(incident_app, name="incident")
app.command()(incidents)
app.command()(drill)
app.add_typer(score_app, name="score")
app.add_typer(export_app, name="export")
app.command()(backup)
app.command()(restore)


class LogFormat(StrEnum):
    """How log lines are written."""

    JSON = "json"
    CONSOLE = "console"


def main() -> None:
    """Entry point. Known troubles become one message on stderr and exit code 1, never a traceback."""
    from monitor.config import ConfigError

    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold bytes that are no text; so does stderr
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except ConfigError as error:
        for complaint in error.errors:
            typer.echo(str(complaint), err=True)
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
    """Start the daemon and stay until told to stop (SIGTERM, SIGINT); SIGHUP loads the configuration again."""
    from monitor.config import load
    from monitor.config.loaded import secrets_of
    from monitor.daemon.daemon import Daemon
    from monitor.daemon.logs import configure_logging, set_redacted_texts
    from monitor.storage.journal.database import set_private_umask

    form = log_format or (LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON)
    set_private_umask()
    loaded = load(config)
    configure_logging(form.value, log_level)
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
        structlog.get_logger("monitor").error("daemon_died", exc_info=group)
        fail(f"stopped by a fault of its own: {group.exceptions[0]!r}")


@app.command(name="check-config")
def check_config(directory: Annotated[Path, typer.Argument(help="Configuration directory.")] = Path("config")) -> None:
    """Judge a configuration: every fault at once as file:line:column, or a summary."""
    from monitor.config import load
    from monitor.config.cost_estimate import estimate
    from monitor.states.maintenance import describe_upcoming

    loaded = load(directory)
    for warning in loaded.warnings:
        typer.echo(f"warning: {warning}", err=True)
    about = estimate(loaded)
    typer.echo(
        f"{directory} is good ({loaded.digest}): {about.portals} portals, {about.checks} checks, "
        f"{len(loaded.rules.rubrics)} rubrics, "
        f"{about.probes_per_minute:g} looks per minute,\n"
        f"about {about.prometheus_series} Prometheus series and {about.influx_points_per_day} InfluxDB points per day"
    )
    coming = describe_upcoming(loaded.settings.calendar.windows, time.time_ns() // 1_000_000)
    if coming:
        typer.echo("\n".join(["next maintenance:", *(f"  {line}" for line in coming)]))


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
    target: Annotated[str, typer.Argument(help="A portal's id, or any http or https address.")],
    kind: Annotated[str, typer.Option(help="Probe kind.")] = "uptime",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    config: ConfigDir = Path("config"),
    ca_file: Annotated[Path | None, typer.Option(help="Further authorities to trust, PEM.")] = None,
    profile: Annotated[str | None, typer.Option(help="Kind mobile: mobile, mobile-real or desktop.")] = None,
    screenshot: Annotated[Path | None, typer.Option(help="Kind mobile: write the last picture here (WebP).")] = None,
    trace: Annotated[Path | None, typer.Option(help="Kind mobile: write the trace here, for DevTools.")] = None,
) -> None:
    """Take one look now and show where its time went. Exit code 0: as expected, 1: not, 3: we could not see."""
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
    raise SystemExit({Outcome.UP: EXIT_OK, Outcome.DOWN: EXIT_FAILURE, Outcome.VOID: EXIT_PARTIAL}[result.outcome])


@app.command()
def status(
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Say how the fleet is, from the journal; works while the daemon runs. Exit code 1 when something is down."""
    from rich.console import Console

    from monitor.cli import status as room
    from monitor.config import load

    loaded = load(config)
    now = time.time_ns() // 1_000_000
    found = room.collect(data, loaded.portals, loaded.checks, loaded.settings.location, now)
    if as_json:
        print_json(room.as_json(found))
    else:
        room.print_status(found, Console())
    raise SystemExit(EXIT_OK if found.healthy else EXIT_FAILURE)


@app.command()
def demo(
    portals: Annotated[int, typer.Option(min=1, max=1000, help="How many made-up portals.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet and the same troubles.")] = 7,
    time_scale: Annotated[float, typer.Option(min=0.1, help="Seconds of the fleet's weather per second.")] = 60.0,
    listen: Annotated[str, typer.Option(help="host:port of the web server.")] = "127.0.0.1:9797",
    data: Annotated[Path | None, typer.Option(help="Keep the journal here; default: a throw-away directory.")] = None,
) -> None:
    """Start made-up portals on this machine and the daemon that watches them."""
    import tempfile

    from monitor.daemon.logs import configure_logging
    from monitor.tools.demo.config_files import write_config
    from monitor.tools.demo.process import FleetStartError, fleet_process

    configure_logging("console" if sys.stderr.isatty() else "json", "info")

    async def serve(temp_dir: Path) -> None:
        from monitor.config import load
        from monitor.daemon.daemon import Daemon

        async with fleet_process(portals, seed, time_scale, directory=temp_dir / "fleet") as notice:
            config = load(write_config(notice, temp_dir / "config", listen=listen))
            typer.echo(f"{len(notice.portals)} portals are up; open http://{listen}/ (Ctrl-C ends it)")
            await Daemon(config, data or temp_dir / "data").run()

    with tempfile.TemporaryDirectory(prefix="portal-monitor-demo-") as scratch:
        try:
            _run_daemon(lambda: serve(Path(scratch)))
        except FleetStartError as error:
            fail(str(error))


@app.command()
def init(directory: Annotated[Path, typer.Argument(help="Where to write config/ and grafana/.")]) -> None:
    """Write the shipped configuration and dashboards into DIRECTORY; never overwrites a file."""
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
