"""The API returns what the journal holds, and names invalid parameters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient

from monitor.model.time_parsing import MAX_TIMESTAMP_MS, parse_time
from tests.factories import MINUTE, SLOT
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import NOW, Stage

Client = TestClient[Any, Any]


async def measured(client: Client, query: str) -> list[dict[str, Any]]:
    """The measurements that a query gives."""
    found: list[dict[str, Any]] = json.loads(await text(client, f"/api/v1/measurements{query}"))["measurements"]
    return found


async def test_portals(client: Client):
    portals = {one["id"]: one for one in json.loads(await text(client, "/api/v1/portals"))["portals"]}
    down = portals["bo-y-te"]
    assert (down["state"], down["since"]) == ("down", "2026-07-31T23:30:00.000Z")
    assert down["name"] == {"vi": "Bộ Y tế", "en": "Ministry of Health"}
    assert down["latest"]["fault"] == "tls_expired"
    assert down["latest"]["outcome"] == "down"
    assert down["latest"]["started"] == "2026-08-01T00:00:00.007Z"
    assert [check["name"] for check in down["checks"]] == ["uptime", "latency"]
    assert portals["quang-nam"]["expect"] == "retired"
    assert portals["quang-nam"]["merged_into"] == "da-nang"
    assert portals["quang-nam"]["since"] is None
    assert portals["bo-cong-an"]["redirects_to"] == "dichvucong.example.gov.vn"


async def test_measurements_come_newest_first_and_whole(client: Client):
    found = await measured(client, "?portal=bo-y-te&kind=uptime&limit=40")
    assert len(found) == 40
    slots = [one["slot"] for one in found]
    assert slots == sorted(slots, reverse=True)
    assert slots[0] == "2026-08-01T00:00:00.000Z"
    assert found[0]["fault"] == "tls_expired"
    assert found[-1]["outcome"] == "up"
    assert found[-1]["values"]["status"] == 200


async def test_kinds_are_merged_by_slot(client: Client):
    found = await measured(client, "?portal=da-nang&limit=4")
    assert {one["kind"] for one in found[:2]} == {one["kind"] for one in found[2:]} == {"uptime", "latency"}


async def test_measurements_are_filtered_by_check(client: Client):
    found = await measured(client, "?check=latency&limit=5000")
    assert {one["check"] for one in found} == {"latency"}
    assert len(found) == 7 * 91


async def test_the_limit_has_a_default(client: Client):
    assert len(await measured(client, "")) == 200


@pytest.mark.parametrize(
    "window",
    [
        "since=-10m&until=-5m",
        f"since={NOW - 10 * MINUTE}&until={NOW - 5 * MINUTE}",
        "since=2026-07-31T23:50:12Z&until=2026-08-01T06:55:12%2B07:00",
        "since=2026-07-31T23:50:12&until=2026-08-01T06:55:12+07:00",  # a plus that the query turned into a space
    ],
)
async def test_a_window_can_be_written_in_many_ways(client: Client, window: str):
    found = await measured(client, f"?portal=da-nang&kind=uptime&{window}")
    assert [one["slot"] for one in found] == [f"2026-07-31T23:5{minute}:00.000Z" for minute in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("limit=ten", "limit"),
        ("limit=-3", "limit"),
        ("since=yesterday", "since"),
        ("until=-5x", "until"),
        ("until=99999999999999999999", "until"),
        ("since=-99999999d", "since"),
        ("portal=nowhere", "unknown portal 'nowhere'"),
        ("check=nothing", "unknown check 'nothing'"),
        ("kind=telepathy", "unknown kind 'telepathy'"),
        ("protal=da-nang", "unknown parameter 'protal'"),
    ],
)
async def test_invalid_parameters_are_refused_with_a_sentence(client: Client, query: str, message: str):
    body = json.loads(await text(client, f"/api/v1/measurements?{query}", status=400))
    assert message in body["error"]


async def test_an_unknown_address_of_the_api_answers_in_json(client: Client):
    assert json.loads(await text(client, "/api/v1/nothing", status=404)) == {"error": "Not Found"}
    async with client.post("/api/v1/portals") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD"
        assert await answer.json() == {"error": "Method Not Allowed"}


async def test_portals_are_shared_for_a_second(client: Client, stage: Stage):
    before = await text(client, "/api/v1/portals")
    stage.cache.set_inventory([], [])
    assert await text(client, "/api/v1/portals") == before
    stage.clock.turn(1)
    assert json.loads(await text(client, "/api/v1/portals"))["portals"] == []


def test_times_are_read_exactly():
    moment = datetime(2026, 8, 1, tzinfo=UTC)
    assert parse_time(moment.isoformat(), 0) == SLOT
    assert parse_time("now", SLOT) == SLOT
    assert parse_time("-1.5h", SLOT) == SLOT - 90 * MINUTE
    assert parse_time(str(MAX_TIMESTAMP_MS), 0) == MAX_TIMESTAMP_MS
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(quote("-"), SLOT)
