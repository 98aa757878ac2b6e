"""A page load never delays an uptime probe: with a saturated browser pool, probes start as with an idle one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.pools import measure
from tests.bench.subject import nginx

SLACK = 0.1
"""Seconds: on a machine that others use, two runs of the same daemon differ by that much. The benchmark is exact."""


@pytest.mark.slow
def test_a_saturated_browser_pool_delays_no_uptime_probe(tmp_path: Path):
    with nginx(tmp_path) as (port, ca):
        found = {
            rendering: measure(tmp_path / str(rendering), port, ca, rendering=rendering, checks=100, seconds=10.0)
            for rendering in (False, True)
        }
    assert found[False].loads == 0
    assert found[True].loads > 0
    assert found[True].at(0.9) <= 3 * found[False].at(0.9) + SLACK
