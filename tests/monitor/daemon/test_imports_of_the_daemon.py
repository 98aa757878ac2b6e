"""What the daemon has in memory before the first probe: nothing that only its worker processes use."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "duckdb", "xlsxwriter", "monitor.scoring.engine", "monitor.scoring.report")
"""They would cost a fifth of the start and a tenth of the memory, and live in processes that end."""


def test_the_daemon_loads_nothing_that_only_its_workers_need():
    script = (
        f"import sys, monitor.cli.main, monitor.daemon.daemon; print([one for one in {HEAVY!r} if one in sys.modules])"
    )
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert output.strip() == "[]"
