"""The records that all packages share unchanged: portals, checks, measurements, state changes."""

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
    """Who operates the portal."""

    NATIONAL = "national"
    MINISTRY = "ministry"
    PROVINCE = "province"


class Expect(enum.StrEnum):
    """How a portal is expected to behave. ``retired``: its measurements are recorded and are never an outage."""

    ANSWERS = "answers"
    REDIRECTS = "redirects_to"
    RETIRED = "retired"


class UnknownReason(enum.StrEnum):
    """Why an outcome is unknown. Each is a problem of the prober, never of the portal."""

    SELF_CHECK = "self_check"  # the self-check failed: neither the references nor the rest of the fleet answered
    INTERNAL_ERROR = "internal_error"  # this machine or this program failed during the probe
    LATE = "late"  # no permit was available in time
    OVERLAPPED = "overlapped"  # the probe of the slot before was still running
    STOPPED = "stopped"  # the daemon was not running, or was stopped during the probe
    KILLED = "killed"  # the daemon was killed


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
        """Return the name in ``vi`` or ``en``."""
        return self.name_en if language == "en" else self.name_vi


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A probe of one page of a portal on a schedule, every ``interval`` seconds."""

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
        """Host and port, without the user that a URL may name: probed once at a time."""
        return _host(self.probe.url)


@functools.lru_cache(maxsize=65536)
def _host(url: str) -> str:
    return URL(url).host_port_subcomponent or ""


def check_name(prefix: str, page: str) -> str:
    """Return ``uptime`` for the home page, ``uptime-search`` for another; variants of a kind have a prefix each."""
    return prefix if page == "home" else f"{prefix}-{page}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The result of one attempt in a slot of a check, or the reason why there was none.

    ``slot`` and ``started`` are UTC milliseconds, ``duration`` and ``start_delay`` seconds. The identity is (portal,
    check, location, slot, attempt). ``seq`` is the journal's sequence number, 0 before the commit. ``hops`` is empty
    for a successful probe with a single hop: its columns hold the same.
    """

    portal: str
    check: str
    location: str
    slot: int
    attempt: int = 1
    kind: str
    outcome: Outcome
    fault: Fault | None = None
    unknown_reason: UnknownReason | None = None
    phase: str | None = None
    detail: str = ""
    started: int | None = None
    duration: float | None = None
    start_delay: float | None = None
    config: str = ""
    values: Mapping[str, Scalar] = field(default_factory=dict)
    hops: tuple[Hop, ...] = ()
    seq: int = 0

    @property
    def key(self) -> str:
        """The check's key."""
        return f"{self.portal}/{self.check}"


PROBER_PORTAL = "prober"
"""The portal id of the prober itself in state changes: ``unknown`` while its self-check fails, else ``up``.

No portal of the inventory may have this id.
"""

MAX_CLOCK_STEP_BACK_MS = 24 * 3_600_000
"""Clock step in ms: records from a time further ahead come from a wrong clock, and do not block new slots."""

STATE_CHECK = "uptime"
"""The check whose measurements decide whether a portal is up or down: uptime of its home page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateChange:
    """A change of a portal from ``previous`` to ``state`` at slot ``at`` (UTC ms).

    ``cause`` is the sequence number of the measurement that caused it. ``flapping`` marks the changes of a flapping
    portal; the first one with it marks the start of flapping. Its end is a change whose ``previous`` and ``state`` are
    the same. The changes of a portal at a location have increasing ``at``.
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
