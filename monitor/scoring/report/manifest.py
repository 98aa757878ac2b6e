"""Write and verify the manifest of an export: its contents and the SHA-256 of every file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from monitor.scoring.report.json_document import seal_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.scoring.report.report import Report

MANIFEST_NAME = "manifest.json"
MANIFEST_KIND = "portal-monitor export"
MANIFEST_SCHEMA_VERSION = 1
_CHUNK_BYTES = 1 << 20


class ManifestError(Exception):
    """The manifest is missing or invalid; the message is one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """One file; ``path`` is relative to the export."""

    path: str
    size_bytes: int
    sha256: str


def manifest_file(path: str, body: bytes) -> ManifestFile:
    """Return the entry of a file."""
    return ManifestFile(path=path, size_bytes=len(body), sha256=hashlib.sha256(body).hexdigest())


def manifest_text(report: Report, formats: Iterable[str], files: Iterable[ManifestFile]) -> str:
    """Return the manifest as text; the only time in it is that of the seal."""
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
        "seal": seal_json(report.seal),
        "code": report.code,
        "files": [{"path": one.path, "size": one.size_bytes, "sha256": one.sha256} for one in sorted(files, key=_path)],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _path(one: ManifestFile) -> str:
    return one.path


def verify(directory: Path) -> list[str]:
    """Return one sentence for each file that was changed, removed or added.

    Raises :class:`ManifestError` and OSError.
    """
    files = _files(_read_manifest(directory))
    known = {one.path for one in files}
    found = [problem for one in files for problem in _check_file(directory, one)]
    present = (path for path in sorted(directory.rglob("*")) if path.is_symlink() or not path.is_dir())
    names = (path.relative_to(directory).as_posix() for path in present)
    return found + [f"{name} is not in the manifest" for name in names if name not in known and name != MANIFEST_NAME]


def digest(directory: Path) -> str:
    """Return the SHA-256 of the manifest itself, which covers all files."""
    return _sha256(directory / MANIFEST_NAME)


def is_export(directory: Path) -> bool:
    """Return whether a directory holds an export, which may be replaced by a new one."""
    try:
        return bool(_read_manifest(directory).get("kind") == MANIFEST_KIND)
    except ManifestError:
        return False


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST_NAME
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{path} is not JSON: {error}") from error
    if not isinstance(data, dict) or data.get("kind") != MANIFEST_KIND:
        raise ManifestError(f"{path} is not the manifest of an export")
    if data.get("schema") != MANIFEST_SCHEMA_VERSION:
        raise ManifestError(f"{path} has schema {data.get('schema')}, this version reads {MANIFEST_SCHEMA_VERSION}")
    return data


def _files(data: dict[str, Any]) -> list[ManifestFile]:
    try:
        return [
            ManifestFile(path=str(one["path"]), size_bytes=int(one["size"]), sha256=str(one["sha256"]))
            for one in data["files"]
        ]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ManifestError(f"the list of files in {MANIFEST_NAME} is damaged: {error!r}") from error


def _check_file(directory: Path, one: ManifestFile) -> Iterator[str]:
    relative = PurePosixPath(one.path)
    if relative.is_absolute() or ".." in relative.parts:
        yield f"{one.path} points outside the export (path traversal)"
        return
    path = directory / relative
    if path.is_symlink() or not path.is_file():
        yield f"{one.path} is missing"
    elif path.stat().st_size != one.size_bytes:
        yield f"{one.path} has changed: {path.stat().st_size} bytes, {one.size_bytes} were written"
    elif _sha256(path) != one.sha256:
        yield f"{one.path} has changed"


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
