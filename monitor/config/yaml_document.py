"""Hold a parsed YAML file: its data, and the source location of every value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from monitor.config.diagnostics import KeyPath, SourceLocation

YAML_TAG_PREFIX = "tag:yaml.org,2002:"
YAML_TYPES = {
    "str": "text",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
    "null": "nothing",
    "map": "a mapping",
    "seq": "a list",
}
_URL_CREDENTIALS = re.compile(r"://[^/\s]*@")


@dataclass(slots=True, kw_only=True)
class YamlDocument:
    """One file: its plain ``data`` and the locations of its values.

    ``from_environment`` holds, by ``id`` of a node, the variable that its text was filled from;
    ``environment_key_paths`` the paths to these values. ``reported_nodes`` are nodes with an error found while reading.
    """

    file: str
    root: yaml.Node
    data: Any = None
    from_environment: dict[int, str] = field(default_factory=dict)
    environment_key_paths: list[KeyPath] = field(default_factory=list)
    reported_nodes: set[int] = field(default_factory=set)
    _pairs: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = field(default_factory=dict)

    def locate(self, key_path: KeyPath) -> SourceLocation:
        """Return the location of the value at ``key_path``; for a missing key, that of its nearest parent."""
        key, node = self.root, self.root
        taken: list[str | int] = []
        for step in key_path:
            found = self._child(node, step)
            if found is not None:
                key, node = found
                taken.append(step)
        return SourceLocation(
            file=self.file,
            value_position=position_of(node),
            key_position=position_of(key),
            yaml_type=YAML_TYPES.get(node.tag.removeprefix(YAML_TAG_PREFIX), "something else"),
            raw=node.value if isinstance(node, yaml.ScalarNode) else "",
            redacted_as=self._redacted_as(node, taken),
            already_reported=any(id(one) in self.reported_nodes for one in _node_and_descendants(node)),
        )

    def _child(self, node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
        """Return key and value at ``step``; in a list the value is also the key. The last of two equal keys counts."""
        if isinstance(node, yaml.MappingNode):
            if id(node) not in self._pairs:
                pairs = ((key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode))
                self._pairs[id(node)] = {key.value: (key, value) for key, value in pairs}
            return self._pairs[id(node)].get(step) if isinstance(step, str) else None
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        return None

    def _redacted_as(self, node: yaml.Node, key_path: list[str | int]) -> str:
        """Return a name for the value if a message must not show it or a part of it, else an empty text."""
        for one in _node_and_descendants(node):
            if id(one) in self.from_environment:
                return f"the value of ${{{self.from_environment[id(one)]}}}"
        if is_secret(key_path) or any(
            isinstance(one, yaml.ScalarNode) and _URL_CREDENTIALS.search(one.value)
            for one in _node_and_descendants(node)
        ):
            return "the value here"
        return ""


def is_secret(key_path: KeyPath | list[str | int]) -> bool:
    """Return whether the keys mark the value as a possible secret: tokens, accounts, values of headers."""
    inside = {"headers", "accounts"}.intersection(map(str, key_path[:-1]))
    return bool(inside) or any(isinstance(step, str) and step.endswith("_token") for step in key_path)


def position_of(node: yaml.Node) -> tuple[int, int]:
    """Return line and column of a node, from 1."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def _node_and_descendants(node: yaml.Node) -> list[yaml.Node]:
    """Return the node and all values below it."""
    found = [node]
    for one in found:
        if isinstance(one, yaml.SequenceNode):
            found.extend(one.value)
        elif isinstance(one, yaml.MappingNode):
            found.extend(value for _, value in one.value)
    return found
