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
    """Select the worker pool that runs a probe. Browser probes have their own pool and never delay an uptime probe."""

    HTTP = "http"
    BROWSER = "browser"


_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_seconds(value: object) -> object:
    """Convert ``30``, ``"30s"``, ``"1.5m"``, ``"500ms"`` or ``"1h"`` to seconds. Raises ValueError for other text."""
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
        raise ValueError(f"{value!r} is not a duration: write seconds, or a number with ms, s, m, h or d") from None


MAX_DURATION_SECONDS = 100 * 366 * 86_400.0
"""100 years: the longest duration, so that arithmetic in milliseconds and dates stays within its bounds."""

Seconds = Annotated[float, BeforeValidator(parse_seconds), Field(gt=0, le=MAX_DURATION_SECONDS, allow_inf_nan=False)]


class Probe(BaseModel):
    """Define a probe kind: its fields are exactly the keys of its configuration block.

    Subclasses set ``kind``, ``pool`` and ``metrics`` and implement :meth:`run`, which makes **one** attempt: it records
    phases and values on the trace as they happen, returns when the portal behaves as expected and raises
    :class:`ProbeFailed` when it does not. It never retries and never catches cancellation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)

    kind: ClassVar[str]
    pool: ClassVar[Pool] = Pool.HTTP
    metrics: ClassVar[tuple[Metric, ...]]

    representative_flag: ClassVar[str] = ""
    """Flag metric that marks the representative run of a kind with several runs a slot; see ``is_representative``."""

    max_wait_seconds: ClassVar[float] = 0.0
    """Longest wait (seconds) for a free worker, where it is longer than the daemon's misfire grace time."""

    url: str = Field(description="URL to probe; the inventory's page set provides it.")
    timeout: Seconds = Field(
        default=10.0, description="Longest time for one attempt over one address family, in seconds."
    )

    @property
    def deadline(self) -> float:
        """Return the hard limit of one attempt in seconds, enforced outside of the probe's own coroutine."""
        return self.timeout

    @property
    def max_runs(self) -> int:
        """Return the highest number of runs in a slot; each is a measurement whose attempt is its number."""
        return 1

    def variants(self) -> Mapping[str, Self]:
        """Return the probes of one configuration block, by the prefix of their checks' names."""
        return {self.kind: self}

    @classmethod
    def is_representative(cls, attempt: int, values: Mapping[str, Scalar]) -> bool:
        """Return whether a measurement represents its slot: the marked run, else attempt 1. A slot has exactly one."""
        return bool(values.get(cls.representative_flag, attempt == 1))

    @classmethod
    def representative_sql(cls) -> str:
        """Return the same rule as an SQL condition over the columns ``attempt`` and ``representative_flag``."""
        return f'coalesce("{cls.representative_flag}", attempt = 1)' if cls.representative_flag else "attempt = 1"

    @classmethod
    def select_representative(cls, runs: Sequence[ProbeResult]) -> int:
        """Return the index of the representative run among the runs of one slot."""
        del runs
        return 0

    @classmethod
    def is_complete(cls, runs: Sequence[ProbeResult], max_runs: int) -> bool:
        """Return whether the slot needs no further run after ``runs`` of ``max_runs`` scheduled ones."""
        return len(runs) >= max_runs

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        """Make one attempt; see the class."""
        raise NotImplementedError
