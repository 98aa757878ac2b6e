"""Seal the scores of a period: write a manifest of all inputs, and later list the inputs that have changed.

A seal is two files in ``scores/`` of the data directory: ``<period>.json``, the scores, and ``<period>.manifest.json``,
the digests of their inputs. Sealed scores can be recomputed from history; the same inputs give the same bytes.

The new manifest is synced as a draft before the scores are replaced, and renamed after them. After a kill in between,
the draft that matches the scores is the manifest, and the next seal renames it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor import __version__
from monitor.scoring import serialize
from monitor.storage.archive import catalog
from monitor.storage.archive import reader as reading
from monitor.storage.archive.layout import STATE_CHANGE_KIND
from monitor.storage.archive.parquet import fsync_path
from monitor.storage.folders import SCORES
from monitor.storage.history import reader
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.store import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.model.records import Portal
    from monitor.scoring.periods import Period
    from monitor.scoring.results import ScoreSet
    from monitor.scoring.rubric import ScoringRules

MANIFEST_SUFFIX = ".manifest.json"
PARTIAL_SUFFIX = ".part"

CODE_DIR = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class SealComparison:
    """Changes since a seal: one line for each changed input, and whether the scores are the same."""

    sealed_at: str
    changed: tuple[str, ...]
    same_scores: bool


class SealError(JournalError):
    """The period cannot be sealed; the message is one sentence."""


def kinds_of(rules: ScoringRules) -> list[str]:
    """Return the probe kinds whose attempts the rubrics need."""
    found = (line.selection.kind for one in rules.rubrics for line in one.criteria if line.selection)
    return sorted(set(found))


def input_digests(directory: Path, rules: ScoringRules, portals: Sequence[Portal], period: Period) -> dict[str, str]:
    """Return the digest of every input by name: history by kind and day, rules, the portals' facts, the code.

    Sealed files of history have the SHA-256 of the file; other rows, and state changes, that of the rows.
    Raises as :func:`monitor.storage.history.reader.measurements`.
    """
    found = rules.digests_in(period) | {f"portal {one.id}": _digest(_facts(one)) for one in portals}
    files = catalog.load(directory)
    for kind in kinds_of(rules):
        for segment in reading.split_window(files, kind, period.since_ms, period.until_ms):
            if segment.sealed_period is not None:
                found |= {f"history {one.path}": one.sha256 for one in segment.sealed_period.files}
            if segment.sealed_period is None or reading.has_late_rows(directory, kind, segment.sealed_period):
                window = HistoryWindow(kind=kind, since_ms=segment.since_ms, until_ms=segment.until_ms)
                found |= _rows_digest(directory, window)
    found[f"history {STATE_CHANGE_KIND}"] = _sha256("".join(_state_change_rows(directory, period)))
    found["code"] = code_version()
    return found


def _digest(content: object) -> str:
    return _sha256(json.dumps(content, ensure_ascii=False, sort_keys=True))


def _facts(one: Portal) -> list[str | None]:
    """Return the fields of a portal that sealed scores depend on: the file holds names, though they change no score."""
    return [one.id, one.name_vi, one.name_en, one.expect.value, one.redirects_to, one.merged_into]


def _rows_digest(directory: Path, window: HistoryWindow) -> dict[str, str]:
    """Return the digest of a window with rows that are in no sealed file."""
    digest, count = hashlib.sha256(), 0
    for batch in reader.measurements(directory, window):
        for row in zip(*batch.values(), strict=True):
            digest.update(repr(row).encode())
            count += 1
    name = f"history {window.kind} {window.since_ms}..{window.until_ms}, not sealed"
    return {name: digest.hexdigest()} if count else {}


def _state_change_rows(directory: Path, period: Period) -> Iterator[str]:
    before = reader.states_at(directory, period.since_ms)
    yield from (repr(row) for row in zip(*before.values(), strict=True))
    for batch in reader.state_changes(directory, period.since_ms, period.until_ms):
        yield from (repr(row) for row in zip(*batch.values(), strict=True))


def code_version() -> str:
    """Return the version, and the SHA-256 of the files that compute scores."""
    digest = hashlib.sha256()
    for path in sorted(CODE_DIR.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return f"{__version__} {digest.hexdigest()[:16]}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def seal(  # noqa: PLR0913 - the contents of a seal, by keyword
    directory: Path, score_set: ScoreSet, inputs: Mapping[str, str], now_ms: int, *, by: str, replace: bool = False
) -> Path:
    """Seal *score_set*, computed from *inputs*, and return the path of the manifest.

    A period that is sealed with the same inputs is left as it is. Raises :class:`SealError` when the period has not
    ended, or was sealed with other inputs and *replace* is false. A new seal keeps the digest of the replaced one.
    """
    if not score_set.ended:
        raise SealError(f"{score_set.period.name} has not ended: it can be sealed once it is over")
    folder = directory / SCORES
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        _recover(folder)
        return _seal(directory, score_set, inputs, now_ms, by=by, replace=replace)


def _seal(  # noqa: PLR0913 - as above
    directory: Path, score_set: ScoreSet, inputs: Mapping[str, str], now_ms: int, *, by: str, replace: bool
) -> Path:
    path, text = manifest_path(directory, score_set.period), serialize.score_set_json(score_set)
    before = compare(directory, score_set, inputs)
    if before is not None and not before.changed and before.same_scores:
        return path
    if before is not None and not replace:
        changed = "; ".join(before.changed)
        raise SealError(f"{score_set.period.name} was sealed {before.sealed_at} with other inputs: {changed}")
    manifest = {
        "period": serialize.period(score_set.period),
        "sealed": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="seconds"),
        "by": by,
        "scores": _sha256(text),
        "replaces": None if before is None else _sha256(path.read_text("utf-8")),
        "inputs": dict(sorted(inputs.items())),
    }
    draft = _write_draft(path, json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    scores = path.with_name(f"{score_set.period.name}.json")
    _write_draft(scores, text).replace(scores)
    draft.replace(path)
    fsync_path(path.parent)
    return path


def compare(directory: Path, score_set: ScoreSet, inputs: Mapping[str, str]) -> SealComparison | None:
    """Return the changes since the period was sealed; None when it was not. Raises :class:`SealError`."""
    path = manifest_path(directory, score_set.period)
    if not path.exists():
        return None
    before = read_manifest(path)
    same = before["scores"] == _sha256(serialize.score_set_json(score_set))
    changed = tuple(_changed_inputs(before["inputs"], inputs))
    return SealComparison(sealed_at=before["sealed"], changed=changed, same_scores=same)


def read_manifest(path: Path) -> dict[str, Any]:
    """Return a manifest: ``sealed``, ``by`` and ``scores`` as text, ``inputs`` by name. Raises :class:`SealError`."""
    data = read_json(path)
    inputs = data.get("inputs")
    texts = [data.get(name) for name in ("sealed", "by", "scores")]
    if not isinstance(inputs, dict) or not all(isinstance(one, str) for one in (*texts, *inputs.values())):
        raise SealError(f"{path} is not the manifest of a seal")
    return data


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a seal. Raises :class:`SealError`."""
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SealError(f"{path} cannot be read: {error}") from error
    if not isinstance(data, dict):
        raise SealError(f"{path} cannot be read: it is not a JSON object")
    return data


def _changed_inputs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{name}: removed"
        elif name not in before:
            yield f"{name}: added"
        elif before[name] != after[name]:
            yield f"{name}: changed"


def is_sealed(directory: Path, period: Period) -> bool:
    """Return whether the period was sealed."""
    return manifest_path(directory, period).exists()


def manifest_path(directory: Path, period: Period) -> Path:
    """Return the path of a period's manifest, or of the complete draft that a killed seal left."""
    path = directory / SCORES / f"{period.name}{MANIFEST_SUFFIX}"
    draft = _draft_path(path)
    return draft if _matches_scores(draft) else path


def _draft_path(path: Path) -> Path:
    return path.with_name(f".{path.name}{PARTIAL_SUFFIX}")


def _write_draft(path: Path, text: str) -> Path:
    """Write the draft of *path*, sync it, and return its path."""
    draft = _draft_path(path)
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _matches_scores(draft: Path) -> bool:
    """Return whether a manifest's draft is complete and matches the scores in place."""
    scores = draft.with_name(draft.name.removeprefix(".").replace(f"{MANIFEST_SUFFIX}{PARTIAL_SUFFIX}", ".json"))
    try:
        return bool(json.loads(draft.read_text("utf-8"))["scores"] == _sha256(scores.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _recover(folder: Path) -> None:
    """Finish or remove the drafts that killed seals left; the caller holds the lock."""
    for draft in folder.glob(f".*{MANIFEST_SUFFIX}{PARTIAL_SUFFIX}"):
        if _matches_scores(draft):
            draft.replace(draft.with_name(draft.name.removeprefix(".").removesuffix(PARTIAL_SUFFIX)))
    for leftover in folder.glob(f".*{PARTIAL_SUFFIX}"):
        leftover.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the kernel releases when the process ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
