"""Translate errors of pydantic into config errors with their place in the file and the expected value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.diagnostics import ErrorCollector, KeyPath, SourceLocation, did_you_mean
from monitor.config.renamed_keys import renamed_key, renamed_value

_EXPECTED_TYPES = {
    **dict.fromkeys(("string_type", "path_type"), "text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("model_type", "dict_type"), "a mapping"),
    **dict.fromkeys(("list_type", "tuple_type"), "a list"),
}
_QUOTED = re.compile(r"'([^']*)'")

MAX_SUGGESTIONS = 100
"""Errors of one block that may have a suggestion: each compares all keys, and thousands take seconds."""


def collect_validation_errors(  # noqa: PLR0913 - two are options, passed by keyword
    error: ValidationError,
    collector: ErrorCollector,
    locate: Callable[[KeyPath], SourceLocation],
    known_keys: Callable[[KeyPath], Collection[str]],
    *,
    ignored_types: Collection[str] = (),
    parents: tuple[str, ...] = (),
) -> None:
    """Add a config error for every part of ``error``.

    ``locate`` gives the location of a value by pydantic's path; ``known_keys`` the keys that are known in the mapping
    there, for suggestions. Parts whose pydantic type is in ``ignored_types`` are left out. ``parents`` are the keys
    above the validated mapping, by which renamed keys are found.
    """
    for number, part in enumerate(error.errors(include_url=False)):
        if part["type"] in ignored_types:
            continue
        key_path = part["loc"]
        at_key = part["type"] == "extra_forbidden" or key_path[-1:] == ("[key]",)
        if key_path[-1:] == ("[key]",):
            key_path = key_path[:-1]
        location = locate(key_path)
        known = known_keys(key_path[:-1]) if number < MAX_SUGGESTIONS else ()
        message = _renamed((*parents, *key_path), part["type"], location)
        collector.add(location, message or _message(part, key_path, location, known, at_key=at_key), at_key=at_key)


def _renamed(key_path: KeyPath, error_type: str, location: SourceLocation) -> str | None:
    """Return the message about a key or a value under its old name, or None."""
    if error_type == "extra_forbidden" and (new_key := renamed_key(key_path)):
        return f"unknown key {key_path[-1]!r}: renamed to {new_key!r}"
    if error_type == "enum" and not location.redacted_as and (new_value := renamed_value(key_path, location.raw)):
        return f"{location.display_value()} is renamed to {new_value!r}"
    return None


def known_keys_of(model: type[BaseModel]) -> Callable[[KeyPath], Collection[str]]:
    """Return a function for :func:`collect_validation_errors` that gives the keys known at a path below ``model``."""

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
    """Return the model that an annotation mentions: ``dict[str, M]``, ``tuple[M, ...]`` and ``M | None`` all give M."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _nested_model(one))), None)


def _message(
    part: ErrorDetails, key_path: KeyPath, location: SourceLocation, known: Collection[str], *, at_key: bool
) -> str:
    kind = part["type"]
    if kind == "extra_forbidden":
        return f"unknown key {key_path[-1]!r}{did_you_mean(str(key_path[-1]), known)}"
    if kind == "missing":
        return f"missing key {key_path[-1]!r}"
    if kind in {"value_error", "assertion_error"}:
        message = str(part.get("ctx", {}).get("error", part["msg"]))
        return message if at_key or not location.redacted_as else _redact_message(message, part["input"], location)
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
    """Describe the value; YAML reads ``no`` as a boolean and ``01`` as a number, where text is usually intended."""
    if kind in {"string_type", "path_type"} and location.yaml_type in {"a boolean", "a number", "a date"}:
        return f"but {location.redacted_as or location.raw} is read as {location.yaml_type}; put it in quotes"
    return f"got {location.display_value()}"


def _redact_message(message: str, value: object, location: SourceLocation) -> str:
    """Keep only the part of a validator's message that cannot contain a part of the value."""
    start = f"{value!r} is not "
    if message.startswith(start):
        rest = re.split(r"[:;] ", message.removeprefix(start))[0]
        return f"{location.redacted_as} is not {rest}"
    return f"{location.redacted_as} is not valid; it may be a secret, so it is not shown"
