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

from monitor.config.diagnostics import ErrorCollector, did_you_mean
from monitor.config.pydantic_errors import collect_validation_errors, known_keys_of
from monitor.config.rubric_models import (
    CriterionBlock,
    CurveBlock,
    EntriesFile,
    EntryBlock,
    ExclusionBlock,
    ExclusionsFile,
    LinearBlock,
    LogNormalBlock,
    RubricFile,
    ShareBlock,
    StepsBlock,
    TextBlock,
)
from monitor.config.rubric_validation import RubricValidator, lower_is_better, unit_of
from monitor.config.value_types import PAGE_ROLES
from monitor.config.yaml_document import YamlDocument
from monitor.config.yaml_loader import load_document
from monitor.scoring import serialize
from monitor.scoring.curves import Curve, CurveStep, Linear, LogNormal, Share, Steps, Threshold
from monitor.scoring.rubric import (
    STATE_METRIC,
    Aggregate,
    Criterion,
    CriterionBasis,
    Exclusion,
    GradeBand,
    Grades,
    ManualEntry,
    Rubric,
    ScoringRules,
    Selection,
    Substitute,
    Text,
)
from probes.result import Scalar

FileT = TypeVar("FileT", RubricFile, ExclusionsFile, EntriesFile)
LoadedFiles = Sequence[tuple[YamlDocument, FileT]]


def load_rules(
    directory: Path, environment: Mapping[str, str], portal_ids: Collection[str], zone: str, collector: ErrorCollector
) -> ScoringRules:
    """Read ``rubrics``, ``exclusions`` and ``entries`` below ``directory``, each of them ``*.yaml``; all may be absent.

    ``portal_ids`` are the known ids, ``zone`` that of times without one. Errors go to the collector; the valid rest is
    still returned.
    """
    rubrics = _load_files(directory / "rubrics", RubricFile, environment, collector)
    for document, data in rubrics:
        RubricValidator(document, data, collector).validate(portal_ids)
    _check_versions(rubrics, collector)
    loaded = sorted((_rubric(data) for _, data in rubrics), key=lambda one: (one.id, one.version))
    exclusions = _exclusions(
        _load_files(directory / "exclusions", ExclusionsFile, environment, collector), portal_ids, zone, collector
    )
    files = _load_files(directory / "entries", EntriesFile, environment, collector)
    entries = _entries(files, {one.id: one for one in loaded}, portal_ids, collector)
    digests = {f"rubric {one.key}": one.digest for one in loaded}
    digests |= {one.input_name: _digest(serialize.exclusion(one)) for one in exclusions}
    digests |= {one.input_name: _digest(serialize.entry(one)) for one in entries}
    return ScoringRules(rubrics=tuple(loaded), exclusions=exclusions, entries=entries, digests=digests)


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


def _check_versions(rubrics: LoadedFiles[RubricFile], collector: ErrorCollector) -> None:
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


def _overlap(one: RubricFile, other: RubricFile) -> bool:
    first, second = (one.valid, other.valid)
    last = date.max
    return first.since < (second.until or last) and second.since < (first.until or last)


def _text(block: TextBlock) -> Text:
    return Text(vi=block.vi, en=block.en)


def _optional_text(block: TextBlock | None) -> Text | None:
    return None if block is None else _text(block)


def _rubric(data: RubricFile) -> Rubric:
    substitute, grades = data.portals.substitute, data.grades
    return Rubric(
        id=data.id,
        version=data.version,
        title=_text(data.title),
        set=_text(data.set),
        points=data.points,
        since=data.valid.since,
        until=data.valid.until,
        criteria=tuple(_criterion(one) for one in data.criteria),
        source=data.source,
        note=_optional_text(data.note),
        pillar=data.pillar,
        grades=None
        if grades is None
        else Grades(
            bands=tuple(GradeBand(grade=one.grade, min=one.min) for one in grades.bands),
            decimals=grades.rounded_to,
            basis=grades.basis,
            source=grades.source,
            note=_optional_text(grades.note),
        ),
        redirects=data.portals.redirects,
        retired=data.portals.retired,
        substitute=None if substitute is None else Substitute(portal=substitute.portal, pages=substitute.pages),
        decimals=data.decimals,
        digest=_digest(data.model_dump(mode="json")),
    )


def _criterion(block: CriterionBlock) -> Criterion:
    lower = bool(lower_is_better(block))
    kind, _, metric = (block.metric or "").partition(".")
    has_selection = block.metric is not None and block.metric != STATE_METRIC
    return Criterion(
        id=block.id,
        title=_text(block.title),
        points=block.points,
        aggregate=block.aggregate,
        curve=build_curve(block.curve, is_lower_better=lower),
        lower=lower,
        unit=unit_of(block),
        selection=_selection(block, kind) if has_selection else None,
        metric=metric if has_selection and block.aggregate is not Aggregate.SUCCESS else None,
        profile=block.profile,
        limit=block.limit,
        min_coverage=block.coverage,
        min_attempts=block.min_attempts,
        manual=block.manual,
        basis=CriterionBasis(**dict(block.basis)),
        source=block.source,
        note=_optional_text(block.note),
    )


def _selection(block: CriterionBlock, kind: str) -> Selection:
    """Return the selection; ``all`` pages of a profile are listed: unknown results have only their check's name."""
    where: dict[str, Scalar] = dict(block.where)
    pages = tuple(block.pages) if block.pages != "all" else PAGE_ROLES if block.profile else None
    if block.profile is not None:
        where["profile"] = block.profile
    return Selection(
        kind=kind,
        check_prefix=block.profile or kind,
        pages=pages,
        where=tuple(sorted(where.items())),
        confirming=block.confirming,
        failed=block.attempts == "seen" or block.aggregate is Aggregate.SUCCESS,
    )


def build_curve(block: CurveBlock, *, is_lower_better: bool) -> Curve:
    """Return the curve of a block."""
    if isinstance(block, LinearBlock):
        return Linear(full=block.full, zero=block.zero)
    if isinstance(block, StepsBlock):
        return Steps(
            steps=tuple(CurveStep(limit=one.limit, share=one.share) for one in block.steps), lower=is_lower_better
        )
    if isinstance(block, ShareBlock):
        return Share()
    if isinstance(block, LogNormalBlock):
        return LogNormal(p10=block.p10, median=block.median)
    return Threshold(limit=block.limit, lower=is_lower_better)


def _exclusions(
    files: LoadedFiles[ExclusionsFile], portal_ids: Collection[str], zone: str, collector: ErrorCollector
) -> tuple[Exclusion, ...]:
    """Return exclusions and corrections, in order of their start."""
    found: dict[str, Exclusion] = {}
    for document, data in files:
        for number, one in enumerate(data.exclusions):
            key_path = ("exclusions", number)
            if one.id in found:
                collector.add(document.locate((*key_path, "id")), f"{one.id!r} is already the id of an exclusion")
            if one.portals != "all":
                for index, name in enumerate(one.portals):
                    if name not in portal_ids:
                        message = f"no portal has the id {name!r}{did_you_mean(name, portal_ids)}"
                        collector.add(document.locate((*key_path, "portals", index)), message)
            since, until = _utc_ms(one.since, zone), _utc_ms(one.until, zone)
            if until <= since:
                collector.add(document.locate((*key_path, "until")), "it ends before it begins")
            found[one.id] = _exclusion(one, since, until)
    return tuple(sorted(found.values(), key=lambda one: (one.since_ms, one.id)))


def _exclusion(block: ExclusionBlock, since_ms: int, until_ms: int) -> Exclusion:
    return Exclusion(
        id=block.id,
        portals=None if block.portals == "all" else frozenset(block.portals),
        since_ms=since_ms,
        until_ms=until_ms,
        reason=block.reason,
        approver=block.approver,
        approved=block.approved,
        state=block.state,
    )


def _utc_ms(moment: datetime, zone: str) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
    return round(aware.timestamp() * 1000)


def _entries(
    files: LoadedFiles[EntriesFile],
    rubrics: Mapping[str, Rubric],
    portal_ids: Collection[str],
    collector: ErrorCollector,
) -> tuple[ManualEntry, ...]:
    found = []
    for document, data in files:
        for number, one in enumerate(data.entries):
            for key, message in _unknown_references(one, rubrics, portal_ids):
                collector.add(document.locate(("entries", number, key)), message)
            found.append(
                ManualEntry(
                    rubric=one.rubric, criterion=one.criterion, portal=one.portal, value=one.value, author=one.author,
                    reason=one.reason, made=one.made, since=one.valid.since, until=one.valid.until,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.rubric, one.criterion, one.portal, one.since, one.made)))


def _unknown_references(
    entry: EntryBlock, rubrics: Mapping[str, Rubric], portal_ids: Collection[str]
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
