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

from monitor.tools.demo.fleet_file import Notice

LOG_NAME: Final = "fleet.log"
_LOOK_AGAIN_S: Final = 0.05
_START_S: Final = 60.0
_STOP_S: Final = 10.0


class FleetDidNotStart(RuntimeError):
    """The child ended, or said nothing in time; its log tells why."""


@asynccontextmanager
async def child(
    portals: int = 24, seed: int = 7, time_scale: float = 60.0, *, directory: Path
) -> AsyncIterator[Notice]:
    """Run a fleet as long as the block lasts, and give its notice once every portal listens.

    Raises FleetDidNotStart. The child also ends by itself when this process dies.
    """
    where = _prepared(directory)
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
        yield await _notice(process, where)
    finally:
        await _stop(process)


def _prepared(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    Notice.withdraw(directory)  # an older fleet's word would be taken for the new one's
    return directory.resolve()


async def _notice(process: Process, directory: Path) -> Notice:
    try:
        async with asyncio.timeout(_START_S):
            while process.returncode is None:
                try:
                    return Notice.read(directory)
                except FileNotFoundError:
                    await asyncio.sleep(_LOOK_AGAIN_S)
    except TimeoutError:
        raise FleetDidNotStart(f"no fleet after {_START_S:g} s, see {directory / LOG_NAME}") from None
    raise FleetDidNotStart(f"the fleet ended with status {process.returncode}, see {directory / LOG_NAME}")


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
