"""Our own web server in a thread: a filled journal, incidents of every sort, pictures as evidence."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.config.web import Web
from monitor.storage.screenshots import Evidence
from monitor.web import Door, serve
from probes.result import Outcome, Picture
from tests import factories
from tests.factories import SLOT
from tests.monitor.web.scene import Stage, staged
from tests.monitor.web.trouble import bring

TOKEN = "sesame"


@dataclass(slots=True)
class Served:
    """``address`` ends with a slash; ``stage`` belongs to the server's thread, and is only looked at from others."""

    address: str
    stage: Stage


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """A server that can be asked for everything; reloading needs :data:`TOKEN`."""
    ready: list[Served | BaseException] = []
    begun, ended = threading.Event(), threading.Event()

    def live() -> None:
        try:
            asyncio.run(_serve(directory, ready, begun, ended))
        except BaseException as error:
            ready.append(error)
            begun.set()
            raise

    thread = threading.Thread(target=live, name="served")
    thread.start()
    begun.wait()
    try:
        if not isinstance(ready[0], Served):
            raise ready[0]
        yield ready[0]
    finally:
        ended.set()
        thread.join()


async def _serve(
    directory: Path, ready: list[Served | BaseException], begun: threading.Event, ended: threading.Event
) -> None:
    stage = await staged(directory)
    door = Door(Web(connections=512, per_address=512), stage.clock)
    runner = None
    try:
        await bring(stage)
        stage.evidence = Evidence(folder=directory / "evidence", limit=10**9, days=100)
        look = factories.measurement(kind="mobile", portal="da-nang", slot=SLOT, outcome=Outcome.DOWN)
        pictures = [Picture(at=at, type="image/webp", body=b"RIFF", print="00" * 8) for at in (0.5, None)]
        await stage.evidence.keep(factories.check("mobile", portal="da-nang"), look, pictures)
        site = stage.site(keeper=door.keeper, reload=True, token=TOKEN)
        runner, address = await serve(site, "127.0.0.1:0", door)
        ready.append(Served(address, stage))
        begun.set()
        await asyncio.to_thread(ended.wait)
    finally:
        if runner is not None:
            await runner.cleanup()
        door.close()
        await stage.journal.close()
