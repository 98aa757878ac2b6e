"""Check blocks: layers of defaults and overrides merged key by key, judged, and blamed on the layer that said it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from monitor.config.diagnostics import ErrorCollector, KeyPath, SourceLocation
from monitor.config.portals import UNEXPECTED_BOOLEAN, ScheduleBlock, is_unexpected_boolean
from monitor.config.pydantic_errors import collect_validation_errors
from monitor.config.yaml_document import YamlDocument
from probes.probe import Probe
from probes.registry import PROBE_KINDS

_PLACEHOLDER_URL = "http://portal.invalid/"
"""Stands in for the page's address while a block is judged, once for all pages that share it (RFC 2606)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block as somebody wrote it: ``block`` stands in ``document`` at ``steps``."""

    document: YamlDocument
    key_path: KeyPath
    block: Mapping[str, Any]

    def locate(self, key_path: KeyPath) -> SourceLocation:
        """The place of a value inside of the block."""
        return self.document.locate((*self.key_path, *key_path))

    def environment_keys(self) -> frozenset[str]:
        """Keys whose values came from the environment, wholly or in part."""
        depth = len(self.key_path)
        return frozenset(
            str(steps[depth])
            for steps in self.document.environment_key_paths
            if steps[:depth] == self.key_path != steps
        )


@dataclass(frozen=True, slots=True)
class ValidatedBlock:
    """A good block: when to look and, for any page, at what. ``probe`` still has to be given its address."""

    schedule: ScheduleBlock
    probe: Probe


class MergedBlock:
    """Layers put together: of two layers the later one's value counts, mappings such as ``headers`` are joined."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.block: dict[str, Any] = {}
        self._layers = layers
        self._source_layers: dict[KeyPath, int] = {}
        for number, layer in enumerate(layers):
            for key, value in layer.block.items():
                before = self.block.get(key)
                join = isinstance(before, dict) and isinstance(value, dict)
                self.block[key] = dict(before or {}, **value) if join else value
                self._source_layers[(key,)] = number
                self._source_layers.update({(key, inner): number for inner in value} if isinstance(value, dict) else {})

    def locate(self, key_path: KeyPath) -> SourceLocation:
        """The place of a value, in the layer that it came from; of a missing one, in the last layer."""
        last = len(self._layers) - 1
        number = self._source_layers.get(key_path[:2], self._source_layers.get(key_path[:1], last))
        return self._layers[number].locate(key_path)

    def locations_newest_first(self, keys: Iterable[str]) -> list[SourceLocation]:
        """The places of those of the keys that somebody wrote, the one from the latest layer first."""
        written = [key for key in keys if (key,) in self._source_layers]
        return [self.locate((key,)) for key in sorted(written, key=lambda key: -self._source_layers[(key,)])]


ModelT = TypeVar("ModelT", ScheduleBlock, Probe)


def known_keys(kind: str) -> list[str]:
    """The keys that a block of this kind may have."""
    return [*ScheduleBlock.model_fields, *(key for key in PROBE_KINDS[kind].model_fields if key != "url")]


@dataclass(slots=True)
class BlockValidator:
    """Judges blocks, each distinct one once. What is wrong goes to the ledger."""

    collector: ErrorCollector
    _by_layers: dict[tuple[object, ...], ValidatedBlock | None] = field(default_factory=dict)
    _by_content: dict[str, ValidatedBlock] = field(default_factory=dict)

    def validate(self, kind: str, layers: tuple[Layer, ...], *, complete: bool) -> ValidatedBlock | None:
        """The layers' block, later layers over earlier ones; None when it is bad.

        With ``whole`` false nothing is expected to be complete: other layers may still come on top.
        """
        key = (kind, complete, *layers)
        if key not in self._by_layers:
            self._by_layers[key] = self._validate(kind, layers, complete=complete)
        return self._by_layers[key]

    def _validate(self, kind: str, layers: tuple[Layer, ...], *, complete: bool) -> ValidatedBlock | None:
        merged = MergedBlock(layers)
        content = json.dumps([kind, complete, merged.block], sort_keys=True, default=repr)
        if content in self._by_content:
            return self._by_content[content]
        schedule_keys = {key: value for key, value in merged.block.items() if key in ScheduleBlock.model_fields}
        probe_keys = {key: value for key, value in merged.block.items() if key not in ScheduleBlock.model_fields}
        stray = [key for key, value in probe_keys.items() if is_unexpected_boolean(PROBE_KINDS[kind], key, value)]
        for key in stray:
            self.collector.add(merged.locate((key,)), UNEXPECTED_BOOLEAN)
        good = not stray
        if "url" in probe_keys:
            self.collector.add(merged.locate(("url",)), "'url' is given by the portal's pages, not here", at_key=True)
            good = False
        schedule = self._build_model(ScheduleBlock, schedule_keys, kind, merged, complete=complete)
        probe = self._build_model(
            PROBE_KINDS[kind], {**probe_keys, "url": _PLACEHOLDER_URL}, kind, merged, complete=complete
        )
        if (
            schedule is None
            or probe is None
            or not self._check_max_duration(schedule, probe, merged, complete=complete)
            or not good
        ):
            return None
        self._by_content[content] = ValidatedBlock(schedule, probe)
        return self._by_content[content]

    def _build_model(
        self, model: type[ModelT], keys: Mapping[str, Any], kind: str, merged: MergedBlock, *, complete: bool
    ) -> ModelT | None:
        try:
            return model.model_validate(keys)
        except ValidationError as error:
            collect_validation_errors(
                error,
                self.collector,
                merged.locate,
                lambda steps: () if steps else known_keys(kind),
                ignored_types=() if complete else ("missing",),
            )
            return None

    def _check_max_duration(
        self, schedule: ScheduleBlock, probe: Probe, merged: MergedBlock, *, complete: bool
    ) -> bool:
        """A look has to be over before the next one starts; one that is never taken, or not said yet, fits."""
        longest = probe.deadline * probe.max_runs
        if longest < schedule.interval or not schedule.enabled:
            return True
        spots = merged.locations_newest_first(("timeout", "interval"))
        if not spots and not complete:
            return True
        spots = spots or [merged.locate(())]
        if any(spot.redacted_as for spot in spots):
            words = "a look may take longer than the interval between two of them"
        else:
            took = f"a look may take {longest:g} s (timeout {probe.timeout:g} s)"
            words = f"{took}, which has to be less than the interval of {schedule.interval:g} s"
        self.collector.add(spots[0] if spots else merged.locate(()), words)
        return False
