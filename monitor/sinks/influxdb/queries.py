"""What to ask an InfluxDB for a window of history, in InfluxQL; asking and ordering are left to `influx_history`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from monitor.sinks.influxdb.line_protocol import STATE_CHANGE
from monitor.storage.journal.columns import STATE_COLUMNS, Column, columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.storage.history.reader import Window

DAY = 86_400_000

SLACK = 999
"""Milliseconds after its slot within which a look that confirms has its time: one for each attempt after the first."""

LAST = 9_223_372_036_854
"""The last millisecond that InfluxDB knows, in the year 2262."""

LONGEST = 3000
"""Bytes of a condition that the address of a request may carry: proxies take 8 KB. A longer one is not asked."""

_CAUSE = Column(name="cause", type=int, help="Journal number of the look that tipped it.")
_SEQ = Column(name="seq", type=int, help="Number in the journal, which InfluxDB does not know.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Points of one InfluxDB measurement with ``since <= moment < until`` (UTC ms), as columns ``wanted``.

    ``order`` sorts them and tells them apart; it begins with the moment. The time of a point is at most ``slack`` ms
    behind that. ``step`` is how many ms one query should span, so that no server holds a quarter of a year open.
    """

    measurement: str
    since: int
    until: int
    members: tuple[tuple[str, frozenset[str]], ...]
    wanted: tuple[Column, ...]
    order: tuple[str, ...]
    slack: int
    step: int

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that have to be read, those of the order first."""
        return tuple(dict.fromkeys([*self.order, *(column.name for column in self.wanted)]))

    @property
    def kinds(self) -> tuple[type, ...]:
        """The types of the columns of the order."""
        return tuple(int if name in {"slot", "at", "attempt", "cause"} else str for name in self.order)

    @property
    def end(self) -> int:
        """The time (UTC ms) at which no point can be in the window any more."""
        return min(self.until + self.slack, LAST)

    @property
    def narrowed(self) -> bool:
        """Whether the conditions pick out :attr:`members`, so that nobody else has to."""
        return len(quote(self._members)) <= LONGEST

    @property
    def _members(self) -> str:
        return "".join(
            f" AND ({' OR '.join(f'{quoted(name)} = {_text(one)}' for one in sorted(members))})"
            for name, members in self.members
        )

    def _where(self, since: int, until: int) -> str:
        return f"WHERE time >= {since}ms AND time < {until}ms{self._members if self.narrowed else ''}"

    def rows(self, since: int, until: int) -> str:
        """The query for the points of some time (UTC ms), oldest first."""
        listed = ", ".join(quoted(name) for name in self.names if name != "at")
        return f"SELECT {listed} FROM {quoted(self.measurement)} {self._where(since, until)}"  # noqa: S608 - quoted

    def first(self, since: int, until: int) -> str:
        """The query for the time of the oldest point in some time (UTC ms)."""
        field = quoted("state" if self.order[0] == "at" else "slot")
        where = self._where(since, until)
        return f"SELECT {field} FROM {quoted(self.measurement)} {where} ORDER BY time ASC LIMIT 1"  # noqa: S608 - quoted

    def count(self) -> str:
        """The query for how many looks there are."""
        within = f'AND "slot" >= {self.since} AND "slot" < {min(self.until, LAST)}'
        return f'SELECT COUNT("slot") FROM {quoted(self.measurement)} {self._where(self.since, self.end)} {within}'  # noqa: S608 - quoted


def looks(window: Window, names: Sequence[str] = ()) -> Question:
    """The measurements of a window: all columns, or those ``names``. Raises :class:`JournalError` as ``columns``."""
    return Question(
        measurement=window.kind,
        since=window.since,
        until=window.until,
        members=window.members,
        wanted=_chosen(columns(window.kind), names),
        order=("slot", "portal", "check", "location", "attempt"),
        slack=SLACK,
        step=DAY,
    )


def changes(since: int, until: int, portals: frozenset[str] | None = None, names: Sequence[str] = ()) -> Question:
    """State changes: the columns of history, or those ``names``. They are ordered by the number of their cause."""
    return Question(
        measurement=STATE_CHANGE,
        since=since,
        until=until,
        members=() if portals is None else (("portal", portals),),
        wanted=_chosen((*STATE_COLUMNS, _CAUSE, _SEQ), names or [column.name for column in STATE_COLUMNS]),
        order=("at", "portal", "location", "cause", "state"),
        slack=0,
        step=100 * DAY,
    )


def _chosen(every: Sequence[Column], names: Sequence[str]) -> tuple[Column, ...]:
    known = {column.name: column for column in every}
    return tuple(known[name] for name in names or known)


def quoted(name: str) -> str:
    """A name as InfluxQL writes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _text(text: str) -> str:
    """A text as InfluxQL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
