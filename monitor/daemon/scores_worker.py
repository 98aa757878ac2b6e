"""Worker process that computes live scores: ``python -m monitor.daemon.scores_worker``; the daemon does not compute.

Its input is one request as JSON. Lines of output are lists of points; the last line has the text for Prometheus and the
CPU time, or the error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.config import ConfigError, load
from monitor.daemon.scores_protocol import ScoreRequest
from monitor.scoring import engine
from monitor.scoring.history_source import ArchiveScoringSource
from monitor.scoring.live import exposition, points, windows
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from monitor.config import Config
    from monitor.model.scores import ScorePoint

POINTS_PER_LINE = 500
"""Points in a line of output."""


def live_scores(config: Config, data_dir: Path, now_ms: int) -> list[ScorePoint]:
    """Compute the scores of every portal, rubric and window. Raises as :func:`monitor.scoring.engine.score`."""
    zone = ZoneInfo(config.settings.report_zone)
    source = ArchiveScoringSource(data_dir, threads=1)
    score_sets = {}
    for name, window in windows(now_ms, zone).items():
        rules = replace(config.rules, rubrics=engine.in_force(config.rules.rubrics, window))
        score_sets[name] = engine.score(rules, config.portals, window, source, now_ms, intervals=False)
    return points(score_sets, now_ms)


def main(stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> int:
    """Process one request; the exit code is 0 when it succeeded."""
    with suppress(OSError):
        os.nice(19)
    request = ScoreRequest.decode(stdin.readline())
    try:
        found = live_scores(load(request.config_dir), request.data_dir, request.now_ms)
    except (JournalError, ConfigError, OSError) as error:
        stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    parts = (found[first : first + POINTS_PER_LINE] for first in range(0, len(found), POINTS_PER_LINE))
    stdout.writelines(json.dumps([asdict(one) for one in part]) + "\n" for part in parts)
    stdout.write(json.dumps({"exposition": exposition(found), "cpu_seconds": time.process_time()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
