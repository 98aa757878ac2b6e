"""From portals and layers of blocks to checks: whose word counts, which pages, and what a retired portal keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.config.check_blocks import BlockValidator, Layer
from monitor.config.diagnostics import ErrorCollector, KeyPath, did_you_mean
from monitor.config.inventory import HOME, InventoryEntry
from monitor.config.portals import RedirectsToBlock
from monitor.config.value_types import is_slug
from monitor.config.yaml_document import YamlDocument
from monitor.model.records import Check, Expect, Portal, check_name
from probes.probe import Probe
from probes.registry import PROBE_KINDS

RETIRED_PORTAL_KINDS = ("uptime",)
"""What is still looked at where a portal is closed, on its home page only: whether its host still answers."""


@dataclass(slots=True, kw_only=True)
class CheckBuilder:
    """Puts checks together. ``defaults`` and ``groups`` are the layers that ``monitor.yaml`` gives.

    ``veiled`` gathers the ways, in the redacted configuration, to values that came from the environment.
    """

    validator: BlockValidator
    collector: ErrorCollector
    defaults: Mapping[str, Layer]
    groups: Mapping[tuple[str, str], Layer]
    redacted_paths: set[tuple[str, ...]] = field(default_factory=set)

    def build_checks(self, entry: InventoryEntry, portal: Portal) -> Iterator[Check]:
        """The checks of one portal, in the order of the roll of kinds and then of the portal's pages."""
        self._redact_portal(entry, portal)
        for kind in PROBE_KINDS:
            own = self._portal_layer(entry, kind)
            found = (self.defaults.get(kind), self.groups.get((portal.group, kind)), own)
            layers = tuple(layer for layer in found if layer is not None)
            judged = self.validator.validate(kind, layers, complete=True) if layers else None
            if judged is None or not judged.schedule.enabled:
                continue
            hidden = frozenset[str]().union(*(layer.environment_keys() for layer in layers))
            pages = self._selected_pages(kind, portal, judged.schedule.pages, own)
            for word, probe, page in [(*one, page) for one in judged.probe.variants().items() for page in pages]:
                check = Check(
                    portal=portal.id,
                    name=check_name(word, page),
                    page=page,
                    interval=judged.schedule.interval,
                    probe=self._probe_for_page(probe, portal, page),
                )
                self._redact_check(check, hidden)
                yield check

    def _redact_portal(self, entry: InventoryEntry, portal: Portal) -> None:
        """Remember what of the portal came from the environment, and what was made of such values."""
        borrowed = set(entry.environment_key_paths())
        if ("url",) in borrowed:
            borrowed |= {("pages", page) for page in portal.pages}
        if ("expect", "redirects_to") in borrowed:
            borrowed.add(("redirects_to",))
        self.redacted_paths |= {("portals", portal.id, *steps) for steps in borrowed}

    def _redact_check(self, check: Check, environment_keys: Collection[str]) -> None:
        """The same for a check; ``hidden`` are the keys that its layers took from the environment."""
        self.redacted_paths |= {("checks", check.key, key) for key in environment_keys}
        if ("portals", check.portal, "pages", check.page) in self.redacted_paths:
            self.redacted_paths.add(("checks", check.key, "url"))
        if ("portals", check.portal, "redirects_to") in self.redacted_paths:
            self.redacted_paths.add(("checks", check.key, "redirects_to"))

    def _portal_layer(self, entry: InventoryEntry, kind: str) -> Layer | None:
        block = entry.data.checks.get(kind)
        if block is None:
            return None
        if "redirects_to" in block and isinstance(entry.data.expect, RedirectsToBlock):
            spot = entry.locate("checks", kind, "redirects_to")
            self.collector.add(spot, "'redirects_to' is already given by the portal's 'expect'", at_key=True)
        return Layer(entry.document, ("portals", entry.index, "checks", kind), block)

    def _selected_pages(
        self, kind: str, portal: Portal, selection: str | tuple[str, ...], portal_layer: Layer | None
    ) -> Sequence[str]:
        """The pages to look at. Only a portal's own list has to be met; a default speaks for those that have a page."""
        if portal.expect is Expect.RETIRED:
            return (HOME,) if kind in RETIRED_PORTAL_KINDS else ()
        if isinstance(selection, str):
            return tuple(portal.pages)
        if portal_layer is not None and "pages" in portal_layer.block:
            for number, page in enumerate(selection):
                if page not in portal.pages:
                    self.collector.add(portal_layer.locate(("pages", number)), f"this portal has no page {page!r}")
        return tuple(page for page in portal.pages if page in selection)

    def _probe_for_page(self, probe: Probe, portal: Portal, page: str) -> Probe:
        update = {"url": portal.pages[page]}
        if portal.redirects_to and "redirects_to" in type(probe).model_fields:
            update["redirects_to"] = portal.redirects_to
        return probe.model_copy(update=update)


def check_builder(document: YamlDocument | None, collector: ErrorCollector) -> CheckBuilder:
    """Judge the blocks of ``monitor.yaml`` by themselves, so that each is blamed once and also where nobody uses it."""
    judge = BlockValidator(collector)
    if document is None:
        return CheckBuilder(validator=judge, collector=collector, defaults={}, groups={})
    defaults = _layers(document, ("checks",))
    for kind, layer in defaults.items():
        judge.validate(kind, (layer,), complete=False)
    groups = {
        (name, kind): layer
        for name in group_names(document)
        for kind, layer in _layers(document, ("groups", name, "checks")).items()
    }
    for (_, kind), layer in groups.items():
        judge.validate(kind, (defaults[kind], layer) if kind in defaults else (layer,), complete=False)
    return CheckBuilder(validator=judge, collector=collector, defaults=defaults, groups=groups)


def check_groups(document: YamlDocument, known_groups: Collection[str], collector: ErrorCollector) -> None:
    """Complain about groups of ``monitor.yaml`` to which no portal belongs."""
    for name in group_names(document):
        if is_slug(name) and name not in known_groups:
            message = f"no portal belongs to the group {name!r}{did_you_mean(name, known_groups)}"
            collector.add(document.locate(("groups", name)), message, at_key=True)


def group_names(document: YamlDocument) -> list[str]:
    """The groups that ``monitor.yaml`` has something to say about."""
    groups = document.data.get("groups") if isinstance(document.data, dict) else None
    return list(groups) if isinstance(groups, dict) else []


def _layers(document: YamlDocument, key_path: KeyPath) -> dict[str, Layer]:
    """The blocks by known probe kind in the mapping at ``steps`` of ``monitor.yaml``; what is no block is left out."""
    here = document.data
    for step in key_path:
        here = here.get(step) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return {}
    return {
        kind: Layer(document, (*key_path, kind), block)
        for kind, block in here.items()
        if kind in PROBE_KINDS and isinstance(block, dict)
    }
