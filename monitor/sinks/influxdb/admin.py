"""What comes before the daemon's first write to an InfluxDB: its buckets, and the proof that writing and reading work.

Synchronous, for the command line. Nothing that exists is changed: a shorter retention would throw data away.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.sinks.influxdb.client import PROBE, AdminError, Server

if TYPE_CHECKING:
    from monitor.sinks.influxdb.sink import InfluxDB


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a check: whether it went well, and what was found."""

    ok: bool
    text: str


def tiers(settings: InfluxDB) -> tuple[tuple[str, float | None], ...]:
    """Bucket and retention in seconds (None: for ever) of the raw, hourly and daily tier."""
    keep = settings.keep
    return (
        (settings.bucket, keep.raw),
        (settings.bucket_hourly, keep.hourly),
        (settings.bucket_daily, keep.daily),
    )


def init(settings: InfluxDB) -> list[str]:
    """Make what is missing of the three tiers and tell what was done. Raises :class:`AdminError`."""
    with Server.opened(settings) as server:
        version = server.version()
        generation = version.removeprefix("v").partition(".")[0]
        if generation == "1":
            return [server.database(name, keep) for name, keep in tiers(settings)]
        if generation == "3":
            return [_by_hand(name, keep) for name, keep in tiers(settings)]
        if not settings.org:
            raise AdminError("InfluxDB 2.x needs the name of the organisation: set 'org'")
        return [server.bucket(name, keep) for name, keep in tiers(settings)]


def check(settings: InfluxDB) -> list[Step]:
    """Write a point, read it back, remove it; ends with the first step that fails."""
    steps: list[Step] = []
    value, at = secrets.randbelow(2**31), time.time_ns() // 1_000_000
    try:
        with Server.opened(settings) as server:
            version = server.version()
            steps.append(Step(ok=True, text=f"{settings.url} answers: InfluxDB {version}"))
            server.write(f"{PROBE} value={value}i {at}")
            steps.append(Step(ok=True, text=f"a point was written to {settings.bucket}"))
            server.read_back(value, at)
            steps.append(Step(ok=True, text=f"the point was read back from {settings.bucket} with InfluxQL"))
            steps.append(Step(ok=True, text=server.clean(version, at)))
    except AdminError as error:
        steps.append(Step(ok=False, text=str(error)))
    return steps


def _by_hand(name: str, keep: float | None) -> str:
    period = f" --retention-period {int(keep / 86_400)}d" if keep else ""
    return (
        f"InfluxDB 3 makes database {name} when it is first written to; for a limited retention make it before: "
        f"influxdb3 create database{period} {name}"
    )
