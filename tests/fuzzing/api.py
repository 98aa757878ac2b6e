"""The JSON API held against its own description by schemathesis: what it allows, what it forbids, and every answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup

from tests.fuzzing.surface import LONGEST, SEED, Found

DESCRIPTION = "api/openapi.json"

EXCLUDED = ("positive_data_acceptance",)
"""No schema can list the portals, checks and times that exist: an unknown name is rejected, as described."""

CONTRACT = "Every answer of the JSON API, to valid and invalid requests, conforms to its OpenAPI description"


def description_of(address: str) -> dict[str, Any]:
    """Return the description from the server."""
    description: dict[str, Any] = requests.get(f"{address}{DESCRIPTION}", timeout=10.0).json()
    return description


def conform(address: str, examples: int, description: dict[str, Any] | None = None) -> Found:
    """Request all that exists, then each operation with ``examples`` valid and as many invalid requests.

    ``description`` replaces that of the server.
    """
    found = Found("api")
    schema = schemathesis.openapi.from_dict(description or description_of(address))
    schema.config.update(base_url=address)
    schema.validate()
    with requests.Session() as session:
        _request_by_name(schema, address, session, found)
        for result in schema.get_all_operations():
            operation = result.ok()
            for mode in _modes(operation):
                _request(operation, mode, session, examples, found)
    return found


def _request_by_name(schema: schemathesis.BaseSchema, address: str, session: requests.Session, found: Found) -> None:
    """Chance finds no id: every incident, and the measurements of every portal and check."""
    incidents = session.get(f"{address}api/v1/incidents", timeout=10.0).json()["incidents"]
    portals = session.get(f"{address}api/v1/portals", timeout=10.0).json()["portals"]
    one, many = (schema[path]["GET"] for path in ("/api/v1/incidents/{id}", "/api/v1/measurements"))
    cases = [one.Case(path_parameters={"id": incident["id"]}) for incident in incidents]
    cases += [many.Case(query={"portal": portal["id"], "limit": 1000}) for portal in portals]
    cases += [many.Case(query={"check": each["name"]}) for portal in portals[:1] for each in portal["checks"]]
    for case in cases:
        found.cases += 1
        try:
            answer = case.call_and_validate(session=session)
            assert answer.status_code == 200, answer.status_code
        except (AssertionError, FailureGroup) as error:
            found.broken.append(f"{case.operation.label}: {error}")


def _modes(operation: schemathesis.APIOperation) -> Iterator[GenerationMode]:
    yield GenerationMode.POSITIVE
    if operation.query or operation.path_parameters:
        yield GenerationMode.NEGATIVE


def _request(
    operation: schemathesis.APIOperation,
    mode: GenerationMode,
    session: requests.Session,
    examples: int,
    found: Found,
) -> None:
    """Send requests of one mode; record the first response that breaks the contract, shrunk."""
    refused = [CHECKS.get_one(name) for name in EXCLUDED]

    @seed(SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def request(case: schemathesis.Case) -> None:
        found.cases += 1
        began = time.process_time()
        case.call_and_validate(session=session, excluded_checks=refused)
        took = time.process_time() - began
        found.worst = max(found.worst, took)
        assert took < LONGEST, f"took {took:.1f} s"

    try:
        request()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, f"{operation.label} allows nothing"  # any text is valid as an id
    except (AssertionError, FailureGroup) as error:
        found.broken.append(f"{operation.label}, {mode.value} (FUZZ_SEED={SEED}): {error}")
