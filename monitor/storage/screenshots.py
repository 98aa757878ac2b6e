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

from probes.browser.filmstrip import distance
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from monitor.model.records import Check, Measurement
    from probes.result import Picture

log = structlog.get_logger(__name__)

"""The directory inside the data directory."""

ABOUT = "about.json"
DAY = 86_400_000

CHANGED = 10
"""In more than so many of 64 places the fingerprints of two pictures differ when people call the page changed."""

REASONS = ("failure", "change", "daily")
"""Why pictures are kept."""

LATEST = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z in UTC milliseconds."""

_FILE = re.compile(r"[0-9]+\.[a-z]+")
_PRINT = re.compile(r"([0-9a-f]{16})?")

SUFFIXES = {"image/jpeg": "jpg", "image/webp": "webp"}
"""The pictures that are kept, and served."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture in a file; ``at`` is seconds after the start, None for the whole screen in the end."""

    file: str
    type: str
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """The pictures of one slot (UTC ms); ``why`` is ``failure``, ``change`` or ``daily``, ``size`` is in bytes."""

    portal: str
    check: str
    location: str
    slot: int
    outcome: str
    why: str
    print: str
    size: int
    frames: tuple[Frame, ...]

    @property
    def key(self) -> str:
        """The check's key."""
        return f"{self.portal}/{self.check}"

    @property
    def last(self) -> Frame | None:
        """The picture of the whole screen, where there is one."""
        return next((frame for frame in self.frames if frame.at is None), None)

    @property
    def film(self) -> tuple[Frame, ...]:
        """The others, by time."""
        return tuple(frame for frame in self.frames if frame.at is not None)


@dataclass(slots=True)
class Evidence:
    """All exhibits of a data directory. ``limit`` in bytes, ``days`` as far as they go back."""

    folder: Path
    limit: int
    days: int
    _by_check: dict[str, list[Exhibit]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def recall(self) -> None:
        """Read what is there, on a thread; what a crash left half written goes."""
        for part in self.folder.glob("*/*/*.part"):
            shutil.rmtree(part, ignore_errors=True)
        found: list[Exhibit] = []
        for about in self.folder.glob(f"*/*/*/{ABOUT}"):
            with suppress(OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
                found.append(_exhibit(about.parent, json.loads(about.read_text("utf-8"))))
        for exhibit in sorted(found, key=lambda one: one.slot):
            self._by_check.setdefault(exhibit.key, []).append(exhibit)

    def of(self, key: str) -> list[Exhibit]:
        """The exhibits of a check, newest first."""
        return self._by_check.get(key, [])[::-1]

    def between(self, portal: str, since: int, until: int) -> list[Exhibit]:
        """The exhibits of all checks of a portal with ``since <= slot <= until`` (UTC ms), oldest first."""
        kept = [list(exhibits) for key, exhibits in list(self._by_check.items()) if key.startswith(f"{portal}/")]
        found = [one for exhibits in kept for one in exhibits if since <= one.slot <= until]
        return sorted(found, key=lambda one: one.slot)

    def find(self, key: str, slot: int, file: str) -> tuple[Path, str] | None:
        """A picture's file and content type; None when no exhibit has it, whatever the names try to be."""
        for exhibit in self._by_check.get(key, ()):
            if exhibit.slot == slot:
                for frame in exhibit.frames:
                    if frame.file == file:
                        return self._place(exhibit) / frame.file, frame.type
        return None

    async def keep(self, check: Check, one: Measurement, pictures: Sequence[Picture]) -> None:
        """Keep the pictures of a slot if they prove something. A disk that refuses is told of and changes nothing."""
        async with self._turn:
            why = self._why(check, one, pictures)
            if why:
                try:
                    await asyncio.to_thread(self._store, one, pictures, why)
                except OSError as error:
                    log.warning("evidence_not_kept", check=check.key, reason=error.strerror or str(error))

    def _why(self, check: Check, one: Measurement, pictures: Sequence[Picture]) -> str:
        """The reason to keep the pictures, or nothing."""
        if not pictures or one.outcome is Outcome.VOID:
            return ""
        before = self._by_check.get(check.key, [])[-1:]
        if one.outcome is Outcome.DOWN:
            return "failure"
        if not before or one.slot - before[0].slot >= DAY:
            return "daily"
        recovered = before[0].outcome != one.outcome.value
        return "change" if recovered or distance(_mark(pictures), before[0].print) > CHANGED else ""

    def _store(self, one: Measurement, pictures: Sequence[Picture], why: str) -> None:
        bodies: dict[str, bytes] = {}
        frames = []
        for number, picture in enumerate(one for one in pictures if one.type in SUFFIXES):
            name = f"{number:02}.{SUFFIXES[picture.type]}"
            bodies[name] = picture.body
            frames.append(Frame(file=name, type=picture.type, at=picture.at))
        exhibit = Exhibit(
            portal=one.portal, check=one.check, location=one.location, slot=one.slot, outcome=one.outcome.value,
            why=why, print=_mark(pictures), size=sum(map(len, bodies.values())), frames=tuple(frames),
        )  # fmt: skip
        place = self._place(exhibit)
        part = place.with_name(f"{place.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700, parents=True)
        try:
            for name, body in bodies.items():
                (part / name).write_bytes(body)
            (part / ABOUT).write_text(json.dumps(asdict(exhibit)), "utf-8")
            _remove(place)
            part.rename(place)
        except OSError:
            shutil.rmtree(part, ignore_errors=True)
            raise
        self._by_check.setdefault(exhibit.key, []).append(exhibit)
        self._tidy(one.slot)

    def _tidy(self, now: int) -> None:
        """Remove what is too old, and the oldest of what is too much."""
        every = sorted((one for kept in self._by_check.values() for one in kept), key=lambda one: one.slot)
        size = sum(one.size for one in every)
        for exhibit in every[:-1]:
            if exhibit.slot >= now - self.days * DAY and size <= self.limit:
                return
            size -= exhibit.size
            self._by_check[exhibit.key].remove(exhibit)
            _remove(self._place(exhibit))

    def _place(self, exhibit: Exhibit) -> Path:
        return self.folder / exhibit.portal / exhibit.check / str(exhibit.slot)


def _exhibit(place: Path, told: Mapping[str, Any]) -> Exhibit:
    """What ``about.json`` in ``place`` tells. Raises ValueError and others for what no exhibit of ours could tell."""
    texts = {name: str(told[name]) for name in ("portal", "check", "location", "outcome", "why", "print")}
    slot, size = int(told["slot"]), int(told["size"])
    if (texts["portal"], texts["check"], str(slot)) != place.parts[-3:] or not 0 <= slot <= LATEST:
        raise ValueError("it stands where it does not belong")
    if texts["why"] not in REASONS or not _PRINT.fullmatch(texts["print"]):
        raise ValueError("it was not written here")
    return Exhibit(**texts, slot=slot, size=size, frames=tuple(map(_frame, told["frames"])))


def _frame(told: Mapping[str, Any]) -> Frame:
    file, kind = str(told["file"]), str(told["type"])
    at = None if told["at"] is None else float(told["at"])
    if not _FILE.fullmatch(file) or kind not in SUFFIXES or not 0 <= (at or 0.0) < DAY:
        raise ValueError("it is no picture of ours")
    return Frame(file=file, type=kind, at=at)


def _mark(pictures: Sequence[Picture]) -> str:
    """The fingerprint of the last picture that has one."""
    return next((picture.print for picture in reversed(pictures) if picture.print), "")


def _remove(place: Path) -> None:
    """An exhibit goes whole: killed in between, what is left of it has a name that :meth:`Evidence.recall` sweeps."""
    gone = place.with_name(f"{place.name}.gone.part")
    shutil.rmtree(gone, ignore_errors=True)
    with suppress(OSError):
        place.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
