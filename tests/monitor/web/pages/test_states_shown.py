"""Degraded, maintenance, flapping and a failing self-check are shown in both languages, on pages and in the API."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.model.records import PROBER_PORTAL, State, StateChange
from tests.factories import MINUTE, SLOT
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import Stage, changed

Client = TestClient[Any, Any]
AT = SLOT - 4 * MINUTE


def apply(stage: Stage, *changes: StateChange) -> None:
    """As if the state machine had written them just now."""
    for number, change in enumerate(changes, start=10_000):
        stage.cache.update(replace(change, seq=number))


@pytest.mark.parametrize(
    ("state", "detail", "expected"),
    [
        (State.DEGRADED, "uptime takes longer than 5 s", ("Suy giảm", "Vẫn trả lời", "Degraded", "not as it should")),
        (State.MAINTENANCE, "new release (approved by CIO)", ("Bảo trì", "đã báo trước", "Maintenance", "Announced")),
    ],
)
async def test_a_state_is_shown_with_its_reason(
    client: Client, stage: Stage, state: State, detail: str, expected: tuple[str, ...]
):
    apply(stage, changed("da-nang", state, State.UP, AT, detail=detail))
    for path in ("/", "/portals/da-nang"):
        page, english = await text(client, path), await text(client, f"{path}?lang=en")
        assert all(word in page for word in expected[:2])
        assert all(word in english for word in expected[2:])
        assert f'<span class="detail">{detail}</span>' in page
        assert f'class="badge {state.value}"' in page
    found = json.loads(await text(client, "/api/v1/portals"))
    (one,) = [portal for portal in found["portals"] if portal["id"] == "da-nang"]
    assert (one["state"], one["reason"], one["flapping"]) == (state.value, detail, False)


async def test_announced_work_explains_failed_attempts(client: Client, stage: Stage):
    """The latest attempt failed; the maintenance is the better reason."""
    apply(stage, changed("bo-y-te", State.MAINTENANCE, State.DOWN, AT, detail="patches (approved by IT)"))
    page = await text(client, "/?lang=en")
    assert "Announced maintenance" in page
    assert "certificate ended 2 days ago" not in page.partition('id="kind-')[0]


async def test_the_end_of_maintenance_leaves_its_note(client: Client, stage: Stage):
    note = "maintenance is over; it was down inside and has recovered"
    apply(
        stage,
        changed("da-nang", State.MAINTENANCE, State.UP, AT, detail="new release"),
        changed("da-nang", State.UP, State.MAINTENANCE, AT + 1, detail=note),
    )
    page = await text(client, "/portals/da-nang")
    assert f'Hết thời gian bảo trì <span class="detail">{note}</span>' in page
    assert "Từ bảo trì sang hoạt động" in page


async def test_flapping_is_a_mark_and_two_messages(client: Client, stage: Stage):
    apply(stage, replace(changed("da-nang", State.DOWN, State.UP, AT), flapping=True))
    for path in ("/", "/portals/da-nang"):
        assert 'class="mark-flapping"' in await text(client, path)
        assert ">flapping</span>" in await text(client, f"{path}?lang=en")
    assert "Từ hoạt động sang gián đoạn (thất thường)" in await text(client, "/portals/da-nang")
    found = json.loads(await text(client, "/api/v1/portals"))
    assert [one["id"] for one in found["portals"] if one["flapping"]] == ["da-nang"]
    stage.clock.turn(2)
    ended = replace(changed("da-nang", State.DOWN, State.DOWN, AT + MINUTE), seq=20_000)
    stage.cache.update(ended)
    page = await text(client, "/portals/da-nang?lang=en")
    assert "No longer flapping, down" in page
    assert 'class="mark-flapping"' not in page
    assert "since 2026-08-01 06:56:00" in page


async def test_a_failing_self_check_is_shown_once_and_since_when(client: Client, stage: Stage):
    apply(stage, changed(PROBER_PORTAL, State.UNKNOWN, State.UP, AT, detail="none of 3 references answers"))
    page = await text(client, "/")
    assert 'class="status-summary prober"' in page
    assert "Từ 01/08/2026 06:56:00." in page
    assert "Since 2026-08-01 06:56:00." in await text(client, "/?lang=en")
    found = json.loads(await text(client, "/api/v1/portals"))["prober"]
    assert found == {
        "location": "hn-1",
        "state": "unknown",
        "since": "2026-07-31T23:56:00.000Z",
        "reason": "none of 3 references answers",
    }
