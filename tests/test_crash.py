"""Killed a dozen times at random moments, daemon and commands lose and double nothing; two hundred: ``make chaos``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.run import run
from tests.crash.tally import Rule

KILLS, DAYS, SEED = 12, 4, 7


@pytest.mark.slow
def test_a_dozen_kills_break_no_rule(tmp_path: Path):
    tally = run(tmp_path, KILLS, SEED, DAYS)
    assert tally.errors == [], tally.summary()
    assert tally.kills == KILLS
    assert set(tally.checks) == set(Rule), "every rule was checked"
