"""Start the fleet as a separate process, so that serving does not disturb the process that measures it.

The child writes `fleet.json`, `ca.pem` and its log into the directory; `fleet` decides their content.
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
    """The child ended, or did not start in time; its log has the reason."""


@asynccontextmanager
async def fleet_process(
    portals: int = 24, seed: int = 7, time_scale: float = 60.0, *, directory: Path
) -> AsyncIterator[FleetFile]:
    """Run a fleet for the duration of the block, and yield its fleet file once every portal listens.

    The child also ends when this process dies. Raises FleetStartError.
    """
    directory = _prepare_directory(directory)
    options = {"portals": portals, "seed": seed, "time-scale": time_scale, "directory": directory}
    arguments = [argument for name, value in options.items() for argument in (f"--{name}", str(value))]
    with (directory / LOG_NAME).open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monitor.tools.demo.fleet", *arguments),
            cwd=Path(__file__).parents[3],  # the root of the package, installed or not
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C ends the monitor first, so that it records no outage at the end
        )
    try:
        yield await _wait_for_fleet_file(process, directory)
    finally:
        await _stop(process)


def _prepare_directory(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    FleetFile.remove(directory)  # an older fleet's file would be taken for the new one's
    return directory.resolve()


async def _wait_for_fleet_file(process: Process, directory: Path) -> FleetFile:
    log = directory / LOG_NAME
    try:
        async with asyncio.timeout(_START_TIMEOUT_SECONDS):
            while process.returncode is None:
                try:
                    return FleetFile.read(directory)
                except FileNotFoundError:
                    await asyncio.sleep(_POLL_INTERVAL_SECONDS)
    except TimeoutError:
        raise FleetStartError(f"fleet did not start within {_START_TIMEOUT_SECONDS:g} s, see {log}") from None
    raise FleetStartError(f"the fleet ended with status {process.returncode}, see {log}")


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
