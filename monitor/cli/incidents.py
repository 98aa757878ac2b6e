"""Define the commands about incidents: ``incidents``, ``incident ack``, ``incident comment`` and ``drill``."""

from __future__ import annotations

import asyncio
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, ConfigDir, DataDir, fail, print_json, unknown_choice
from monitor.storage.folders import INBOX

if TYPE_CHECKING:
    from monitor.daemon.drill import DrillStep
    from monitor.model.incidents import NoteKind

incident_app = typer.Typer(name="incident", help="Acknowledge or comment on an incident.", no_args_is_help=True)

IMPORT_TIMEOUT_SECONDS = 3.0
"""Seconds that a command waits for the daemon to import a note."""

ByOption = Annotated[str, typer.Option("--by", help="Your name.")]


def incidents(  # the name of the command
    config: ConfigDir = Path("config"),
    data: DataDir = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
    open_only: Annotated[bool, typer.Option("--open", help="Only open incidents.")] = False,
    since: Annotated[str, typer.Option(help="Changed since: ISO 8601, unix ms, or such as -24h.")] = "-7d",
) -> None:
    """List incidents, newest first; works while the daemon runs. Exit code 1 when one is open."""
    from zoneinfo import ZoneInfo

    from monitor.config import load
    from monitor.i18n.incident_sentences import IncidentSentences
    from monitor.i18n.translator import Translator
    from monitor.model.incidents import EventType
    from monitor.model.time_parsing import parse_time
    from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
    from monitor.web.api.incident_json import incident_detail_json
    from probes.registry import PROBE_KINDS

    now = time.time_ns() // 1_000_000
    loaded = load(config)
    try:
        begin = parse_time(since, now)
    except ValueError as error:
        fail(str(error), EXIT_USAGE)
    with closing(JournalReader(data / JOURNAL_FILE, PROBE_KINDS)) as reader:
        found = reader.incidents(open_only=open_only, since_ms=begin)
        if as_json:
            print_json({"incidents": [incident_detail_json(reader, one, now) for one in found]})
    if not as_json:
        translator = Translator("en", ZoneInfo(loaded.settings.report_zone))
        sentences = IncidentSentences(translator, {portal.id: portal for portal in loaded.portals})
        for one in found:
            incident = one.incident
            state = "open" if one.type is not EventType.RESOLVED else "resolved"
            opened = translator.date_time(incident.opened)
            duration = translator.duration(incident.downtime_seconds(now))
            typer.echo(f"{state}  {incident.id}  {sentences.summary(incident)}  since {opened}, {duration}")
    raise SystemExit(EXIT_FAILURE if any(one.type is not EventType.RESOLVED for one in found) else EXIT_OK)


@incident_app.command(name="ack")
def incident_ack(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The incident's id.")],
    by: ByOption,
    text: Annotated[str, typer.Argument(help="What is being done about it.")] = "",
    data: DataDir = Path("data"),
) -> None:
    """Acknowledge an incident; reminders stop."""
    from monitor.model.incidents import NoteKind

    _leave_note(data, identity, NoteKind.ACKNOWLEDGED, by, text)


@incident_app.command(name="comment")
def incident_comment(
    identity: Annotated[str, typer.Argument(metavar="ID", help="The incident's id.")],
    text: Annotated[str, typer.Argument(help="The comment.")],
    by: ByOption,
    data: DataDir = Path("data"),
) -> None:
    """Comment on an incident."""
    from monitor.model.incidents import NoteKind

    _leave_note(data, identity, NoteKind.COMMENTED, by, text)


def _leave_note(data: Path, identity: str, kind: NoteKind, by: str, text: str) -> None:
    from monitor.storage import inbox
    from monitor.storage.journal.store import JOURNAL_FILE, JournalReader
    from probes.registry import PROBE_KINDS

    with closing(JournalReader(data / JOURNAL_FILE, PROBE_KINDS)) as reader:
        known = reader.incident_events(identity)
    if not known:
        fail(f"there is no incident {identity}; `portal-monitor incidents` lists them")
    if not by.strip():
        fail("--by must not be empty", EXIT_USAGE)
    note = inbox.new_note(identity, kind, by.strip(), text.strip(), time.time_ns() // 1_000_000)
    try:
        path = inbox.submit_note(data, note)
    except OSError as error:
        fail(f"{data / INBOX}: {error.strerror}")
    end = time.monotonic() + IMPORT_TIMEOUT_SECONDS
    while path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    pending = "; not imported yet, a running daemon will" if path.exists() else ""
    typer.echo(f"{identity}: {kind.value} by {by.strip()}{pending}")


def drill(  # the name of the command
    config: Annotated[Path | None, typer.Option("--config", help="Use this configuration's rules and targets.")] = None,
    target: Annotated[str | None, typer.Option(help="A configured target; default: a webhook on this machine.")] = None,
    interval: Annotated[float, typer.Option(min=1, max=300, help="Seconds between two probes.")] = 10.0,
    recovery: Annotated[bool, typer.Option(help="Also wait for the recovery.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Simulate an outage and measure each step to its notification. Exit code 1: no notification."""
    import tempfile

    from monitor.config import load
    from monitor.daemon.drill import Drill, DrillError
    from monitor.daemon.logs import configure_logging
    from monitor.model.clock import SystemClock

    configure_logging("console", "error")
    base = load(config) if config is not None else None
    targets = {one.name: one for one in base.settings.notify.targets} if base is not None else {}
    if target is not None and target not in targets:
        fail(unknown_choice("target", [target], targets), EXIT_USAGE)
    with tempfile.TemporaryDirectory(prefix="portal-monitor-drill-") as temp_dir:
        timeout = 10 * interval + 60
        outage = Drill(SystemClock(), Path(temp_dir), interval_seconds=interval, step_timeout_seconds=timeout)
        chosen = targets[target] if target is not None else None

        def report(step: str) -> None:
            typer.echo(f"  {step}", err=True)

        try:
            stages = asyncio.run(outage.run(base, chosen, recovery=recovery, on_step=report))
        except DrillError as error:
            fail(str(error))
    _print_stages(stages, as_json=as_json)


def _print_stages(stages: list[DrillStep], *, as_json: bool) -> None:
    from monitor.daemon.drill import step_durations

    lines = step_durations(stages)
    if as_json:
        print_json([{"step": name, "since_failure_seconds": at, "took_seconds": step} for name, at, step in lines])
        return
    typer.echo(f"{'step':28} {'since failure':>18} {'took':>10}")
    for name, at, step in lines:
        typer.echo(f"{name:28} {at:16.3f} s {step:8.3f} s")
