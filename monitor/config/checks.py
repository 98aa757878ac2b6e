"""From portals and layers of blocks to checks: whose word counts, which pages, and what a retired portal keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.config.check_blocks import Judge, Layer
from monitor.config.diagnostics import Ledger, Steps, did_you_mean
from monitor.config.inventory import HOME, Entry
from monitor.config.portals import RedirectsTo
from monitor.config.value_types import is_slug
from monitor.config.yaml_document import Document
from monitor.model.records import Check, Expect, Portal, check_name
from probes.probe import Probe
from probes.registry import KINDS

KINDS_OF_RETIRED = ("uptime",)
"""What is still looked at where a portal is closed, on its home page only: whether its host still answers."""


@dataclass(slots=True, kw_only=True)
class Assembly:
    """Puts checks together. ``defaults`` and ``groups`` are the layers that ``monitor.yaml`` gives.

    ``veiled`` gathers the ways, in the redacted configuration, to values that came from the environment.
    """

    judge: Judge
    ledger: Ledger
    defaults: Mapping[str, Layer]
    groups: Mapping[tuple[str, str], Layer]
    veiled: set[tuple[str, ...]] = field(default_factory=set)

    def checks(self, entry: Entry, portal: Portal) -> Iterator[Check]:
        """The checks of one portal, in the order of the roll of kinds and then of the portal's pages."""
        self._veil_portal(entry, portal)
        for kind in KINDS:
            own = self._own(entry, kind)
            found = (self.defaults.get(kind), self.groups.get((portal.group, kind)), own)
            layers = tuple(layer for layer in found if layer is not None)
            judged = self.judge.judge(kind, layers, whole=True) if layers else None
            if judged is None or not judged.schedule.enabled:
                continue
            hidden = frozenset[str]().union(*(layer.borrowed() for layer in layers))
            pages = self._pages(kind, portal, judged.schedule.pages, own)
            for word, probe, page in [(*one, page) for one in judged.probe.variants().items() for page in pages]:
                check = Check(
                    portal=portal.id,
                    name=check_name(word, page),
                    page=page,
                    interval=judged.schedule.interval,
                    probe=self._aimed(probe, portal, page),
                )
                self._veil_check(check, hidden)
                yield check

    def _veil_portal(self, entry: Entry, portal: Portal) -> None:
        """Remember what of the portal came from the environment, and what was made of such values."""
        borrowed = set(entry.borrowed())
        if ("url",) in borrowed:
            borrowed |= {("pages", page) for page in portal.pages}
        if ("expect", "redirects_to") in borrowed:
            borrowed.add(("redirects_to",))
        self.veiled |= {("portals", portal.id, *steps) for steps in borrowed}

    def _veil_check(self, check: Check, hidden: Collection[str]) -> None:
        """The same for a check; ``hidden`` are the keys that its layers took from the environment."""
        self.veiled |= {("checks", check.key, key) for key in hidden}
        if ("portals", check.portal, "pages", check.page) in self.veiled:
            self.veiled.add(("checks", check.key, "url"))
        if ("portals", check.portal, "redirects_to") in self.veiled:
            self.veiled.add(("checks", check.key, "redirects_to"))

    def _own(self, entry: Entry, kind: str) -> Layer | None:
        block = entry.told.checks.get(kind)
        if block is None:
            return None
        if "redirects_to" in block and isinstance(entry.told.expect, RedirectsTo):
            spot = entry.spot("checks", kind, "redirects_to")
            self.ledger.add(spot, "'redirects_to' is already given by the portal's 'expect'", key=True)
        return Layer(entry.document, ("portals", entry.index, "checks", kind), block)

    def _pages(self, kind: str, portal: Portal, wanted: str | tuple[str, ...], own: Layer | None) -> Sequence[str]:
        """The pages to look at. Only a portal's own list has to be met; a default speaks for those that have a page."""
        if portal.expect is Expect.RETIRED:
            return (HOME,) if kind in KINDS_OF_RETIRED else ()
        if isinstance(wanted, str):
            return tuple(portal.pages)
        if own is not None and "pages" in own.block:
            for number, page in enumerate(wanted):
                if page not in portal.pages:
                    self.ledger.add(own.spot(("pages", number)), f"this portal has no page {page!r}")
        return tuple(page for page in portal.pages if page in wanted)

    def _aimed(self, probe: Probe, portal: Portal, page: str) -> Probe:
        update = {"url": portal.pages[page]}
        if portal.redirects_to and "redirects_to" in type(probe).model_fields:
            update["redirects_to"] = portal.redirects_to
        return probe.model_copy(update=update)


def assembly(monitor: Document | None, ledger: Ledger) -> Assembly:
    """Judge the blocks of ``monitor.yaml`` by themselves, so that each is blamed once and also where nobody uses it."""
    judge = Judge(ledger)
    if monitor is None:
        return Assembly(judge=judge, ledger=ledger, defaults={}, groups={})
    defaults = _layers(monitor, ("checks",))
    for kind, layer in defaults.items():
        judge.judge(kind, (layer,), whole=False)
    groups = {
        (name, kind): layer
        for name in group_names(monitor)
        for kind, layer in _layers(monitor, ("groups", name, "checks")).items()
    }
    for (_, kind), layer in groups.items():
        judge.judge(kind, (defaults[kind], layer) if kind in defaults else (layer,), whole=False)
    return Assembly(judge=judge, ledger=ledger, defaults=defaults, groups=groups)


def check_groups(monitor: Document, known: Collection[str], ledger: Ledger) -> None:
    """Complain about groups of ``monitor.yaml`` to which no portal belongs."""
    for name in group_names(monitor):
        if is_slug(name) and name not in known:
            message = f"no portal belongs to the group {name!r}{did_you_mean(name, known)}"
            ledger.add(monitor.spot(("groups", name)), message, key=True)


def group_names(monitor: Document) -> list[str]:
    """The groups that ``monitor.yaml`` has something to say about."""
    groups = monitor.data.get("groups") if isinstance(monitor.data, dict) else None
    return list(groups) if isinstance(groups, dict) else []


def _layers(document: Document, steps: Steps) -> dict[str, Layer]:
    """The blocks by known probe kind in the mapping at ``steps`` of ``monitor.yaml``; what is no block is left out."""
    here = document.data
    for step in steps:
        here = here.get(step) if isinstance(here, dict) else None
    if not isinstance(here, dict):
        return {}
    return {
        kind: Layer(document, (*steps, kind), block)
        for kind, block in here.items()
        if kind in KINDS and isinstance(block, dict)
    }
