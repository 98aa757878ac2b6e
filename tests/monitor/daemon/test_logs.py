"""One line per event: libraries that tell the same again, in words that may hold an address, are not heard."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.servers.ports import free_port

ROOT = Path(__file__).parents[3]

SEND = """
import asyncio, logging, sys
from monitor.alerting.channel import AppriseChannel, NotAccepted
from monitor.alerting.letter import Form, Letter
from monitor.incident import Severity
from monitor.telemetry import set_up_logs

set_up_logs("json")
logging.getLogger("library").warning("heard")
letter = Letter(title="t", body="b", form=Form.TEXT, incidents=("x",), severity=Severity.PAGE, over=False)
try:
    asyncio.run(AppriseChannel(sys.argv[1], 10.0).send(letter))
except NotAccepted as error:
    print(error)
"""


def test_apprise_speaks_to_the_courier_alone():
    """The reason of a failure is still known to who sends."""
    words = [sys.executable, "-c", SEND, f"json://127.0.0.1:{free_port()}/hook"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["heard"]
    assert "JSON" in done.stdout
