"""The fleet page summarises the state of the fleet in both languages, and finds portals."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.model.records import State, UnknownReason
from monitor.web import Readiness
from probes.result import Outcome
from tests.factories import DAY, SLOT
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import EVIL, Stage, changed

Client = TestClient[Any, Any]


def heading(page: str) -> str:
    """The heading of the page."""
    found = re.search(r"<h1>(.*?)</h1>", page)
    assert found
    return found[1]


def rows(page: str, section: str) -> list[str]:
    """The names in one section, in order."""
    part = page.partition(f'id="{section}"')[2].partition("</table>")[0]
    return re.findall(r'<th scope="row" class="c-name"><a href="[^"]*">(.*?)</a>', part)


async def test_it_shows_how_many_are_down_and_lists_them_first(client: Client):
    page = await text(client, "/")
    assert heading(page) == "2 cổng đang gián đoạn"
    assert rows(page, "attention") == [EVIL.replace("<", "&lt;").replace(">", "&gt;"), "Bộ Y tế", "Thành phố Hải Phòng"]
    assert "Chứng chỉ hết hạn hoặc sắp hết hạn" in page
    assert "30 phút 12 giây" in page


async def test_groups_keep_the_order_of_names_and_retired_ones_stand_apart(client: Client):
    page = await text(client, "/")
    assert rows(page, "kind-ministry") == ["Bộ Công an", "Bộ Y tế"]
    assert rows(page, "kind-national") == ["Cổng Dịch vụ công quốc gia"]
    assert rows(page, "retired") == ["Tỉnh Quảng Nam (trước 07/2025)"]
    assert '<details id="retired" class="retired">' in page
    assert 'đã nhập vào <a href="/portals/da-nang">Thành phố Đà Nẵng</a>' in page


async def test_marks_are_shown(client: Client):
    page = await text(client, "/")
    assert page.count("chưa kiểm chứng</span>") == 2  # Hải Phòng, in the attention list and in its group
    assert '<span class="code">G17</span>' in page


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/?q=da+nang", ["Thành phố Đà Nẵng"]),
        ("/?q=H%E1%BA%A3i+ph%C3%B2ng", ["Thành phố Hải Phòng"]),
        ("/?state=unknown", ["Thành phố Hải Phòng"]),
        ("/?state=down&kind=ministry", ["Bộ Y tế"]),
        ("/?state=retired", ["Tỉnh Quảng Nam (trước 07/2025)"]),
        ("/?q=qwertz", []),
    ],
)
async def test_search_and_filters(client: Client, path: str, expected: list[str]):
    page = await text(client, path)
    assert re.findall(r'<th scope="row" class="c-name"><a href="[^"]*">(.*?)</a>', page) == expected
    assert ("Không có cổng nào khớp." in page) is (not expected)


async def test_chips_count_the_whole_fleet_and_mark_the_chosen_one(client: Client):
    page = await text(client, "/?state=down&q=x")
    chips = dict(re.findall(r'class="chip (\w*)".*?<b>(\d+)</b>', page))
    assert chips == {"": "7", "up": "3", "down": "2", "unknown": "1", "retired": "1"}
    assert '<a class="chip down" href="/?q=x&amp;state=down" aria-current="true">' in page


async def test_english_is_complete_and_kept_in_links(client: Client):
    page = await text(client, "/?lang=en")
    assert '<html lang="en">' in page
    assert heading(page) == "2 portals are down"
    assert 'href="/portals/bo-y-te?lang=en">Ministry of Health</a>' in page
    assert 'name="lang" value="en"' in page
    assert 'href="/" hreflang="vi" lang="vi">Tiếng Việt</a>' in page
    assert "The certificate has expired or is about to" in page


async def test_a_failing_self_check_is_not_down(client: Client, stage: Stage):
    for key, measurement in list(stage.cache.latest.items()):
        unknown = replace(
            measurement,
            outcome=Outcome.UNKNOWN,
            unknown_reason=UnknownReason.SELF_CHECK,
            fault=None,
            detail="none of 3 references answers",
        )
        stage.cache.latest[key] = unknown
    page = await text(client, "/")
    assert heading(page) == "Trạm đo tự kiểm tra thất bại"
    assert 'class="status-summary prober"' in page


async def test_while_the_self_check_fails_unknown_portals_are_not_listed(client: Client, stage: Stage):
    stage.cache.states.clear()
    for key, measurement in list(stage.cache.latest.items()):
        stage.cache.latest[key] = replace(
            measurement, outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.SELF_CHECK, fault=None
        )
    assert 'id="attention"' not in await text(client, "/")


async def test_it_shows_that_no_probes_complete(client: Client, stage: Stage):
    stage.readiness = Readiness(ok=False, reason="no probe for 300 s")
    page = await text(client, "/")
    assert heading(page) == "Không có lượt đo nào hoàn tất"
    assert "no probe for 300 s" in page


async def test_all_portals_up(client: Client, stage: Stage):
    for number, portal in enumerate(stage.cache.evaluated_portals()):
        stage.cache.update(replace(changed(portal, State.UP, State.UNKNOWN, SLOT - DAY), seq=10_000 + number))
    assert heading(await text(client, "/")) == "Tất cả 6 cổng đang hoạt động"


async def test_before_the_first_results_nothing_needs_attention(client: Client, stage: Stage):
    portals, checks = list(stage.cache.portals.values()), list(stage.cache.checks.values())
    stage.cache.set_inventory([], [])
    assert heading(await text(client, "/")) == "Danh sách chưa có cổng nào"
    stage.cache.set_inventory(portals, checks)
    stage.clock.turn(2)
    page = await text(client, "/")
    assert heading(page) == "Đang chờ những lượt đo đầu tiên"
    assert 'id="attention"' not in page


async def test_a_page_is_shared_for_a_second(client: Client, stage: Stage):
    before = await text(client, "/")
    stage.readiness = Readiness(ok=False, reason="stuck")
    assert await text(client, "/") == before
    stage.clock.turn(1)
    assert heading(await text(client, "/")) == "Không có lượt đo nào hoàn tất"
