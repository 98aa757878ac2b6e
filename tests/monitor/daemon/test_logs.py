"""One line per event: libraries that log the same again, with texts that may hold a URL, are not logged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.servers.ports import free_port

ROOT = Path(__file__).parents[3]

SEND = """
import asyncio, logging, sys
from monitor.alerting.channel import AppriseChannel, DeliveryError
from monitor.alerting.notification import Notification, TextFormat
from monitor.daemon.logs import configure_logging
from monitor.model.incidents import Severity

configure_logging("json")
logging.getLogger("library").warning("logged")
notification = Notification(
    title="t", body="b", text_format=TextFormat.TEXT, incidents=("x",), severity=Severity.PAGE, resolved=False
)
try:
    asyncio.run(AppriseChannel(sys.argv[1], 10.0).send(notification))
except DeliveryError as error:
    print(error)
"""


def test_apprise_reports_to_the_dispatcher_alone():
    """The sender still gets the reason of a failure."""
    words = [sys.executable, "-c", SEND, f"json://127.0.0.1:{free_port()}/hook"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["logged"]
    assert "JSON" in done.stdout
