"""Parse YAML into a :class:`YamlDocument`; fill ``${NAME}`` from the environment and report every YAML error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.reader import Reader

from monitor.config.diagnostics import ErrorCollector, KeyPath
from monitor.config.yaml_document import YAML_TAG_PREFIX, YAML_TYPES, YamlDocument, position_of

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_REFERENCE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)\})?")

_CONTAINERS = {f"{YAML_TAG_PREFIX}{name}" for name in ("map", "seq", "set", "omap", "pairs")}

MAX_VALUES = 1_000_000
"""Values that a file may have, aliases counted wherever they are used: a few short lines can expand to billions."""


def load_document(path: Path, environment: Mapping[str, str], collector: ErrorCollector) -> YamlDocument | None:
    """Read one file and report its YAML errors to *collector*. Return None when it cannot be parsed."""
    text = _read_text(path, collector)
    if text is None:
        return None
    file = str(path)
    try:
        root = yaml.compose(text, Loader=_LOADER)
        if root is None:
            collector.add_at(file, "the file is empty")
            return None
        document = YamlDocument(file=file, root=root)
        document.data = _DataBuilder(document, environment, collector).build(root, ())
    except yaml.MarkedYAMLError as error:
        _add_syntax_error(collector, file, text, error)
        return None
    except RecursionError:
        collector.add_at(file, "nested too deeply, or an alias that contains itself")
        return None
    except OverflowError:
        collector.add_at(file, f"more than {MAX_VALUES} values")
        return None
    return document


def _add_syntax_error(collector: ErrorCollector, file: str, text: str, error: yaml.MarkedYAMLError) -> None:
    message = ", ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    if "\n".join(text.split("\n")[line : line + 1])[column : column + 1] == "\t":
        message += "; this is a tab, and YAML is indented with spaces"
    collector.add_at(file, f"not valid YAML: {message}", line + 1, column + 1)


def _is_text(value: str) -> bool:
    """Return whether a variable is text: Python keeps other bytes as surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unknown_tag(node: yaml.Node) -> str:
    return f"the tag {node.tag.replace(YAML_TAG_PREFIX, '!!')} is not known here"


def _read_text(path: Path, collector: ErrorCollector) -> str | None:
    if path.exists() and not path.is_file() and not path.is_dir():
        collector.add_at(str(path), "this is not a file")  # a pipe or a device would be read for ever
        return None
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        collector.add_at(str(path), "the file is missing")
        return None
    except OSError as error:
        collector.add_at(str(path), f"the file cannot be read: {error.strerror}")
        return None
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        _add_error_after(collector, path, data[: error.start].decode("utf-8"), "the file is not UTF-8")
        return None
    if (invalid := Reader.NON_PRINTABLE.search(text)) is not None:
        _add_error_after(collector, path, text[: invalid.start()], f"YAML does not allow the character {invalid[0]!a}")
        return None
    return text


def _add_error_after(collector: ErrorCollector, path: Path, before: str, message: str) -> None:
    """Add an error about the character that follows the text ``before``."""
    collector.add_at(str(path), message, before.count("\n") + 1, len(before) - before.rfind("\n"))


class _DataBuilder:
    """Builds data from nodes. A value that cannot be built is None and reported."""

    def __init__(self, document: YamlDocument, environment: Mapping[str, str], collector: ErrorCollector) -> None:
        self.document = document
        self.environment = environment
        self.collector = collector
        self.scalars = SafeConstructor()
        self.flattened: set[int] = set()
        self.lengths: dict[int, int] = {}
        self.built = 0

    def build(self, node: yaml.Node, key_path: KeyPath) -> object:
        """Return the data of the node at ``key_path``. Raises OverflowError when the file has too many values."""
        self.built += 1
        if self.built > MAX_VALUES:
            raise OverflowError
        if isinstance(node, yaml.ScalarNode):
            return self._substitute(node, key_path) if node.tag == f"{YAML_TAG_PREFIX}str" else self._scalar(node)
        if node.tag not in {f"{YAML_TAG_PREFIX}map", f"{YAML_TAG_PREFIX}seq"}:
            self._report(node, _unknown_tag(node))
            return None
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*key_path, index)) for index, child in enumerate(node.value)]
        if id(node) not in self.flattened:
            self.flattened.add(id(node))
            self._check_keys(node)
            self._merged_length(node)
            self.scalars.flatten_mapping(cast("yaml.MappingNode", node))
        text = f"{YAML_TAG_PREFIX}str"
        pairs = ((key, value) for key, value in node.value if key.tag == text and isinstance(key, yaml.ScalarNode))
        return {key.value: self.build(value, (*key_path, key.value)) for key, value in pairs}

    def _report(self, node: yaml.Node, message: str) -> None:
        line, column = position_of(node)
        self.collector.add_at(self.document.file, message, line, column)
        self.document.reported_nodes.add(id(node))

    def _merged_length(self, node: yaml.Node) -> int:
        """Return the number of pairs of a mapping after all merges; as values, they count before they are built."""
        if id(node) not in self.lengths:
            merged = [value for key, value in node.value if key.tag == f"{YAML_TAG_PREFIX}merge"]
            parts = [part for one in merged for part in (one.value if isinstance(one, yaml.SequenceNode) else [one])]
            more = sum(self._merged_length(part) for part in parts if isinstance(part, yaml.MappingNode))
            self.lengths[id(node)] = len(node.value) + more
            self.built += more
            if self.built > MAX_VALUES:
                raise OverflowError
        return self.lengths[id(node)]

    def _check_keys(self, node: yaml.Node) -> None:
        """Check that keys are text and unique in their mapping."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            name = key.tag.removeprefix(YAML_TAG_PREFIX)
            if name not in {"str", "merge", "value"} or not isinstance(key, yaml.ScalarNode):
                raw = key.value if isinstance(key, yaml.ScalarNode) else "this"
                yaml_type = YAML_TYPES.get(name, name) if isinstance(key, yaml.ScalarNode) else "more than text"
                self._report(key, f"expected text as key, but {raw} is read as {yaml_type}; quote it")
            elif key.value in first:
                self._report(key, f"duplicate key {key.value!r}, first given in line {first[key.value]}")
            else:
                first[key.value] = key.start_mark.line + 1

    def _scalar(self, node: yaml.ScalarNode) -> object:
        """Return a number, boolean, date or null. Some texts have the form but are invalid, such as 2026-13-01."""
        if node.tag in _CONTAINERS:
            self._report(node, _unknown_tag(node))
            return None
        try:
            return self.scalars.construct_object(node)
        except ConstructorError:
            self._report(node, _unknown_tag(node))
        except (ValueError, LookupError, AttributeError):  # the last two from an explicit tag, as in !!bool x
            tag = node.tag.removeprefix(YAML_TAG_PREFIX)
            self._report(node, f"cannot be read as {YAML_TYPES.get(tag, tag)}; quote it if it is text")
        return None

    def _substitute(self, node: yaml.ScalarNode, key_path: KeyPath) -> str:
        """Fill variables into the text. It stays text: the value of a variable is never parsed as YAML."""
        if "${" not in node.value:
            return str(node.value)

        def replacement(match: re.Match[str]) -> str:
            name = match["name"]
            if match[0].startswith("$$"):
                return "${"
            if name is None:
                self._report(node, "'${' starts the name of a variable, as in ${NAME}; write '$${' for the text '${'")
            elif name not in self.environment:
                self._report(node, f"the environment variable {name} is not set")
            elif not _is_text(self.environment[name]):
                self._report(node, f"the environment variable {name} is not UTF-8 text")
            else:
                self.document.from_environment[id(node)] = name
                return self.environment[name]
            return match[0]

        text = _REFERENCE.sub(replacement, node.value)
        if id(node) in self.document.from_environment:
            self.document.environment_key_paths.append(key_path)
        return text
