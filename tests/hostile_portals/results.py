"""A whole daemon that probes portals whose every text is an attack, and all its outputs about them.

Pages, API and metrics are fetched, mails are read as a mail server got them, points as a database kept them.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import yaml
from aiosmtpd.controller import Controller
from prometheus_client.parser import text_string_to_metric_families

from probes.sanitize import sanitize
from tests.hostile_portals.case import Case, Scene, scene
from tests.servers.influxdb import TOKEN, InfluxServer
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
TIMEOUT_SECONDS = 120.0
BUCKET = "probes"


class Mailbox:
    """Keeps what a real mail server accepts."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: ANN401, N802 - aiosmtpd's
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextlib.contextmanager
def mailbox(port: int) -> Any:  # noqa: ANN401 - an iterator of one mailbox
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def _configure(directory: Path, place: Scene, urls: list[str], influx: str, mail: int) -> str:
    """Write the configuration; the address of the pages."""
    listen = f"127.0.0.1:{free_port()}"
    target = f"mailto://127.0.0.1:{mail}/?from=monitor@example.org&to=on-call@example.org&mode=insecure"
    settings = {
        "contact": "https://example.org/test",
        "listen": listen,
        "language": "en",
        "http": {"name_servers": [place.names.address], "ca_file": str(place.authority.ca_file)},
        "checks": {"uptime": {"interval": 5, "timeout": 2, "family": "4"}, "latency": {"enabled": False}},
        "sinks": {"influxdb": {"url": influx, "bucket": BUCKET, "token": TOKEN}},
        "notify": {"targets": [{"name": "on-call", "url": target}], "language": "en"},
        "self_check": {
            "references": [],
            "host": {"max_loop_lag": 60, "max_load_per_cpu": 1000},
            "fleet_breaker": {"share": 1, "minimum": 10000},
        },
    }
    portals = [
        {
            "id": f"portal-{number}",
            "name": {"vi": f"Cổng {number}", "en": f"Portal {number}"},
            "kind": "province",
            "group": "hostile",
            "url": url,
            "expect": "answers",
            "pages": {"home": "/"},
        }
        for number, url in enumerate(urls)
    ]
    directory.mkdir()
    (directory / "monitor.yaml").write_text(yaml.safe_dump(settings))
    (directory / "portals.yaml").write_text(yaml.safe_dump({"portals": portals}))
    return f"http://{listen}"


@asynccontextmanager
async def _daemon(config: Path, data: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    words = ("-m", "monitor", "run", "--config", str(config), "--data", str(data))
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(sys.executable, *words, cwd=ROOT, stdout=output, stderr=output)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _get(url: str) -> str:
    def fetch() -> str:
        with urllib.request.urlopen(url, timeout=30.0) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(fetch)


async def _until(question: Callable[[], Any], what: str) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            with contextlib.suppress(OSError):
                found = question()
                if await found if asyncio.iscoroutine(found) else found:
                    return
            await asyncio.sleep(0.2)
    raise AssertionError(what)


async def check_outputs(directory: Path, cases: list[Case]) -> tuple[int, list[str]]:
    """How many texts were read, and what was wrong with them. Every portal is probed, and failures are notified."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(scene(directory))
        urls = [await stack.enter_async_context(case.serve(place)) for case in cases]
        influx = stack.enter_context(InfluxServer(directory / "influx"))
        influx.create(BUCKET)
        port = free_port()
        box = stack.enter_context(mailbox(port))
        base = _configure(directory / "config", place, urls, influx.url, port)
        log = directory / "daemon.log"
        daemon = await stack.enter_async_context(_daemon(directory / "config", directory / "data", log))
        await _until(lambda: _seen(base, len(cases)), "a portal was never probed")
        await _until(lambda: box.mails, "no mail came")
        await _until(lambda: len({row["portal"] for row in influx.rows("uptime", BUCKET)}) == len(cases), "no points")
        count, wrong = await _read_all(base, len(cases), box, influx)
        if daemon.returncode is not None:
            wrong.append("the daemon ended")
        wrong += [
            f"log: {line[:300]}"
            for line in log.read_text().splitlines()
            if "raceback" in line or "_internal_error" in line
        ]
    return count, wrong


async def _seen(base: str, portals: int) -> bool:
    """Whether every portal has a confirmed state."""
    lines = (await _get(f"{base}/metrics")).splitlines()
    states = [line for line in lines if line.startswith("portal_monitor_portal_state{") and line.endswith(" 1")]
    known = [line for line in states if 'state="unknown"' not in line]
    return len(known) == portals


async def _read_all(base: str, portals: int, box: Mailbox, influx: InfluxServer) -> tuple[int, list[str]]:
    wrong: list[str] = []
    pages = ["/", "/?lang=vi", "/incidents", *(f"/portals/portal-{number}" for number in range(portals))]
    incidents = json.loads(await _get(f"{base}/api/v1/incidents"))
    pages += [f"/incidents/{one['id']}" for one in incidents["incidents"]]
    for page in pages:
        text = await _get(base + page)
        if "<script>alert" in text or "\x1b" in text or "\x00" in text or "\u202e" in text:
            wrong.append(f"{page} holds what a portal wrote")
    apis = ["/api/v1/portals", "/api/v1/incidents"]
    apis += [f"/api/v1/measurements?portal=portal-{number}" for number in range(portals)]
    for api in apis:
        wrong += [f"{api}: {text!r}" for text in _texts(json.loads(await _get(base + api))) if text != sanitize(text)]
    metrics = await _get(f"{base}/metrics")
    samples = [sample for family in text_string_to_metric_families(metrics) for sample in family.samples]
    wrong += [f"/metrics: {value!r}" for one in samples for value in one.labels.values() if value != sanitize(value)]
    if not any("alert(1)" in value for one in samples for value in one.labels.values()):
        wrong.append("/metrics: no certificate's name came so far, and nothing was tried")
    rows = influx.rows("uptime", BUCKET)
    wrong += [f"point: {text!r}" for text in _texts(rows) if text != sanitize(text)]
    for mail in box.mails:
        body = mail.get_body(("html", "plain")).get_content()
        title = str(mail["Subject"])
        if "<script>alert" in body or "\x1b" in body or mail["Bcc"] or title != sanitize(title):
            wrong.append(f"the mail {title!r} holds what a portal wrote")
    return len(pages) + len(apis) + len(samples) + len(rows) + len(box.mails), wrong


def _texts(found: Any) -> list[str]:  # noqa: ANN401 - JSON
    if isinstance(found, dict):
        return [text for value in found.values() for text in _texts(value)]
    if isinstance(found, list):
        return [text for value in found for text in _texts(value)]
    return [found] if isinstance(found, str) else []
