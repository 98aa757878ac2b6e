"""Writes the dashboards' files: ``python -m monitor.dashboards [--status-page URL] [--into DIRECTORY]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.dashboards import files
from monitor.dashboards.frame import STATUS_PAGE

HERE = Path(__file__).parents[2] / "grafana" / "dashboards"


def main() -> None:
    """Write every file; what is there under another name stays."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--status-page", default=STATUS_PAGE, help="where people open the daemon's own pages")
    asked.add_argument("--into", type=Path, default=HERE)
    told = asked.parse_args()
    for name, content in files(told.status_page.rstrip("/")):
        path = told.into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
