"""Mutated configurations handed to a running daemon: taken whole, or refused and everything goes on as before."""

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
  - {portals: [one], zone: UTC, reason: r, approved_by: a, weekdays: [sun], at: '22:00', lasts: 2h}
archive: {enabled: false}
scores: {enabled: false}
states: {down_looks: 3, flapping: {changes: 5, window: 30m}}
"""
PORTALS = b"""
portals:
  - {id: one, name: {vi: a, en: b}, kind: province, group: one, url: 'http://127.0.0.1:9/one', pages: {list: /list}}
  - {id: two, name: {vi: c, en: d}, kind: ministry, group: two, url: 'http://127.0.0.1:9/two', depends_on: [one]}
"""
FILES = {"monitor.yaml": MONITOR, "portals.yaml": PORTALS}
_ELSEWHERE = re.compile(r"://(?!127\.0\.0\.1:9[/'\"\s]|example\.org/)")
_PATIENCE = 30.0


class _Threaded(Daemon):
    """A daemon in a thread, where no signals come."""

    def _install_signal_handlers(self) -> None:
        """There is nothing to listen to."""


def _harmless(directory: Path) -> bool:
    """Whether what would be taken looks at nobody, and not often: the daemon is a real one."""
    config = configuration.judge(directory)
    if config is None:
        return True
    settings = config.settings
    told = settings.notify.targets or settings.heartbeat or settings.alertmanager or settings.sight.references
    return (
        not told and not _ELSEWHERE.search(str(redacted(config))) and all(one.interval > 3600 for one in config.checks)
    )


def _case(daemon: Daemon, directory: Path, draw: Draw) -> None:
    files = dict(FILES)
    name = draw.choice(list(files))
    files[name] = configuration.spoiled(draw, files[name])
    fresh(directory, files)
    if not _harmless(directory):
        return
    address = str(daemon.url)
    before, plan = _told(address), dict(daemon.schedule.checks)
    headers = {"Authorization": "Bearer abracadabra"}
    answer = requests.post(f"{address}-/reload", headers=headers, timeout=_PATIENCE)
    assert answer.status_code in {200, 422}, answer.status_code
    after = _told(address)
    if answer.status_code == 422:
        assert (after, dict(daemon.schedule.checks)) == (before, plan), "a refused one left its traces"
    else:
        wanted = {check.key: check for check in load(directory).checks}
        assert dict(daemon.schedule.checks) == wanted, "another plan than the configuration's"
    assert held(directory) == files, "files changed"


def _told(address: str) -> str:
    answer = requests.get(f"{address}config", timeout=_PATIENCE)
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
        while not hasattr(daemon, "pulse") and not task.done():  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0.01)
        ready.set()
        await task

    thread = threading.Thread(target=lambda: asyncio.run(live()), name="daemon")
    thread.start()
    ready.wait(_PATIENCE)
    try:
        yield partial(_case, daemon, directory)
    finally:
        loops[0].call_soon_threadsafe(daemon.stop)
        thread.join()
        gc.unfreeze()  # the daemon froze what there was, and frozen objects of DuckDB are called leaks at the end


SURFACES = (
    Surface(
        name="reloads",
        promise="Mutated configurations handed to a running daemon: taken whole, or refused and all goes on as before",
        cases=800,
        open=_open,
    ),
)
