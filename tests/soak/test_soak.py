"""The soak itself in its short form: a kill, an outage of the database and three faults within half a minute."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_short_soak_keeps_every_guarantee(tmp_path: Path):
    """In a separate process, which becomes the parent of the processes that the killed daemon leaves."""
    section = tmp_path / "soak.md"
    command = ("-m", "tests.soak", "--minutes", "0.4", "--write", str(section))
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    text = section.read_text()
    assert re.search(r"exactly one outcome .*\d unknown \(killed\)", text), text
    assert re.search(r"uptime \d+ = \d+", text), text
    assert re.search(r"1 killed, 2 stopped", text), text
    assert re.search(r"[12] such outages of 3 ", text), text
