"""Merge layers of check blocks key by key and validate them; errors name the layer that a value came from."""

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
"""Replaces the URL of a page while a block is validated, once for all pages that share it (RFC 2606)."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block as written, at ``key_path`` of ``document``."""

    document: YamlDocument
    key_path: KeyPath
    block: Mapping[str, Any]

    def locate(self, key_path: KeyPath) -> SourceLocation:
        """Return the location of a value of the block."""
        return self.document.locate((*self.key_path, *key_path))

    def environment_keys(self) -> frozenset[str]:
        """Return the keys whose values came from the environment, wholly or in part."""
        depth = len(self.key_path)
        paths = self.document.environment_key_paths
        return frozenset(str(path[depth]) for path in paths if path[:depth] == self.key_path != path)


@dataclass(frozen=True, slots=True)
class ValidatedBlock:
    """A valid block: its schedule and, for any page, its probe. ``probe`` still needs its URL."""

    schedule: ScheduleBlock
    probe: Probe


class MergedBlock:
    """Merged layers: values of later layers replace earlier ones; mappings such as ``headers`` are joined."""

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
        """Return the location of a value in the layer that it came from; of a missing one, in the last layer."""
        last = len(self._layers) - 1
        number = self._source_layers.get(key_path[:2], self._source_layers.get(key_path[:1], last))
        return self._layers[number].locate(key_path)

    def locations_newest_first(self, keys: Iterable[str]) -> list[SourceLocation]:
        """Return the locations of those of the keys that are given, the one from the latest layer first."""
        written = [key for key in keys if (key,) in self._source_layers]
        return [self.locate((key,)) for key in sorted(written, key=lambda key: -self._source_layers[(key,)])]


ModelT = TypeVar("ModelT", ScheduleBlock, Probe)


def known_keys(kind: str) -> list[str]:
    """Return the keys that a block of this kind may have."""
    return [*ScheduleBlock.model_fields, *(key for key in PROBE_KINDS[kind].model_fields if key != "url")]


@dataclass(slots=True)
class BlockValidator:
    """Validates blocks, each distinct one once. Errors go to the collector."""

    collector: ErrorCollector
    _by_layers: dict[tuple[object, ...], ValidatedBlock | None] = field(default_factory=dict)
    _by_content: dict[str, ValidatedBlock] = field(default_factory=dict)

    def validate(self, kind: str, layers: tuple[Layer, ...], *, complete: bool) -> ValidatedBlock | None:
        """Return the merged block of the layers; None when it is invalid.

        With ``complete`` false keys may be missing: further layers may still be added.
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
        probe_keys = dict(merged.block)
        schedule_keys = {key: probe_keys.pop(key) for key in ScheduleBlock.model_fields if key in probe_keys}
        booleans = [key for key, value in probe_keys.items() if is_unexpected_boolean(PROBE_KINDS[kind], key, value)]
        for key in booleans:
            self.collector.add(merged.locate((key,)), UNEXPECTED_BOOLEAN)
        valid = not booleans
        if "url" in probe_keys:
            self.collector.add(merged.locate(("url",)), "'url' is given by the portal's pages, not here", at_key=True)
            valid = False
        schedule = self._build_model(ScheduleBlock, schedule_keys, kind, merged, complete=complete)
        probe_keys["url"] = _PLACEHOLDER_URL
        probe = self._build_model(PROBE_KINDS[kind], probe_keys, kind, merged, complete=complete)
        if schedule is None or probe is None:
            return None
        if not self._check_duration(schedule, probe, merged, complete=complete) or not valid:
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
                lambda key_path: () if key_path else known_keys(kind),
                ignored_types=() if complete else ("missing",),
                parents=("checks", kind),
            )
            return None

    def _check_duration(self, schedule: ScheduleBlock, probe: Probe, merged: MergedBlock, *, complete: bool) -> bool:
        """Check that a probe ends before the next one starts; one that is disabled or not complete yet passes."""
        longest = probe.deadline * probe.max_runs
        if longest < schedule.interval or not schedule.enabled:
            return True
        locations = merged.locations_newest_first(("timeout", "interval"))
        if not locations and not complete:
            return True
        locations = locations or [merged.locate(())]
        if any(location.redacted_as for location in locations):
            message = "a probe may take longer than the interval"
        else:
            duration = f"a probe may take {longest:g} s (timeout {probe.timeout:g} s)"
            message = f"{duration}, which must be less than the interval of {schedule.interval:g} s"
        self.collector.add(locations[0], message)
        return False
