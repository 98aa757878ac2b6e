"""The size limit of the journal: a warning at half of it, an error at the maximum."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from monitor.storage.journal.journal import JournalStatistics
from monitor.storage.journal.size_limit import JournalSizeLimit, journal_usage
from monitor.storage.journal.store import JournalError


@pytest.mark.parametrize(
    ("used", "near", "reached"),
    [(0, False, False), (499, False, False), (500, True, False), (999, True, False), (1000, True, True)],
)
def test_the_limit_is_near_from_half_on_and_reached_at_the_maximum(used: int, near: bool, reached: bool):  # noqa: FBT001
    usage = journal_usage(JournalStatistics(size_bytes=used), 1000)
    assert (usage.near_limit, usage.limit_reached) == (near, reached)
    assert usage.ratio == used / 1000


def test_the_size_limit_logs_changes_and_raises_at_the_maximum():
    limit, statistics = JournalSizeLimit(1000), JournalStatistics()
    with capture_logs() as lines:
        for used in (100, 600, 700, 400, 800):
            statistics.size_bytes = used
            limit.check(statistics)
    assert [(line["log_level"], line["used_bytes"]) for line in lines] == [
        ("warning", 600), ("info", 400), ("warning", 800),
    ]  # fmt: skip
    statistics.size_bytes = 1000
    with pytest.raises(JournalError, match="maximum size of 1000 bytes"):
        limit.check(statistics)
