"""The OpenAPI 3.1 description of the JSON API, made of what the handlers themselves declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from monitor import __version__
from monitor.web.api.models import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp.typedefs import Handler

OPENAPI = "3.1.1"
_REF = "#/components/schemas/{model}"
_ABOUT = (
    "What the monitor knows of the portals, for programs. Nothing here changes anything; HEAD works as well. "
    "Times in answers are ISO 8601 in UTC."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What a request may say; ``schema`` is a JSON Schema of its value."""

    name: str
    help: str
    schema: Mapping[str, Any]
    place: Literal["query", "path"] = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One GET of the API: its address, who answers, with what, and by which statuses it refuses, each with why."""

    name: str
    path: str
    help: str
    handler: Handler
    answer: Any
    parameters: tuple[Parameter, ...] = ()
    refusals: Mapping[int, str]


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The description as plain data."""
    every = list(operations)
    named = [(one.name, TypeAdapter(one.answer)) for one in every] + [("refusal", TypeAdapter(Refusal))]
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]]
    inputs = [(name, "serialization", adapter) for name, adapter in named]
    made, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    schemas = {name: made[name, "serialization"] for name, _ in named}
    return {
        "openapi": OPENAPI,
        "info": {"title": "portal-monitor", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "paths": {one.path: {"get": _operation(one, schemas)} for one in every},
        "components": {"schemas": shared.get("$defs", {})},
    }


def _operation(one: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    refusals = {**one.refusals, 500: "A fault of the monitor's own."}
    return {
        "operationId": one.name,
        "summary": one.help,
        "parameters": [_parameter(each) for each in one.parameters],
        "responses": {
            "200": _response("The answer.", schemas[one.name]),
            **{str(status): _response(why, schemas["refusal"]) for status, why in refusals.items()},
        },
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.place == "path",
        "description": one.help,
        "schema": dict(one.schema),
    }


def _response(words: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
