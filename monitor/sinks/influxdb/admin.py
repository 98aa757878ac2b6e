"""What comes before the daemon's first write to an InfluxDB: its buckets, and the proof that writing and reading work.

Synchronous, for the command line. Nothing that exists is changed: a shorter retention would throw data away.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.sinks.influxdb.client import TEST_MEASUREMENT, AdminError, InfluxDBConnection

if TYPE_CHECKING:
    from monitor.sinks.influxdb.sink import InfluxDBSettings


@dataclass(frozen=True, slots=True)
class AdminStep:
    """One step of a check: whether it went well, and what was found."""

    ok: bool
    message: str


def tier_retentions(settings: InfluxDBSettings) -> tuple[tuple[str, float | None], ...]:
    """Bucket and retention in seconds (None: for ever) of the raw, hourly and daily tier."""
    keep = settings.keep
    return (
        (settings.bucket, keep.raw),
        (settings.bucket_hourly, keep.hourly),
        (settings.bucket_daily, keep.daily),
    )


def init(settings: InfluxDBSettings) -> list[str]:
    """Make what is missing of the three tiers and tell what was done. Raises :class:`AdminError`."""
    with InfluxDBConnection.connect(settings) as server:
        version = server.version()
        generation = version.removeprefix("v").partition(".")[0]
        if generation == "1":
            return [server.create_database(name, keep) for name, keep in tier_retentions(settings)]
        if generation == "3":
            return [_manual_instruction(name, keep) for name, keep in tier_retentions(settings)]
        if not settings.org:
            raise AdminError("InfluxDB 2.x needs the name of the organisation: set 'org'")
        return [server.create_bucket(name, keep) for name, keep in tier_retentions(settings)]


def check(settings: InfluxDBSettings) -> list[AdminStep]:
    """Write a point, read it back, remove it; ends with the first step that fails."""
    steps: list[AdminStep] = []
    value, at = secrets.randbelow(2**31), time.time_ns() // 1_000_000
    try:
        with InfluxDBConnection.connect(settings) as server:
            version = server.version()
            steps.append(AdminStep(ok=True, message=f"{settings.url} answers: InfluxDB {version}"))
            server.write(f"{TEST_MEASUREMENT} value={value}i {at}")
            steps.append(AdminStep(ok=True, message=f"a point was written to {settings.bucket}"))
            server.read_back(value, at)
            steps.append(AdminStep(ok=True, message=f"the point was read back from {settings.bucket} with InfluxQL"))
            steps.append(AdminStep(ok=True, message=server.delete_test_point(version, at)))
    except AdminError as error:
        steps.append(AdminStep(ok=False, message=str(error)))
    return steps


def _manual_instruction(name: str, retention_seconds: float | None) -> str:
    period = f" --retention-period {int(retention_seconds / 86_400)}d" if retention_seconds else ""
    return (
        f"InfluxDB 3 makes database {name} when it is first written to; for a limited retention make it before: "
        f"influxdb3 create database{period} {name}"
    )
