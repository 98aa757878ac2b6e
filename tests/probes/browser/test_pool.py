"""The browser pool: when a browser is started and replaced, and that no process and no file remains."""
# ruff: noqa: ASYNC110, ASYNC240 - processes and servers have no event of their own to wait for

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from probes.browser import chromium
from probes.browser.pool import BrowserPoolSettings
from probes.browser.process_tree import PROC, descendants
from probes.browser.worker_process import TEMP_DIR_PREFIX, remove_leftovers
from probes.mobile import Mobile
from probes.resources import ProbeResources
from probes.result import Fault, Outcome, ProbeResult
from probes.runner import run_probe
from tests.servers.hostile import Hostile, hostile

ROOT = Path(__file__).parents[3]


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Hostile]:
    async with hostile() as one:
        yield one


@pytest.fixture
def temp_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Whatever is written, is written here; a short name, since Chromium puts a socket below it."""
    with tempfile.TemporaryDirectory(prefix="r") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


def opened(**settings: Any) -> ProbeResources:  # noqa: ANN401 - the settings' own
    return ProbeResources(browser_settings=BrowserPoolSettings(**({"min_speed_ratio": 0.0} | settings)))


async def probe_page(resources: ProbeResources, url: str, timeout: float = 30.0) -> ProbeResult:  # noqa: ASYNC109 - the probe's key
    return await run_probe(Mobile(url=url, timeout=timeout, profiles=("mobile-real",)), resources)


def browsers(root: int) -> list[int]:
    """The processes of workers and browsers below ``root``."""
    found = []
    for process in descendants(root):
        try:
            words = (PROC / str(process) / "cmdline").read_bytes()
        except OSError:
            continue
        if b"chrom" in words or b"probes.browser.worker" in words or b"playwright" in words:
            found.append(process)
    return found


async def gone(root: int, temp_dir: Path, seconds: float = 20.0) -> None:
    """Wait until nothing of a browser is left below ``root`` and in ``temp_dir``."""
    end = time.monotonic() + seconds
    while browsers(root) or list(temp_dir.glob(f"{TEMP_DIR_PREFIX}*")):
        assert time.monotonic() < end, (browsers(root), list(temp_dir.glob(f"{TEMP_DIR_PREFIX}*")))
        await asyncio.sleep(0.05)


async def test_what_is_missing_is_logged_once_and_every_outcome_is_unknown(capsys: pytest.CaptureFixture[str]):
    async with opened(executable=Path("/nowhere/chromium")) as resources:
        results = [await probe_page(resources, "http://127.0.0.1:9/") for _ in range(3)]
    assert {(one.outcome, one.fault) for one in results} == {(Outcome.UNKNOWN, Fault.INTERNAL_ERROR)}
    assert "/nowhere/chromium" in results[0].detail
    assert capsys.readouterr().out.count("browser_unavailable") == 1


async def test_no_browser_is_started_without_memory_for_it(site: Hostile):
    async with opened(min_free_memory_bytes=2**60) as resources:
        found = await probe_page(resources, site.at("/good"))
    assert (found.outcome, found.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)
    assert "of memory available" in found.detail


@pytest.mark.slow
async def test_a_browser_is_replaced_after_its_loads_and_ended_when_idle(site: Hostile, temp_dir: Path):
    async with opened(max_loads=2, idle_timeout_seconds=0.5) as resources:
        seen = []
        for _ in range(3):
            assert (await probe_page(resources, site.at("/good"))).outcome is Outcome.UP
            seen.append({path.name for path in temp_dir.glob(f"{TEMP_DIR_PREFIX}*")})
        assert not seen[0] & seen[2], "the third load has another browser"
        await gone(os.getpid(), temp_dir)
        assert (await probe_page(resources, site.at("/good"))).outcome is Outcome.UP, (
            "and it is started again when it is wanted"
        )
    await gone(os.getpid(), temp_dir)


@pytest.mark.slow
async def test_crashes_hangs_and_cancellation_leave_nothing(
    site: Hostile, temp_dir: Path, monkeypatch: pytest.MonkeyPatch
):
    """The short form of the soak; `make soak-render` is the long one."""
    async with opened() as resources:
        await probe_page(resources, site.at("/good"))
        # Cancelled: the daemon stops during a load.
        running = asyncio.create_task(probe_page(resources, site.at("/never")))
        while not site.requests["/endless"]:
            await asyncio.sleep(0.05)
        running.cancel()
        await asyncio.wait([running])
        await gone(os.getpid(), temp_dir)
        # Hung: the worker does not respond.
        await probe_page(resources, site.at("/good"))
        (worker,) = [one for one in browsers(os.getpid()) if is_worker(_words(one))]
        monkeypatch.setattr("probes.browser.pool.POST_LOAD_TIMEOUT_SECONDS", 0.5)
        os.kill(worker, signal.SIGSTOP)
        found = await probe_page(resources, site.at("/good"), timeout=1.0)
        assert (found.outcome, found.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)
        assert "did not respond" in found.detail
        monkeypatch.undo()
        await gone(os.getpid(), temp_dir)
        # Killed in the middle of a load: its child processes end too, and have no directory to write to.
        before = site.requests["/endless"]
        running = asyncio.create_task(probe_page(resources, site.at("/never")))
        while site.requests["/endless"] == before:
            await asyncio.sleep(0.05)
        (worker,) = [one for one in browsers(os.getpid()) if is_worker(_words(one))]
        children = browsers(worker)
        os.kill(worker, signal.SIGKILL)
        assert (await running).fault is Fault.INTERNAL_ERROR
    assert not [one for one in children if alive(one)]
    await gone(os.getpid(), temp_dir)


def is_worker(words: bytes) -> bool:
    """Not the egress filter around it, whose command line ends with the worker's."""
    return b"probes.browser.worker" in words and b"probes.browser.egress_filter" not in words


def _words(process: int) -> bytes:
    return (PROC / str(process) / "cmdline").read_bytes()


DAEMON = """
import asyncio, sys
from probes.browser.pool import BrowserPoolSettings
from probes.mobile import Mobile
from probes.resources import ProbeResources
from probes.runner import run_probe

async def main():
    async with ProbeResources(browser_settings=BrowserPoolSettings(min_speed_ratio=0.0)) as resources:
        await run_probe(Mobile(url=sys.argv[1], profiles=("mobile-real",)), resources)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "stage", [f"{TEMP_DIR_PREFIX}*", f"{TEMP_DIR_PREFIX}*/playwright_chromiumdev_profile-*", "requested"]
)
async def test_a_daemon_that_is_killed_takes_its_browser_along(site: Hostile, temp_dir: Path, stage: str):
    """``kill -9`` gives it no chance to clean up; its worker notices the end, also while it starts."""
    daemon = await asyncio.create_subprocess_exec(sys.executable, "-c", DAEMON, site.at("/never"), cwd=ROOT)
    started: list[int] = []
    while not started or not (site.requests["/endless"] if stage == "requested" else list(temp_dir.glob(stage))):
        await asyncio.sleep(0.01)
        started = browsers(daemon.pid)
    assert len(started) > 3 or stage != "requested"
    daemon.kill()
    await daemon.wait()
    end = time.monotonic() + 20
    while left := [one for one in started if alive(one)]:
        assert time.monotonic() < end, [_words(one) for one in left]
        await asyncio.sleep(0.05)
    assert not list(temp_dir.glob(f"{TEMP_DIR_PREFIX}*"))


def alive(process: int) -> bool:
    try:
        return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_temp_dirs_of_dead_daemons_are_removed_and_others_are_not(temp_dir: Path):
    dead = await asyncio.create_subprocess_exec("true")
    await dead.wait()
    for process in (dead.pid, os.getpid()):
        (temp_dir / f"{TEMP_DIR_PREFIX}{process}-x").mkdir()
    (temp_dir / "something-else").mkdir()
    remove_leftovers()
    assert sorted(path.name for path in temp_dir.iterdir()) == [f"{TEMP_DIR_PREFIX}{os.getpid()}-x", "something-else"]


@pytest.mark.parametrize("owned", [False, True])
def test_the_browser_is_found_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, owned: bool):
    """Configuration, environment, Playwright's own, installed ones."""
    named, other = executable(tmp_path / "a"), executable(tmp_path / "b")
    own = executable(tmp_path / "cache" / "chromium-2000" / "chrome-linux64" / "chrome") if owned else None
    executable(tmp_path / "cache" / "chromium-900" / "chrome-linux" / "chrome") if owned else None
    installed = executable(tmp_path / "c")
    monkeypatch.setattr(chromium, "INSTALLED_EXECUTABLES", (str(tmp_path / "none"), str(installed)))
    environment = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "cache")}
    assert chromium.find_executable(named, environment | {chromium.EXECUTABLE_VARIABLE: str(other)}) == named
    assert chromium.find_executable(None, environment | {chromium.EXECUTABLE_VARIABLE: str(other)}) == other
    assert chromium.find_executable(None, environment) == (own or installed)
    with pytest.raises(chromium.BrowserNotFound, match="named in browser: executable"):
        chromium.find_executable(tmp_path / "gone", environment)
    installed.unlink()
    if not owned:
        with pytest.raises(chromium.BrowserNotFound, match="apt-get install chromium"):
            chromium.find_executable(None, environment)


def test_without_playwright_there_is_nothing_to_render_with(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(chromium.BrowserNotFound, match=r"portal-monitor\[render\]"):
        chromium.find_executable()


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_sandbox_stays_on_but_for_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert "--no-sandbox" not in chromium.command_line_switches(chromium.LaunchOptions())
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert "--no-sandbox" in chromium.command_line_switches(chromium.LaunchOptions())


def test_blocked_hosts_have_no_address_in_the_browser():
    words = chromium.command_line_switches(chromium.LaunchOptions(blocked_hosts=("f-emc.ngsp.gov.vn",)))
    assert "--host-resolver-rules=MAP f-emc.ngsp.gov.vn ^NOTFOUND, MAP *.f-emc.ngsp.gov.vn ^NOTFOUND" in words
