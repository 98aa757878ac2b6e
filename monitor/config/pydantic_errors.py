"""From pydantic's errors to complaints that name the place in the file and say in plain words what is wanted there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.diagnostics import ErrorCollector, KeyPath, SourceLocation, did_you_mean

_EXPECTED_TYPES = {
    "string_type": "text",
    "path_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
}
_QUOTED = re.compile(r"'([^']*)'")

MAX_SUGGESTIONS = 100
"""Complaints about one block that may guess what was meant: a guess compares all keys, and thousands take seconds."""


def collect_validation_errors(
    error: ValidationError,
    collector: ErrorCollector,
    locate: Callable[[KeyPath], SourceLocation],
    known_keys: Callable[[KeyPath], Collection[str]],
    *,
    ignored_types: Collection[str] = (),
) -> None:
    """Turn every part of ``error`` into a complaint.

    ``find`` gives the place of a value by pydantic's location; ``known`` the keys that are known in the mapping there,
    for suggestions. Parts whose pydantic type is in ``passed_over`` are left out.
    """
    for number, part in enumerate(error.errors(include_url=False)):
        if part["type"] in ignored_types:
            continue
        steps = part["loc"]
        about_key = part["type"] == "extra_forbidden" or steps[-1:] == ("[key]",)
        if steps[-1:] == ("[key]",):
            steps = steps[:-1]
        spot = locate(steps)
        near = known_keys if number < MAX_SUGGESTIONS else _no_keys
        collector.add(spot, _message(part, steps, spot, near, at_key=about_key), at_key=about_key)


def _no_keys(_key_path: KeyPath) -> Collection[str]:
    return ()


def known_keys_of(model: type[BaseModel]) -> Callable[[KeyPath], Collection[str]]:
    """For :func:`translate`: the keys known at a location below ``model``."""

    def known_keys(key_path: KeyPath) -> Collection[str]:
        here: type[BaseModel] | None = model
        for step in key_path:
            if here is None:
                return ()
            if step in here.model_fields:
                here = _nested_model(here.model_fields[str(step)].annotation)
        return here.model_fields if here else ()

    return known_keys


def _nested_model(annotation: object) -> type[BaseModel] | None:
    """The one model that an annotation mentions: ``dict[str, M]``, ``tuple[M, ...]`` and ``M | None`` all give M."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _nested_model(one))), None)


def _message(
    part: ErrorDetails,
    key_path: KeyPath,
    location: SourceLocation,
    known_keys: Callable[[KeyPath], Collection[str]],
    *,
    at_key: bool,
) -> str:
    kind = part["type"]
    if kind == "extra_forbidden":
        return f"unknown key {key_path[-1]!r}{did_you_mean(str(key_path[-1]), known_keys(key_path[:-1]))}"
    if kind == "missing":
        return f"missing key {key_path[-1]!r}"
    if kind in {"value_error", "assertion_error"}:
        words = str(part.get("ctx", {}).get("error", part["msg"]))
        return words if at_key or not location.redacted_as else _redact_message(words, part["input"], location)
    if kind in _EXPECTED_TYPES:
        return f"expected {_EXPECTED_TYPES[kind]}, {_describe_value(kind, location)}"
    if kind in {"literal_error", "enum"}:
        choices = str(part.get("ctx", {}).get("expected", ""))
        hint = "" if location.redacted_as else did_you_mean(location.raw, _QUOTED.findall(choices))
        return f"{location.display_value()} is not {choices}{hint}"
    return f"{_reword(part['msg'])}, got {location.display_value()}"


def _reword(message: str) -> str:
    message = re.sub("^(Input|String|Tuple|List|Dictionary) should ", "must ", message)
    return message.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def _describe_value(kind: str, location: SourceLocation) -> str:
    """YAML takes ``no`` for a boolean and ``01`` for a number; who writes them mostly means text."""
    if kind in {"string_type", "path_type"} and location.yaml_type in {"a boolean", "a number", "a date"}:
        return f"but {location.redacted_as or location.raw} is read as {location.yaml_type}; put it in quotes"
    return f"got {location.display_value()}"


def _redact_message(message: str, value: object, location: SourceLocation) -> str:
    """Keep of a validator's sentence only what cannot hold a part of the value."""
    start = f"{value!r} is not "
    if message.startswith(start):
        rest = re.split(r"[:;] ", message.removeprefix(start))[0]
        return f"{location.redacted_as} is not {rest}"
    return f"{location.redacted_as} is not valid; it may be a secret, so it is not shown"
