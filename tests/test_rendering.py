"""The daemon and its browser: pages are loaded, and screenshots kept and served; without a browser the rest works."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from probes.browser.process_tree import PROC
from tests.servers.hostile import hostile
from tests.servers.ports import free_port
from tests.test_demo import ROOT

TIMEOUT_SECONDS = 120.0


@dataclass
class Running:
    """A daemon at work; ``base`` is its own address."""

    base: str
    log: Path
    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession

    async def page(self, path: str) -> str:
        async with self.session.get(self.base + path) as answer:
            return await answer.text()

    async def until(self, path: str, pattern: str) -> str:
        """The page, once ``pattern`` is in it."""
        text = ""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not re.search(pattern, text):
                assert self.process.returncode is None, self.log.read_text()
                await asyncio.sleep(0.2)
                try:
                    text = await self.page(path)
                except aiohttp.ClientConnectionError:
                    continue
        return text

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == event]


@asynccontextmanager
async def daemon(temp_dir: Path, url: str, **browser: object) -> AsyncIterator[Running]:
    """Many portals on one page, so that every few seconds one of them is due to be loaded."""
    config = temp_dir / "config"
    config.mkdir()
    listen = f"127.0.0.1:{free_port()}"
    settings = {
        "listen": listen,
        "checks": {
            "uptime": {"interval": 30, "timeout": 2, "family": "4"},
            "latency": {"enabled": False},
            "mobile": {"interval": 400, "timeout": 30, "runs": 1, "profiles": ["mobile-real"]},
        },
        "browser": {"min_speed_ratio": 0.0, **browser},
        "self_check": {"references": []},
    }
    common = {"name": {"vi": "A", "en": "A"}, "kind": "province", "group": "g", "url": url}
    (config / "monitor.yaml").write_text(yaml.safe_dump(settings))
    (config / "portals.yaml").write_text(
        yaml.safe_dump({"portals": [{"id": f"p{number}", **common} for number in range(120)]})
    )
    log = temp_dir / "log"
    words = ["-m", "monitor", "run", "--config", str(config), "--data", str(temp_dir / "data")]
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stderr=file, stdout=file)
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(f"http://{listen}", log, process, session)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), TIMEOUT_SECONDS) == 0, log.read_text()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.slow
async def test_screenshots_of_a_page_are_kept_and_served(tmp_path: Path):
    async with hostile() as site, daemon(tmp_path, site.at("/good")) as one:
        shown = re.compile(r'probe_success\{[^}]*portal="(p\d+)",check="mobile[^"]*"[^}]*\} 1')
        found = shown.search(await one.until("/metrics", shown.pattern))
        assert found is not None
        assert f'portal="{found[1]}",check="mobile' in "".join(
            re.findall("portal_monitor_render_largest_contentful_paint_seconds.*", await one.page("/metrics"))
        )
        text = await one.until(f"/portals/{found[1]}", r'src="[^"]*/screenshots/')
        screenshots = re.findall(r'src="([^"]*/screenshots/[^"]+)"', text)
        kinds = set()
        for screenshot in screenshots:
            async with one.session.get(one.base + screenshot) as answer:
                body = await answer.read()
            kinds.add(answer.content_type)
            assert body.startswith(b"\xff\xd8") or body[8:12] == b"WEBP"
        assert kinds == {"image/jpeg", "image/webp"}, "the filmstrip, and the whole screen"
        browsers = _below(one.process.pid)
        assert any(b"--type=" in words for words in browsers.values())
    left = [words for pid, words in browsers.items() if words and _words(pid) == words]
    assert not left, "the browser outlived the daemon"


async def test_without_a_browser_everything_else_goes_on(tmp_path: Path):
    """Logged once, with the solution; loads are unknown, and the state of the portal follows from its uptime probes."""
    nowhere = str(tmp_path / "none")
    async with hostile() as site, daemon(tmp_path, site.at("/good"), executable=nowhere) as one:
        text = await one.until(
            "/metrics", r'portal_monitor_probes_total\{check_kind="mobile",outcome="unknown"\} ([2-9]|\d\d)'
        )
        unseen = re.search(r'portal_monitor_unknown_info\{[^}]*portal="(p\d+)",check="mobile', text)
        assert unseen is not None
        await one.until("/metrics", rf'portal_monitor_portal_state\{{portal="{unseen[1]}"[^}}]*state="up"\}} 1')
        assert 'check="mobile' not in "".join(re.findall("probe_success.*", await one.page("/metrics")))
        lines = one.logged("browser_unavailable")
        assert len(lines) == 1, lines
        assert nowhere in lines[0]["reason"]
        assert nowhere in await one.page(f"/portals/{unseen[1]}")


def _below(root: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for task in (PROC / str(root) / "task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found[child] = _words(child)
            found |= _below(child)
    return found


def _words(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return b""
