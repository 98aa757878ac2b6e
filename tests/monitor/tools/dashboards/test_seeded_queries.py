"""The short form of the benchmark: an invented week of the whole fleet, from which every query has a result."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.bench import dashboards, seeded
from tests.bench.seeded_influx import TIERS

pytestmark = pytest.mark.slow


def test_every_query_is_answered_over_a_week_of_the_whole_fleet(tmp_path: Path):
    """The benchmark measures how quickly: this host may be busy. Here each query must have a result."""
    portals = seeded.inventory()
    end = int(time.time()) // 60 * 60
    past = seeded.Past(end=end, days=7, fine=900, portals=portals, near=portals[5].id, near_for=900, years=10)
    with dashboards.stored(past, tmp_path) as servers:
        found = dashboards.measure(servers, again=1)
    assert len(found) > 200
    answered = {one.query.where for one in found if one.count}
    assert len(portals) == 106
    assert {"fleet: Tỉnh, thành phố A", "score: Xếp hạng A", "score-history: Xếp hạng A", "mobile-history: Từng cổng A",
            "mobile: Từng cổng A", "portal: Trạng thái theo thời gian, từng trạm đo A"} <= answered  # fmt: skip
    tiers = {(one.query.where, one.query.database) for one in found if one.count}
    for where, databases in (
        ("mobile-history: LCP theo thời gian B", TIERS),
        ("mobile-history: So sánh thiết bị E", TIERS),
        ("score-history: Bản đồ điểm: số đo, giới hạn, điểm A", ("portal_monitor", "portal_monitor_daily")),
    ):
        assert tiers >= {(where, database) for database in databases}
