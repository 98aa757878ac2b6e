"""The control API forces conditions, clears them, and reports what happened."""

import aiohttp
import pytest

from monitor.tools.demo.control_api import parse_condition
from monitor.tools.demo.fault_schedule import FaultCondition, FaultMode
from monitor.tools.demo.fleet import DemoFleet

pytestmark = pytest.mark.asyncio

PORTAL = "bo-tu-phap"


async def test_a_condition_comes_and_goes(fleet: DemoFleet, client: aiohttp.ClientSession):
    url_of_condition = f"{fleet.control}/portals/{PORTAL}/condition"
    url = next(portal.url for portal in fleet.portals if portal.id == PORTAL)
    async with client.post(url_of_condition, json={"mode": "error", "status": 502}) as response:
        assert (await response.json())["forced"] is True
    async with client.get(url) as response:
        assert response.status == 502
    async with client.delete(url_of_condition) as response:
        assert (await response.json())["mode"] == "fine"
    async with client.get(url) as response:
        assert response.status == 200


async def test_it_shows_all_portals(fleet: DemoFleet, client: aiohttp.ClientSession):
    await fleet.force(PORTAL, FaultCondition(mode=FaultMode.BLOCKED, status=403))
    async with client.get(f"{fleet.control}/portals") as response:
        shown = await response.json()
    assert [one["id"] for one in shown["portals"]] == [portal.id for portal in fleet.portals]
    assert {one["id"]: one["mode"] for one in shown["portals"]}[PORTAL] == "blocked"
    assert shown["at_seconds"] == 0.0


async def test_it_counts_requests_and_records_changes(fleet: DemoFleet, client: aiohttp.ClientSession):
    url = next(portal.url for portal in fleet.portals if portal.id == PORTAL)
    for path in ("", "tra-cuu", "khong-co-1", "khong-co-2"):
        await client.get(url + path)
    await fleet.force(PORTAL, FaultCondition(mode=FaultMode.REFUSE))
    async with client.get(f"{fleet.control}/portals/{PORTAL}/hits") as response:
        hits = await response.json()
    assert hits == {"total": 4, "paths": {"/": 1, "/tra-cuu": 1, "other": 2}, "modes": {"fine": 4}}
    async with client.get(f"{fleet.control}/portals/{PORTAL}/changes") as response:
        assert [change["mode"] for change in await response.json()] == ["fine", "refuse"]


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"mode": "sunny"}', '{"mode": "error", "status": 99}', '{"mode": "slow", "delay": -1}'],
)
async def test_an_invalid_condition_is_rejected(fleet: DemoFleet, client: aiohttp.ClientSession, body: str):
    async with client.post(f"{fleet.control}/portals/{PORTAL}/condition", data=body) as response:
        assert response.status == 400
        assert "invalid fault condition" in await response.text()


async def test_an_unknown_portal_is_not_found(fleet: DemoFleet, client: aiohttp.ClientSession):
    async with client.get(f"{fleet.control}/portals/nha-ai/hits") as response:
        assert response.status == 404


async def test_missing_keys_of_a_condition_have_defaults():
    assert parse_condition({"mode": "maintenance_page"}).status == 503
    assert parse_condition({"mode": "blocked"}).status == 403
    assert parse_condition({"mode": "error"}).status == 500
    assert parse_condition({"mode": "slow"}).delay == 1.5
    assert parse_condition({"mode": "fine"}) == FaultCondition()
