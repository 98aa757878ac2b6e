"""The files behind a score - rubrics, exclusions, entries by hand - to one frozen :class:`Rules`, or complaints."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from monitor.config.diagnostics import Ledger, did_you_mean
from monitor.config.pydantic_errors import keys_in, translate
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
    Words,
)
from monitor.config.rubric_validation import Judge, lower, unit
from monitor.config.value_types import ROLES
from monitor.config.yaml_document import Document
from monitor.config.yaml_loader import read
from monitor.scoring import serialize
from monitor.scoring.curves import Curve, Linear, LogNormal, Share, Step, Steps, Threshold
from monitor.scoring.rubric import (
    STATES,
    Aggregate,
    Criterion,
    Elsewhere,
    Entry,
    Exclusion,
    Grade,
    Grades,
    Parts,
    Rubric,
    Rules,
    Selection,
    Text,
)
from probes.result import Scalar

File = TypeVar("File", RubricFile, ExclusionsFile, EntriesFile)
Found = Sequence[tuple[Document, File]]


def load_rules(
    directory: Path, environment: Mapping[str, str], portals: Collection[str], zone: str, ledger: Ledger
) -> Rules:
    """Read ``rubrics``, ``exclusions`` and ``entries`` below ``directory``, each of them ``*.yaml``; all may be absent.

    ``portals`` are the known ids, ``zone`` that of times without one. What is wrong goes to the ledger, and what is
    left is still given back.
    """
    rubrics = _files(directory / "rubrics", RubricFile, environment, ledger)
    for document, told in rubrics:
        Judge(document, told, ledger).all(portals)
    _check_versions(rubrics, ledger)
    made = sorted((_rubric(told) for _, told in rubrics), key=lambda one: (one.id, one.version))
    exclusions = _exclusions(
        _files(directory / "exclusions", ExclusionsFile, environment, ledger), portals, zone, ledger
    )
    files = _files(directory / "entries", EntriesFile, environment, ledger)
    entries = _entries(files, {one.id: one for one in made}, portals, ledger)
    digests = {f"rubric {one.key}": one.digest for one in made}
    digests |= {one.name: _digest(serialize.exclusion(one)) for one in exclusions}
    digests |= {one.name: _digest(serialize.entry(one)) for one in entries}
    return Rules(rubrics=tuple(made), exclusions=exclusions, entries=entries, digests=digests)


def _files(
    folder: Path, model: type[File], environment: Mapping[str, str], ledger: Ledger
) -> list[tuple[Document, File]]:
    found = []
    for path in sorted(folder.glob("*.yaml")):
        document = read(path, environment, ledger)
        if document is None:
            continue
        try:
            found.append((document, model.model_validate(document.data)))
        except ValidationError as error:
            translate(error, ledger, document.spot, keys_in(model))
    return found


def _check_versions(rubrics: Found[RubricFile], ledger: Ledger) -> None:
    """Of one rubric, a version is there once, and on any day one version is valid."""
    for number, (document, told) in enumerate(rubrics):
        for other, before in rubrics[:number]:
            if before.id != told.id:
                continue
            at = other.spot(("valid",)).at
            if before.version == told.version:
                spot = document.spot(("version",))
                ledger.add(spot, f"version {told.version} of {told.id!r} is already at {other.spot(('version',)).at}")
            elif _overlap(before, told):
                ledger.add(
                    document.spot(("valid",)), f"{told.id!r} is already valid then, see {at}: give one an 'until'"
                )


def _overlap(one: RubricFile, other: RubricFile) -> bool:
    first, second = (one.valid, other.valid)
    last = date.max
    return first.since < (second.until or last) and second.since < (first.until or last)


def _text(words: Words) -> Text:
    return Text(vi=words.vi, en=words.en)


def _maybe(words: Words | None) -> Text | None:
    return None if words is None else _text(words)


def _rubric(told: RubricFile) -> Rubric:
    elsewhere, grades = told.portals.elsewhere, told.grades
    return Rubric(
        id=told.id,
        version=told.version,
        title=_text(told.title),
        set=_text(told.set),
        points=told.points,
        since=told.valid.since,
        until=told.valid.until,
        criteria=tuple(_criterion(one) for one in told.criteria),
        source=told.source,
        note=_maybe(told.note),
        pillar=told.pillar,
        grades=None
        if grades is None
        else Grades(
            bands=tuple(Grade(grade=one.grade, least=one.least) for one in grades.bands),
            decimals=grades.rounded_to,
            basis=grades.basis,
            source=grades.source,
            note=_maybe(grades.note),
        ),
        redirects=told.portals.redirects,
        retired=told.portals.retired,
        elsewhere=None if elsewhere is None else Elsewhere(portal=elsewhere.portal, pages=elsewhere.pages),
        decimals=told.decimals,
        digest=_digest(told.model_dump(mode="json")),
    )


def _criterion(told: CriterionBlock) -> Criterion:
    low = bool(lower(told))
    kind, _, metric = (told.metric or "").partition(".")
    looks = told.metric is not None and told.metric != STATES
    return Criterion(
        id=told.id,
        title=_text(told.title),
        points=told.points,
        aggregate=told.aggregate,
        curve=curve_of(told.curve, low=low),
        lower=low,
        unit=unit(told),
        selection=_selection(told, kind) if looks else None,
        metric=metric if looks and told.aggregate is not Aggregate.SUCCESS else None,
        profile=told.profile,
        limit=told.limit,
        coverage=told.coverage,
        looks=told.least_looks,
        by_hand=told.by_hand,
        basis=Parts(**dict(told.basis)),
        source=told.source,
        note=_maybe(told.note),
    )


def _selection(told: CriterionBlock, kind: str) -> Selection:
    """``all`` pages of a profile are named: the names of its checks alone tell what a void look was meant to see."""
    where: dict[str, Scalar] = dict(told.where)
    pages = tuple(told.pages) if told.pages != "all" else ROLES if told.profile else None
    if told.profile is not None:
        where["profile"] = told.profile
    return Selection(
        kind=kind,
        word=told.profile or kind,
        pages=pages,
        where=tuple(sorted(where.items())),
        confirming=told.confirming,
        failed=told.looks == "seen" or told.aggregate is Aggregate.SUCCESS,
    )


def curve_of(told: CurveBlock, *, low: bool) -> Curve:
    """The curve that a block tells of; ``low``: a lower value is better."""
    if isinstance(told, LinearBlock):
        return Linear(full=told.full, zero=told.zero)
    if isinstance(told, StepsBlock):
        return Steps(steps=tuple(Step(limit=one.limit, share=one.share) for one in told.steps), lower=low)
    if isinstance(told, ShareBlock):
        return Share()
    if isinstance(told, LogNormalBlock):
        return LogNormal(p10=told.p10, median=told.median)
    return Threshold(limit=told.limit, lower=low)


def _exclusions(
    files: Found[ExclusionsFile], portals: Collection[str], zone: str, ledger: Ledger
) -> tuple[Exclusion, ...]:
    """Exclusions and corrections, in order of their start."""
    found: dict[str, Exclusion] = {}
    for document, told in files:
        for number, one in enumerate(told.exclusions):
            here = ("exclusions", number)
            if one.id in found:
                ledger.add(document.spot((*here, "id")), f"{one.id!r} is already the id of an exclusion")
            if one.portals != "all":
                for place, name in enumerate(one.portals):
                    if name not in portals:
                        words = f"no portal has the id {name!r}{did_you_mean(name, portals)}"
                        ledger.add(document.spot((*here, "portals", place)), words)
            since, until = _ms(one.since, zone), _ms(one.until, zone)
            if until <= since:
                ledger.add(document.spot((*here, "until")), "it ends before it begins")
            found[one.id] = _exclusion(one, since, until)
    return tuple(sorted(found.values(), key=lambda one: (one.since, one.id)))


def _exclusion(told: ExclusionBlock, since: int, until: int) -> Exclusion:
    return Exclusion(
        id=told.id,
        portals=None if told.portals == "all" else frozenset(told.portals),
        since=since,
        until=until,
        reason=told.reason,
        approver=told.approver,
        approved=told.approved,
        state=told.state,
    )


def _ms(moment: datetime, zone: str) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
    return round(aware.timestamp() * 1000)


def _entries(
    files: Found[EntriesFile], rubrics: Mapping[str, Rubric], portals: Collection[str], ledger: Ledger
) -> tuple[Entry, ...]:
    found = []
    for document, told in files:
        for number, one in enumerate(told.entries):
            for key, words in _strangers(one, rubrics, portals):
                ledger.add(document.spot(("entries", number, key)), words)
            found.append(
                Entry(
                    rubric=one.rubric, criterion=one.criterion, portal=one.portal, value=one.value, author=one.author,
                    reason=one.reason, made=one.made, since=one.valid.since, until=one.valid.until,
                )
            )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.rubric, one.criterion, one.portal, one.since, one.made)))


def _strangers(one: EntryBlock, rubrics: Mapping[str, Rubric], portals: Collection[str]) -> Iterator[tuple[str, str]]:
    """What an entry names and nobody knows: (key, complaint)."""
    if one.portal not in portals:
        yield "portal", f"no portal has the id {one.portal!r}{did_you_mean(one.portal, portals)}"
    if one.rubric not in rubrics:
        yield "rubric", f"no rubric has the id {one.rubric!r}{did_you_mean(one.rubric, rubrics)}"
        return
    criteria = {criterion.id: criterion for criterion in rubrics[one.rubric].criteria}
    if one.criterion not in criteria:
        known = f"no criterion of {one.rubric!r} has the id {one.criterion!r}"
        yield "criterion", known + did_you_mean(one.criterion, criteria)
    elif not criteria[one.criterion].by_hand:
        yield "criterion", f"{one.criterion!r} is measured, so that no value can be entered"


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
