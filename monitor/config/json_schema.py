"""JSON Schema of the files, for editors that complete and check while one types."""

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
"""The sorts of files, by the name that people ask for."""

_REF = "#/$defs/{model}"


class _SchemaGenerator(GenerateJsonSchema):
    """Says what a file may hold, which is more than the type after reading: ``60s`` is a duration too."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """A validator that looks at the raw value may let more pass than the type behind it."""
        function: Any = schema["function"]["function"]
        if function is parse_seconds:
            return dict(_DURATION)
        if getattr(function, "__name__", "") == Block.reject_booleans.__name__:
            return self.generate_inner(schema["schema"])
        if schema.get("json_schema_input_schema") is not None:
            return super().function_before_schema(schema)
        return {"anyOf": [super().function_before_schema(schema), {}]}


def schema(which: str) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of one of the :data:`FILES`, with the keys or the metrics of every probe kind."""
    made = _model_schema(FILES[which])
    if which not in MODELS:
        _add_checks(made.setdefault("$defs", {}))
    linked = {key: _resolve_check_blocks(value) for key, value in made.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **linked}


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
    """The keys of a block: nothing is required in one place, since another layer may give it."""
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
    """Put the definition of the blocks where the models only say that blocks stand there."""
    if isinstance(node, list):
        return [_resolve_check_blocks(inner) for inner in node]
    if not isinstance(node, dict):
        return node
    if node.get("blocks") is True:
        return {"$ref": "#/$defs/checks", "description": node.get("description", "")}
    bounds = {"gt", "ge", "lt", "le"} if "anyOf" in node else set()  # of the value as read, which is not JSON Schema's
    return {key: _resolve_check_blocks(inner) for key, inner in node.items() if key not in bounds}
