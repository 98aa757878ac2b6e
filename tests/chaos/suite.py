"""Guarantees that need no long test: tests of ``make test`` cover them, and are run and counted here."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.chaos.guarantee import Guarantee

ROOT = Path(__file__).parents[2]
PART = "In every run of the tests"
WEB = "tests/monitor/web"

TESTED = {
    "clients need an account; passwords are kept as hashes, compared in constant time, and brute force is limited": (
        f"{WEB}/server/test_auth.py",
    ),
    "every operation that changes something needs a token": (f"{WEB}/api/test_operations.py",),
    "slow, large and numerous clients meet limits; TLS of the web server": (f"{WEB}/server/test_security.py",),
    "probes come before web clients": (f"{WEB}/server/test_middleware.py",),
    "text of a portal is harmless: in pages, mails, links, tables": (
        "tests/probes/http/test_hostile_portals.py", "-k", "sanitized",
    ),
    "no cell of an export is a formula": (
        "tests/monitor/scoring/report/test_tables.py", "tests/monitor/scoring/report/test_xlsx.py", "-k", "formula",
    ),
    "data of every version opens": ("tests/test_upgrades.py",),
    "data of a newer version is not touched; no command removes the journal's log under the daemon": (
        "tests/monitor/storage/journal/test_schema_versions.py",
    ),
    "a backup is complete or absent, and restores the same data": ("tests/monitor/storage/test_backup.py",),
    "packages are pinned by digest, licences are acceptable, a wheel is reproducible": (
        "tests/test_supply.py",
    ),
}  # fmt: skip
"""A guarantee, and pytest's arguments for the tests of it."""


def guarantees() -> list[Guarantee]:
    return [_guarantee(text, arguments) for text, arguments in TESTED.items()]


def _guarantee(text: str, arguments: tuple[str, ...]) -> Guarantee:
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            return Guarantee(part=PART, text=text, test=" ".join(arguments), cases=0, broken=(done.stdout[-300:],))
        cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - written by our own process
    broken = [str(one.get("name")) for one in cases if one.find("failure") is not None or one.find("error") is not None]
    if done.returncode and not broken:
        broken = [f"pytest ended with {done.returncode}"]
    print(f"{text}: {len(cases)} cases, broken {len(broken)}", flush=True)
    return Guarantee(part=PART, text=text, test=" ".join(arguments), cases=len(cases), broken=tuple(broken))
