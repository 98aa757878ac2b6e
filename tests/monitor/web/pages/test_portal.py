"""A portal's page explains its state and shows what each check found."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.model.records import Expect
from tests.factories import SLOT, check, measurement
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import Stage, checks

Client = TestClient[Any, Any]


async def test_a_state_is_explained(client: Client):
    page = await text(client, "/portals/bo-y-te")
    assert "<h1>Bộ Y tế</h1>" in page
    assert "từ 01/08/2026 06:30:00, đã 30 phút 12 giây" in page
    assert 'Chứng chỉ hết hạn hoặc sắp hết hạn <span class="detail">certificate ended 2 days ago</span>' in page
    assert "Từ hoạt động sang gián đoạn" in page
    english = await text(client, "/portals/bo-y-te?lang=en")
    assert "since 2026-08-01 06:30:00, for 30 min 12 s" in english
    assert "The certificate has expired or is about to" in english


async def test_the_inventory_entry_is_shown(client: Client):
    page = await text(client, "/portals/hai-phong")
    assert '<a href="https://hai-phong.example.gov.vn" rel="noreferrer">' in page
    for expected in ("suy ra từ quy tắc đặt tên", "naming rule", "Trả lời bằng trang của mình", "H24"):
        assert f"<dd>{expected}</dd>" in page
    assert "Chuyển người dùng sang dichvucong.example.gov.vn" in await text(client, "/portals/bo-cong-an")


async def test_facts_are_shown_as_text(client: Client):
    page = await text(client, "/portals/da-nang")
    facts = dict(re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', page))
    assert facts["Mã HTTP"] == "200"
    assert facts["IPv4"] == "Đạt, 332 ms"
    assert facts["Chứng chỉ hết hạn"] == "còn 90 ngày (30/10/2026)"
    assert facts["Dữ liệu nhận"] == "18,7 kB"
    assert facts["Phiên bản TLS"] == "TLSv1.3"


async def test_phases_and_hops_are_drawn_and_listed(client: Client):
    page = await text(client, "/portals/bo-cong-an")
    assert page.count('<svg class="phases"') == 5  # the sum of each check, and three hops
    assert "Chặng 2, qua IPv4" in page
    assert "Chặng 3, qua IPv6" in page
    assert re.search(r"Chờ phản hồi <b>\d+ ms</b>", page)


async def test_recent_attempts_and_the_chart(client: Client):
    page = await text(client, "/portals/da-nang")
    assert "50 lượt đo gần nhất" in page
    assert page.count('<tr class="up"><th scope="row"><time') == 99  # one of the uptime attempts has no result
    assert "Trạm đo tự kiểm tra thất bại: mạng của trạm không đáng tin cậy" in page
    assert page.count('<svg class="chart"') == 2
    assert "<polyline" in page


async def test_failed_attempts_are_marked_on_the_chart(client: Client):
    page = await text(client, "/portals/bo-y-te")
    assert re.search(r'<line class="down" [^>]*><title>01/08/2026 06:\d\d:00: Chứng chỉ', page)


async def test_a_retired_portal_has_no_state_but_its_attempts(client: Client):
    page = await text(client, "/portals/quang-nam")
    assert "Đã ngừng; chỉ ghi nhận, không tính gián đoạn" in page
    assert '<svg class="timeline"' not in page
    assert '<svg class="chart"' in page


async def test_a_portal_without_results_or_checks_still_has_a_page(client: Client, stage: Stage):
    new = replace(stage.cache.portals["da-nang"], id="new", expect=Expect.ANSWERS)
    stage.cache.set_inventory([new], checks([new]))
    assert "Chưa có kết quả cho phép đo này." in await text(client, "/portals/new")
    stage.cache.set_inventory([new], [])
    stage.clock.turn(2)
    assert "Cổng này chưa có phép đo nào." in await text(client, "/portals/new")


async def test_metrics_without_a_text_are_shown_by_their_names(client: Client, stage: Stage):
    latest = measurement(portal="da-nang", slot=SLOT + 60_000)
    stage.cache.update(latest)
    page = await text(client, "/portals/da-nang")
    assert re.search(r'title="Time to resolve the name of the first hop\.">first_resolve_seconds</abbr>', page)


@pytest.mark.parametrize(("path", "expected"), [("/portals/no", "Không tìm thấy"), ("/x?lang=en", "does not exist")])
async def test_an_unknown_page_is_an_error_page_in_the_language(client: Client, path: str, expected: str):
    assert expected in await text(client, path, status=404)


async def test_nothing_that_a_portal_sends_becomes_markup(client: Client):
    for path in ("/", "/portals/evil", "/?q=%3Cscript%3Ealert(1)%3C/script%3E", "/portals/%3Cscript%3E"):
        async with client.get(path) as answer:
            page = await answer.text()
        assert "<script>" not in page
        assert "<img" not in page
        assert "<i>g" not in page
    page = html.unescape(await text(client, "/portals/evil"))
    assert "status 502 <script>alert(1)</script>" in page


async def test_a_check_with_a_long_interval_still_has_its_attempts(client: Client, stage: Stage):
    slow = check(portal="da-nang", interval=3600.0, name="uptime")
    stage.cache.set_inventory(stage.cache.portals.values(), [slow])
    stage.cache.update(measurement(portal="da-nang", slot=SLOT))
    assert "mỗi 1 giờ" in await text(client, "/portals/da-nang")
