"""Pictures of pages as proof: kept on failure, on change and once a day, within a quota and a time; never in the way.

Each exhibit is a directory ``<portal>/<check>/<slot>`` with its pictures and ``about.json``; it appears whole or not at
all. What is shown of them is left to the pages.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from probes.browser.filmstrip import hash_distance
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from monitor.model.records import Check, Measurement
    from probes.result import Screenshot

log = structlog.get_logger(__name__)

"""The directory inside the data directory."""

METADATA_FILE = "about.json"
DAY_MS = 86_400_000

CHANGE_THRESHOLD_BITS = 10
"""In more than so many of 64 places the fingerprints of two pictures differ when people call the page changed."""

REASONS = ("failure", "change", "daily")
"""Why pictures are kept."""

MAX_TIMESTAMP_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC milliseconds."""

_FILE_NAME = re.compile(r"[0-9]+\.[a-z]+")
_FINGERPRINT = re.compile(r"([0-9a-f]{16})?")

SUFFIX_BY_CONTENT_TYPE = {"image/jpeg": "jpg", "image/webp": "webp"}
"""The pictures that are kept, and served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotFrame:
    """One picture in a file; ``at`` is seconds after the start, None for the whole screen in the end."""

    file: str
    type: str
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotSet:
    """The pictures of one slot (UTC ms); ``why`` is ``failure``, ``change`` or ``daily``, ``size`` is in bytes."""

    portal: str
    check: str
    location: str
    slot: int
    outcome: str
    why: str
    print: str
    size: int
    frames: tuple[ScreenshotFrame, ...]

    @property
    def key(self) -> str:
        """The check's key."""
        return f"{self.portal}/{self.check}"

    @property
    def final_screenshot(self) -> ScreenshotFrame | None:
        """The picture of the whole screen, where there is one."""
        return next((frame for frame in self.frames if frame.at is None), None)

    @property
    def filmstrip(self) -> tuple[ScreenshotFrame, ...]:
        """The others, by time."""
        return tuple(frame for frame in self.frames if frame.at is not None)


@dataclass(slots=True)
class ScreenshotStore:
    """All exhibits of a data directory. ``limit`` in bytes, ``days`` as far as they go back."""

    folder: Path
    max_bytes: int
    retention_days: int
    _by_check: dict[str, list[ScreenshotSet]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def load(self) -> None:
        """Read what is there, on a thread; what a crash left half written goes."""
        for part in self.folder.glob("*/*/*.part"):
            shutil.rmtree(part, ignore_errors=True)
        found: list[ScreenshotSet] = []
        for about in self.folder.glob(f"*/*/*/{METADATA_FILE}"):
            with suppress(OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
                found.append(_parse_set(about.parent, json.loads(about.read_text("utf-8"))))
        for exhibit in sorted(found, key=lambda one: one.slot):
            self._by_check.setdefault(exhibit.key, []).append(exhibit)

    def of_check(self, check_key: str) -> list[ScreenshotSet]:
        """The exhibits of a check, newest first."""
        return self._by_check.get(check_key, [])[::-1]

    def of_portal(self, portal: str, since_ms: int, until_ms: int) -> list[ScreenshotSet]:
        """The exhibits of all checks of a portal with ``since <= slot <= until`` (UTC ms), oldest first."""
        kept = [list(exhibits) for key, exhibits in list(self._by_check.items()) if key.startswith(f"{portal}/")]
        found = [one for exhibits in kept for one in exhibits if since_ms <= one.slot <= until_ms]
        return sorted(found, key=lambda one: one.slot)

    def find(self, check_key: str, slot: int, file: str) -> tuple[Path, str] | None:
        """A picture's file and content type; None when no exhibit has it, whatever the names try to be."""
        for exhibit in self._by_check.get(check_key, ()):
            if exhibit.slot == slot:
                for frame in exhibit.frames:
                    if frame.file == file:
                        return self._set_directory(exhibit) / frame.file, frame.type
        return None

    async def save(self, check: Check, measurement: Measurement, screenshots: Sequence[Screenshot]) -> None:
        """Keep the pictures of a slot if they prove something. A disk that refuses is told of and changes nothing."""
        async with self._lock:
            why = self._reason_to_keep(check, measurement, screenshots)
            if why:
                try:
                    await asyncio.to_thread(self._write_set, measurement, screenshots, why)
                except OSError as error:
                    log.warning("evidence_not_kept", check=check.key, reason=error.strerror or str(error))

    def _reason_to_keep(self, check: Check, measurement: Measurement, screenshots: Sequence[Screenshot]) -> str:
        """The reason to keep the pictures, or nothing."""
        if not screenshots or measurement.outcome is Outcome.VOID:
            return ""
        before = self._by_check.get(check.key, [])[-1:]
        if measurement.outcome is Outcome.DOWN:
            return "failure"
        if not before or measurement.slot - before[0].slot >= DAY_MS:
            return "daily"
        recovered = before[0].outcome != measurement.outcome.value
        return (
            "change"
            if recovered or hash_distance(_last_fingerprint(screenshots), before[0].print) > CHANGE_THRESHOLD_BITS
            else ""
        )

    def _write_set(self, measurement: Measurement, screenshots: Sequence[Screenshot], reason: str) -> None:
        bodies: dict[str, bytes] = {}
        frames = []
        for number, picture in enumerate(one for one in screenshots if one.content_type in SUFFIX_BY_CONTENT_TYPE):
            name = f"{number:02}.{SUFFIX_BY_CONTENT_TYPE[picture.content_type]}"
            bodies[name] = picture.body
            frames.append(ScreenshotFrame(file=name, type=picture.content_type, at=picture.at_seconds))
        exhibit = ScreenshotSet(
            portal=measurement.portal, check=measurement.check, location=measurement.location, slot=measurement.slot, outcome=measurement.outcome.value,
            why=reason, print=_last_fingerprint(screenshots), size=sum(map(len, bodies.values())), frames=tuple(frames),
        )  # fmt: skip
        place = self._set_directory(exhibit)
        part = place.with_name(f"{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            for name, body in bodies.items():
                (part / name).write_bytes(body)
            (part / METADATA_FILE).write_text(json.dumps(asdict(exhibit)), "utf-8")
            _remove_set(place)
            part.rename(place)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self._by_check.setdefault(exhibit.key, []).append(exhibit)
        self._enforce_limits(measurement.slot)

    def _enforce_limits(self, now: int) -> None:
        """Remove what is too old, and the oldest of what is too much."""
        every = sorted((one for kept in self._by_check.values() for one in kept), key=lambda one: one.slot)
        size = sum(one.size for one in every)
        for exhibit in every[:-1]:
            if exhibit.slot >= now - self.retention_days * DAY_MS and size <= self.max_bytes:
                return
            size -= exhibit.size
            self._by_check[exhibit.key].remove(exhibit)
            _remove_set(self._set_directory(exhibit))

    def _set_directory(self, screenshot_set: ScreenshotSet) -> Path:
        return self.folder / screenshot_set.portal / screenshot_set.check / str(screenshot_set.slot)


def _parse_set(directory: Path, data: Mapping[str, Any]) -> ScreenshotSet:
    """What ``about.json`` in ``place`` tells. Raises ValueError and others for what no exhibit of ours could tell."""
    texts = {name: str(data[name]) for name in ("portal", "check", "location", "outcome", "why", "print")}
    slot, size = int(data["slot"]), int(data["size"])
    if (texts["portal"], texts["check"], str(slot)) != directory.parts[-3:] or not 0 <= slot <= MAX_TIMESTAMP_MS:
        raise ValueError("it stands where it does not belong")
    if texts["why"] not in REASONS or not _FINGERPRINT.fullmatch(texts["print"]):
        raise ValueError("it was not written here")
    return ScreenshotSet(**texts, slot=slot, size=size, frames=tuple(map(_parse_frame, data["frames"])))


def _parse_frame(data: Mapping[str, Any]) -> ScreenshotFrame:
    file, kind = str(data["file"]), str(data["type"])
    at = None if data["at"] is None else float(data["at"])
    if not _FILE_NAME.fullmatch(file) or kind not in SUFFIX_BY_CONTENT_TYPE or not 0 <= (at or 0.0) < DAY_MS:
        raise ValueError("it is no picture of ours")
    return ScreenshotFrame(file=file, type=kind, at=at)


def _last_fingerprint(screenshots: Sequence[Screenshot]) -> str:
    """The fingerprint of the last picture that has one."""
    return next((picture.fingerprint for picture in reversed(screenshots) if picture.fingerprint), "")


def _remove_set(directory: Path) -> None:
    """An exhibit goes whole: killed in between, what is left of it has a name that :meth:`Evidence.recall` sweeps."""
    gone = directory.with_name(f"{directory.name}.gone.part")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):
        directory.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
