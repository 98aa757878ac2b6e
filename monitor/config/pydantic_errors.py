"""From pydantic's errors to complaints that name the place in the file and say in plain words what is wanted there."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.diagnostics import Ledger, Spot, Steps, did_you_mean

_WANTED = {
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

HINTS = 100
"""Complaints about one block that may guess what was meant: a guess compares all keys, and thousands take seconds."""


def translate(
    error: ValidationError,
    ledger: Ledger,
    find: Callable[[Steps], Spot],
    known: Callable[[Steps], Collection[str]],
    *,
    passed_over: Collection[str] = (),
) -> None:
    """Turn every part of ``error`` into a complaint.

    ``find`` gives the place of a value by pydantic's location; ``known`` the keys that are known in the mapping there,
    for suggestions. Parts whose pydantic type is in ``passed_over`` are left out.
    """
    for number, part in enumerate(error.errors(include_url=False)):
        if part["type"] in passed_over:
            continue
        steps = part["loc"]
        about_key = part["type"] == "extra_forbidden" or steps[-1:] == ("[key]",)
        if steps[-1:] == ("[key]",):
            steps = steps[:-1]
        spot = find(steps)
        near = known if number < HINTS else _nothing
        ledger.add(spot, _message(part, steps, spot, near, about_key=about_key), key=about_key)


def _nothing(_steps: Steps) -> Collection[str]:
    return ()


def keys_in(model: type[BaseModel]) -> Callable[[Steps], Collection[str]]:
    """For :func:`translate`: the keys known at a location below ``model``."""

    def known(steps: Steps) -> Collection[str]:
        here: type[BaseModel] | None = model
        for step in steps:
            if here is None:
                return ()
            if step in here.model_fields:
                here = _model_in(here.model_fields[str(step)].annotation)
        return here.model_fields if here else ()

    return known


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The one model that an annotation mentions: ``dict[str, M]``, ``tuple[M, ...]`` and ``M | None`` all give M."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for one in get_args(annotation) if (found := _model_in(one))), None)


def _message(
    part: ErrorDetails, steps: Steps, spot: Spot, known: Callable[[Steps], Collection[str]], *, about_key: bool
) -> str:
    kind = part["type"]
    if kind == "extra_forbidden":
        return f"unknown key {steps[-1]!r}{did_you_mean(str(steps[-1]), known(steps[:-1]))}"
    if kind == "missing":
        return f"missing key {steps[-1]!r}"
    if kind in {"value_error", "assertion_error"}:
        words = str(part.get("ctx", {}).get("error", part["msg"]))
        return words if about_key or not spot.hidden else _veiled(words, part["input"], spot)
    if kind in _WANTED:
        return f"expected {_WANTED[kind]}, {_misread(kind, spot)}"
    if kind in {"literal_error", "enum"}:
        choices = str(part.get("ctx", {}).get("expected", ""))
        hint = "" if spot.hidden else did_you_mean(spot.raw, _QUOTED.findall(choices))
        return f"{spot.shown()} is not {choices}{hint}"
    return f"{_plain(part['msg'])}, got {spot.shown()}"


def _plain(words: str) -> str:
    words = re.sub("^(Input|String|Tuple|List|Dictionary) should ", "must ", words)
    return words.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")


def _misread(kind: str, spot: Spot) -> str:
    """YAML takes ``no`` for a boolean and ``01`` for a number; who writes them mostly means text."""
    if kind in {"string_type", "path_type"} and spot.sort in {"a boolean", "a number", "a date"}:
        return f"but {spot.hidden or spot.raw} is read as {spot.sort}; put it in quotes"
    return f"got {spot.shown()}"


def _veiled(words: str, value: object, spot: Spot) -> str:
    """Keep of a validator's sentence only what cannot hold a part of the value."""
    start = f"{value!r} is not "
    if words.startswith(start):
        rest = re.split(r"[:;] ", words.removeprefix(start))[0]
        return f"{spot.hidden} is not {rest}"
    return f"{spot.hidden} is not valid; it may be a secret, so it is not shown"
