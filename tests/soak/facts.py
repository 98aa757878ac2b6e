"""What a soak has seen, as plain records: the judge reads nothing else. Times are unix seconds, slots are UTC ms."""

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
class Life:
    """One life of the daemon. ``told`` is when its end was ordered, ``code`` its exit code.

    ``orphans`` are processes of it that nobody ended within the patience of the soak, ``gone`` is how many seconds it
    took until none lived, ``left`` are the temporary files that it left. A life without ``samples`` looked at nothing.
    """

    started: float
    told: float
    ended: float
    killed: bool
    code: int
    samples: tuple[Sample, ...] = ()
    orphans: tuple[str, ...] = ()
    gone: float = 0.0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """What the fleet says of one portal: since when until when it was like this; ``until`` is infinite at the end."""

    portal: str
    mode: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All of it. ``helpless`` says of which portals another one's trouble is trouble too.

    ``stored`` is what the journal holds, as points of InfluxDB, ``written`` what InfluxDB holds. ``away`` are the times
    in which a server (``database`` or ``webhook``) was away. ``told`` has the incident ids of each letter that the
    webhook took, ``remains`` are unfinished files in the data directory.
    """

    checks: tuple[Check, ...] = ()
    lives: tuple[Life, ...] = ()
    looks: tuple[Measurement, ...] = ()
    stored: Counter[Point] = field(default_factory=Counter)
    written: Counter[Point] = field(default_factory=Counter)
    quarantined: int = 0
    spells: tuple[Spell, ...] = ()
    retired: frozenset[str] = frozenset()
    helpless: tuple[tuple[str, str], ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    messages: tuple[Message, ...] = ()
    told: tuple[tuple[str, ...], ...] = ()
    away: tuple[tuple[str, float, float], ...] = ()
    lines: tuple[str, ...] = ()
    remains: tuple[str, ...] = ()
