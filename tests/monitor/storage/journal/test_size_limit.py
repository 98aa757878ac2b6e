"""The journal's room: a word at half, a loud stop when it is full."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from monitor.storage.journal.journal import JournalStatistics
from monitor.storage.journal.size_limit import JournalSizeLimit, journal_usage
from monitor.storage.journal.store import JournalError


@pytest.mark.parametrize(
    ("used", "tight", "full"),
    [(0, False, False), (499, False, False), (500, True, False), (999, True, False), (1000, True, True)],
)
def test_room_is_tight_from_half_on_and_full_at_the_limit(used: int, tight: bool, full: bool):  # noqa: FBT001
    space = journal_usage(JournalStatistics(size_bytes=used), 1000)
    assert (space.near_limit, space.limit_reached) == (tight, full)
    assert space.ratio == used / 1000


def test_the_guard_speaks_when_it_changes_and_stops_at_the_limit():
    guard, counted = JournalSizeLimit(1000), JournalStatistics()
    with capture_logs() as lines:
        for used in (100, 600, 700, 400, 800):
            counted.size_bytes = used
            guard.check(counted)
    assert [(line["log_level"], line["used_bytes"]) for line in lines] == [
        ("warning", 600), ("info", 400), ("warning", 800),
    ]  # fmt: skip
    counted.size_bytes = 1000
    with pytest.raises(JournalError, match="limit of 1000 bytes"):
        guard.check(counted)
