"""A page in a real Chromium on loopback: what is measured of a good one, and how every bad one ends with a name."""
# ruff: noqa: ASYNC110 - processes and servers have no event of their own to wait for

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import CDPSession, Error, async_playwright

from probes.browser import calibration, chromium, net_errors
from probes.browser.device_profiles import DEVICE_PROFILES, NetworkThrottling
from probes.browser.pool import BrowserPoolSettings
from probes.browser.process_tree import PROC, descendants
from probes.browser.protocol import LoadRequest
from probes.mobile import Mobile
from probes.resources import HttpSettings, ProbeResources
from probes.result import Fault, Outcome, ProbeResult
from probes.runner import run_probe
from tests.servers.handshakes import BlockingTls
from tests.servers.hostile import Hostile, contexts, guarded, hostile

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
AGENT = "portal-monitor/test (+https://example.org/us)"
ANY_SPEED = BrowserPoolSettings(min_speed_ratio=0.0)
"""The machine of the tests is shared: its speed is not checked."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def site() -> AsyncIterator[Hostile]:
    async with hostile() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def resources() -> AsyncIterator[ProbeResources]:
    async with ProbeResources(HttpSettings(user_agent=AGENT), ANY_SPEED) as one:
        yield one
    assert not [process for process in descendants(os.getpid()) if "chrom" in named(process)]


def named(process: int) -> str:
    return (PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode()


async def probe_page(resources: ProbeResources, url: str, **keys: Any) -> ProbeResult:  # noqa: ANN401 - the probe's own
    return await run_probe(Mobile(**({"url": url, "timeout": 15.0, "profiles": ("mobile-real",)} | keys)), resources)


async def test_a_good_page_is_measured_and_photographed(resources: ProbeResources, site: Hostile):
    found = await probe_page(resources, site.at("/good"))
    assert (found.outcome, found.fault, found.detail) == (Outcome.UP, None, "")
    values = found.values
    assert 0 < values["ttfb_seconds"] <= values["fcp_seconds"] <= values["lcp_seconds"] < 15
    assert values["lcp_element"] == "H1"
    assert values["profile"] == "mobile-real"
    assert values["requests"] >= 1
    assert values["bytes_html"] > 300
    assert (values["viewport_ok"], values["zoom_ok"], values["lang_ok"]) == (True, True, True)
    assert (values["overflow_360_px"], values["overflow_412_px"]) == (0, 0)
    assert values["benchmark_index"] > 0
    assert values.keys() <= {metric.name for metric in Mobile.metrics}, "every value is declared"
    *frames, last = found.screenshots
    assert frames
    assert all(one.body.startswith(b"\xff\xd8") and one.at_seconds >= 0 for one in frames)
    assert last.at_seconds is None
    assert last.body[8:12] == b"WEBP"
    assert len(last.fingerprint) == 16


async def test_a_slow_phone_on_a_slow_network_takes_longer(resources: ProbeResources, site: Hostile):
    slow, fast = [await probe_page(resources, site.at("/good"), profiles=(name,)) for name in ("mobile", "desktop")]
    assert slow.outcome is Outcome.UP, slow.detail
    assert fast.outcome is Outcome.UP, fast.detail
    assert slow.values["fcp_seconds"] > 0.5625, "a round trip takes as long on this network"
    assert slow.values["fcp_seconds"] > fast.values["fcp_seconds"] + 0.3
    assert "viewport_ok" not in fast.values, "a desk is no phone"


BAD = {
    "/never": (Outcome.DOWN, Fault.TIMEOUT, "still loading"),
    "/silent": (Outcome.DOWN, Fault.TIMEOUT, "no response after"),
    "/busy": (Outcome.DOWN, Fault.TIMEOUT, "keeps the processor busy"),
    "/blank": (Outcome.DOWN, Fault.NOT_RENDERED, "nothing was painted"),
    "/dialogs": (Outcome.UP, None, ""),
    "/dialogs-for-ever": (Outcome.DOWN, Fault.NOT_RENDERED, "dialogs"),
    "/popups": (Outcome.UP, None, ""),
    "/download": (Outcome.DOWN, Fault.NOT_RENDERED, "is a download"),
    "/loop": (Outcome.DOWN, Fault.REDIRECT_LOOP, "too many redirects"),
    "/moves-on": (Outcome.DOWN, Fault.REDIRECT_LOOP, "navigated more than"),
    "/memory": (Outcome.DOWN, Fault.CRASHED, ""),
    "/noisy": (Outcome.DOWN, Fault.NOT_RENDERED, "console"),
    "/large": (Outcome.DOWN, Fault.BODY_TOO_LARGE, "(200 MB)"),
    "/larger": (Outcome.DOWN, Fault.BODY_TOO_LARGE, "5 MB"),
    "/broken": (Outcome.DOWN, Fault.HTTP_STATUS, "503"),
}


@pytest.mark.parametrize("path", BAD)
async def test_a_bad_page_ends_with_a_name_and_the_next_is_measured(
    resources: ProbeResources, site: Hostile, path: str
):
    """Within its own deadline: if ``run_probe`` ended the attempt, the detail would differ."""
    outcome, fault, words = BAD[path]
    slow = path in {"/memory", "/larger", "/noisy", "/dialogs", "/popups", "/large"}
    found = await probe_page(resources, site.at(path), timeout=40 if slow else 4, max_page_bytes=5_000_000)
    assert (found.outcome, found.fault) == (outcome, fault), found.detail
    assert words in found.detail
    if path in {"/busy", "/memory", "/dialogs-for-ever", "/larger"}:  # the others are followed by one of these
        after = await probe_page(resources, site.at("/good"))
        assert after.outcome is Outcome.UP, after.detail


async def test_a_page_that_times_out_keeps_what_was_seen_of_it(resources: ProbeResources, site: Hostile):
    found = await probe_page(resources, site.at("/never"), timeout=4)
    assert found.phase == "load"
    assert found.values["fcp_seconds"] > 0
    assert found.screenshots[-1].at_seconds is None


@pytest.mark.parametrize(
    ("name", "trusted", "fault"),
    [("self-signed", False, Fault.TLS_UNTRUSTED), ("client", True, Fault.RESET), ("good", True, None)],
)
async def test_tls_that_a_browser_refuses(tmp_path: Path, name: str, *, trusted: bool, fault: Fault | None):
    """A browser without the requested certificate continues without one, and the server closes the connection."""
    secure = contexts(tmp_path)
    settings = HttpSettings(user_agent=AGENT, ca_file=tmp_path / "ca.pem" if trusted else None)
    async with guarded(secure[name]) as url, ProbeResources(settings, ANY_SPEED) as resources:
        found = await probe_page(resources, url)
    assert found.fault is fault, found.detail


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_client_certificate_that_is_required_by_an_alert_is_a_fault_of_tls(
    tmp_path: Path, version: ssl.TLSVersion
):
    """The server of the row above only closes the connection; this one sends an alert, as most do."""
    context = contexts(tmp_path)["client"]
    context.minimum_version = context.maximum_version = version
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find_executable(), args=chromium.command_line_switches(chromium.LaunchOptions())
        )
        page = await browser.new_page(ignore_https_errors=True)
        with BlockingTls(context) as server:
            for _ in range(10):  # version 1.3 sends it after the handshake; now and then the end arrives first
                with pytest.raises(Error) as caught:
                    await page.goto(server.url("127.0.0.1"))
                (name,) = re.findall(r"net::ERR_\w+", caught.value.message)
                verdict = net_errors.to_failure(name)
                if verdict.fault is not Fault.RESET:
                    break
        await browser.close()
    assert (verdict.fault, verdict.detail) == (Fault.TLS_OTHER, "browser error: bad ssl client auth cert")


async def test_nothing_is_submitted_and_no_tracker_is_requested(resources: ProbeResources, site: Hostile):
    await probe_page(resources, site.at("/form"))
    assert site.requests["/sent"] == 0
    found = await probe_page(resources, site.at("/tracked"), blocked_hosts=("stats.localhost",))
    assert found.outcome is Outcome.UP
    assert [site.requests[path] for path in ("/count", "/pixel", "/frame")] == [0, 0, 0]
    assert found.values["requests_failed"] == 0, "what the prober blocked is not the page's failure"


async def test_the_user_agent_names_the_prober(resources: ProbeResources, site: Hostile):
    await probe_page(resources, site.at("/good"))
    assert site.agent.startswith("Mozilla/5.0 (Linux; Android")
    assert site.agent.endswith(f"Mobile Safari/537.36 {AGENT}")


async def test_every_load_is_a_first_visit(resources: ProbeResources, site: Hostile):
    first, second = [await probe_page(resources, site.at("/remembers")) for _ in range(2)]
    assert first.values["bytes_total"] == pytest.approx(second.values["bytes_total"], abs=200)
    assert site.cookies == 0


async def test_a_trace_for_devtools(resources: ProbeResources, site: Hostile, tmp_path: Path):
    resources.browser_pool.trace_file = tmp_path / "trace.json"
    try:
        await probe_page(resources, site.at("/good"))
    finally:
        resources.browser_pool.trace_file = None
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {"ParseHTML", "Screenshot", "RunTask"} <= {event["name"] for event in events}


def processes(kind: str) -> list[int]:
    found = []
    for process in descendants(os.getpid()):
        try:
            if kind in named(process):
                found.append(process)
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("victim", "outcome", "fault"),
    [
        ("--type=renderer", Outcome.DOWN, Fault.CRASHED),
        ("probes.browser.worker", Outcome.UNKNOWN, Fault.INTERNAL_ERROR),
    ],
)
async def test_processes_that_die_during_a_probe(
    resources: ProbeResources, site: Hostile, victim: str, outcome: Outcome, fault: Fault
):
    await probe_page(resources, site.at("/good"))
    running = asyncio.create_task(probe_page(resources, site.at("/never"), timeout=30))
    before = site.requests["/never"]
    while site.requests["/never"] == before:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
    for process in processes(victim):
        os.kill(process, signal.SIGKILL)
    found = await running
    assert (found.outcome, found.fault) == (outcome, fault), found.detail
    assert (await probe_page(resources, site.at("/good"))).outcome is Outcome.UP


async def test_calibration_reports_throttling_without_effect(monkeypatch: pytest.MonkeyPatch):
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium.find_executable(), args=chromium.command_line_switches(chromium.LaunchOptions())
        )
        assert await calibration.verify_throttling(browser, DEVICE_PROFILES["mobile"]) == ""
        real = calibration.throttle

        async def half(session: CDPSession, slowdown: float, network: NetworkThrottling | None) -> None:
            await real(session, slowdown if network is None else 1.0, network)

        async def other_half(session: CDPSession, slowdown: float, _network: NetworkThrottling | None) -> None:
            await real(session, slowdown, None)

        monkeypatch.setattr(calibration, "throttle", half)
        assert "the processor was slowed down" in await calibration.verify_throttling(
            browser, DEVICE_PROFILES["mobile"]
        )
        monkeypatch.setattr(calibration, "throttle", other_half)
        assert "the network took" in await calibration.verify_throttling(browser, DEVICE_PROFILES["mobile"])
        await browser.close()


async def test_a_load_on_an_overloaded_host_has_no_values(resources: ProbeResources, site: Hostile):
    await probe_page(resources, site.at("/good"))
    load_request = LoadRequest(url=site.at("/good"), profile="mobile-real", timeout_seconds=15.0, user_agent=AGENT)
    running = resources.browser_pool._idle_workers[-1]  # noqa: SLF001 - the best speed is what this host showed so far
    request = replace(load_request, best_benchmark_index=1e9, min_speed_ratio=0.4)
    response = await resources.browser_pool._send_request(running, request)  # noqa: SLF001 - the same
    assert response.fault is Fault.INTERNAL_ERROR
    assert "overloaded" in response.detail
    assert response.values.keys() == {"benchmark_index"}
