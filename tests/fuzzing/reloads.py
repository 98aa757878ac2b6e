"""Mutated configurations handed to a running daemon: accepted, or rejected without any effect."""

from __future__ import annotations

import asyncio
import gc
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests

from monitor.config import load, redacted
from monitor.daemon.daemon import Daemon
from tests.fuzzing import configuration
from tests.fuzzing.surface import Case, Draw, Surface, fresh, held

MONITOR = b"""
listen: 127.0.0.1:0
web: {reload: true, reload_token: abracadabra}
checks:
  uptime: {interval: 24h, timeout: 5s}
  latency: {interval: 24h, timeout: 5s, pages: all}
maintenance:
  - {portals: [one], zone: UTC, reason: r, approved_by: a, weekdays: [sun], start_time: '22:00', duration: 2h}
archive: {enabled: false}
scores: {enabled: false}
states: {down_attempts: 3, flapping: {changes: 5, window: 30m}}
"""
PORTALS = b"""
portals:
  - {id: one, name: {vi: a, en: b}, kind: province, group: one, url: 'http://127.0.0.1:9/one', pages: {list: /list}}
  - {id: two, name: {vi: c, en: d}, kind: ministry, group: two, url: 'http://127.0.0.1:9/two', depends_on: [one]}
"""
FILES = {"monitor.yaml": MONITOR, "portals.yaml": PORTALS}
_OTHER_HOST = re.compile(r"://(?!127\.0\.0\.1:9[/'\"\s]|example\.org/)")
_TIMEOUT = 30.0


class _Threaded(Daemon):
    """A daemon in a thread, where no signals come."""

    def _install_signal_handlers(self) -> None:
        """Install none."""


def _harmless(directory: Path) -> bool:
    """Whether the configuration would probe no host, and rarely: the daemon is a real one."""
    config = configuration.validate(directory)
    if config is None:
        return True
    settings = config.settings
    external = settings.notify.targets or settings.heartbeat or settings.alertmanager or settings.self_check.references
    return (
        not external
        and not _OTHER_HOST.search(str(redacted(config)))
        and all(one.interval > 3600 for one in config.checks)
    )


def _case(daemon: Daemon, directory: Path, draw: Draw) -> None:
    files = dict(FILES)
    name = draw.choice(list(files))
    files[name] = configuration.mutated(draw, files[name])
    fresh(directory, files)
    if not _harmless(directory):
        return
    address = str(daemon.url)
    before, scheduled = _shown(address), dict(daemon.schedule.checks)
    headers = {"Authorization": "Bearer abracadabra"}
    answer = requests.post(f"{address}-/reload", headers=headers, timeout=_TIMEOUT)
    assert answer.status_code in {200, 422}, answer.status_code
    after = _shown(address)
    if answer.status_code == 422:
        assert (after, dict(daemon.schedule.checks)) == (before, scheduled), "a rejected one had an effect"
    else:
        wanted = {check.key: check for check in load(directory).checks}
        assert dict(daemon.schedule.checks) == wanted, "another schedule than the configuration's"
    assert held(directory) == files, "files changed"


def _shown(address: str) -> str:
    answer = requests.get(f"{address}config", timeout=_TIMEOUT)
    assert answer.status_code == 200, answer.text[:300]
    return answer.text


@contextmanager
def _open(scratch: Path) -> Iterator[Case]:
    directory = scratch / "config"
    scratch.mkdir()
    fresh(directory, FILES)
    ready, loops = threading.Event(), []
    daemon = _Threaded(load(directory, {}), scratch / "data")

    async def live() -> None:
        loops.append(asyncio.get_running_loop())
        task = asyncio.create_task(daemon.run())
        while not hasattr(daemon, "scheduler") and not task.done():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        ready.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="daemon")
    thread.start()
    ready.wait(_TIMEOUT)
    try:
        yield partial(_case, daemon, directory)
    finally:
        loops[0].call_soon_threadsafe(daemon.stop)
        thread.join()
        gc.unfreeze()  # the daemon froze what there was, and frozen objects of DuckDB are called leaks at the end


SURFACES = (
    Surface(
        name="reloads",
        contract="Mutated configurations handed to a running daemon: accepted, or rejected without any effect",
        cases=800,
        open=_open,
    ),
)
