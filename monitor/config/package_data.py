"""Find and copy the configuration and dashboards of the package, so that installing it is enough to start."""

from __future__ import annotations

from pathlib import Path

FOLDERS = ("config", "grafana")


def package_data_dir() -> Path:
    """Return the folder that holds ``config/`` and ``grafana/``: package data when installed, else the repository."""
    package = Path(__file__).parents[1]
    data = package / "_data"
    return data if data.is_dir() else package.parent


def copy_package_data(directory: Path) -> list[Path]:
    """Copy the files of the package into ``directory`` and return those written; keep existing files.

    Raises OSError when the directory cannot be written.
    """
    written: list[Path] = []
    root = package_data_dir()
    for folder in FOLDERS:
        for source in sorted((root / folder).rglob("*")):
            target = directory / source.relative_to(root)
            if source.is_dir() or target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
            written.append(target)
    return written
