"""The filmstrip and the page metrics on the portal page; and that only screenshots are served."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from monitor.storage.screenshots import ScreenshotStore
from probes.result import Outcome, Screenshot
from tests import factories
from tests.factories import SLOT
from tests.monitor.web.conftest import Open, text
from tests.monitor.web.scene import Stage, checks

Client = TestClient[Any, Any]
PIXEL = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00/\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
"""An image of one pixel, without loss."""

VALUES = {
    "fcp_seconds": 1.234, "lcp_seconds": 2.5, "lcp_element": "IMG bia.png", "tbt_seconds": 0.25, "cls": 0.105,
    "bytes_total": 812_345, "requests": 23, "tap_48_ratio": 0.5, "overflow_360_px": 12.0, "viewport_ok": False,
    "profile": "mobile", "browser_version": "156.0", "benchmark_index": 800.0, "run": 2, "median": True,
}  # fmt: skip


@pytest.fixture
async def shown(stage: Stage, open_client: Open, tmp_path: Path) -> Client:
    """Đà Nẵng was rendered twice, and failed once before."""
    check = factories.check("mobile", portal="da-nang", interval=21_600.0)
    stage.screenshots = ScreenshotStore(folder=tmp_path / "screenshots", max_bytes=10**9, retention_days=100)
    measurements = [
        factories.measurement(kind="mobile", portal="da-nang", slot=SLOT - 1000, attempt=2, values=VALUES),
        factories.measurement(kind="mobile", portal="da-nang", slot=SLOT - 7_200_000, outcome=Outcome.DOWN),
    ]
    for measurement in reversed(measurements):
        frames = [Screenshot(at_seconds=number * 0.5, content_type="image/webp", body=PIXEL) for number in range(4)]
        last = Screenshot(at_seconds=None, content_type="image/webp", body=PIXEL, fingerprint="00" * 8)
        await stage.screenshots.save(check, measurement, [*frames, last])
    await stage.journal.commit_all(measurements)
    cache = stage.cache
    cache.set_inventory(cache.portals.values(), [*checks(list(cache.portals.values())), check])
    await stage.journal.read(cache.load)
    await asyncio.sleep(0)
    return await open_client()


async def test_the_page_shows_the_filmstrip_and_the_page_metrics(shown: Client):
    page = await text(shown, "/portals/da-nang")
    assert len(re.findall(r'<img src="/screenshots/da-nang/mobile/\d+/0[0-3]\.webp"', page)) == 4
    assert 'alt="Màn hình sau 1,50 s"' in page
    assert "Nội dung lớn nhất (LCP), 24 giờ qua" in page
    assert "lưu vì lượt đo lỗi" in page, "the earlier one is linked to"
    facts = dict(re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', page))
    assert facts["Nội dung lớn nhất (LCP)"] == "2,50 s (IMG bia.png)"
    assert facts["Độ xê dịch bố cục (CLS)"] == "0,105"
    assert facts["Nút chạm được (48 px)"] == "50 %"
    assert facts["Tràn ngang ở 360 px"] == "12 px"
    assert facts["Khai báo khung nhìn"] == "không"
    english = await text(shown, "/portals/da-nang?lang=en")
    assert "How the page came up" in english
    assert "kept because the page changed" in english
    assert "1 successful attempts, median 2.50 s" in english


async def test_a_portal_without_screenshots_shows_none(shown: Client):
    assert "/screenshots/" not in await text(shown, "/portals/bo-y-te")


async def test_screenshots_are_served_as_images(shown: Client):
    async with shown.get(f"/screenshots/da-nang/mobile/{SLOT - 1000}/04.webp") as answer:
        assert answer.status == 200
        assert await answer.read() == PIXEL
        assert answer.headers["Content-Type"] == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "path",
    [
        f"/screenshots/da-nang/mobile/{SLOT - 1000}/about.json",
        f"/screenshots/da-nang/mobile/{SLOT - 1000}/..%2F..%2F..%2F..%2Fjournal.sqlite3",
        f"/screenshots/..%2Fda-nang/mobile/{SLOT - 1000}/04.webp",
        "/screenshots/da-nang/mobile/0/04.webp",
        "/screenshots/da-nang/mobile/x/04.webp",
        "/screenshots/da-nang/mobile/²/04.webp",
        f"/screenshots/da-nang/mobile/{'9' * 400}/04.webp",
        f"/screenshots/da-nang/mobile/{'9' * 5000}/04.webp",  # more digits than Python turns into a number
    ],
)
async def test_nothing_else_is_served(shown: Client, path: str):
    await text(shown, path, 404)


async def test_a_screenshot_that_was_removed_is_not_found(shown: Client, tmp_path: Path):
    for path in (tmp_path / "screenshots").rglob("04.webp"):
        path.unlink()
    await text(shown, f"/screenshots/da-nang/mobile/{SLOT - 1000}/04.webp", 404)
