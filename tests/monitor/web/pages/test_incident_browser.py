"""Real Chromium shows an incident of each fault so that it explains itself: both languages, a telephone, no script."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, expect

from monitor.i18n.page_texts import LANGUAGES, TEXTS
from probes.result import Fault
from tests.monitor.web.incident_scene import FAULTS, bring, detail_of, incident_of
from tests.monitor.web.pages.test_browser import CONTRAST, FITS, SMALLEST_TARGET, TARGETS, browser, opened
from tests.monitor.web.scene import EVIL, Stage

__all__ = ["browser"]  # a fixture of the other file

Client = TestClient[Any, Any]
SHOWN_KEYS = ("incident.since", "incident.fault", "incident.phase", "incident.address", "incident.last_good",
              "incident.references", "incident.attempts", "incident.certificate")  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_explains_an_incident_of_each_fault(
    browser: Browser, stage: Stage, client: Client, language: str
) -> None:
    await bring(stage)
    page, errors = await opened(browser, client, viewport={"width": 360, "height": 800}, java_script_enabled=False)
    column = LANGUAGES.index(language)
    for fault in FAULTS:
        await page.goto(f"/incidents/{incident_of(fault)}?lang={language}")
        await expect(page.locator("html")).to_have_attribute("lang", language)
        await expect(page.locator("h1")).to_contain_text(fault.value)
        section = page.locator("main .affected-portal")
        keys = (*SHOWN_KEYS, f"fault.{fault.value}")
        for text in (*(TEXTS[key][column] for key in keys), detail_of(fault)):
            await expect(section, fault.value).to_contain_text(text)
        await expect(section.locator("ol").first.locator("li"), fault.value).to_have_count(3)
        await expect(section, fault.value).to_contain_text("06:54:00")  # the last successful attempt, in Ha Noi
        address = TEXTS["incident.no_address"][column] if fault is Fault.DNS else "(IPv4)"
        await expect(section, fault.value).to_contain_text(address)
        if fault in {Fault.HTTP_STATUS, Fault.REDIRECT_TARGET}:
            await expect(section.locator(".hop-list")).to_contain_text("/login: 502")
        assert await page.evaluate(FITS), fault
    small = [html for height, html in await page.evaluate(TARGETS) if height < SMALLEST_TARGET]
    assert small == []
    assert errors == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
async def test_the_list_leads_to_each_incident_and_back(
    browser: Browser, stage: Stage, client: Client, width: int
) -> None:
    await bring(stage)
    page, errors = await opened(browser, client, viewport={"width": width, "height": 800})
    await page.goto("/?lang=en")
    await page.get_by_role("link", name="Incidents", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"{len(FAULTS) + 1} incidents are going on")
    assert await page.evaluate(FITS)
    await page.get_by_role("link", name="Twin 1 is down (+1)").click()
    await expect(page.locator("main")).to_contain_text("all run on egov-4")
    assert await page.evaluate(FITS)
    await page.get_by_role("link", name="Tiếng Việt").click()
    await expect(page.locator("main")).to_contain_text("cùng nền tảng egov-4")
    await page.get_by_role("link", name="Tất cả sự cố").click()
    await page.get_by_role("link", name="Trạm đo hn-1 tự kiểm tra thất bại").click()
    await expect(page.locator("main")).to_contain_text("none of 3 references answers")
    assert EVIL not in await page.content()
    assert errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_its_text_stands_out_from_its_ground(browser: Browser, stage: Stage, client: Client, scheme: Any) -> None:  # noqa: ANN401
    await bring(stage)
    page, _ = await opened(browser, client, color_scheme=scheme)
    for path in ("/incidents", f"/incidents/{incident_of(Fault.CONNECT_REFUSED)}"):
        await page.goto(path)
        assert await page.evaluate(CONTRAST) == []
