"""A daemon keeps probing under web load; ``make chaos ARGS=access`` is the long form, with measurements."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.under_load import INTERVAL, PORTALS, watched


@pytest.mark.slow
def test_web_clients_cost_no_probe(tmp_path: Path):
    """Every slot was probed and nothing failed, whatever the machine does besides; clients got a response."""
    found = watched(tmp_path, seconds=8, rate=100, slow=40)
    assert found.bad == 0
    assert len(found.start_delays) >= PORTALS * (8 / INTERVAL - 0.5)
    assert set(found.clients["statuses"]) <= {"200", "503"}
    assert found.clients["statuses"]["200"] > 0
    assert found.clients["slow_opened"] >= 40
