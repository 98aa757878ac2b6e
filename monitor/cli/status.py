"""How the fleet is, read from the journal whether the daemon runs or not: as data, as JSON, as text for a terminal."""

from __future__ import annotations

import fcntl
import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from monitor.cli.console import ConsoleWriter
from monitor.cli.probe_output import FAULT_TEXTS
from monitor.model.records import PROBER_PORTAL, Expect, State
from monitor.storage.history import reader as history
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
"""A last look is on time up to so many of the shortest intervals, or so many seconds, whichever is longer."""

_STYLES = {State.UP: "green", State.DOWN: "bold red", State.DEGRADED: "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalStatus:
    """A portal that is not up: since when (UTC ms), and by which failure it came to that."""

    portal: str
    state: State
    since: int | None = None
    fault: Fault | None = None
    detail: str = ""
    flapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The fleet at ``now`` (UTC ms) as ``location`` sees it.

    ``prober`` is our own sight, ``unknown`` while we cannot see. ``states`` counts the judged portals, ``retired`` the
    others. ``last_look`` is UTC ms, ``patience`` the age in seconds up to which it is on time. ``pid`` belongs to the
    daemon, where it runs and said so. ``rows`` counts per table, ``size`` is in bytes.
    """

    now: int
    location: str
    running: bool
    pid: int | None
    states: Mapping[State, int]
    retired: int
    not_up: tuple[PortalStatus, ...]
    prober: PortalStatus
    last_look: int | None
    patience: float
    size: int
    rows: Mapping[str, int]

    @property
    def age(self) -> float | None:
        """Seconds since the last look began."""
        return None if self.last_look is None else max(0.0, (self.now - self.last_look) / 1000)

    @property
    def on_time(self) -> bool:
        """Whether the last look is recent enough for the intervals configured."""
        return self.age is not None and self.age <= self.patience

    @property
    def healthy(self) -> bool:
        """The daemon runs, looks on time, and no judged portal is down."""
        return self.running and self.on_time and not self.states[State.DOWN]


def collect(directory: Path, portals: Sequence[Portal], checks: Sequence[Check], location: str, now_ms: int) -> Status:
    """Read the status of ``portals`` as of ``now`` (UTC ms). Raises :class:`JournalError` when there is no journal."""
    path = directory / JOURNAL_FILE
    try:
        rows, last_look = _counts(path), _last_probe(path, location, now_ms)
    except sqlite3.Error as error:
        raise JournalError(f"journal {path} cannot be read: {error}") from error
    standings = _portal_statuses(directory, location, now_ms)
    judged = [portal.id for portal in portals if portal.expect is not Expect.RETIRED]
    found = [standings.get(portal, PortalStatus(portal=portal, state=State.UNKNOWN)) for portal in judged]
    counted = Counter(standing.state for standing in found)
    running, pid = _daemon(directory)
    shortest = min((check.interval for check in checks), default=0.0)
    return Status(
        now=now_ms,
        location=location,
        running=running,
        pid=pid,
        states={state: counted[state] for state in State},
        retired=len(portals) - len(judged),
        prober=standings.get(PROBER_PORTAL, PortalStatus(portal=PROBER_PORTAL, state=State.UP)),
        not_up=tuple(standing for standing in found if standing.state is not State.UP),
        last_look=last_look,
        patience=max(LATE_MIN_SECONDS, shortest * LATE_INTERVALS),
        size=sum(file.stat().st_size for file in directory.glob(f"{JOURNAL_FILE}*")),
        rows=rows,
    )


def _portal_statuses(directory: Path, location: str, now_ms: int) -> dict[str, PortalStatus]:
    """The state of every portal that this location ever judged."""
    changes = history.states_at(directory, now_ms)
    return {
        portal: PortalStatus(
            portal=portal,
            state=State(state),
            since=at,
            fault=Fault(fault) if fault else None,
            detail=detail,
            flapping=flapping,
        )
        for portal, where, at, state, _, flapping, fault, detail in zip(*changes.values(), strict=True)
        if where == location
    }


def _counts(path: Path) -> dict[str, int]:
    reader = JournalReader(path, PROBE_KINDS)
    try:
        return reader.row_counts()
    finally:
        reader.close()


def _last_probe(path: Path, location: str, now_ms: int) -> int | None:
    """When the newest look began. Newest by slot, not by running number: rows may have been imported since."""
    db = open_journal(path, write=False)
    try:
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        found = [
            db.execute(
                f'SELECT started FROM "look_{kind}" '  # noqa: S608 - our own names
                "WHERE started IS NOT NULL AND +location = ? AND slot <= ? ORDER BY slot DESC LIMIT 1",
                (location, now_ms),
            ).fetchone()
            for kind in PROBE_KINDS
            if f"look_{kind}" in tables
        ]
    finally:
        db.close()
    return max((row[0] for row in found if row), default=None)


def _daemon(directory: Path) -> tuple[bool, int | None]:
    """Whether somebody holds the data directory, and who says so.

    Asking takes a shared lock for an instant, so that a daemon starting in that very instant would be turned away.
    """
    try:
        with (directory / "lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                words = file.read().strip()
                return True, int(words) if words.isascii() and words.isdigit() else None
    except FileNotFoundError:
        pass
    return False, None


def as_json(status: Status) -> dict[str, Any]:
    """The fields of :class:`Status` as plain data, with ``healthy``, ``on_time`` and ``age`` (seconds) beside them."""
    return {
        "healthy": status.healthy,
        "on_time": status.on_time,
        "age": status.age,
        **asdict(status),
        "states": {state.value: count for state, count in status.states.items()},
        "rows": dict(status.rows),
    }


def print_status(status: Status, console: Console, zone: str = DEFAULT_ZONE) -> None:
    """Show ``status``, hours in ``zone``."""
    pen = ConsoleWriter(console)
    daemon = "not running" if not status.running else f"running (process {status.pid or 'unknown'})"
    pen.line((daemon, "green" if status.running else "bold red"), label="daemon     ")
    look = (
        "none yet" if status.age is None else f"{format_duration(status.age)} ago{'' if status.on_time else ', late'}"
    )
    pen.line((look, "green" if status.on_time else "bold red"), label="last look  ")
    rows = ", ".join(f"{name.removeprefix('look_')} {count}" for name, count in status.rows.items())
    pen.line((f"{status.size / 1e6:.1f} MB, rows: {rows}", ""), label="journal    ")
    counts = [(f"{count} {state}", _STYLES.get(state, "")) for state, count in status.states.items() if count]
    retired = [(f"{status.retired} retired", "dim")] if status.retired else []
    pen.items([("portals  ", "dim"), *(counts or [("none judged", "")]), *retired])
    blind = [status.prober] if status.prober.state is State.UNKNOWN else []
    for standing in (*blind, *status.not_up):
        _print_portal(pen, standing, status.now, ZoneInfo(zone))


def _print_portal(writer: ConsoleWriter, portal: PortalStatus, now_ms: int, zone: ZoneInfo) -> None:
    since = ""
    if portal.since is not None:
        when = datetime.fromtimestamp(portal.since / 1000, zone)
        since = f" since {when:%Y-%m-%d %H:%M} ({format_duration((now_ms - portal.since) / 1000)})"
    writer.console.print()
    state = (
        "cannot see" if portal.portal == PROBER_PORTAL else f"{portal.state}{', flapping' if portal.flapping else ''}"
    )
    writer.line((portal.portal, "bold"), (f"  {state}", _STYLES.get(portal.state, "")), (since, ""))
    why = ": ".join(part for part in (FAULT_TEXTS[portal.fault] if portal.fault else "", portal.detail) if part)
    if why:
        writer.line((why, ""), indent=2)


def format_duration(seconds: float) -> str:
    """Seconds in the two largest units that matter, such as ``2 h 5 min``."""
    whole = max(0, int(seconds))
    for unit, size, smaller, part in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
