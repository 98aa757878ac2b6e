"""Write the dashboards' files: ``python -m monitor.tools.dashboards [--into DIRECTORY]``."""

from __future__ import annotations

import argparse
from pathlib import Path

from monitor.tools.dashboards import files

DEFAULT_DIRECTORY = Path(__file__).parents[3] / "grafana" / "dashboards"


def main() -> None:
    """Write every file; files of other names stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--into", type=Path, default=DEFAULT_DIRECTORY)
    into = parser.parse_args().into
    for name, content in files():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
