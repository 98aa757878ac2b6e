"""What the daemon orders from its renderer and what comes back, as records and as lines of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from probes.base import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from probes.base import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One load to make: ``url`` on the device ``profile``, over within ``timeout`` seconds, saying ``agent``.

    ``blocked`` hosts are never asked. ``largest`` is the most bytes that the page may send, ``memory`` the most that
    one of its processes may take. ``best`` is the best benchmark index known of this host (0: none yet) and ``share``
    the part of it that it must still reach. ``prove`` asks for the canary first. ``trace`` is a file for the trace.
    """

    url: str
    profile: str
    timeout: float
    agent: str
    blocked: tuple[str, ...] = ()
    largest: int = 50_000_000
    memory: int = 1_500_000_000
    best: float = 0.0
    share: float = 0.0
    prove: bool = False
    trace: str = ""

    def line(self) -> bytes:
        """As one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Order:
        """From such a line."""
        told = json.loads(line)
        return cls(**(told | {"blocked": tuple(told["blocked"])}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture that the renderer left in its scratch directory as ``file``; the rest as in probes.base.Picture."""

    file: str
    type: str
    at: float | None = None
    print: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of an order.

    ``fault`` with ``detail`` and ``phase`` says why it failed; :attr:`Fault.PROBER` where we could not see. ``memory``
    is what the browser and all that belongs to it took in the end, in bytes. ``proved``: the canary was asked and well.
    ``spoiled``: this browser is not to be used again.
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    fault: Fault | None = None
    detail: str = ""
    phase: str | None = None
    pictures: tuple[Shown, ...] = ()
    memory: int = 0
    proved: bool = False
    spoiled: bool = False

    def line(self) -> bytes:
        """As one line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Answer:
        """From such a line. Raises ValueError when it is none."""
        told: dict[str, Any] = json.loads(line)
        told["fault"] = Fault(told["fault"]) if told["fault"] else None
        told["pictures"] = tuple(Shown(**one) for one in told["pictures"])
        return cls(**told)
