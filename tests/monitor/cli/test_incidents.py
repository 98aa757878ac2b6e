"""From an outage to its notification and back, with real processes: the daemon, a webhook, the commands, a kill."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.storage import inbox
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalReader
from probes.registry import PROBE_KINDS
from tests.monitor.alerting.parts import Story, eventually, notify, write
from tests.monitor.cli.test_main import call, command
from tests.monitor.parts import opened, site
from tests.servers.ports import free_port
from tests.servers.webhook import Webhook, webhook


def write_config(directory: Path, portal: str, hook: Webhook) -> Path:
    directory.mkdir()
    settings = {
        "contact": "https://example.org/test",
        "listen": f"127.0.0.1:{free_port()}",
        "checks": {"uptime": {"interval": 2, "timeout": "200ms", "family": "4"}, "latency": {"enabled": False}},
        "notify": {"targets": [{"name": "on-call", "url": hook.apprise, "language": "en"}], "group_wait": 0.1},
        "heartbeat": {"url": hook.url, "interval": 3600},
    }
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    one = {
        "id": "hue",
        "name": {"vi": "Cổng Huế", "en": "Hue portal"},
        "kind": "province",
        "group": "hue",
        "url": portal,
    }
    (directory / "portals.yaml").write_text(yaml.safe_dump({"portals": [one]}))
    return directory


@asynccontextmanager
async def running(config: Path, data: Path, *, ends_by: signal.Signals) -> AsyncIterator[None]:
    """The daemon as a separate process, which ends by that signal."""
    arguments = command("run", "--config", config, "--data", data)
    with (data.parent / "daemon.log").open("ab") as log:
        daemon = await asyncio.to_thread(subprocess.Popen, arguments, stdout=log, stderr=log)
    try:
        yield
    finally:
        daemon.send_signal(ends_by)
        await asyncio.to_thread(daemon.wait, 30)


def query(data: Path, function: Any) -> Any:  # noqa: ANN401 - any result of the reader
    try:
        reader = JournalReader(data / JOURNAL_FILE, PROBE_KINDS)
    except JournalError:  # not there yet
        return None
    try:
        return function(reader)
    finally:
        reader.close()


@pytest.mark.slow
async def test_an_outage_is_notified_through_a_kill_acknowledged_and_resolved(tmp_path: Path):
    """The daemon is killed while the webhook withholds its response; the next one sends it again with the same id."""
    data = tmp_path / "data"
    async with webhook() as hook, AsyncExitStack() as portal:
        config = write_config(tmp_path / "config", (await portal.enter_async_context(site())).url, hook)
        async with running(config, data, ends_by=signal.SIGKILL):
            await eventually(lambda: query(data, lambda reader: reader.state_changes()), 60)
            await eventually(lambda: hook.got)  # the heartbeat, after the first probe
            hook.gate.clear()
            await portal.aclose()
            await eventually(lambda: hook.tried >= 2, 60)
        hook.gate.set()
        hook.got.clear()
        async with running(config, data, ends_by=signal.SIGTERM):
            await eventually(lambda: any(body.get("incidents") for body in hook.got), 60)
            message = next(body for body in hook.got if body.get("incidents"))
            incident = message["incidents"]
            assert incident.startswith("hue-")
            assert message["title"] == f"[{incident}] Hue portal is down"
            await acknowledge(incident, config, data)
            await eventually(
                lambda: query(data, lambda reader: [one.status for one in reader.messages(incident)] == ["accepted"])
            )
    events = query(data, lambda reader: reader.incidents())
    assert [event.incident.id for event in events] == [incident]


async def acknowledge(incident: str, config: Path, data: Path) -> None:
    """By the command, while the daemon runs; then it stands with the incident."""
    done = await asyncio.to_thread(call, "incident", "ack", incident, "đang sửa", "--by", "Lan", "--data", data)
    assert done.stdout.startswith(f"{incident}: acknowledged by Lan")
    await eventually(lambda: query(data, lambda reader: reader.acknowledged([incident])))
    listed = await asyncio.to_thread(call, "incidents", "--json", "--open", "--config", config, "--data", data)
    assert listed.returncode == 1, "an incident is open"
    (one,) = json.loads(listed.stdout)["incidents"]
    assert (one["id"], one["notes"][0]["by"], one["notes"][0]["text"]) == (incident, "Lan", "đang sửa")


@pytest.mark.slow
async def test_a_note_without_a_daemon_waits_and_one_about_nothing_is_refused(tmp_path: Path):
    async with opened(tmp_path) as journal:
        (event,) = Story().falls()
        await write(journal, [event], notify(), event.at)
    done = await asyncio.to_thread(
        call, "incident", "comment", event.incident.id, "nội dung", "--by", "Minh", "--data", tmp_path
    )
    assert "not imported yet" in done.stdout
    ((_, note),) = inbox.pending_notes(tmp_path)
    assert (note.by, note.text, note.incident) == ("Minh", "nội dung", event.incident.id)
    done = await asyncio.to_thread(call, "incident", "ack", "nobody-1", "--by", "Minh", "--data", tmp_path)
    assert (done.returncode, "there is no incident nobody-1" in done.stderr) == (1, True)


@pytest.mark.slow
def test_a_drill_shows_every_step():
    words = [sys.executable, "-m", "monitor", "drill", "--interval", "3", "--no-recovery", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    steps = {step["step"]: step["since_failure_seconds"] for step in json.loads(done.stdout)}
    order = ["first refused connection", "probe committed", "outage confirmed", "incident row",
             "notification in outbox", "notification accepted"]  # fmt: skip
    assert [name for name in steps if name in order] == order
    assert steps["first refused connection"] == 0
    assert 2 <= steps["outage confirmed"] <= steps["notification accepted"]


def test_a_drill_names_the_known_targets(tmp_path: Path):
    done = call("drill", "--config", "config", "--target", "nobody")
    assert (done.returncode, "unknown target 'nobody'; known: none" in done.stderr) == (2, True)
