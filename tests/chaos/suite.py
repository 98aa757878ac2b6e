"""Promises that need no length: tests of ``make test`` hold them, and are run and counted here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.chaos.promise import Promise

ROOT = Path(__file__).parents[2]
PART = "In every run of the tests"
WEB = "tests/monitor/web"

HELD = {
    "who enters has an account; it is kept as a hash, compared in constant time, and guessing soon ends": (
        f"{WEB}/test_accounts.py",
    ),
    "what changes anything needs a token, always": (f"{WEB}/test_operations.py",),
    "who is slow, large or one of many meets limits; TLS of our own door": (f"{WEB}/test_door.py",),
    "looks come before visitors": (f"{WEB}/test_entrance.py",),
    "what a portal writes harms nobody: in pages, mails, links, tables": (
        "tests/probes/http/test_hostile_portals.py", "-k", "harms_nobody",
    ),
    "no cell of an export is a formula": (
        "tests/monitor/scoring/report/test_tables.py", "tests/monitor/scoring/report/test_xlsx.py", "-k", "formula",
    ),
    "data of every version opens": ("tests/test_upgrades.py",),
    "data of a newer version is not touched; nobody takes the journal's log from under the daemon": (
        "tests/monitor/storage/journal/test_schema_versions.py",
    ),
    "a backup is whole or absent, and restored it is what was there": ("tests/monitor/storage/test_backup.py",),
    "packages are known by their digests, licences are ones we may use, a wheel is the same bytes everywhere": (
        "tests/test_supply.py",
    ),
}  # fmt: skip
"""A promise, and pytest's words for the tests that hold it."""


def promises() -> list[Promise]:
    return [_promise(text, words) for text, words in HELD.items()]


def _promise(text: str, words: tuple[str, ...]) -> Promise:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            return Promise(part=PART, text=text, test=" ".join(words), cases=0, broken=(done.stdout[-300:],))
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - written by our own process
    broken = [str(one.get("name")) for one in cases if one.find("failure") is not None or one.find("error") is not None]
    if done.returncode and not broken:
        broken = [f"pytest ended with {done.returncode}"]
    print(f"{text}: {len(cases)} cases, broken {len(broken)}", flush=True)
    return Promise(part=PART, text=text, test=" ".join(words), cases=len(cases), broken=tuple(broken))
