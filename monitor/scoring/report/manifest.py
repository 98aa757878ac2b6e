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

MANIFEST_NAME = "manifest.json"
MANIFEST_KIND = "portal-monitor export"
MANIFEST_SCHEMA_VERSION = 1
_CHUNK_BYTES = 1 << 20


class ManifestError(Exception):
    """There is no manifest that can be read; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file: ``path`` below the export, ``size`` in bytes."""

    path: str
    size_bytes: int
    sha256: str


def manifest_file(path: str, body: bytes) -> ManifestFile:
    """The entry of a file."""
    return ManifestFile(path=path, size_bytes=len(body), sha256=hashlib.sha256(body).hexdigest())


def manifest_text(report: Report, formats: Iterable[str], files: Iterable[ManifestFile]) -> str:
    """The manifest; no moment in it but that of the seal."""
    seal = report.seal
    content = {
        "kind": MANIFEST_KIND,
        "schema": MANIFEST_SCHEMA_VERSION,
        "period": report.period.name,
        "zone": report.period.zone,
        "ended": report.score_set.ended,
        "language": report.language,
        "formats": list(formats),
        "rubrics": {one.key: one.digest for one in report.score_set.rubrics},
        "inputs": dict(report.inputs),
        "seal": seal
        and {
            "sealed": seal.sealed_at,
            "by": seal.by,
            "scores": seal.scores,
            "inputs": dict(seal.inputs),
            "differing": list(seal.differing),
        },
        "code": report.code,
        "files": [{"path": one.path, "size": one.size_bytes, "sha256": one.sha256} for one in sorted(files, key=_path)],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _path(one: ManifestFile) -> str:
    return one.path


def verify(directory: Path) -> list[str]:
    """One sentence for each file that is not as it was written, is missing, or was added. Empty when all is well.

    Raises :class:`ManifestError` and OSError.
    """
    files = _files(_read_manifest(directory))
    known = {one.path for one in files}
    found = [complaint for one in files for complaint in _check_file(directory, one)]
    there = (path for path in sorted(directory.rglob("*")) if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(directory).as_posix() for path in there)
    return found + [f"{name} is not in the manifest" for name in names if name not in known and name != MANIFEST_NAME]


def digest(directory: Path) -> str:
    """The SHA-256 of the manifest itself, which vouches for all of the rest."""
    return _sha256(directory / MANIFEST_NAME)


def is_export(directory: Path) -> bool:
    """Whether a directory holds an export, so that it may be replaced by a new one."""
    try:
        return bool(_read_manifest(directory).get("kind") == MANIFEST_KIND)
    except ManifestError:
        return False


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST_NAME
    try:
        told = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("kind") != MANIFEST_KIND:
        raise ManifestError(f"{path} is not the manifest of an export")
    if told.get("schema") != MANIFEST_SCHEMA_VERSION:
        raise ManifestError(f"{path} has schema {told.get('schema')}, this version reads {MANIFEST_SCHEMA_VERSION}")
    return told


def _files(data: dict[str, Any]) -> list[ManifestFile]:
    try:
        return [
            ManifestFile(path=str(one["path"]), size_bytes=int(one["size"]), sha256=str(one["sha256"]))
            for one in data["files"]
        ]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ManifestError(f"the list of files in {MANIFEST_NAME} is damaged: {error!r}") from error


def _check_file(directory: Path, one: ManifestFile) -> Iterator[str]:
    way = PurePosixPath(one.path)
    if way.is_absolute() or ".." in way.parts:
        yield f"{one.path} leads out of the export"
        return
    path = directory / way
    if path.is_symlink() or not path.is_file():
        yield f"{one.path} is missing"
    elif path.stat().st_size != one.size_bytes:
        yield f"{one.path} has changed: {path.stat().st_size} bytes, {one.size_bytes} were written"
    elif _sha256(path) != one.sha256:
        yield f"{one.path} has changed"


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK_BYTES):
            found.update(piece)
    return found.hexdigest()
