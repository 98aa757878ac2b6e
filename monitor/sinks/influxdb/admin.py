"""Prepares an InfluxDB for the daemon: creates the buckets, and checks that writing and reading work.

Synchronous, for the command line. Nothing that exists is changed: a shorter retention would delete data.
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
    """One step of a check: whether it succeeded, and its result as a sentence."""

    ok: bool
    message: str


def tier_retentions(settings: InfluxDBSettings) -> tuple[tuple[str, float | None], ...]:
    """Return bucket and retention in seconds (None: forever) of the raw, hourly and daily tier."""
    retention = settings.retention
    buckets = (settings.bucket, settings.bucket_hourly, settings.bucket_daily)
    return tuple(zip(buckets, (retention.raw, retention.hourly, retention.daily), strict=True))


def init(settings: InfluxDBSettings) -> list[str]:
    """Create the missing tiers; return what was done, a sentence each. Raises :class:`AdminError`."""
    with InfluxDBConnection.connect(settings) as server:
        version = server.version()
        generation = version.removeprefix("v").partition(".")[0]
        if generation == "1":
            return [server.create_database(name, retention) for name, retention in tier_retentions(settings)]
        if generation == "3":
            return [_manual_instruction(name, retention) for name, retention in tier_retentions(settings)]
        if not settings.org:
            raise AdminError("InfluxDB 2.x needs the name of the organisation: set 'org'")
        return [server.create_bucket(name, retention) for name, retention in tier_retentions(settings)]


def check(settings: InfluxDBSettings) -> list[AdminStep]:
    """Write a point, read it back and delete it; stop at the first step that fails."""
    steps: list[AdminStep] = []
    value, at = secrets.randbelow(2**31), time.time_ns() // 1_000_000
    try:
        with InfluxDBConnection.connect(settings) as server:
            version = server.version()
            steps.append(AdminStep(ok=True, message=f"{settings.url} responds: InfluxDB {version}"))
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
        f"InfluxDB 3 creates database {name} at the first write; for a limited retention create it before: "
        f"influxdb3 create database{period} {name}"
    )
