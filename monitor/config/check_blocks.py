"""Check blocks: layers of defaults and overrides merged key by key, judged, and blamed on the layer that said it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from monitor.config.diagnostics import Ledger, Spot, Steps
from monitor.config.portals import STRAY_BOOLEAN, Schedule, is_stray_boolean
from monitor.config.pydantic_errors import translate
from monitor.config.yaml_document import Document
from probes.probe import Probe
from probes.registry import KINDS

_ANYWHERE = "http://portal.invalid/"
"""Stands in for the page's address while a block is judged, once for all pages that share it (RFC 2606)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block as somebody wrote it: ``block`` stands in ``document`` at ``steps``."""

    document: Document
    steps: Steps
    block: Mapping[str, Any]

    def spot(self, steps: Steps) -> Spot:
        """The place of a value inside of the block."""
        return self.document.spot((*self.steps, *steps))

    def borrowed(self) -> frozenset[str]:
        """Keys whose values came from the environment, wholly or in part."""
        depth = len(self.steps)
        return frozenset(
            str(steps[depth]) for steps in self.document.borrowed_steps if steps[:depth] == self.steps != steps
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """A good block: when to look and, for any page, at what. ``probe`` still has to be given its address."""

    schedule: Schedule
    probe: Probe


class Merged:
    """Layers put together: of two layers the later one's value counts, mappings such as ``headers`` are joined."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.block: dict[str, Any] = {}
        self._layers = layers
        self._said_by: dict[Steps, int] = {}
        for number, layer in enumerate(layers):
            for key, value in layer.block.items():
                before = self.block.get(key)
                join = isinstance(before, dict) and isinstance(value, dict)
                self.block[key] = dict(before or {}, **value) if join else value
                self._said_by[(key,)] = number
                self._said_by.update({(key, inner): number for inner in value} if isinstance(value, dict) else {})

    def spot(self, steps: Steps) -> Spot:
        """The place of a value, in the layer that it came from; of a missing one, in the last layer."""
        last = len(self._layers) - 1
        number = self._said_by.get(steps[:2], self._said_by.get(steps[:1], last))
        return self._layers[number].spot(steps)

    def newest_first(self, keys: Iterable[str]) -> list[Spot]:
        """The places of those of the keys that somebody wrote, the one from the latest layer first."""
        written = [key for key in keys if (key,) in self._said_by]
        return [self.spot((key,)) for key in sorted(written, key=lambda key: -self._said_by[(key,)])]


Made = TypeVar("Made", Schedule, Probe)


def known_keys(kind: str) -> list[str]:
    """The keys that a block of this kind may have."""
    return [*Schedule.model_fields, *(key for key in KINDS[kind].model_fields if key != "url")]


@dataclass(slots=True)
class Judge:
    """Judges blocks, each distinct one once. What is wrong goes to the ledger."""

    ledger: Ledger
    _by_layers: dict[tuple[object, ...], Judged | None] = field(default_factory=dict)
    _by_content: dict[str, Judged] = field(default_factory=dict)

    def judge(self, kind: str, layers: tuple[Layer, ...], *, whole: bool) -> Judged | None:
        """The layers' block, later layers over earlier ones; None when it is bad.

        With ``whole`` false nothing is expected to be complete: other layers may still come on top.
        """
        key = (kind, whole, *layers)
        if key not in self._by_layers:
            self._by_layers[key] = self._judge(kind, layers, whole=whole)
        return self._by_layers[key]

    def _judge(self, kind: str, layers: tuple[Layer, ...], *, whole: bool) -> Judged | None:
        merged = Merged(layers)
        content = json.dumps([kind, whole, merged.block], sort_keys=True, default=repr)
        if content in self._by_content:
            return self._by_content[content]
        schedule_keys = {key: value for key, value in merged.block.items() if key in Schedule.model_fields}
        probe_keys = {key: value for key, value in merged.block.items() if key not in Schedule.model_fields}
        stray = [key for key, value in probe_keys.items() if is_stray_boolean(KINDS[kind], key, value)]
        for key in stray:
            self.ledger.add(merged.spot((key,)), STRAY_BOOLEAN)
        good = not stray
        if "url" in probe_keys:
            self.ledger.add(merged.spot(("url",)), "'url' is given by the portal's pages, not here", key=True)
            good = False
        schedule = self._made(Schedule, schedule_keys, kind, merged, whole=whole)
        probe = self._made(KINDS[kind], {**probe_keys, "url": _ANYWHERE}, kind, merged, whole=whole)
        if schedule is None or probe is None or not self._fits(schedule, probe, merged, whole=whole) or not good:
            return None
        self._by_content[content] = Judged(schedule, probe)
        return self._by_content[content]

    def _made(
        self, model: type[Made], keys: Mapping[str, Any], kind: str, merged: Merged, *, whole: bool
    ) -> Made | None:
        try:
            return model.model_validate(keys)
        except ValidationError as error:
            translate(
                error,
                self.ledger,
                merged.spot,
                lambda steps: () if steps else known_keys(kind),
                passed_over=() if whole else ("missing",),
            )
            return None

    def _fits(self, schedule: Schedule, probe: Probe, merged: Merged, *, whole: bool) -> bool:
        """A look has to be over before the next one starts; one that is never taken, or not said yet, fits."""
        longest = probe.deadline * probe.times
        if longest < schedule.interval or not schedule.enabled:
            return True
        spots = merged.newest_first(("timeout", "interval"))
        if not spots and not whole:
            return True
        spots = spots or [merged.spot(())]
        if any(spot.hidden for spot in spots):
            words = "a look may take longer than the interval between two of them"
        else:
            took = f"a look may take {longest:g} s (timeout {probe.timeout:g} s)"
            words = f"{took}, which has to be less than the interval of {schedule.interval:g} s"
        self.ledger.add(spots[0] if spots else merged.spot(()), words)
        return False
