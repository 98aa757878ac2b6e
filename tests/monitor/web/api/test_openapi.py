"""The JSON API and its description are one: every route is described, and every answer is as described."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.web import make_app
from tests.fuzzing.api import conform, description_of
from tests.fuzzing.served import Served, served
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import Stage

EXAMPLES = 15


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


async def test_every_route_of_the_api_is_described_and_no_other(stage: Stage, client: TestClient[Any, Any]):
    document = json.loads(await text(client, "/api/openapi.json"))
    assert document["openapi"].startswith("3.1.")
    routes = {route.resource.canonical for route in make_app(stage.context()).router.routes() if route.resource}
    assert document["paths"].keys() == {path for path in routes if path.startswith("/api/")}


def test_every_answer_is_as_described(server: Served):
    found = conform(server.address, EXAMPLES)
    assert found.cases > 6 * EXAMPLES
    assert found.broken == []


def test_an_answer_that_is_not_as_described_is_noticed(server: Served):
    """Or the test above would prove nothing."""
    wrong = deepcopy(description_of(server.address))
    schemas = wrong["components"]["schemas"]
    schemas["PortalResponse"]["properties"]["verified"] = {"type": "string"}
    schemas["AffectedPortalResponse"]["properties"]["attempts"] = {"type": "array", "maxItems": 0}
    broken = conform(server.address, 1, wrong).broken
    assert any("/api/v1/portals" in line for line in broken)
    assert any("/api/v1/incidents/{id}" in line for line in broken)


def test_a_status_that_is_not_described_is_noticed(server: Served):
    wrong = deepcopy(description_of(server.address))
    del wrong["paths"]["/api/v1/measurements"]["get"]["responses"]["400"]
    assert any("measurements" in line for line in conform(server.address, EXAMPLES, wrong).broken)
