"""The parts of a period that its trend is drawn from."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from monitor.scoring import periods
from monitor.scoring.report.collect import progress_steps, subperiods

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("2026Q3", ["2026-07", "2026-08", "2026-09"]),
        ("2026Q4", ["2026-10", "2026-11", "2026-12"]),
        ("2026-02", ["01/02", "08/02", "15/02", "22/02"]),
        ("2026-09", ["01/09", "08/09", "15/09", "22/09", "29/09"]),
        ("2026-01-20..2026-03-10", ["2026-01", "2026-02", "2026-03"]),
        ("2026-W37", []),
        ("2026-09-14", []),
    ],
)
def test_a_period_is_cut_into_parts_that_join_without_a_gap(name: str, expected: list[str]):
    period = periods.parse(name, ZONE, 0)
    found = subperiods(period)
    assert [one.name for one in found] == expected
    assert progress_steps(period) == 3 + len(expected)
    if found:
        assert [one.since_ms for one in found] == [period.since_ms, *(one.until_ms for one in found[:-1])]
        assert found[-1].until_ms == period.until_ms
