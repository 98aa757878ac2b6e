"""From the portal files to portals: each entry judged, then ids and what the portals say about each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from yarl import URL

from monitor.config.diagnostics import Ledger, Spot, did_you_mean
from monitor.config.portals import PortalEntry, PortalsFile, RedirectsTo
from monitor.config.pydantic_errors import keys_in, translate
from monitor.config.states import Maintenance
from monitor.config.value_types import page_address
from monitor.config.yaml_document import Document
from monitor.model.records import PROBER, Expect, Portal

HOME = "home"
"""The page that every portal has."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One good portal entry and where it stands."""

    document: Document
    index: int
    told: PortalEntry

    def spot(self, *steps: str | int) -> Spot:
        """The place of a value inside of the entry."""
        return self.document.spot(("portals", self.index, *steps))

    def borrowed(self) -> Iterator[tuple[str, ...]]:
        """Ways, below the entry, to values that came from the environment."""
        for steps in self.document.borrowed_steps:
            if steps[:2] == ("portals", self.index):
                yield tuple(map(str, steps[2:]))


def entries(documents: Sequence[Document], ledger: Ledger) -> list[Entry]:
    """The good entries of all portal files. Bad ones, and what is wrong between portals, go to the ledger."""
    good: list[Entry] = []
    for document in documents:
        told: Iterable[tuple[int, PortalEntry]]
        try:
            told = enumerate(PortalsFile.model_validate(document.data).portals)
        except ValidationError as error:
            translate(error, ledger, document.spot, keys_in(PortalsFile))
            bad = {part["loc"][1] for part in error.errors() if len(part["loc"]) > 1}
            rest = ((index, raw) for index, raw in enumerate(_raw_entries(document)) if index not in bad)
            told = ((index, PortalEntry.model_validate(raw)) for index, raw in rest)
        good += [Entry(document, index, entry) for index, entry in told]
    _check_ids(documents, ledger)
    _check_mergers(good, said(documents, "id"), ledger)
    _warn_of_twins(good, ledger)
    return good


def said(documents: Sequence[Document], key: str) -> set[str]:
    """Every text that an entry has under ``key``, also in entries that are bad for another reason."""
    entries = (raw for document in documents for raw in _raw_entries(document) if isinstance(raw, dict))
    return {value for raw in entries if isinstance(value := raw.get(key), str)}


def _raw_entries(document: Document) -> list[object]:
    portals = document.data.get("portals") if isinstance(document.data, dict) else None
    return portals if isinstance(portals, list) else []


def _check_ids(documents: Sequence[Document], ledger: Ledger) -> None:
    """An id is used once, over all files; entries that are bad otherwise count as well."""
    first: dict[str, Spot] = {}
    for document in documents:
        for index, raw in enumerate(_raw_entries(document)):
            name = raw.get("id") if isinstance(raw, dict) else None
            if not isinstance(name, str):
                continue
            spot = document.spot(("portals", index, "id"))
            if ("portals", index, "id") in document.borrowed_steps:
                ledger.add(spot, "an id is written out, for history is kept under it and every page shows it")
                continue
            if name == PROBER:
                ledger.add(spot, f"{spot.shown()} stands for the monitor itself, so no portal can have this id")
            if name in first:
                ledger.add(spot, f"{spot.shown()} is already used as an id at {first[name].at}")
            first.setdefault(name, spot)


def _check_mergers(good: Sequence[Entry], ids: Collection[str], ledger: Ledger) -> None:
    """A merger is into another portal of the inventory."""
    for entry in good:
        into = entry.told.merged_into
        if into is None:
            continue
        spot = entry.spot("merged_into")
        if into not in ids:
            hint = "" if spot.hidden else did_you_mean(into, ids)
            ledger.add(spot, f"no portal has the id {spot.shown()}{hint}")
        elif into == entry.told.id:
            ledger.add(spot, "a portal cannot be merged into itself")
        elif entry.told.status_2026 != "merged":
            ledger.add(spot, "'merged_into' goes only with 'status_2026: merged'", key=True)


def check_maintenance(
    monitor: Document, windows: Sequence[Maintenance], ids: Collection[str], groups: Collection[str], ledger: Ledger
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
                    spot = monitor.spot(("maintenance", number, key, place))
                    hint = "" if spot.hidden else did_you_mean(name, known)
                    ledger.add(spot, f"no {words} {spot.shown()}{hint}")


def _warn_of_twins(good: Sequence[Entry], ledger: Ledger) -> None:
    first: dict[str, Entry] = {}
    for entry in good:
        url = URL(entry.told.url)
        address = str(url.with_path(url.path or "/").with_fragment(None))
        if address in first:
            ledger.warn(entry.spot("url"), f"same address as at {first[address].spot('url').at}")
        first.setdefault(address, entry)


def portal_of(entry: Entry) -> Portal:
    """The portal that an entry tells of, its pages as absolute addresses."""
    told = entry.told
    if isinstance(told.expect, RedirectsTo):
        expect, redirects_to = Expect.REDIRECTS, told.expect.redirects_to
    else:
        expect, redirects_to = Expect(told.expect), None
    pages = {HOME: told.url, **{role: page_address(told.url, page) for role, page in told.pages.items()}}
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
