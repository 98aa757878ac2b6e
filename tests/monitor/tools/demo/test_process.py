"""The fleet as a process: it says when it listens, ends when told, and does not outlive its parent."""

import asyncio
import json
import os
import signal
import ssl
import stat
import sys
from pathlib import Path

import aiohttp
import pytest

from monitor.tools.demo.fleet_file import FILE_NAME, FleetFile
from monitor.tools.demo.process import FleetStartError, fleet_process

pytestmark = pytest.mark.asyncio

ROOT = Path(__file__).parents[4]
PARENT = """
import asyncio, pathlib, sys
from monitor.demo.child import child
async def run():
    async with child(3, directory=pathlib.Path(sys.argv[1])) as notice:
        print(notice.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(run())
"""


async def until(path: Path, *, there: bool) -> None:
    """Wait up to ten seconds for a file to appear or to disappear."""
    async with asyncio.timeout(10):
        while os.path.lexists(path) is not there:  # noqa: ASYNC110, ASYNC240 - another process makes and removes it
            await asyncio.sleep(0.05)


async def test_a_child_listens_when_it_says_so_and_is_gone_after_the_block(tmp_path: Path):
    async with fleet_process(6, seed=3, directory=tmp_path / "fleet") as notice:
        assert notice == FleetFile.read(tmp_path / "fleet")
        assert (len(notice.portals), notice.seed, notice.time_scale) == (6, 3, 60.0)
        trust = ssl.create_default_context(cafile=notice.ca)
        async with aiohttp.ClientSession() as client, client.get(notice.portals[0].url, ssl=trust) as response:
            assert response.status == 200
    assert not (tmp_path / "fleet" / FILE_NAME).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(notice.pid, 0)
    assert "fleet_closed" in (tmp_path / "fleet" / "fleet.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_when_told(tmp_path: Path, number: signal.Signals):
    words = ("-m", "monitor.tools.demo.fleet", "--portals", "3", "--directory", str(tmp_path))
    process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    await until(tmp_path / FILE_NAME, there=True)
    facts = json.loads((tmp_path / FILE_NAME).read_text())
    assert facts["pid"] == process.pid
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    process.send_signal(number)
    _, said = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in said
    await until(tmp_path / FILE_NAME, there=False)


async def test_it_does_not_outlive_its_parent(tmp_path: Path):
    """The parent is killed and can tell the child nothing."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert FleetFile.read(tmp_path).pid == pid
    parent.kill()
    await parent.communicate()
    await until(tmp_path / FILE_NAME, there=False)
    assert "parent_gone" in (tmp_path / "fleet.log").read_text()


async def test_a_fleet_that_cannot_start_says_where_to_look(tmp_path: Path):
    with pytest.raises(FleetStartError, match=r"fleet\.log"):
        async with fleet_process(0, directory=tmp_path):
            pass
