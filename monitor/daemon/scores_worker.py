"""The process that works out live scores: ``python -m monitor.score_worker``, so that the daemon does not compute.

Its input is one order as JSON. Lines of output are lists of points, then the text for Prometheus; the last line tells
what it cost, or what failed.
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
"""Points in a line."""


def live_scores(config: Config, data_dir: Path, now_ms: int) -> list[ScorePoint]:
    """The live scores of every portal, rubric and window. Raises as :func:`monitor.scoring.engine.score`."""
    zone = ZoneInfo(config.settings.report_zone)
    source = ArchiveScoringSource(data_dir, threads=1)
    books = {}
    for name, window in windows(now_ms, zone).items():
        rules = replace(config.rules, rubrics=engine.in_force(config.rules.rubrics, window))
        books[name] = engine.score(rules, config.portals, window, source, now_ms, intervals=False)
    return points(books, now_ms)


def main(stdin: TextIO = sys.stdin, stdout: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    with suppress(OSError):
        os.nice(19)
    order = ScoreRequest.decode(stdin.readline())
    try:
        found = live_scores(load(order.config_dir), order.data_dir, order.now_ms)
    except (JournalError, ConfigError, OSError) as error:
        stdout.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    lines = (
        [asdict(one) for one in found[first : first + POINTS_PER_LINE]]
        for first in range(0, len(found), POINTS_PER_LINE)
    )
    stdout.writelines(json.dumps(line) + "\n" for line in lines)
    stdout.write(json.dumps({"text": exposition(found), "cost": time.process_time()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
