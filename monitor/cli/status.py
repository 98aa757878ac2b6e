"""Read the status of the fleet from the journal, with or without a daemon, and format it as JSON and as text."""

from __future__ import annotations

import fcntl
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from monitor.cli.console import ConsoleWriter
from monitor.cli.probe_output import FAULT_TEXTS
from monitor.model.records import PROBER_PORTAL, Expect, State
from monitor.storage.history import reader as history
from monitor.storage.journal.rows import KindTable
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalReader, open_journal
from probes.registry import PROBE_KINDS
from probes.result import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from monitor.model.records import Check, Portal

DEFAULT_ZONE = "Asia/Ho_Chi_Minh"

LATE_INTERVALS = 3
LATE_MIN_SECONDS = 120.0
"""The last probe is on time up to so many of the shortest intervals, or so many seconds, whichever is longer."""

_STYLES = {State.UP: "green", State.DOWN: "bold red", State.DEGRADED: "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalStatus:
    """State of a portal, since when (UTC ms), and the failure that caused it."""

    portal: str
    state: State
    since: int | None = None
    fault: Fault | None = None
    detail: str = ""
    flapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The fleet at ``now`` (UTC ms), seen from ``location``.

    ``prober`` is the state of the prober, ``unknown`` while its self-check fails. ``states`` counts the evaluated
    portals, ``retired`` the others. ``last_probe`` is UTC ms, ``max_age_seconds`` the age up to which it is on time.
    ``pid`` is that of a running daemon, if known. ``rows`` counts per table, ``size`` is in bytes.
    """

    now: int
    location: str
    running: bool
    pid: int | None
    states: Mapping[State, int]
    retired: int
    not_up: tuple[PortalStatus, ...]
    prober: PortalStatus
    last_probe: int | None
    max_age_seconds: float
    size: int
    rows: Mapping[str, int]

    @property
    def age(self) -> float | None:
        """Return the seconds since the last probe started."""
        return None if self.last_probe is None else max(0.0, (self.now - self.last_probe) / 1000)

    @property
    def on_time(self) -> bool:
        """Return whether the last probe is recent enough for the configured intervals."""
        return self.age is not None and self.age <= self.max_age_seconds

    @property
    def healthy(self) -> bool:
        """Return whether the daemon runs and probes on time, and no evaluated portal is down."""
        return self.running and self.on_time and not self.states[State.DOWN]


def collect(directory: Path, portals: Sequence[Portal], checks: Sequence[Check], location: str, now_ms: int) -> Status:
    """Read the status of ``portals`` at ``now_ms`` (UTC ms). Raises :class:`JournalError` if there is no journal."""
    path = directory / JOURNAL_FILE
    try:
        rows, last_probe = _counts(path), _last_probe(path, location, now_ms)
    except sqlite3.Error as error:
        raise JournalError(f"journal {path} cannot be read: {error}") from error
    statuses = _portal_statuses(directory, location, now_ms)
    evaluated = [portal.id for portal in portals if portal.expect is not Expect.RETIRED]
    found = [statuses.get(portal, PortalStatus(portal=portal, state=State.UNKNOWN)) for portal in evaluated]
    counted = Counter(status.state for status in found)
    running, pid = _daemon(directory)
    shortest = min((check.interval for check in checks), default=0.0)
    return Status(
        now=now_ms,
        location=location,
        running=running,
        pid=pid,
        states={state: counted[state] for state in State},
        retired=len(portals) - len(evaluated),
        prober=statuses.get(PROBER_PORTAL, PortalStatus(portal=PROBER_PORTAL, state=State.UP)),
        not_up=tuple(status for status in found if status.state is not State.UP),
        last_probe=last_probe,
        max_age_seconds=max(LATE_MIN_SECONDS, shortest * LATE_INTERVALS),
        size=sum(file.stat().st_size for file in directory.glob(f"{JOURNAL_FILE}*")),
        rows=rows,
    )


def _portal_statuses(directory: Path, location: str, now_ms: int) -> dict[str, PortalStatus]:
    """Return the state of every portal that this location ever evaluated."""
    found = {}
    changes = history.states_at(directory, now_ms)
    for portal, where, at, state, _, flapping, text, detail in zip(*changes.values(), strict=True):
        if where == location:
            status = PortalStatus(portal=portal, state=State(state), since=at, detail=detail, flapping=flapping)
            found[portal] = replace(status, fault=Fault(text)) if text else status
    return found


def _counts(path: Path) -> dict[str, int]:
    with closing(JournalReader(path, PROBE_KINDS)) as reader:
        return reader.row_counts()


def _last_probe(path: Path, location: str, now_ms: int) -> int | None:
    """Return when the newest probe started: newest by slot, not by sequence number, since rows may be imported."""
    newest = "WHERE started IS NOT NULL AND +location = ? AND slot <= ? ORDER BY slot DESC LIMIT 1"
    with closing(open_journal(path, write=False)) as db:
        existing = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = existing & {KindTable(kind, probe).name for kind, probe in PROBE_KINDS.items()}
        queries = [f'SELECT started FROM "{table}" {newest}' for table in tables]  # noqa: S608 - our own names
        found = [db.execute(query, (location, now_ms)).fetchone() for query in queries]
    return max((row[0] for row in found if row), default=None)


def _daemon(directory: Path) -> tuple[bool, int | None]:
    """Return whether a daemon holds the data directory, and its process id if known.

    The test takes a shared lock for an instant; a daemon that starts in this instant would fail to get its lock.
    """
    try:
        with (directory / "lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                text = file.read().strip()
                return True, int(text) if text.isascii() and text.isdigit() else None
    except FileNotFoundError:
        pass
    return False, None


def as_json(status: Status) -> dict[str, Any]:
    """Return the fields of :class:`Status` as plain data, with ``healthy``, ``on_time`` and ``age`` (seconds)."""
    return {
        "healthy": status.healthy,
        "on_time": status.on_time,
        "age": status.age,
        **asdict(status),
        "states": {state.value: count for state, count in status.states.items()},
        "rows": dict(status.rows),
    }


def print_status(status: Status, console: Console, zone: str = DEFAULT_ZONE) -> None:
    """Print ``status``, with times in ``zone``."""
    writer = ConsoleWriter(console)
    daemon = "not running" if not status.running else f"running (process {status.pid or 'unknown'})"
    writer.line((daemon, "green" if status.running else "bold red"), label="daemon     ")
    late = "" if status.on_time else ", late"
    last_probe = "none yet" if status.age is None else f"{format_duration(status.age)} ago{late}"
    writer.line((last_probe, "green" if status.on_time else "bold red"), label="last probe ")
    rows = ", ".join(f"{name.removeprefix('measurement_')} {count}" for name, count in status.rows.items())
    writer.line((f"{status.size / 1e6:.1f} MB, rows: {rows}", ""), label="journal    ")
    counts = [(f"{count} {state}", _STYLES.get(state, "")) for state, count in status.states.items() if count]
    retired = [(f"{status.retired} retired", "dim")] if status.retired else []
    writer.items([("portals  ", "dim"), *(counts or [("none evaluated", "")]), *retired])
    failing = [status.prober] if status.prober.state is State.UNKNOWN else []
    for portal in (*failing, *status.not_up):
        _print_portal(writer, portal, status.now, ZoneInfo(zone))


def _print_portal(writer: ConsoleWriter, portal: PortalStatus, now_ms: int, zone: ZoneInfo) -> None:
    since = ""
    if portal.since is not None:
        when = datetime.fromtimestamp(portal.since / 1000, zone)
        since = f" since {when:%Y-%m-%d %H:%M} ({format_duration((now_ms - portal.since) / 1000)})"
    writer.console.print()
    state = f"{portal.state}{', flapping' if portal.flapping else ''}"
    if portal.portal == PROBER_PORTAL:
        state = "self-check failing"
    writer.line((portal.portal, "bold"), (f"  {state}", _STYLES.get(portal.state, "")), (since, ""))
    reason = ": ".join(part for part in (FAULT_TEXTS[portal.fault] if portal.fault else "", portal.detail) if part)
    if reason:
        writer.line((reason, ""), indent=2)


def format_duration(seconds: float) -> str:
    """Format seconds in their two largest units, such as ``2 h 5 min``."""
    whole = max(0, int(seconds))
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
