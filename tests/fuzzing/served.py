"""The web server in a thread: a filled journal, incidents of every kind, screenshots."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.config.web import WebBlock
from monitor.storage.screenshots import ScreenshotStore
from monitor.web import WebSecurity, serve
from probes.result import Outcome, Screenshot
from tests import factories
from tests.factories import SLOT
from tests.monitor.web.incident_scene import bring
from tests.monitor.web.scene import Stage, staged

TOKEN = "sesame"


@dataclass(slots=True)
class Served:
    """``address`` ends with a slash; ``stage`` belongs to the server's thread, and is only read from others."""

    address: str
    stage: Stage


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """A server with every route; reloading needs :data:`TOKEN`."""
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
    security = WebSecurity(WebBlock(max_connections=512, max_connections_per_client=512), stage.clock)
    runner = None
    try:
        await bring(stage)
        stage.screenshots = ScreenshotStore(folder=directory / "screenshots", max_bytes=10**9, retention_days=100)
        measurement = factories.measurement(kind="mobile", portal="da-nang", slot=SLOT, outcome=Outcome.DOWN)
        screenshots = [
            Screenshot(at_seconds=at, content_type="image/webp", body=b"RIFF", fingerprint="00" * 8)
            for at in (0.5, None)
        ]
        await stage.screenshots.save(factories.check("mobile", portal="da-nang"), measurement, screenshots)
        context = stage.context(authenticator=security.authenticator, reload=True, token=TOKEN)
        runner, address = await serve(context, "127.0.0.1:0", security)
        ready.append(Served(address, stage))
        begun.set()
        await asyncio.to_thread(ended.wait)
    finally:
        if runner is not None:
            await runner.cleanup()
        security.close()
        await stage.journal.close()
