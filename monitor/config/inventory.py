"""From the portal files to portals: each entry judged, then ids and what the portals say about each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from yarl import URL

from monitor.config.diagnostics import ErrorCollector, SourceLocation, did_you_mean
from monitor.config.portals import PortalEntry, PortalsFile, RedirectsToBlock
from monitor.config.pydantic_errors import collect_validation_errors, known_keys_of
from monitor.config.states import MaintenanceBlock
from monitor.config.value_types import page_url
from monitor.config.yaml_document import YamlDocument
from monitor.model.records import PROBER_PORTAL, Expect, Portal

HOME = "home"
"""The page that every portal has."""


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One good portal entry and where it stands."""

    document: YamlDocument
    index: int
    data: PortalEntry

    def locate(self, *key_path: str | int) -> SourceLocation:
        """The place of a value inside of the entry."""
        return self.document.locate(("portals", self.index, *key_path))

    def environment_key_paths(self) -> Iterator[tuple[str, ...]]:
        """Ways, below the entry, to values that came from the environment."""
        for steps in self.document.environment_key_paths:
            if steps[:2] == ("portals", self.index):
                yield tuple(map(str, steps[2:]))


def valid_entries(documents: Sequence[YamlDocument], collector: ErrorCollector) -> list[InventoryEntry]:
    """The good entries of all portal files. Bad ones, and what is wrong between portals, go to the ledger."""
    good: list[InventoryEntry] = []
    for document in documents:
        told: Iterable[tuple[int, PortalEntry]]
        try:
            told = enumerate(PortalsFile.model_validate(document.data).portals)
        except ValidationError as error:
            collect_validation_errors(error, collector, document.locate, known_keys_of(PortalsFile))
            bad = {part["loc"][1] for part in error.errors() if len(part["loc"]) > 1}
            rest = ((index, raw) for index, raw in enumerate(_raw_entries(document)) if index not in bad)
            told = ((index, PortalEntry.model_validate(raw)) for index, raw in rest)
        good += [InventoryEntry(document, index, entry) for index, entry in told]
    _check_ids(documents, collector)
    _check_mergers(good, values_of(documents, "id"), collector)
    _warn_duplicate_urls(good, collector)
    return good


def values_of(documents: Sequence[YamlDocument], key: str) -> set[str]:
    """Every text that an entry has under ``key``, also in entries that are bad for another reason."""
    entries = (raw for document in documents for raw in _raw_entries(document) if isinstance(raw, dict))
    return {value for raw in entries if isinstance(value := raw.get(key), str)}


def _raw_entries(document: YamlDocument) -> list[object]:
    portals = document.data.get("portals") if isinstance(document.data, dict) else None
    return portals if isinstance(portals, list) else []


def _check_ids(documents: Sequence[YamlDocument], collector: ErrorCollector) -> None:
    """An id is used once, over all files; entries that are bad otherwise count as well."""
    first: dict[str, SourceLocation] = {}
    for document in documents:
        for index, raw in enumerate(_raw_entries(document)):
            name = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(name, str):
                continue
            spot = document.locate(("portals", index, "id"))
            if ("portals", index, "id") in document.environment_key_paths:
                collector.add(spot, "an id is written out, for history is kept under it and every page shows it")
                continue
            if name == PROBER_PORTAL:
                collector.add(
                    spot, f"{spot.display_value()} stands for the monitor itself, so no portal can have this id"
                )
            if name in first:
                collector.add(
                    spot, f"{spot.display_value()} is already used as an id at {first[name].file_line_column}"
                )
            first.setdefault(name, spot)


def _check_mergers(entries: Sequence[InventoryEntry], ids: Collection[str], collector: ErrorCollector) -> None:
    """A merger is into another portal of the inventory."""
    for entry in entries:
        into = entry.data.merged_into
        if into is None:
            continue
        spot = entry.locate("merged_into")
        if into not in ids:
            hint = "" if spot.redacted_as else did_you_mean(into, ids)
            collector.add(spot, f"no portal has the id {spot.display_value()}{hint}")
        elif into == entry.data.id:
            collector.add(spot, "a portal cannot be merged into itself")
        elif entry.data.status_2026 != "merged":
            collector.add(spot, "'merged_into' goes only with 'status_2026: merged'", at_key=True)


def check_maintenance(
    document: YamlDocument,
    windows: Sequence[MaintenanceBlock],
    ids: Collection[str],
    groups: Collection[str],
    collector: ErrorCollector,
) -> None:
    """A window covers portals and groups of the inventory."""
    for number, window in enumerate(windows):
        lists = (
            ("portals", "portal has the id", window.portals, ids),
            ("groups", "portal has the group", window.groups, groups),
        )
        for key, words, named, known in lists:
            for place, name in enumerate(named if named != "all" else ()):
                if name not in known:
                    spot = document.locate(("maintenance", number, key, place))
                    hint = "" if spot.redacted_as else did_you_mean(name, known)
                    collector.add(spot, f"no {words} {spot.display_value()}{hint}")


def _warn_duplicate_urls(entries: Sequence[InventoryEntry], collector: ErrorCollector) -> None:
    first: dict[str, InventoryEntry] = {}
    for entry in entries:
        url = URL(entry.data.url)
        address = str(url.with_path(url.path or "/").with_fragment(None))
        if address in first:
            collector.warn(entry.locate("url"), f"same address as at {first[address].locate('url').file_line_column}")
        first.setdefault(address, entry)


def build_portal(entry: InventoryEntry) -> Portal:
    """The portal that an entry tells of, its pages as absolute addresses."""
    told = entry.data
    if isinstance(told.expect, RedirectsToBlock):
        expect, redirects_to = Expect.REDIRECTS, told.expect.redirects_to
    else:
        expect, redirects_to = Expect(told.expect), None
    pages = {HOME: told.url, **{role: page_url(told.url, page) for role, page in told.pages.items()}}
    return Portal(
        id=told.id,
        name_vi=told.name.vi,
        name_en=told.name.en,
        kind=told.kind,
        group=told.group,
        url=told.url,
        code=told.code,
        pages=pages,
        expect=expect,
        redirects_to=redirects_to,
        verified=told.verified,
        merged_into=told.merged_into,
        status_2026=told.status_2026,
        confidence=told.confidence,
        source=told.source,
        depends_on=told.depends_on,
        platform=told.platform,
        name_server=told.name_server,
    )
