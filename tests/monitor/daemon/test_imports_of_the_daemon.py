"""What the daemon has in memory before it looks: nothing that only its helpers compute with."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "duckdb", "xlsxwriter", "monitor.scoring.engine", "monitor.scoring.report")
"""They would cost a fifth of the start and a tenth of the memory, and live in processes that end."""


def test_the_daemon_loads_nothing_that_only_its_helpers_need():
    script = f"import sys, monitor.cli, monitor.daemon; print([one for one in {HEAVY!r} if one in sys.modules])"
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"
