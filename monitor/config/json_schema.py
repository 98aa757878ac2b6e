"""Generate the JSON Schema of the files, for completion and validation in editors."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from monitor.config.portals import Block, PortalsFile, ScheduleBlock
from monitor.config.rubric_models import MODELS
from monitor.config.settings import MonitorSettings
from probes.probe import parse_seconds
from probes.registry import PROBE_KINDS

_DURATION: JsonSchemaValue = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0},
        {"type": "string", "pattern": r"^\s*[0-9.]+(ms|[smhdSMHD])?\s*$|\$\{"},
    ],
    "description": "Seconds, or a number with ms, s, m, h or d.",
}
FILES: dict[str, type[BaseModel]] = {"monitor": MonitorSettings, "portals": PortalsFile, **MODELS}
"""Models of the files, by the name given on the command line."""

_REF = "#/$defs/{model}"


class _SchemaGenerator(GenerateJsonSchema):
    """Describes what a file may contain, which is more than the type after parsing: ``60s`` is a duration too."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Return the schema of a validator of the raw value, which may accept more than the type behind it."""
        function: Any = schema["function"]["function"]
        if function is parse_seconds:
            return dict(_DURATION)
        if getattr(function, "__name__", "") == Block.reject_booleans.__name__:
            return self.generate_inner(schema["schema"])
        if schema.get("json_schema_input_schema") is not None:
            return super().function_before_schema(schema)
        return {"anyOf": [super().function_before_schema(schema), {}]}


def schema(which: str) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of one of :data:`FILES`, with the keys or metrics of every probe kind."""
    generated = _model_schema(FILES[which])
    if which not in MODELS:
        _add_checks(generated.setdefault("$defs", {}))
    resolved = {key: _resolve_check_blocks(value) for key, value in generated.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **resolved}


def _add_checks(definitions: dict[str, Any]) -> None:
    kinds: dict[str, Any] = {}
    for kind in PROBE_KINDS:
        block = _check_block_schema(kind)
        definitions.update(block.pop("$defs", {}))
        definitions[f"{kind}-check"] = block
        kinds[kind] = {"$ref": f"#/$defs/{kind}-check"}
    definitions["checks"] = {"type": "object", "additionalProperties": False, "properties": kinds}


def _model_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(ref_template=_REF, schema_generator=_SchemaGenerator)


def _check_block_schema(kind: str) -> dict[str, Any]:
    """Return the keys of a block: none is required, since another layer may give it."""
    schedule, probe = _model_schema(ScheduleBlock), _model_schema(PROBE_KINDS[kind])
    properties = {**schedule["properties"], **probe["properties"]}
    del properties["url"]
    return {
        "type": "object",
        "additionalProperties": False,
        "description": f"A check of the kind {kind}, or a part of its keys.",
        "properties": properties,
        "$defs": {**schedule.get("$defs", {}), **probe.get("$defs", {})},
    }


def _resolve_check_blocks(node: object) -> object:
    """Replace the markers of check blocks by references to their definition."""
    if isinstance(node, list):
        return [_resolve_check_blocks(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if node.get("blocks") is True:
        return {"$ref": "#/$defs/checks", "description": node.get("description", "")}
    # bounds of the parsed value, not part of JSON Schema
    bounds = {"gt", "ge", "lt", "le"} if "anyOf" in node else set()
    return {key: _resolve_check_blocks(inner) for key, inner in node.items() if key not in bounds}
