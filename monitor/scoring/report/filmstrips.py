"""Select filmstrips for a report from the stored screenshots.

A screenshot set is a directory ``screenshots/<portal>/<check>/<slot>`` of the data directory with ``about.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.scoring.report.report import FilmstripFrame, ReportFilmstrip
from monitor.storage.folders import SCREENSHOTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.scoring.periods import Period

CONTENT_TYPES = frozenset({"image/jpeg", "image/webp"})
MAX_FRAMES = 10
"""Screenshots per filmstrip."""


def filmstrips(directory: Path, portals: Iterable[str], period: Period, until_ms: int) -> dict[str, ReportFilmstrip]:
    """Return by portal the screenshots of its newest successful load in the period, else of its newest load.

    Unreadable screenshots are skipped: no value depends on them.
    """
    found = {}
    for portal in portals:
        sets = _screenshot_sets(directory / SCREENSHOTS / portal)
        candidates = [one for one in sets if period.since_ms <= one[0] < until_ms]
        for _, folder, metadata in sorted(candidates, key=_preference, reverse=True):
            filmstrip = _filmstrip(folder, metadata)
            if filmstrip is not None:
                found[portal] = filmstrip
                break
    return found


def _preference(screenshot_set: tuple[int, Path, dict[str, Any]]) -> tuple[bool, int, str]:
    slot, folder, metadata = screenshot_set
    return metadata.get("outcome") == "up", slot, folder.parent.name


def _screenshot_sets(folder: Path) -> list[tuple[int, Path, dict[str, Any]]]:
    """Return (slot, directory, metadata) of a portal's screenshot sets."""
    found = []
    for path in folder.glob("*/*/about.json"):
        try:
            metadata = json.loads(path.read_text("utf-8"))
            found.append((int(path.parent.name), path.parent, dict(metadata)))
        except (OSError, ValueError, TypeError, RecursionError):
            continue
    return found


def _filmstrip(directory: Path, metadata: dict[str, Any]) -> ReportFilmstrip | None:
    frames = []
    try:
        for frame in metadata["frames"]:
            if frame["at"] is None or frame["type"] not in CONTENT_TYPES or Path(frame["file"]).name != frame["file"]:
                continue
            body = (directory / frame["file"]).read_bytes()
            frames.append(FilmstripFrame(at_seconds=float(frame["at"]), content_type=frame["type"], body=body))
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return None
    ordered = tuple(sorted(frames, key=lambda one: one.at_seconds)[:MAX_FRAMES])
    return ReportFilmstrip(slot=int(directory.name), check=directory.parent.name, frames=ordered) if ordered else None
