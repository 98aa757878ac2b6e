"""Real Chromium renders the pages: wide and narrow, in both languages, with and without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page, async_playwright, expect

from monitor.web import Readiness
from tests.monitor.web.scene import Stage

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
PATHS = ("/", "/?q=ha", "/?state=retired", "/portals/bo-y-te", "/portals/bo-cong-an", "/portals/evil", "/nothing")
SMALLEST_TARGET = 24
TARGETS = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
    .filter((one) => one.checkVisibility() && !one.matches('.skip'))
    .map((one) => [one.getBoundingClientRect().height, one.outerHTML])"""
FITS = "document.scrollingElement.scrollWidth <= window.innerWidth"

Client = TestClient[Any, Any]


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium; without it these tests have nothing to say, which is a failure."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is missing: `make test` installs it, or `apt-get install chromium`")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


async def opened(browser: Browser, client: Client, **options: Any) -> tuple[Page, list[str]]:  # noqa: ANN401 - Playwright's
    """A page of the server, and the list of errors of its console."""
    context = await browser.new_context(base_url=str(client.make_url("/")), **options)
    page = await context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"dialog {dialog.message}"))
    return page, errors


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("width", [360, 1280])
async def test_every_page_fits_and_runs_clean(browser: Browser, client: Client, width: int, language: str):
    page, errors = await opened(browser, client, viewport={"width": width, "height": 800})
    for path in PATHS:
        await page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert await page.evaluate(FITS), path
        assert await page.locator("html").get_attribute("lang") == language
        await expect(page.locator("h1")).to_have_count(1)
        if width == 360:
            small = [html for height, html in await page.evaluate(TARGETS) if height < SMALLEST_TARGET]
            assert not small, path
    assert [text for text in errors if "404" not in text] == []


@pytest.mark.parametrize("javascript", [True, False])
async def test_search_and_filters_work(browser: Browser, client: Client, *, javascript: bool):
    page, errors = await opened(browser, client, java_script_enabled=javascript)
    await page.goto("/")
    await page.get_by_role("searchbox").fill("da nang")
    await page.get_by_role("button", name="Tìm").click()
    names = page.locator("main tbody th a")
    await expect(names).to_have_text(["Thành phố Đà Nẵng"])
    await expect(page.get_by_role("searchbox")).to_have_value("da nang")
    await page.get_by_role("link", name="Bỏ lọc").click()
    await page.get_by_role("link", name="Gián đoạn 2").click()
    await expect(names).to_have_count(2)
    await page.get_by_role("combobox").select_option("ministry")
    if not javascript:
        await page.get_by_role("button", name="Tìm").click()
    await expect(names).to_have_text(["Bộ Y tế"])
    await page.get_by_role("link", name="English").click()
    await expect(names).to_have_text(["Ministry of Health"])
    await names.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ministry of Health")
    assert errors == []


async def test_the_page_renews_itself_under_the_readers_hands(browser: Browser, client: Client, stage: Stage):
    page, errors = await opened(browser, client, viewport={"width": 360, "height": 500})
    await page.clock.install()
    await page.goto("/")
    await page.locator("#retired summary").click()
    await page.get_by_role("searchbox").fill("đang gõ dở")
    await page.evaluate("window.scrollTo(0, 300)")
    stage.readiness = Readiness(ok=False, reason="stuck")
    stage.clock.turn(10)
    await page.clock.fast_forward(10_000)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Không có lượt đo nào hoàn tất")
    await expect(page).to_have_title("Không có lượt đo nào hoàn tất | Giám sát cổng dịch vụ công")
    await expect(page.get_by_role("searchbox")).to_have_value("đang gõ dở")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await expect(page.locator("#retired")).to_have_attribute("open", "")
    assert await page.evaluate("window.scrollY") == 300
    assert errors == []


async def test_it_shows_when_the_data_is_stale_and_when_it_is_not_any_more(browser: Browser, client: Client):
    page, _ = await opened(browser, client)
    await page.clock.install()
    await page.goto("/")
    stale = page.locator("#stale")
    await expect(stale).to_be_hidden()
    await page.context.set_offline(offline=True)
    await page.clock.fast_forward(10_000)
    await expect(stale).to_have_text(
        "Không liên lạc được với trạm đo. Dữ liệu trên trang là của lúc 01/08/2026 07:00:12."
    )
    await page.context.set_offline(offline=False)
    await page.clock.fast_forward(10_000)
    await expect(stale).to_be_hidden()


async def test_a_hidden_tab_sends_no_requests(browser: Browser, client: Client):
    page, _ = await opened(browser, client)
    await page.clock.install()
    await page.goto("/")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url) if request.resource_type == "fetch" else None)
    await page.evaluate(
        """() => {
            Object.defineProperty(document, 'hidden', { value: true, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    await page.clock.run_for(60_000)
    assert requested == []
    await page.evaluate(
        """() => {
            Object.defineProperty(document, 'hidden', { value: false });
            document.dispatchEvent(new Event('visibilitychange'));
        }"""
    )
    async with page.expect_response("**/"):
        await page.clock.run_for(10_000)
    assert requested


async def test_the_keyboard_reaches_the_content_first(browser: Browser, client: Client):
    page, _ = await opened(browser, client)
    await page.goto("/")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Đến nội dung chính")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/portals/bo-y-te"])
async def test_text_stands_out_from_its_ground(browser: Browser, client: Client, scheme: Any, path: str):  # noqa: ANN401
    page, _ = await opened(browser, client, color_scheme=scheme)
    await page.goto(path)
    weak = await page.evaluate(CONTRAST)
    assert weak == []


CONTRAST = """() => {
    const channel = (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const parse = (text) => text.match(/[\\d.]+/g).map(Number);
    const ground = (one) => {
        for (let at = one; at; at = at.parentElement) {
            const colour = parse(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const weak = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const one = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || !one.checkVisibility() || one.closest('svg')) continue;
        const [a, b] = [light(parse(getComputedStyle(one).color)), light(ground(one))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) weak.push(`${ratio.toFixed(2)} ${one.outerHTML}`);
    }
    return weak;
}"""
"""Texts with less contrast than WCAG 2.2 asks for at level AA (1.4.3)."""
