"""The observations of a soak, as plain records for the evaluation. Times are unix seconds, slots are UTC ms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.model.records import Measurement, StateChange
from monitor.sinks.influxdb.line_protocol import STATE_CHANGE, point_time_ms

if TYPE_CHECKING:
    from monitor.model.incidents import IncidentEvent, Message
    from monitor.model.records import Check


class Point(NamedTuple):
    """Which point of InfluxDB a record is: measurement, portal, check, time in UTC ms."""

    measurement: str
    portal: str
    check: str
    time: int


def point_of(record: Measurement | StateChange) -> Point:
    """The point that the record has to become."""
    if isinstance(record, Measurement):
        return Point(record.kind, record.portal, record.check, point_time_ms(record))
    return Point(STATE_CHANGE, record.portal, "", record.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The daemon at one moment: resident bytes and open files of its process, and how many processes are below it."""

    at: float
    memory: int
    files: int
    below: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonRun:
    """One run of the daemon. ``stop_requested`` is when its end was requested, ``code`` its exit code.

    ``orphans`` are processes of it that were alive after the timeout of the soak, ``gone`` is how many seconds it took
    until none was alive, ``left`` are the temporary files that it left. A run without ``samples`` had no checks.
    """

    started: float
    stop_requested: float
    ended: float
    killed: bool
    code: int
    samples: tuple[Sample, ...] = ()
    orphans: tuple[str, ...] = ()
    gone: float = 0.0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionInterval:
    """One condition of a portal as recorded by the fleet; ``until`` is infinite at the end."""

    portal: str
    mode: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All observations. ``dependencies`` are pairs of a portal and another that it fails with.

    ``stored`` is what the journal holds, as points of InfluxDB, ``written`` what InfluxDB holds. ``server_outages`` are
    the times in which a server (``database`` or ``webhook``) was down. ``notified`` has the incident ids of each
    message that the webhook accepted, ``remains`` are unfinished files in the data directory.
    """

    checks: tuple[Check, ...] = ()
    runs: tuple[DaemonRun, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    stored: Counter[Point] = field(default_factory=Counter)
    written: Counter[Point] = field(default_factory=Counter)
    quarantined: int = 0
    conditions: tuple[ConditionInterval, ...] = ()
    retired: frozenset[str] = frozenset()
    dependencies: tuple[tuple[str, str], ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    messages: tuple[Message, ...] = ()
    notified: tuple[tuple[str, ...], ...] = ()
    server_outages: tuple[tuple[str, float, float], ...] = ()
    lines: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
