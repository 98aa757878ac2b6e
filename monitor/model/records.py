"""The records that travel through the house unchanged: portals, checks, measurements, state changes."""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.probe import Probe
    from probes.result import Fault, Hop, Outcome, Scalar


class PortalKind(enum.StrEnum):
    """Whose portal it is."""

    NATIONAL = "national"
    MINISTRY = "ministry"
    PROVINCE = "province"


class Expect(enum.StrEnum):
    """How a portal is expected to behave. ``retired``: whatever its host does is recorded and is never an outage."""

    ANSWERS = "answers"
    REDIRECTS = "redirects_to"
    RETIRED = "retired"


class UnknownReason(enum.StrEnum):
    """Why we did not see. Each is our trouble, never the portal's."""

    BLIND = "blind"  # neither the references nor the rest of the fleet could be seen
    PROBER = "prober"  # this machine or this program failed during the look
    LATE = "late"  # no seat came free in time
    OVERLAPPED = "overlapped"  # the look of the slot before was still running
    STOPPED = "stopped"  # the daemon was not running, or was told to stop during the look
    KILLED = "killed"  # the daemon died without a word


class State(enum.StrEnum):
    """The confirmed state of a portal."""

    UP = "up"
    DOWN = "down"
    DEGRADED = "degraded"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """One portal of the inventory. ``pages`` maps a role (home, list, search, service-9, ...) to an absolute URL."""

    id: str
    name_vi: str
    name_en: str
    kind: PortalKind
    group: str
    url: str
    code: str | None = None
    pages: Mapping[str, str] = field(default_factory=dict)
    expect: Expect = Expect.ANSWERS
    redirects_to: str | None = None
    verified: bool = True
    merged_into: str | None = None
    status_2026: str | None = None
    confidence: str | None = None
    source: str | None = None
    depends_on: tuple[str, ...] = ()
    platform: str | None = None
    name_server: str | None = None

    def name(self, language: str) -> str:
        """The name in ``vi`` or ``en``."""
        return self.name_en if language == "en" else self.name_vi


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is looked at again and again: a probe of a page of a portal, every ``interval`` seconds."""

    portal: str
    name: str
    page: str
    interval: float
    probe: Probe

    @property
    def key(self) -> str:
        """Stable identity within a location; the grid offset is drawn from it."""
        return f"{self.portal}/{self.name}"

    @property
    def kind(self) -> str:
        """The probe kind."""
        return self.probe.kind

    @property
    def host(self) -> str:
        """What must not be looked at twice at a time: host and port, without the user that an address may name."""
        return _host(self.probe.url)


@functools.lru_cache(maxsize=65536)
def _host(url: str) -> str:
    return URL(url).host_port_subcomponent or ""


def check_name(prefix: str, page: str) -> str:
    """``uptime`` for the home page, ``uptime-search`` for another one; a kind with variants has a word for each."""
    return prefix if page == "home" else f"{prefix}-{page}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What became of one slot of one check: a look, or the reason why there was none.

    ``slot`` and ``started`` are UTC milliseconds, ``duration`` and ``lateness`` seconds. The identity is (portal,
    check, location, slot, attempt). ``seq`` is the journal's running number, 0 before the commit. ``hops`` is empty
    for a good look with a single hop: its columns say the same.
    """

    portal: str
    check: str
    location: str
    slot: int
    attempt: int = 1
    kind: str
    outcome: Outcome
    fault: Fault | None = None
    void: UnknownReason | None = None
    phase: str | None = None
    detail: str = ""
    started: int | None = None
    duration: float | None = None
    lateness: float | None = None
    config: str = ""
    values: Mapping[str, Scalar] = field(default_factory=dict)
    hops: tuple[Hop, ...] = ()
    seq: int = 0

    @property
    def key(self) -> str:
        """The check's key."""
        return f"{self.portal}/{self.check}"


PROBER_PORTAL = "prober"
"""The portal that stands for ourselves in state changes: ``unknown`` while we cannot see, else ``up``.

No portal of the inventory may have this id.
"""

MAX_CLOCK_STEP_BACK_MS = 24 * 3_600_000
"""A clock that is set back by more milliseconds than this had shown a wrong hour: what it wrote is no hindrance."""

STATE_CHECK = "uptime"
"""The check whose looks decide whether a portal is up or down: uptime of its home page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A portal went from ``previous`` to ``state`` at slot ``at`` (UTC ms).

    ``cause`` is the journal number of the measurement that tipped it. ``flapping`` marks the changes of a portal that
    changes all the time; the first one with it is the message that flapping began. The message that it ended is a
    change whose ``previous`` and ``state`` are the same. The changes of a portal at a location have growing ``at``.
    """

    portal: str
    location: str
    at: int
    state: State
    previous: State
    flapping: bool = False
    fault: Fault | None = None
    detail: str = ""
    cause: int = 0
    seq: int = 0
