"""Load rubrics, exclusions and manual entries into one frozen :class:`ScoringRules`, or report their errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from monitor.config import rubric_models as models
from monitor.config.diagnostics import ErrorCollector, did_you_mean
from monitor.config.pydantic_errors import collect_validation_errors, known_keys_of
from monitor.config.rubric_validation import RubricValidator, lower_is_better, unit_of
from monitor.config.value_types import PAGE_ROLES
from monitor.config.yaml_document import YamlDocument
from monitor.config.yaml_loader import load_document
from monitor.scoring import rubric as rules
from monitor.scoring import serialize
from monitor.scoring.curves import Curve, CurveStep, Linear, LogNormal, Share, Steps, Threshold
from probes.result import Scalar

FileT = TypeVar("FileT", models.RubricFile, models.ExclusionsFile, models.EntriesFile)
LoadedFiles = Sequence[tuple[YamlDocument, FileT]]


def load_rules(
    directory: Path, environment: Mapping[str, str], portal_ids: Collection[str], zone: str, collector: ErrorCollector
) -> rules.ScoringRules:
    """Read ``rubrics``, ``exclusions`` and ``entries`` below ``directory``, each of them ``*.yaml``; all may be absent.

    ``zone`` is that of times without one. Errors go to the collector; the valid rest is still returned.
    """
    rubrics = _load_files(directory / "rubrics", models.RubricFile, environment, collector)
    for document, data in rubrics:
        RubricValidator(document, data, collector).validate(portal_ids)
    _check_versions(rubrics, collector)
    loaded = sorted((_rubric(data) for _, data in rubrics), key=lambda one: (one.id, one.version))
    corrections = _load_files(directory / "exclusions", models.ExclusionsFile, environment, collector)
    exclusions = _exclusions(corrections, portal_ids, zone, collector)
    manual = _load_files(directory / "entries", models.EntriesFile, environment, collector)
    entries = _entries(manual, {one.id: one for one in loaded}, portal_ids, collector)
    digests = {f"rubric {one.key}": one.digest for one in loaded}
    digests |= {one.input_name: _digest(serialize.exclusion(one)) for one in exclusions}
    digests |= {one.input_name: _digest(serialize.entry(one)) for one in entries}
    return rules.ScoringRules(rubrics=tuple(loaded), exclusions=exclusions, entries=entries, digests=digests)


def _load_files(
    folder: Path, model: type[FileT], environment: Mapping[str, str], collector: ErrorCollector
) -> list[tuple[YamlDocument, FileT]]:
    found = []
    for path in sorted(folder.glob("*.yaml")):
        document = load_document(path, environment, collector)
        if document is None:
            continue
        try:
            found.append((document, model.model_validate(document.data)))
        except ValidationError as error:
            collect_validation_errors(error, collector, document.locate, known_keys_of(model))
    return found


def _check_versions(rubrics: LoadedFiles[models.RubricFile], collector: ErrorCollector) -> None:
    """Check that each version of a rubric exists once, and that one version is valid on any day."""
    for number, (document, data) in enumerate(rubrics):
        for other, before in rubrics[:number]:
            if before.id != data.id:
                continue
            if before.version == data.version:
                place = other.locate(("version",)).file_line_column
                message = f"version {data.version} of {data.id!r} is already at {place}"
                collector.add(document.locate(("version",)), message)
            elif _overlap(before, data):
                place = other.locate(("valid",)).file_line_column
                message = f"{data.id!r} is already valid then, see {place}: give one an 'until'"
                collector.add(document.locate(("valid",)), message)


def _overlap(one: models.RubricFile, other: models.RubricFile) -> bool:
    first, second = one.valid, other.valid
    return first.since < (second.until or date.max) and second.since < (first.until or date.max)


def _text(block: models.TextBlock) -> rules.Text:
    return rules.Text(vi=block.vi, en=block.en)


def _optional_text(block: models.TextBlock | None) -> rules.Text | None:
    return _text(block) if block else None


def _rubric(data: models.RubricFile) -> rules.Rubric:
    substitute = data.portals.substitute
    return rules.Rubric(
        id=data.id, version=data.version, title=_text(data.title), set=_text(data.set), points=data.points,
        since=data.valid.since, until=data.valid.until, criteria=tuple(_criterion(one) for one in data.criteria),
        source=data.source, note=_optional_text(data.note), pillar=data.pillar, grades=_grades(data.grades),
        redirects=data.portals.redirects, retired=data.portals.retired,
        substitute=None if substitute is None else rules.Substitute(portal=substitute.portal, pages=substitute.pages),
        decimals=data.decimals, digest=_digest(data.model_dump(mode="json")),
    )  # fmt: skip


def _grades(block: models.GradesBlock | None) -> rules.Grades | None:
    if block is None:
        return None
    bands = tuple(rules.GradeBand(grade=one.grade, min=one.min) for one in block.bands)
    note = _optional_text(block.note)
    return rules.Grades(bands=bands, decimals=block.rounded_to, basis=block.basis, source=block.source, note=note)


def _criterion(block: models.CriterionBlock) -> rules.Criterion:
    lower = bool(lower_is_better(block))
    kind, _, metric = (block.metric or "").partition(".")
    has_selection = block.metric is not None and block.metric != rules.STATE_METRIC
    return rules.Criterion(
        id=block.id, title=_text(block.title), points=block.points, aggregate=block.aggregate,
        curve=build_curve(block.curve, lower=lower), lower=lower, unit=unit_of(block),
        selection=_selection(block, kind) if has_selection else None,
        metric=metric if has_selection and block.aggregate is not rules.Aggregate.SUCCESS else None,
        profile=block.profile, limit=block.limit, min_coverage=block.coverage, min_attempts=block.min_attempts,
        manual=block.manual, basis=rules.CriterionBasis(**dict(block.basis)), source=block.source,
        note=_optional_text(block.note),
    )  # fmt: skip


def _selection(block: models.CriterionBlock, kind: str) -> rules.Selection:
    """Return the selection; ``all`` pages of a profile are listed: unknown results have only their check's name."""
    where: dict[str, Scalar] = dict(block.where)
    pages = tuple(block.pages) if block.pages != "all" else PAGE_ROLES if block.profile else None
    if block.profile is not None:
        where["profile"] = block.profile
    return rules.Selection(
        kind=kind,
        check_prefix=block.profile or kind,
        pages=pages,
        where=tuple(sorted(where.items())),
        confirming=block.confirming,
        failed=block.attempts == "seen" or block.aggregate is rules.Aggregate.SUCCESS,
    )


def build_curve(block: models.CurveBlock, *, lower: bool) -> Curve:
    """Return the curve of a block."""
    if isinstance(block, models.LinearBlock):
        return Linear(full=block.full, zero=block.zero)
    if isinstance(block, models.StepsBlock):
        return Steps(steps=tuple(CurveStep(limit=one.limit, share=one.share) for one in block.steps), lower=lower)
    if isinstance(block, models.ShareBlock):
        return Share()
    if isinstance(block, models.LogNormalBlock):
        return LogNormal(p10=block.p10, median=block.median)
    return Threshold(limit=block.limit, lower=lower)


def _exclusions(
    files: LoadedFiles[models.ExclusionsFile], portal_ids: Collection[str], zone: str, collector: ErrorCollector
) -> tuple[rules.Exclusion, ...]:
    """Return exclusions and corrections, in order of their start."""
    found: dict[str, rules.Exclusion] = {}
    for document, data in files:
        for number, one in enumerate(data.exclusions):
            key_path = ("exclusions", number)
            if one.id in found:
                collector.add(document.locate((*key_path, "id")), f"{one.id!r} is already the id of an exclusion")
            for index, name in enumerate(one.portals if one.portals != "all" else ()):
                if name not in portal_ids:
                    message = f"no portal has the id {name!r}{did_you_mean(name, portal_ids)}"
                    collector.add(document.locate((*key_path, "portals", index)), message)
            since, until = _utc_ms(one.since, zone), _utc_ms(one.until, zone)
            if until <= since:
                collector.add(document.locate((*key_path, "until")), "it ends before it begins")
            found[one.id] = _exclusion(one, since, until)
    return tuple(sorted(found.values(), key=lambda one: (one.since_ms, one.id)))


def _exclusion(block: models.ExclusionBlock, since_ms: int, until_ms: int) -> rules.Exclusion:
    return rules.Exclusion(
        id=block.id, portals=None if block.portals == "all" else frozenset(block.portals), since_ms=since_ms,
        until_ms=until_ms, reason=block.reason, approver=block.approver, approved=block.approved, state=block.state,
    )  # fmt: skip


def _utc_ms(moment: datetime, zone: str) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
    return round(aware.timestamp() * 1000)


def _entries(
    files: LoadedFiles[models.EntriesFile],
    rubrics: Mapping[str, rules.Rubric],
    portal_ids: Collection[str],
    collector: ErrorCollector,
) -> tuple[rules.ManualEntry, ...]:
    found = []
    for document, data in files:
        for number, one in enumerate(data.entries):
            for key, message in _unknown_references(one, rubrics, portal_ids):
                collector.add(document.locate(("entries", number, key)), message)
            found.append(
                rules.ManualEntry(
                    rubric=one.rubric, criterion=one.criterion, portal=one.portal, value=one.value, author=one.author,
                    reason=one.reason, made=one.made, since=one.valid.since, until=one.valid.until,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.rubric, one.criterion, one.portal, one.since, one.made)))


def _unknown_references(
    entry: models.EntryBlock, rubrics: Mapping[str, rules.Rubric], portal_ids: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for each unknown id that an entry names."""
    if entry.portal not in portal_ids:
        yield "portal", f"no portal has the id {entry.portal!r}{did_you_mean(entry.portal, portal_ids)}"
    if entry.rubric not in rubrics:
        yield "rubric", f"no rubric has the id {entry.rubric!r}{did_you_mean(entry.rubric, rubrics)}"
        return
    criteria = {criterion.id: criterion for criterion in rubrics[entry.rubric].criteria}
    if entry.criterion not in criteria:
        message = f"no criterion of {entry.rubric!r} has the id {entry.criterion!r}"
        yield "criterion", message + did_you_mean(entry.criterion, criteria)
    elif not criteria[entry.criterion].manual:
        yield "criterion", f"{entry.criterion!r} is measured; a value cannot be entered"


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
