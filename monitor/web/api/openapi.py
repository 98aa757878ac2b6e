"""Generates the OpenAPI 3.1 description of the JSON API from what the handlers declare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter

from monitor import __version__
from monitor.web.api.models import Error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from aiohttp.typedefs import Handler

OPENAPI_VERSION = "3.1.1"
_REF_TEMPLATE = "#/components/schemas/{model}"
_DESCRIPTION = (
    "Portals, measurements and incidents of the monitor, read-only; HEAD works as well. "
    "Times in responses are ISO 8601 in UTC."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a request; ``schema`` is the JSON Schema of its value."""

    name: str
    help: str
    schema: Mapping[str, Any]
    place: Literal["query", "path"] = "query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One GET of the API: path, handler, response model, and error statuses with their descriptions."""

    name: str
    path: str
    help: str
    handler: Handler
    response: Any
    parameters: tuple[Parameter, ...] = ()
    error_responses: Mapping[int, str] = field(default_factory=dict)


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the description as JSON data."""
    listed = list(operations)
    named = [(one.name, TypeAdapter(one.response)) for one in listed] + [("error", TypeAdapter(Error))]
    inputs: list[tuple[str, Literal["serialization"], TypeAdapter[Any]]]
    inputs = [(name, "serialization", adapter) for name, adapter in named]
    generated, shared = TypeAdapter.json_schemas(inputs, ref_template=_REF_TEMPLATE)
    schemas = {name: generated[name, "serialization"] for name, _ in named}
    return {
        "openapi": OPENAPI_VERSION,
        "info": {"title": "portal-monitor", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": {one.path: {"get": _operation_object(one, schemas)} for one in listed},
        "components": {"schemas": shared.get("$defs", {})},
    }


def _operation_object(operation: Operation, schemas: Mapping[str, Any]) -> dict[str, Any]:
    errors = {**operation.error_responses, 500: "Internal error."}
    return {
        "operationId": operation.name,
        "summary": operation.help,
        "parameters": [_parameter_object(each) for each in operation.parameters],
        "responses": {
            "200": _response_object("The response.", schemas[operation.name]),
            **{str(status): _response_object(text, schemas["error"]) for status, text in errors.items()},
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
