"""Start the fleet as a process of its own, so that serving it does not disturb whoever measures it.

The child writes `fleet.json`, `ca.pem` and its log into the directory; what is in them is left to the fleet.
"""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from monitor.tools.demo.fleet_file import FleetFile

LOG_NAME: Final = "fleet.log"
_POLL_INTERVAL_SECONDS: Final = 0.05
_START_TIMEOUT_SECONDS: Final = 60.0
_STOP_TIMEOUT_SECONDS: Final = 10.0


class FleetStartError(RuntimeError):
    """The child ended, or said nothing in time; its log tells why."""


@asynccontextmanager
async def fleet_process(
    portals: int = 24, seed: int = 7, time_scale: float = 60.0, *, directory: Path
) -> AsyncIterator[FleetFile]:
    """Run a fleet as long as the block lasts, and give its notice once every portal listens.

    Raises FleetDidNotStart. The child also ends by itself when this process dies.
    """
    where = _prepare_directory(directory)
    options = {"portals": portals, "seed": seed, "time-scale": time_scale, "directory": where}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with (where / LOG_NAME).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor.tools.demo.fleet", *words),
            cwd=Path(__file__).parents[3],  # where "monitor" is found, installed or not
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C ends the watcher first, so that it sees no outage on the way out
        )
    try:
        yield await _wait_for_fleet_file(process, where)
    finally:
        await _stop(process)


def _prepare_directory(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    FleetFile.remove(directory)  # an older fleet's word would be taken for the new one's
    return directory.resolve()


async def _wait_for_fleet_file(process: Process, directory: Path) -> FleetFile:
    try:
        async with asyncio.timeout(_START_TIMEOUT_SECONDS):
            while process.returncode is None:
                try:
                    return FleetFile.read(directory)
                except FileNotFoundError:
                    await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    except TimeoutError:
        raise FleetStartError(f"no fleet after {_START_TIMEOUT_SECONDS:g} s, see {directory / LOG_NAME}") from None
    raise FleetStartError(f"the fleet ended with status {process.returncode}, see {directory / LOG_NAME}")


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_TIMEOUT_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
