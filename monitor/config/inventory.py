"""Build portals from the portal files: validate each entry, then ids and references between portals."""

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
    """One valid portal entry and its place."""

    document: YamlDocument
    index: int
    data: PortalEntry

    def locate(self, *key_path: str | int) -> SourceLocation:
        """Return the location of a value of the entry."""
        return self.document.locate(("portals", self.index, *key_path))

    def environment_key_paths(self) -> Iterator[tuple[str, ...]]:
        """Yield the paths, below the entry, to values that came from the environment."""
        for key_path in self.document.environment_key_paths:
            if key_path[:2] == ("portals", self.index):
                yield tuple(map(str, key_path[2:]))


def valid_entries(documents: Sequence[YamlDocument], collector: ErrorCollector) -> list[InventoryEntry]:
    """Return the valid entries of all portal files; report invalid ones and wrong references to *collector*."""
    good: list[InventoryEntry] = []
    for document in documents:
        valid: Iterable[tuple[int, PortalEntry]]
        try:
            valid = enumerate(PortalsFile.model_validate(document.data).portals)
        except ValidationError as error:
            collect_validation_errors(error, collector, document.locate, known_keys_of(PortalsFile))
            bad = {part["loc"][1] for part in error.errors() if len(part["loc"]) > 1}
            rest = ((index, raw) for index, raw in enumerate(_raw_entries(document)) if index not in bad)
            valid = ((index, PortalEntry.model_validate(raw)) for index, raw in rest)
        good += [InventoryEntry(document, index, entry) for index, entry in valid]
    _check_ids(documents, collector)
    _check_mergers(good, values_of(documents, "id"), collector)
    _warn_duplicate_urls(good, collector)
    return good


def values_of(documents: Sequence[YamlDocument], key: str) -> set[str]:
    """Return every text that an entry has under ``key``, also of entries that are invalid for another reason."""
    entries = (raw for document in documents for raw in _raw_entries(document) if isinstance(raw, dict))
    return {value for raw in entries if isinstance(value := raw.get(key), str)}


def _raw_entries(document: YamlDocument) -> list[object]:
    portals = document.data.get("portals") if isinstance(document.data, dict) else None
    return portals if isinstance(portals, list) else []


def _check_ids(documents: Sequence[YamlDocument], collector: ErrorCollector) -> None:
    """Check that an id is used once over all files; invalid entries count as well."""
    first: dict[str, SourceLocation] = {}
    for document in documents:
        for index, raw in enumerate(_raw_entries(document)):
            name = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(name, str):
                continue
            location = document.locate(("portals", index, "id"))
            if ("portals", index, "id") in document.environment_key_paths:
                collector.add(location, "an id cannot come from the environment: history is stored under it")
                continue
            if name == PROBER_PORTAL:
                collector.add(location, f"{location.display_value()} is reserved for the prober")
            if name in first:
                message = f"{location.display_value()} is already used as an id at {first[name].file_line_column}"
                collector.add(location, message)
            first.setdefault(name, location)


def _check_mergers(entries: Sequence[InventoryEntry], ids: Collection[str], collector: ErrorCollector) -> None:
    """Check that a portal is merged into another portal of the inventory."""
    for entry in entries:
        into = entry.data.merged_into
        if into is None:
            continue
        location = entry.locate("merged_into")
        if into not in ids:
            _add_unknown("id", into, ids, location, collector)
        elif into == entry.data.id:
            collector.add(location, "a portal cannot be merged into itself")
        elif entry.data.status_2026 != "merged":
            collector.add(location, "'merged_into' goes only with 'status_2026: merged'", at_key=True)


def check_maintenance(
    monitor: YamlDocument, windows: Sequence[MaintenanceBlock], files: Sequence[YamlDocument], collector: ErrorCollector
) -> None:
    """Check that windows cover portals and groups of the inventory, which is in *files*."""
    known = {key: values_of(files, key) for key in ("id", "group")}
    for number, window in enumerate(windows):
        for field, key, names in (("portals", "id", window.portals), ("groups", "group", window.groups)):
            for index, name in enumerate(names if names != "all" else ()):
                if name not in known[key]:
                    location = monitor.locate(("maintenance", number, field, index))
                    _add_unknown(key, name, known[key], location, collector)


def _add_unknown(
    key: str, name: str, known: Collection[str], location: SourceLocation, collector: ErrorCollector
) -> None:
    hint = "" if location.redacted_as else did_you_mean(name, known)
    collector.add(location, f"no portal has the {key} {location.display_value()}{hint}")


def _warn_duplicate_urls(entries: Sequence[InventoryEntry], collector: ErrorCollector) -> None:
    first: dict[str, InventoryEntry] = {}
    for entry in entries:
        url = URL(entry.data.url)
        normal = str(url.with_path(url.path or "/").with_fragment(None))
        if normal in first:
            collector.warn(entry.locate("url"), f"same URL as at {first[normal].locate('url').file_line_column}")
        first.setdefault(normal, entry)


def build_portal(entry: InventoryEntry) -> Portal:
    """Return the portal of an entry, with the absolute URLs of its pages."""
    data = entry.data
    if isinstance(data.expect, RedirectsToBlock):
        expect, redirects_to = Expect.REDIRECTS, data.expect.redirects_to
    else:
        expect, redirects_to = Expect(data.expect), None
    pages = {HOME: data.url, **{role: page_url(data.url, page) for role, page in data.pages.items()}}
    return Portal(
        id=data.id, code=data.code, name_vi=data.name.vi, name_en=data.name.en, kind=data.kind, group=data.group,
        url=data.url, pages=pages, expect=expect, redirects_to=redirects_to, verified=data.verified,
        merged_into=data.merged_into, status_2026=data.status_2026, confidence=data.confidence, source=data.source,
        depends_on=data.depends_on, platform=data.platform, name_server=data.name_server,
    )  # fmt: skip
