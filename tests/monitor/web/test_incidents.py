"""Pages and answers about incidents: everything that explains one is there, and portals' texts stay texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from monitor.web import Picture, make_app
from probes.base import Fault
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import EVIL, Stage
from tests.monitor.web.trouble import AT, FAULTS, bring, incident_of, portal_of

Client = TestClient[Any, Any]
REFUSED = incident_of(Fault.CONNECT_REFUSED)


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_list_tells_what_goes_on_from_what_is_over(stage: Stage, client: Client, language: str):
    await bring(stage)
    body = await text(client, f"/incidents?lang={language}")
    lasting, _, past = body.partition({"vi": "Đã kết thúc", "en": "Over <"}[language])
    assert all(incident_of(fault) in lasting for fault in FAULTS)
    assert "prober-20260731" in past
    assert EVIL not in body


async def test_without_incidents_the_list_says_so(client: Client):
    body = await text(client, "/incidents?lang=en")
    assert "No incident is going on" in body
    assert "No incident has ended yet." in body


async def test_an_incident_is_linked_from_its_portal_and_from_every_page(stage: Stage, client: Client):
    await bring(stage)
    assert f'href="/incidents/{REFUSED}"' in await text(client, f"/portals/{portal_of(Fault.CONNECT_REFUSED)}")
    assert 'href="/incidents"' in await text(client, "/")


async def test_notes_and_messages_stand_on_the_page(stage: Stage, client: Client):
    await bring(stage)
    body = await text(client, f"/incidents/{REFUSED}?lang=en")
    assert "on-call: waits to be sent" in body
    assert "acknowledged it" in body
    assert EVIL not in body


async def test_a_shared_cause_is_one_page_with_a_list(stage: Stage, client: Client):
    await bring(stage)
    body = await text(client, "/incidents/twin-1-20260731T234600Z?lang=en")
    assert "all run on egov-4" in body
    assert all(name in body for name in ("Twin 1", "Twin 2", "up again", "7 min"))


async def test_pictures_are_shown_where_somebody_has_them(stage: Stage):
    await bring(stage)

    def pictures(portal: str, since: int, until: int) -> Sequence[Picture]:
        assert since == AT < until
        return [Picture(href=f"/evidence/{portal}.jpg", at=AT)]

    async with TestClient(TestServer(make_app(replace(stage.site(), pictures=pictures)))) as client:
        body = await text(client, f"/incidents/{REFUSED}")
    assert f'src="/evidence/{portal_of(Fault.CONNECT_REFUSED)}.jpg"' in body


async def test_an_unknown_incident_is_no_page(client: Client):
    await text(client, "/incidents/nobody-20260101T000000Z", 404)
    await text(client, "/api/v1/incidents/nobody", 404)


async def test_the_api_gives_incidents_whole(stage: Stage, client: Client):
    await bring(stage)
    async with client.get("/api/v1/incidents?open=true") as answer:
        told = (await answer.json())["incidents"]
    assert {one["id"] for one in told} == {*map(incident_of, FAULTS), "twin-1-20260731T234600Z"}
    async with client.get(f"/api/v1/incidents/{REFUSED}") as answer:
        one = await answer.json()
    (portal,) = one["portals"]
    assert (portal["fault"], portal["phase"], portal["family"]) == ("connect_refused", "connect", 4)
    assert [look["attempt"] for look in portal["looks"]] == [1, 2, 3]
    assert portal["last_good"] == "2026-07-31T23:54:00.000Z"
    assert one["messages"][0]["fate"] == "waiting"
    assert one["notes"][0]["kind"] == "acknowledged"


@pytest.mark.parametrize(
    ("query", "words"),
    [("open=maybe", "open: 'maybe'"), ("since=tomorrow", "since: 'tomorrow'"), ("sinse=-1d", "unknown parameter")],
)
async def test_the_api_says_what_makes_no_sense(client: Client, query: str, words: str):
    assert words in await text(client, f"/api/v1/incidents?{query}", 400)
