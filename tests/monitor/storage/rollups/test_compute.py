"""Rollups are a pure function of history: each closed period once, again only when rows came into it."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.model.records import UnknownReason
from monitor.model.rollups import Tier, rollup_fields
from monitor.storage.archive import seal
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from monitor.storage.rollups import compute
from monitor.storage.rollups.compute import HOUR_MS, RollupProgress, compute_rollups, due_periods
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests import factories
from tests.factories import DAY, MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.records import Measurement

ZONE = "Asia/Ho_Chi_Minh"
FIRST = 1_785_517_200_000
"""2026-08-01T00:00 in the report zone."""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[JournalWriter]:
    writer = JournalWriter(tmp_path / JOURNAL_FILE, PROBE_KINDS)
    yield writer
    writer.close()


def hour(start: int = FIRST) -> list[Measurement]:
    """Sixty slots: 40 successes from 1 to 40 s, 15 failures, 5 unknown; and a confirmation attempt, counted nowhere."""
    found = []
    for number in range(60):
        slot = start + number * MINUTE
        if number < 40:
            values = {"wait_seconds": float(number), "bytes_body": number}
            found.append(factories.measurement(slot=slot, duration=float(number + 1), values=values))
        elif number < 55:
            found.append(factories.measurement(slot=slot, outcome=Outcome.DOWN))
        else:
            found.append(
                factories.measurement(slot=slot, outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.SELF_CHECK)
            )
    return [*found, factories.measurement(slot=start + 50 * MINUTE, attempt=2, duration=99.0)]


def test_the_rollup_of_an_hour(tmp_path: Path, writer: JournalWriter):
    writer.write(hour())
    (found,) = compute_rollups(tmp_path, Tier.HOUR, FIRST, FIRST + HOUR_MS)
    assert (found.tier, found.start, found.end) == (Tier.HOUR, FIRST, FIRST + HOUR_MS)
    assert (found.portal, found.check, found.location, found.kind) == ("ha-noi", "uptime", "hn-1", "uptime")
    counts = {name: value for name, value in found.values.items() if isinstance(value, int) and value}
    assert counts == {
        "slots": 60, "measured_slots": 55, "up": 40, "down": 15, "unknown": 5, "unknown_self_check": 5,
        "confirmation_attempts": 1,
    }  # fmt: skip
    durations = [float(number) for number in range(1, 41)]
    assert found.values["availability"] == pytest.approx(40 / 55)
    assert found.values["duration_mean"] == pytest.approx(statistics.fmean(durations))
    assert found.values["duration_p95"] == pytest.approx(statistics.quantiles(durations, n=20, method="inclusive")[-1])
    assert found.values["duration_max"] == 40.0
    assert found.values["wait_seconds_mean"] == pytest.approx(19.5)
    assert found.values["bytes_body_mean"] == pytest.approx(19.5)
    assert "connect_seconds_mean" not in found.values, "what was not measured has no value"
    declared = rollup_fields("uptime")
    assert {name: type(value) for name, value in found.values.items()}.items() <= declared.items()


def test_a_period_of_unknown_outcomes_has_no_availability(tmp_path: Path, writer: JournalWriter):
    writer.write([factories.measurement(slot=FIRST, outcome=Outcome.UNKNOWN)])
    (found,) = compute_rollups(tmp_path, Tier.HOUR, FIRST, FIRST + HOUR_MS)
    assert {name for name in found.values if not name.startswith("unknown_")} == {
        "slots", "measured_slots", "up", "down", "unknown", "confirmation_attempts"
    }  # fmt: skip


def test_sealing_changes_no_value(tmp_path: Path, writer: JournalWriter):
    for number in range(24):
        writer.write(hour(FIRST + number * HOUR_MS))
    before = compute_rollups(tmp_path, Tier.DAY, FIRST, FIRST + DAY)
    request = seal.SealRequest(directory=tmp_path, zone=ZONE, grace_ms=0, now_ms=FIRST + DAY)
    assert seal.sweep(request, lambda update: writer.write([update]) and None) == 1
    after = compute_rollups(tmp_path, Tier.DAY, FIRST, FIRST + DAY)
    assert [one.values.keys() for one in after] == [one.values.keys() for one in before]
    for one, other in zip(before, after, strict=True):
        assert one.values == pytest.approx(other.values)


def test_periods_are_due_when_they_are_closed_and_when_rows_came_late(tmp_path: Path, writer: JournalWriter):
    writer.write([*hour(), *hour(FIRST + 5 * HOUR_MS)])
    grace = compute.GRACE_MS[Tier.HOUR]
    assert due_periods(tmp_path, Tier.HOUR, ZONE, FIRST + HOUR_MS + grace - 1, RollupProgress())[0] == []
    now = FIRST + 6 * HOUR_MS + grace
    periods, progress = due_periods(tmp_path, Tier.HOUR, ZONE, now, RollupProgress())
    assert periods == [(FIRST, FIRST + HOUR_MS), (FIRST + 5 * HOUR_MS, FIRST + 6 * HOUR_MS)]
    assert progress.until_ms == FIRST + 6 * HOUR_MS
    assert due_periods(tmp_path, Tier.HOUR, ZONE, now, progress)[0] == []
    writer.write([factories.measurement(portal="hue", slot=FIRST + 2 * HOUR_MS + MINUTE)])
    assert due_periods(tmp_path, Tier.HOUR, ZONE, now, progress)[0] == [(FIRST + 2 * HOUR_MS, FIRST + 3 * HOUR_MS)]


def test_days_are_those_of_the_report_zone(tmp_path: Path, writer: JournalWriter):
    writer.write([factories.measurement(slot=FIRST + 23 * HOUR_MS)])
    now = FIRST + DAY + compute.GRACE_MS[Tier.DAY]
    assert due_periods(tmp_path, Tier.DAY, ZONE, now, RollupProgress())[0] == [(FIRST, FIRST + DAY)]
    assert due_periods(tmp_path, Tier.DAY, "UTC", now, RollupProgress())[0] == []
