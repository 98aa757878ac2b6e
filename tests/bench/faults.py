"""A simulated month of faults: false pages and missed outages, with and without precautions; writes the document."""

from __future__ import annotations

import time
from pathlib import Path

from monitor.daemon.logs import configure_logging
from tests.faults.report import report
from tests.faults.scenario import FaultScenario

DOCUMENT = Path(__file__).parents[2] / "docs" / "reliability-of-alerts.md"
MARK = "<!-- made by `make faults`; do not edit below -->\n"


def main(days: int = 30, count: int = 20) -> None:
    configure_logging("console", "error")
    began = time.monotonic()
    found, _ = report(FaultScenario(days=days, count=count))
    table = found.table()
    print(f"{table}\n\nsimulated in {time.monotonic() - began:.0f} s")
    head, mark, _ = DOCUMENT.read_text().partition(MARK)
    if mark:
        DOCUMENT.write_text(f"{head}{MARK}\n{table}\n")
    false, missed = sum(found.false(found.pages).values()), found.missed(found.pages)
    if false or missed or found.false_self_check_alarms():
        raise SystemExit(f"{false} false pages, {len(missed)} missed outages: {missed[:3]}")


if __name__ == "__main__":
    main()
