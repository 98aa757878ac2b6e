"""The short form of the benchmark: a made-up week of the whole fleet, and every query answered from it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.bench import dashboards, seeded

pytestmark = pytest.mark.slow


def test_every_query_is_answered_over_a_week_of_the_whole_fleet(tmp_path: Path):
    """How quickly is told by the benchmark: this machine may be busy. Here each answer has to be there."""
    portals = seeded.inventory()
    past = seeded.Past(end=int(time.time()) // 60 * 60, days=7, fine=900, portals=portals)
    with dashboards.quarter(past, tmp_path) as asker:
        found = dashboards.measure(asker, [one.id for one in portals], again=1)
    assert len(found) > 200
    answered = {one.query.where for one in found if one.count}
    assert len(portals) == 106
    assert {"fleet: Tỉnh, thành phố A", "score: Xếp hạng A", "score-history: Xếp hạng A", "mobile-history: Từng cổng A",
            "mobile: Từng cổng A", "portal: Trạng thái theo thời gian, từng trạm đo A"} <= answered  # fmt: skip
