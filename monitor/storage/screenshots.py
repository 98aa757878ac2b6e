"""Stores screenshots of pages on failure, on change and once a day, within a size limit and a retention.

Each set is a directory ``<portal>/<check>/<slot>`` with its screenshots and ``about.json``; it appears atomically. A
failed write never disturbs the check. The web pages display them.
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

from monitor.model.time_parsing import MAX_TIMESTAMP_MS
from probes.browser.filmstrip import hash_distance
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from monitor.model.records import Check, Measurement
    from probes.result import Screenshot

log = structlog.get_logger(__name__)

METADATA_FILE = "about.json"
DAY_MS = 86_400_000

CHANGE_THRESHOLD_BITS = 10
"""A page has changed, as people see it, when more of the 64 bits of two screenshots' fingerprints differ."""

REASONS = ("failure", "change", "daily")
"""Why screenshots are kept."""

_FILE_NAME = re.compile(r"[0-9]+\.[a-z]+")
_FINGERPRINT = re.compile(r"([0-9a-f]{16})?")

SUFFIX_BY_CONTENT_TYPE = {"image/jpeg": "jpg", "image/webp": "webp"}
"""The formats that are kept, and served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotFrame:
    """One screenshot in a file; ``at`` is seconds after the start, None for the final screenshot."""

    file: str
    type: str
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenshotSet:
    """The screenshots of one slot (UTC ms); ``reason`` is one of :data:`REASONS`, ``size`` is in bytes."""

    portal: str
    check: str
    location: str
    slot: int
    outcome: str
    reason: str
    fingerprint: str
    size: int
    frames: tuple[ScreenshotFrame, ...]

    @property
    def key(self) -> str:
        """The check's key."""
        return f"{self.portal}/{self.check}"

    @property
    def final_screenshot(self) -> ScreenshotFrame | None:
        """The final screenshot, where there is one."""
        return next((frame for frame in self.frames if frame.at is None), None)

    @property
    def filmstrip(self) -> tuple[ScreenshotFrame, ...]:
        """The other screenshots, by time."""
        return tuple(frame for frame in self.frames if frame.at is not None)


@dataclass(slots=True)
class ScreenshotStore:
    """All screenshot sets of a data directory."""

    folder: Path
    max_bytes: int
    retention_days: int
    _by_check: dict[str, list[ScreenshotSet]] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def load(self) -> None:
        """Load the stored sets, on a thread; remove incomplete ones that a crash left."""
        for part in self.folder.glob("*/*/*.part"):
            shutil.rmtree(part, ignore_errors=True)
        found: list[ScreenshotSet] = []
        for metadata in self.folder.glob(f"*/*/*/{METADATA_FILE}"):
            with suppress(OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
                found.append(_parse_set(metadata.parent, json.loads(metadata.read_text("utf-8"))))
        for one in sorted(found, key=lambda item: item.slot):
            self._by_check.setdefault(one.key, []).append(one)

    def of_check(self, check_key: str) -> list[ScreenshotSet]:
        """Return the sets of a check, newest first."""
        return self._by_check.get(check_key, [])[::-1]

    def of_portal(self, portal: str, since_ms: int, until_ms: int) -> list[ScreenshotSet]:
        """Return the sets of all checks of a portal with ``since_ms <= slot <= until_ms`` (UTC ms), oldest first."""
        kept = [list(sets) for key, sets in list(self._by_check.items()) if key.startswith(f"{portal}/")]
        found = [one for sets in kept for one in sets if since_ms <= one.slot <= until_ms]
        return sorted(found, key=lambda one: one.slot)

    def find(self, check_key: str, slot: int, file: str) -> tuple[Path, str] | None:
        """Return a screenshot's file and content type; None when no set has it, which rules out path traversal."""
        for one in self._by_check.get(check_key, ()):
            for frame in one.frames if one.slot == slot else ():
                if frame.file == file:
                    return self._set_directory(one) / frame.file, frame.type
        return None

    async def save(self, check: Check, measurement: Measurement, screenshots: Sequence[Screenshot]) -> None:
        """Keep the screenshots of a slot if there is a reason. A failed write is logged and changes nothing."""
        async with self._lock:
            reason = self._reason_to_keep(check, measurement, screenshots)
            if reason:
                try:
                    await asyncio.to_thread(self._write_set, measurement, screenshots, reason)
                except OSError as error:
                    log.warning("screenshots_not_saved", check=check.key, reason=error.strerror or str(error))

    def _reason_to_keep(self, check: Check, measurement: Measurement, screenshots: Sequence[Screenshot]) -> str:
        """Return the reason to keep the screenshots, or an empty text."""
        if not screenshots or measurement.outcome is Outcome.UNKNOWN:
            return ""
        before = self._by_check.get(check.key, [])[-1:]
        if measurement.outcome is Outcome.DOWN:
            return "failure"
        if not before or measurement.slot - before[0].slot >= DAY_MS:
            return "daily"
        recovered = before[0].outcome != measurement.outcome.value
        changed_bits = hash_distance(_last_fingerprint(screenshots), before[0].fingerprint)
        return "change" if recovered or changed_bits > CHANGE_THRESHOLD_BITS else ""

    def _write_set(self, measurement: Measurement, screenshots: Sequence[Screenshot], reason: str) -> None:
        bodies: dict[str, bytes] = {}
        frames = []
        for number, screenshot in enumerate(one for one in screenshots if one.content_type in SUFFIX_BY_CONTENT_TYPE):
            name = f"{number:02}.{SUFFIX_BY_CONTENT_TYPE[screenshot.content_type]}"
            bodies[name] = screenshot.body
            frames.append(ScreenshotFrame(file=name, type=screenshot.content_type, at=screenshot.at_seconds))
        new = ScreenshotSet(
            portal=measurement.portal, check=measurement.check, location=measurement.location, slot=measurement.slot,
            outcome=measurement.outcome.value, reason=reason, fingerprint=_last_fingerprint(screenshots),
            size=sum(map(len, bodies.values())), frames=tuple(frames),
        )  # fmt: skip
        directory = self._set_directory(new)
        part = directory.with_name(f"{directory.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            for name, body in bodies.items():
                (part / name).write_bytes(body)
            (part / METADATA_FILE).write_text(json.dumps(asdict(new)), "utf-8")
            _remove_set(directory)
            part.rename(directory)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self._by_check.setdefault(new.key, []).append(new)
        self._enforce_limits(measurement.slot)

    def _enforce_limits(self, now: int) -> None:
        """Remove sets older than the retention, and the oldest while the size limit is exceeded."""
        every = sorted((one for kept in self._by_check.values() for one in kept), key=lambda one: one.slot)
        size = sum(one.size for one in every)
        for oldest in every[:-1]:
            if oldest.slot >= now - self.retention_days * DAY_MS and size <= self.max_bytes:
                return
            size -= oldest.size
            self._by_check[oldest.key].remove(oldest)
            _remove_set(self._set_directory(oldest))

    def _set_directory(self, screenshot_set: ScreenshotSet) -> Path:
        return self.folder / screenshot_set.portal / screenshot_set.check / str(screenshot_set.slot)


def _parse_set(directory: Path, data: Mapping[str, Any]) -> ScreenshotSet:
    """Parse ``about.json`` in ``directory``. Raises ValueError and others for data that this module did not write."""
    texts = {name: str(data[name]) for name in ("portal", "check", "location", "outcome", "reason", "fingerprint")}
    slot, size = int(data["slot"]), int(data["size"])
    if (texts["portal"], texts["check"], str(slot)) != directory.parts[-3:] or not 0 <= slot <= MAX_TIMESTAMP_MS:
        raise ValueError("path and metadata differ")
    if texts["reason"] not in REASONS or not _FINGERPRINT.fullmatch(texts["fingerprint"]):
        raise ValueError("unexpected reason or fingerprint")
    return ScreenshotSet(**texts, slot=slot, size=size, frames=tuple(map(_parse_frame, data["frames"])))


def _parse_frame(data: Mapping[str, Any]) -> ScreenshotFrame:
    file, kind = str(data["file"]), str(data["type"])
    at = None if data["at"] is None else float(data["at"])
    if not _FILE_NAME.fullmatch(file) or kind not in SUFFIX_BY_CONTENT_TYPE or not 0 <= (at or 0.0) < DAY_MS:
        raise ValueError("invalid screenshot entry")
    return ScreenshotFrame(file=file, type=kind, at=at)


def _last_fingerprint(screenshots: Sequence[Screenshot]) -> str:
    """Return the fingerprint of the last screenshot that has one."""
    return next((one.fingerprint for one in reversed(screenshots) if one.fingerprint), "")


def _remove_set(directory: Path) -> None:
    """Remove a set atomically: after a kill the rest of it has a name that :meth:`ScreenshotStore.load` removes."""
    removed = directory.with_name(f"{directory.name}.removed.part")
    shutil.rmtree(removed, ignore_errors=True)
    with suppress(OSError):
        directory.rename(removed)
    shutil.rmtree(removed, ignore_errors=True)
