"""Film strips for a report, out of the pictures that rendering kept as proof; a portal without any has none.

An exhibit is a directory ``evidence/<portal>/<check>/<slot>`` of the data directory with ``about.json`` and its files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.scoring.report.report import FilmstripFrame, ReportFilmstrip
from monitor.storage.folders import EVIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.scoring.periods import Period

CONTENT_TYPES = frozenset({"image/jpeg", "image/webp"})
MAX_FRAMES = 10
"""Pictures a strip."""


def filmstrips(directory: Path, portals: Iterable[str], period: Period, until_ms: int) -> dict[str, ReportFilmstrip]:
    """By portal, the pictures of its newest good load that the period saw, or of its newest load where none was good.

    Pictures that cannot be read are left out: they are an ornament, and no figure rests on them.
    """
    found = {}
    for portal in portals:
        told = [one for one in _screenshot_sets(directory / EVIDENCE / portal) if period.since_ms <= one[0] < until_ms]
        for _, place, about in sorted(told, key=_preference, reverse=True):
            film = _filmstrip(place, about)
            if film is not None:
                found[portal] = film
                break
    return found


def _preference(screenshot_set: tuple[int, Path, dict[str, Any]]) -> tuple[bool, int, str]:
    slot, place, about = screenshot_set
    return about.get("outcome") == "up", slot, place.parent.name


def _screenshot_sets(folder: Path) -> list[tuple[int, Path, dict[str, Any]]]:
    """(slot, directory, what is said about it) of a portal's exhibits."""
    found = []
    for path in folder.glob("*/*/about.json"):
        try:
            about = json.loads(path.read_text("utf-8"))
            found.append((int(path.parent.name), path.parent, dict(about)))
        except (OSError, ValueError, TypeError, RecursionError):
            continue
    return found


def _filmstrip(directory: Path, about: dict[str, Any]) -> ReportFilmstrip | None:
    frames = []
    try:
        for told in about["frames"]:
            if told["at"] is None or told["type"] not in CONTENT_TYPES or Path(told["file"]).name != told["file"]:
                continue
            body = (directory / told["file"]).read_bytes()
            frames.append(FilmstripFrame(at_seconds=float(told["at"]), content_type=told["type"], body=body))
    except (OSError, KeyError, TypeError, ValueError, OverflowError):
        return None
    ordered = tuple(sorted(frames, key=lambda one: one.at_seconds)[:MAX_FRAMES])
    return ReportFilmstrip(slot=int(directory.name), check=directory.parent.name, frames=ordered) if ordered else None
