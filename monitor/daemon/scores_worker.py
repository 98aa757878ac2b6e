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
from monitor.daemon.scores_protocol import Order
from monitor.scoring import engine
from monitor.scoring.history_source import ArchiveSource
from monitor.scoring.live import exposition, points, windows
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from monitor.config import Config
    from monitor.model.scores import ScorePoint

LINE = 500
"""Points in a line."""


def live(config: Config, data: Path, now: int) -> list[ScorePoint]:
    """The live scores of every portal, rubric and window. Raises as :func:`monitor.scoring.engine.score`."""
    zone = ZoneInfo(config.settings.report_zone)
    source = ArchiveSource(data, threads=1)
    books = {}
    for name, window in windows(now, zone).items():
        rules = replace(config.rules, rubrics=engine.in_force(config.rules.rubrics, window))
        books[name] = engine.score(rules, config.portals, window, source, now, intervals=False)
    return points(books, now)


def main(given: TextIO = sys.stdin, answers: TextIO = sys.stdout) -> int:
    """Do what the order says; the exit code is 0 when all of it was done."""
    with suppress(OSError):
        os.nice(19)
    order = Order.decode(given.readline())
    try:
        found = live(load(order.config), order.data, order.now)
    except (JournalError, ConfigError, OSError) as error:
        answers.write(json.dumps({"error": str(error)}) + "\n")
        return 1
    lines = ([asdict(one) for one in found[first : first + LINE]] for first in range(0, len(found), LINE))
    answers.writelines(json.dumps(line) + "\n" for line in lines)
    answers.write(json.dumps({"text": exposition(found), "cost": time.process_time()}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
