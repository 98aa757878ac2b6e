"""Pages and API of incidents: everything that explains one is there, and portals' texts stay texts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.storage.screenshots import ScreenshotStore
from probes.result import Fault, Outcome, Screenshot
from tests import factories
from tests.monitor.web.conftest import Open, text
from tests.monitor.web.incident_scene import AT, FAULTS, bring, incident_of, portal_of
from tests.monitor.web.scene import EVIL, Stage

Client = TestClient[Any, Any]
REFUSED = incident_of(Fault.CONNECT_REFUSED)


@pytest.mark.parametrize("language", ["vi", "en"])
async def test_the_list_separates_open_from_resolved_incidents(stage: Stage, client: Client, language: str):
    await bring(stage)
    body = await text(client, f"/incidents?lang={language}")
    open_part, _, resolved_part = body.partition({"vi": "Đã kết thúc", "en": "Over <"}[language])
    assert all(incident_of(fault) in open_part for fault in FAULTS)
    assert "prober-20260731" in resolved_part
    assert EVIL not in body


async def test_without_incidents_the_list_is_empty(client: Client):
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
    assert "on-call: pending" in body
    assert "acknowledged it" in body
    assert EVIL not in body


async def test_a_shared_cause_is_one_page_with_a_list(stage: Stage, client: Client):
    await bring(stage)
    body = await text(client, "/incidents/twin-1-20260731T234600Z?lang=en")
    assert "all run on egov-4" in body
    assert all(name in body for name in ("Twin 1", "Twin 2", "up again", "7 min"))


async def test_what_was_rendered_meanwhile_is_shown(stage: Stage, open_client: Open, tmp_path: Path):
    await bring(stage)
    portal = portal_of(Fault.CONNECT_REFUSED)
    stage.screenshots = ScreenshotStore(folder=tmp_path / "screenshots", max_bytes=10**9, retention_days=100)
    check = factories.check("mobile", portal=portal, interval=21_600.0)
    for slot in (AT - 1000, AT + 1000):
        measurement = factories.measurement(kind="mobile", portal=portal, slot=slot, outcome=Outcome.DOWN)
        await stage.screenshots.save(
            check, measurement, [Screenshot(at_seconds=None, content_type="image/webp", body=b"", fingerprint="00" * 8)]
        )
    body = await text(await open_client(), f"/incidents/{REFUSED}")
    assert re.findall(r'src="(/screenshots/[^"]+)"', body) == [f"/screenshots/{portal}/mobile/{AT + 1000}/00.webp"]


async def test_an_unknown_incident_is_no_page(client: Client):
    await text(client, "/incidents/unknown-20260101T000000Z", 404)
    await text(client, "/api/v1/incidents/unknown", 404)


async def test_the_api_gives_incidents_whole(stage: Stage, client: Client):
    await bring(stage)
    async with client.get("/api/v1/incidents?open=true") as answer:
        incidents = (await answer.json())["incidents"]
    assert {one["id"] for one in incidents} == {*map(incident_of, FAULTS), "twin-1-20260731T234600Z"}
    async with client.get(f"/api/v1/incidents/{REFUSED}") as answer:
        one = await answer.json()
    (portal,) = one["portals"]
    assert (portal["fault"], portal["phase"], portal["family"]) == ("connect_refused", "connect", 4)
    assert [attempt["attempt"] for attempt in portal["attempts"]] == [1, 2, 3]
    assert portal["last_good"] == "2026-07-31T23:54:00.000Z"
    assert one["messages"][0]["status"] == "waiting"
    assert one["notes"][0]["kind"] == "acknowledged"


@pytest.mark.parametrize(
    ("query", "message"),
    [("open=maybe", "open: 'maybe'"), ("since=tomorrow", "since: 'tomorrow'"), ("sinse=-1d", "unknown parameter")],
)
async def test_the_api_names_invalid_parameters(client: Client, query: str, message: str):
    assert message in await text(client, f"/api/v1/incidents?{query}", 400)
