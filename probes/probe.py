"""The interface of a probe kind; knows nothing of HTTP, browsers or storage."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    from probes.metric import Metric
    from probes.resources import ProbeResources
    from probes.result import ProbeResult, Scalar
    from probes.trace import Trace


class Pool(enum.StrEnum):
    """Which queue a look waits in, so that a render can never delay an uptime look."""

    LIGHT = "light"
    RENDER = "render"


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


MAX_DURATION_SECONDS = 100 * 366 * 86_400.0
"""A hundred years: no duration is longer, so that arithmetic in milliseconds and dates stays within its bounds."""

Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(gt=0, le=MAX_DURATION_SECONDS, allow_inf_nan=False)]


class Probe(BaseModel):
    """A probe kind: its fields are exactly the keys of its configuration block.

    Subclasses set ``kind``, ``lane`` and ``metrics`` and implement :meth:`run`, which takes **one** look: it writes
    what it sees on the trace as it happens, returns when the portal behaved as expected and raises :class:`Failed`
    when it did not. It never retries and never catches cancellation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    kind: ClassVar[str]
    pool: ClassVar[Pool] = Pool.LIGHT
    metrics: ClassVar[tuple[Metric, ...]]

    representative_flag: ClassVar[str] = ""
    """Flag metric by which a kind that runs several times a slot marks the run that speaks for it; see ``speaks``."""

    max_wait_seconds: ClassVar[float] = 0.0
    """How long (seconds) a look of this kind may wait for its seat, where that is longer than the daemon's grace."""

    url: str = Field(description="The address to look at; the inventory's page set provides it.")
    timeout: Seconds = Field(default=10.0, description="Longest time for one look over one address family, in seconds.")

    @property
    def deadline(self) -> float:
        """Hard limit for the whole look in seconds, kept outside of the probe's own coroutine."""
        return self.timeout

    @property
    def max_runs(self) -> int:
        """How many runs one slot has at most; each is a measurement whose attempt is its number."""
        return 1

    def variants(self) -> Mapping[str, Self]:
        """The probes that one configuration block stands for, by the word with which their checks' names begin."""
        return {self.kind: self}

    @classmethod
    def is_representative(cls, attempt: int, values: Mapping[str, Scalar]) -> bool:
        """Whether a measurement speaks for its slot: the marked run, else the first attempt. There is exactly one."""
        return bool(values.get(cls.representative_flag, attempt == 1))

    @classmethod
    def representative_sql(cls) -> str:
        """The same rule as a condition in SQL over the columns ``attempt`` and ``mark``."""
        return f'coalesce("{cls.representative_flag}", attempt = 1)' if cls.representative_flag else "attempt = 1"

    @classmethod
    def select_representative(cls, runs: Sequence[ProbeResult]) -> int:
        """Which of the runs of one slot, in their order, speaks for it."""
        del runs
        return 0

    @classmethod
    def is_complete(cls, runs: Sequence[ProbeResult], max_runs: int) -> bool:
        """Whether no further run of the slot is needed after ``runs`` of ``times`` planned ones."""
        return len(runs) >= max_runs

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        """Take one look; see the class."""
        raise NotImplementedError
