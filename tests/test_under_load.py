"""A daemon goes on looking while others knock at its door; ``make chaos ARGS=doors`` is the long form, with figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.under_load import INTERVAL, PORTALS, watched


@pytest.mark.slow
def test_visitors_cost_no_look(tmp_path: Path):
    """Every slot was looked at and nothing failed, whatever the machine has to do beside; visitors got an answer."""
    found = watched(tmp_path, seconds=8, rate=100, slow=40)
    assert found.bad == 0
    assert len(found.lateness) >= PORTALS * (8 / INTERVAL - 0.5)
    assert set(found.told["statuses"]) <= {"200", "503"}
    assert found.told["statuses"]["200"] > 0
    assert found.told["slow_opened"] >= 40
