"""The scripts that are evaluated in a page, inside a real browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, async_playwright

from probes.browser import mobile_friendliness, page_complete
from probes.browser.chromium import LaunchOptions, command_line_switches, find_executable

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

BODY = """
<p style="font-size:16px">0123456789</p><p style="font-size:10px">01234</p><p style="display:none">hidden</p>
<script>/* not text */</script>
<a href="#" style="position:absolute;left:0;top:200px;width:60px;height:60px">x</a>
<a href="#" style="position:absolute;left:0;top:300px;width:20px;height:20px">x</a>
<a href="#" style="position:absolute;left:21px;top:300px;width:20px;height:20px">x</a>
<button style="position:absolute;left:200px;top:300px;width:20px;height:20px" disabled>x</button>
<p>sentence with <a href="#">a link</a> in it</p>
"""
META = '<meta name="viewport" content="width=device-width, initial-scale=1">'


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_executable(), args=command_line_switches(LaunchOptions())
        )
        phone = {"width": 412, "height": 823}
        context = await browser.new_context(viewport=phone, is_mobile=True, has_touch=True)
        await context.add_init_script(page_complete.activity_script())
        yield await context.new_page()
        await browser.close()


async def show(page: Page, body: str, head: str = META, language: str = 'lang="vi"') -> None:
    await page.route(
        "**/*",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<!doctype html><html {language}><head>{head}</head><body>{body}</body></html>",
        ),
    )
    await page.goto("http://page.test/")
    await page.unroute("**/*")


async def report(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = await page.evaluate(mobile_friendliness.report_script())
    return found


async def test_text_and_targets_are_reported(page: Page):
    await show(page, BODY)
    found = await report(page)
    assert found["viewport"] == "width=device-width, initial-scale=1"
    assert found["language"] == "vi"
    assert found["sizes"]["10.0"] == 5
    assert [round(each["width"]) for each in found["targets"] if not each["inline"]] == [60, 20, 20]
    assert sum(each["inline"] for each in found["targets"]) == 1
    values = mobile_friendliness.read_mobile_friendliness(found, found)
    assert values.tap_24_ratio == pytest.approx(1 / 3)
    assert values.overflow_412_px == 0.0


async def test_what_is_too_wide_overflows(page: Page):
    await show(page, '<div style="width:500px;height:10px"></div>')
    found = await report(page)
    assert mobile_friendliness.overflow_px(found) == pytest.approx(500 + 8 - 412, abs=1)


async def test_a_page_for_desks_is_small_on_a_phone(page: Page):
    """Without a viewport it is laid out 980 px wide and shrunk, its text with it."""
    await show(page, "<p style='font-size:16px'>0123456789</p>", head="", language="")
    found = await report(page)
    values = mobile_friendliness.read_mobile_friendliness(found, found)
    assert not values.viewport_ok
    assert not values.lang_ok
    assert values.text_legible_ratio == 0.0


async def poll(page: Page, wanted: Callable[[dict[str, float | None]], bool]) -> dict[str, float | None]:
    signs: dict[str, float | None] = {}
    for _ in range(200):
        signs = await page.evaluate(page_complete.activity_now_script())
        if wanted(signs):
            break
        await asyncio.sleep(0.05)
    return signs


async def test_an_inactive_page_has_no_pending_work(page: Page):
    await show(page, "<p>still</p>")
    signs = await poll(page, lambda signs: signs["painted"] is not None)
    assert signs["painted"] is not None
    assert signs["busy"] is signs["due"] is None


@pytest.mark.parametrize(
    ("script", "due"),
    [
        ("setTimeout(() => {}, 60000)", 60.0),
        ("setInterval(() => {}, 30000)", 30.0),
        ("clearTimeout(setTimeout(() => {}, 60000))", None),
        ("clearInterval(setInterval(() => {}, 60000))", None),
        ("setTimeout('window.ran = 1', 60000)", None),
    ],
)
async def test_timers_report_when_they_are_due(page: Page, script: str, due: float | None):
    await show(page, f"<script>{script}</script>")
    signs = await page.evaluate(page_complete.activity_now_script())
    if due is None:
        assert signs["due"] is None
    else:
        assert due - 20 < signs["due"] <= due


async def test_timers_do_what_they_would(page: Page):
    """With their arguments, their numbers, and as often as they should."""
    body = """<script>window.seen = [];
      const a = setTimeout((...given) => seen.push(given), 5, 'x', 'y'), b = setTimeout(() => seen.push('never'), 5);
      clearTimeout(b);
      const c = setInterval(() => { seen.push('again'); if (seen.length > 3) clearInterval(c); }, 5);
      setTimeout("seen.push('text')", 5); window.numbers = [a, b, c].every(Number.isInteger);</script>"""
    await show(page, body)
    await page.wait_for_function("seen.length >= 4")
    assert await page.evaluate("numbers")
    seen = await page.evaluate("seen")
    assert ["x", "y"] in seen
    assert {"again", "text"} <= {each for each in seen if isinstance(each, str)}
    assert "never" not in seen
    signs = await poll(page, lambda signs: signs["due"] is None)
    assert signs["due"] is None


async def test_a_long_task_and_an_animation_are_seen(page: Page):
    work = "const end = performance.now() + 120; while (performance.now() < end);"
    await show(page, f"<script>setTimeout(() => {{ {work} }}, 50)</script>")
    assert (await poll(page, lambda signs: signs["busy"] is not None))["busy"] is not None
    await show(page, "<style>@keyframes k{to{opacity:0}}p{animation:k 9s infinite}</style><p>moving</p>")
    assert (await poll(page, lambda signs: signs["due"] == 0))["due"] == 0
