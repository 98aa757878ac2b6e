"""The fleet as a process: it writes its file when it listens, ends on a signal, and does not outlive its parent."""

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
from monitor.tools.demo.process import fleet_process
async def run():
    async with fleet_process(3, directory=pathlib.Path(sys.argv[1])) as fleet_file:
        print(fleet_file.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(run())
"""


async def until(path: Path, *, there: bool) -> None:
    """Wait up to ten seconds for a file to appear or to disappear."""
    async with asyncio.timeout(10):
        while os.path.lexists(path) is not there:  # noqa: ASYNC110, ASYNC240 - another process makes and removes it
            await asyncio.sleep(0.05)


async def test_a_child_listens_when_its_file_is_there_and_ends_with_the_block(tmp_path: Path):
    async with fleet_process(6, seed=3, directory=tmp_path / "fleet") as fleet_file:
        assert fleet_file == FleetFile.read(tmp_path / "fleet")
        assert (len(fleet_file.portals), fleet_file.seed, fleet_file.time_scale) == (6, 3, 60.0)
        trust = ssl.create_default_context(cafile=fleet_file.ca)
        async with aiohttp.ClientSession() as client, client.get(fleet_file.portals[0].url, ssl=trust) as response:
            assert response.status == 200
    assert not (tmp_path / "fleet" / FILE_NAME).exists()
    with pytest.raises(ProcessLookupError):
        os.kill(fleet_file.pid, 0)
    assert "fleet_closed" in (tmp_path / "fleet" / "fleet.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals):
    arguments = ("-m", "monitor.tools.demo.fleet", "--portals", "3", "--directory", str(tmp_path))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT, stderr=asyncio.subprocess.PIPE)
    await until(tmp_path / FILE_NAME, there=True)
    content = json.loads((tmp_path / FILE_NAME).read_text())
    assert content["pid"] == process.pid
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    process.send_signal(number)
    _, stderr = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in stderr
    await until(tmp_path / FILE_NAME, there=False)


async def test_it_does_not_outlive_its_parent(tmp_path: Path):
    """The parent is killed and cannot notify the child."""
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, str(tmp_path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert FleetFile.read(tmp_path).pid == pid
    parent.kill()
    await parent.communicate()
    await until(tmp_path / FILE_NAME, there=False)
    assert "parent_exited" in (tmp_path / "fleet.log").read_text()


async def test_a_fleet_that_cannot_start_names_its_log(tmp_path: Path):
    with pytest.raises(FleetStartError, match=r"fleet\.log"):
        async with fleet_process(0, directory=tmp_path):
            pass
