"""The manifest of an export: what it is about and the SHA-256 of every file; and the judge who reads it back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.scoring.report.report import Report

NAME = "manifest.json"
KIND = "portal-monitor export"
SCHEMA = 1
_PIECE = 1 << 20


class ManifestError(Exception):
    """There is no manifest that can be read; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: ``path`` below the export, ``size`` in bytes."""

    path: str
    size: int
    sha256: str


def entry(path: str, body: bytes) -> Entry:
    """The entry of a file."""
    return Entry(path=path, size=len(body), sha256=hashlib.sha256(body).hexdigest())


def text(report: Report, formats: Iterable[str], files: Iterable[Entry]) -> str:
    """The manifest; no moment in it but that of the seal."""
    seal = report.seal
    content = {
        "kind": KIND,
        "schema": SCHEMA,
        "period": report.period.name,
        "zone": report.period.zone,
        "ended": report.book.ended,
        "language": report.language,
        "formats": list(formats),
        "rubrics": {one.key: one.digest for one in report.book.rubrics},
        "inputs": dict(report.inputs),
        "seal": seal
        and {
            "sealed": seal.at,
            "by": seal.by,
            "scores": seal.scores,
            "inputs": dict(seal.inputs),
            "differing": list(seal.differing),
        },
        "code": report.code,
        "files": [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in sorted(files, key=_path)],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _path(one: Entry) -> str:
    return one.path


def verify(directory: Path) -> list[str]:
    """One sentence for each file that is not as it was written, is missing, or was added. Empty when all is well.

    Raises :class:`ManifestError` and OSError.
    """
    files = _files(_read(directory))
    known = {one.path for one in files}
    found = [complaint for one in files for complaint in _judge(directory, one)]
    there = (path for path in sorted(directory.rglob("*")) if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(directory).as_posix() for path in there)
    return found + [f"{name} is not in the manifest" for name in names if name not in known and name != NAME]


def digest(directory: Path) -> str:
    """The SHA-256 of the manifest itself, which vouches for all of the rest."""
    return _sha(directory / NAME)


def is_export(directory: Path) -> bool:
    """Whether a directory holds an export, so that it may be replaced by a new one."""
    try:
        return bool(_read(directory).get("kind") == KIND)
    except ManifestError:
        return False


def _read(directory: Path) -> dict[str, Any]:
    path = directory / NAME
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("kind") != KIND:
        raise ManifestError(f"{path} is not the manifest of an export")
    if told.get("schema") != SCHEMA:
        raise ManifestError(f"{path} has schema {told.get('schema')}, this version reads {SCHEMA}")
    return told


def _files(told: dict[str, Any]) -> list[Entry]:
    try:
        return [Entry(path=str(one["path"]), size=int(one["size"]), sha256=str(one["sha256"])) for one in told["files"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ManifestError(f"the list of files in {NAME} is damaged: {error!r}") from error


def _judge(directory: Path, one: Entry) -> Iterator[str]:
    way = PurePosixPath(one.path)
    if way.is_absolute() or ".." in way.parts:
        yield f"{one.path} leads out of the export"
        return
    path = directory / way
    if path.is_symlink() or not path.is_file():
        yield f"{one.path} is missing"
    elif path.stat().st_size != one.size:
        yield f"{one.path} has changed: {path.stat().st_size} bytes, {one.size} were written"
    elif _sha(path) != one.sha256:
        yield f"{one.path} has changed"


def _sha(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()
