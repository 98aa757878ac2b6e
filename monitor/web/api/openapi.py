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

OPENAPI_VERSION = "3.1.1"
_REF_TEMPLATE = "#/components/schemas/{model}"
_DESCRIPTION = (
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
    response: Any
    parameters: tuple[Parameter, ...] = ()
    error_responses: Mapping[int, str]


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The description as plain data."""
    every = list(operations)
    named = [(one.name, TypeAdapter(one.response)) for one in every] + [("refusal", TypeAdapter(Refusal))]
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]]
    inputs = [(name, "serialization", adapter) for name, adapter in named]
    made, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF_TEMPLATE)
    schemas = {name: made[name, "serialization"] for name, _ in named}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "portal-monitor", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": {one.path: {"get": _operation_object(one, schemas)} for one in every},
        "components": {"schemas": shared.get("$defs", {})},
    }


def _operation_object(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    refusals = {**operation.error_responses, 500: "A fault of the monitor's own."}
    return {
        "operationId": operation.name,
        "summary": operation.help,
        "parameters": [_parameter_object(each) for each in operation.parameters],
        "responses": {
            "200": _response_object("The answer.", schemas[operation.name]),
            **{str(status): _response_object(why, schemas["refusal"]) for status, why in refusals.items()},
        },
    }


def _parameter_object(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.help,
        "schema": dict(parameter.schema),
    }


def _response_object(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
