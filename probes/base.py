"""The promise of a probe kind and the vocabulary of its results; knows nothing of HTTP, browsers or storage."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from probes.trace import Hop, Trace

Scalar = bool | int | float | str


class Fault(enum.StrEnum):
    """Why a look failed. A closed set: dashboards, rules and archives rely on it."""

    DNS = "dns"
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    TLS_EXPIRED = "tls_expired"
    TLS_NAME = "tls_name"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_OTHER = "tls_other"
    TIMEOUT = "timeout"
    RESET = "reset"
    HTTP_STATUS = "http_status"
    REDIRECT_LOOP = "redirect_loop"
    REDIRECT_TARGET = "redirect_target"
    BODY_MISMATCH = "body_mismatch"
    BODY_TOO_LARGE = "body_too_large"
    PROTOCOL = "protocol"
    BLOCKED = "blocked"
    NOT_RENDERED = "not_rendered"
    CRASHED = "crashed"
    PROBER = "prober"


class Outcome(enum.StrEnum):
    """The verdict of one look. ``void`` means that we could not see; it is never charged to a portal."""

    UP = "up"
    DOWN = "down"
    VOID = "void"


class Lane(enum.StrEnum):
    """Which queue a look waits in, so that a render can never delay an uptime look."""

    LIGHT = "light"
    RENDER = "render"


class Unit(enum.StrEnum):
    """The unit of a metric, in base units; Prometheus names, InfluxDB fields and dashboards take it from here."""

    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"
    RATIO = "ratio"
    FLAG = "flag"
    CODE = "code"
    TIMESTAMP = "timestamp"  # seconds since 1970-01-01 UTC
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One thing that a kind measures, declared once for storage, exposition, dashboards and documentation.

    ``name`` is the column and InfluxDB field. ``prometheus`` is the exposed name (empty: not exposed), with the
    constant ``labels``. A text metric is exposed as label ``label`` of an info series of value 1; text metrics that
    share a ``prometheus`` name share that series. A metric with ``sum_of`` is not stored: it is the sum of those
    stored metrics that are present.
    """

    name: str
    unit: Unit
    help: str
    type: type[bool] | type[int] | type[float] | type[str] = float
    prometheus: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    label: str = ""
    sum_of: tuple[str, ...] = ()


class Failed(Exception):
    """Raised by a probe: the look failed for ``fault``; ``detail`` is one human sentence without secrets."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a look saw: ``at`` is seconds after its start, None for the last picture, which is the whole screen.

    ``type`` is the content type of ``body``. ``print`` is 16 hex digits that differ in few bits for pictures that look
    alike; empty where nobody computed it.
    """

    at: float | None
    type: str
    body: bytes
    print: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """What one look found. ``duration`` in seconds; ``values`` holds only metrics that occurred, never a filler 0."""

    outcome: Outcome
    fault: Fault | None = None
    phase: str | None = None
    detail: str = ""
    duration: float
    values: Mapping[str, Scalar]
    hops: tuple[Hop, ...] = ()
    pictures: tuple[Picture, ...] = ()


_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_seconds(value: object) -> object:
    """Turn ``30``, ``"30s"``, ``"1.5m"``, ``"500ms"`` or ``"1h"`` into seconds; raises ValueError for other text."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    for unit in sorted(_DURATION_UNITS, key=len, reverse=True):
        number = text.removesuffix(unit)
        if number != text:
            try:
                return float(number) * _DURATION_UNITS[unit]
            except ValueError:
                break
    try:
        return float(text)
    except ValueError:
        msg = f"{value!r} is not a duration: write seconds, or a number with ms, s, m, h or d"
        raise ValueError(msg) from None


LONGEST_SECONDS = 100 * 366 * 86_400.0
"""A hundred years: no duration is longer, so that arithmetic in milliseconds and dates stays within its bounds."""

Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(gt=0, le=LONGEST_SECONDS, allow_inf_nan=False)]


class Probe(BaseModel):
    """A probe kind: its fields are exactly the keys of its configuration block.

    Subclasses set ``kind``, ``lane`` and ``metrics`` and implement :meth:`run`, which takes **one** look: it writes
    what it sees on the trace as it happens, returns when the portal behaved as expected and raises :class:`Failed`
    when it did not. It never retries and never catches cancellation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    kind: ClassVar[str]
    lane: ClassVar[Lane] = Lane.LIGHT
    metrics: ClassVar[tuple[Metric, ...]]

    mark: ClassVar[str] = ""
    """Flag metric by which a kind that runs several times a slot marks the run that speaks for it; see ``speaks``."""

    patience: ClassVar[float] = 0.0
    """How long (seconds) a look of this kind may wait for its seat, where that is longer than the daemon's grace."""

    url: str = Field(description="The address to look at; the inventory's page set provides it.")
    timeout: Seconds = Field(default=10.0, description="Longest time for one look over one address family, in seconds.")

    @property
    def deadline(self) -> float:
        """Hard limit for the whole look in seconds, kept outside of the probe's own coroutine."""
        return self.timeout

    @property
    def times(self) -> int:
        """How many runs one slot has at most; each is a measurement whose attempt is its number."""
        return 1

    def variants(self) -> Mapping[str, Self]:
        """The probes that one configuration block stands for, by the word with which their checks' names begin."""
        return {self.kind: self}

    @classmethod
    def speaks(cls, attempt: int, values: Mapping[str, Scalar]) -> bool:
        """Whether a measurement speaks for its slot: the marked run, else the first attempt. There is exactly one."""
        return bool(values.get(cls.mark, attempt == 1))

    @classmethod
    def speaking(cls) -> str:
        """The same rule as a condition in SQL over the columns ``attempt`` and ``mark``."""
        return f'coalesce("{cls.mark}", attempt = 1)' if cls.mark else "attempt = 1"

    @classmethod
    def choose(cls, runs: Sequence[ProbeResult]) -> int:
        """Which of the runs of one slot, in their order, speaks for it."""
        del runs
        return 0

    @classmethod
    def settled(cls, runs: Sequence[ProbeResult], times: int) -> bool:
        """Whether no further run of the slot is needed after ``runs`` of ``times`` planned ones."""
        return len(runs) >= times

    async def run(self, trace: Trace) -> None:
        """Take one look; see the class."""
        raise NotImplementedError
