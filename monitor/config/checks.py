"""Build checks from portals and layers of blocks: precedence, pages, and the checks of retired portals."""

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
"""Kinds that still probe a retired portal, on its home page only: whether its host still responds."""


@dataclass(slots=True, kw_only=True)
class CheckBuilder:
    """Builds checks. ``defaults`` and ``groups`` are the layers of ``monitor.yaml``.

    ``redacted_paths`` collects the paths, in the redacted configuration, to values from the environment.
    """

    validator: BlockValidator
    collector: ErrorCollector
    defaults: Mapping[str, Layer]
    groups: Mapping[tuple[str, str], Layer]
    redacted_paths: set[tuple[str, ...]] = field(default_factory=set)

    def build_checks(self, entry: InventoryEntry, portal: Portal) -> Iterator[Check]:
        """Yield the checks of one portal, in the order of the probe kinds and then of the portal's pages."""
        self._redact_portal(entry, portal)
        for kind in PROBE_KINDS:
            own = self._portal_layer(entry, kind)
            possible = (self.defaults.get(kind), self.groups.get((portal.group, kind)), own)
            layers = tuple(layer for layer in possible if layer is not None)
            block = self.validator.validate(kind, layers, complete=True) if layers else None
            if block is None or not block.schedule.enabled:
                continue
            environment_keys = frozenset[str]().union(*(layer.environment_keys() for layer in layers))
            pages = self._selected_pages(kind, portal, block.schedule.pages, own)
            for variant, probe, page in [(*one, page) for one in block.probe.variants().items() for page in pages]:
                name, page_probe = check_name(variant, page), self._probe_for_page(probe, portal, page)
                interval = block.schedule.interval
                check = Check(portal=portal.id, name=name, page=page, interval=interval, probe=page_probe)
                self._redact_check(check, environment_keys)
                yield check

    def _redact_portal(self, entry: InventoryEntry, portal: Portal) -> None:
        """Record which values of the portal came from the environment, directly or derived."""
        key_paths = set(entry.environment_key_paths())
        if ("url",) in key_paths:
            key_paths |= {("pages", page) for page in portal.pages}
        if ("expect", "redirects_to") in key_paths:
            key_paths.add(("redirects_to",))
        self.redacted_paths |= {("portals", portal.id, *key_path) for key_path in key_paths}

    def _redact_check(self, check: Check, environment_keys: Collection[str]) -> None:
        """Record the same of a check; its layers took *environment_keys* from the environment."""
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
            location = entry.locate("checks", kind, "redirects_to")
            self.collector.add(location, "'redirects_to' is already given by the portal's 'expect'", at_key=True)
        return Layer(entry.document, ("portals", entry.index, "checks", kind), block)

    def _selected_pages(
        self, kind: str, portal: Portal, selection: str | tuple[str, ...], portal_layer: Layer | None
    ) -> Sequence[str]:
        """Return the pages to probe. Pages of the portal's own list must exist; those of a default are optional."""
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
    """Validate each block of ``monitor.yaml`` once, also if no portal uses it, and return the builder of checks."""
    validator = BlockValidator(collector)
    if document is None:
        return CheckBuilder(validator=validator, collector=collector, defaults={}, groups={})
    defaults = _layers(document, ("checks",))
    for kind, layer in defaults.items():
        validator.validate(kind, (layer,), complete=False)
    groups = {
        (name, kind): layer
        for name in group_names(document)
        for kind, layer in _layers(document, ("groups", name, "checks")).items()
    }
    for (_, kind), layer in groups.items():
        validator.validate(kind, (defaults[kind], layer) if kind in defaults else (layer,), complete=False)
    return CheckBuilder(validator=validator, collector=collector, defaults=defaults, groups=groups)


def check_groups(document: YamlDocument, known_groups: Collection[str], collector: ErrorCollector) -> None:
    """Report groups of ``monitor.yaml`` to which no portal belongs."""
    for name in group_names(document):
        if is_slug(name) and name not in known_groups:
            message = f"no portal belongs to the group {name!r}{did_you_mean(name, known_groups)}"
            collector.add(document.locate(("groups", name)), message, at_key=True)


def group_names(document: YamlDocument) -> list[str]:
    """Return the names of the groups in ``monitor.yaml``."""
    groups = document.data.get("groups") if isinstance(document.data, dict) else None
    return list(groups) if isinstance(groups, dict) else []


def _layers(document: YamlDocument, key_path: KeyPath) -> dict[str, Layer]:
    """Return the blocks by known probe kind at ``key_path`` of ``monitor.yaml``; skip everything else."""
    blocks = document.data
    for step in key_path:
        blocks = blocks.get(step) if isinstance(blocks, dict) else None
    if not isinstance(blocks, dict):
        return {}
    return {
        kind: Layer(document, (*key_path, kind), block)
        for kind, block in blocks.items()
        if kind in PROBE_KINDS and isinstance(block, dict)
    }
