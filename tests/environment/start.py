"""Faults of the environment at the start: the daemon prints one sentence with what is missing, or runs without it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from tests.environment.harness import ROOT, settings
from tests.environment.invariants import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = "there are no time zones here; install the tzdata package"

WITHOUT_TZDATA = """
import runpy, sys
sys.modules["tzdata"] = None  # as if it were not installed
sys.argv[0] = "portal-monitor"
runpy.run_module("monitor", run_name="__main__", alter_sys=False)
"""


def scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Yield a result for each fault of a start; needs to be root in a mount namespace for the disks."""
    config = scratch / "config"
    config.mkdir()
    (config / "monitor.yaml").write_text(yaml.safe_dump(settings()))
    portal = {"id": "p1", "name": {"vi": "p1", "en": "p1"}, "kind": "province", "group": "p1"}
    (config / "portals.yaml").write_text(yaml.safe_dump({"portals": [portal | {"url": "http://192.0.2.11/"}]}))
    yield time_zone_data(config)
    yield disks(scratch, config)


def _call(*words: object, program: tuple[str, ...] = ("-m", "monitor"), **changes: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *program, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **changes},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def time_zone_data(config: Path) -> Result:
    """Without the system's data those of tzdata are used; without both there is a message, and no daemon."""
    result = Result(fault="no time-zone data", cases=3)
    code, output = _call("check-config", config, PYTHONTZPATH="")
    result.check(code == 0, f"the bundled data are not used: {output}")
    for words in (("check-config", config), ("run", "--config", config, "--data", config.parent / "zones")):
        code, output = _call(*words, program=("-c", WITHOUT_TZDATA), PYTHONTZPATH="")
        result.check(code == 1, f"{words[0]}: exit code {code}")
        result.check(MESSAGE in output and "Traceback" not in output, f"{words[0]} prints {output}")
    return result


def disks(scratch: Path, config: Path) -> Result:
    """A data directory that cannot be written, or on a disk that is full."""
    result = Result(fault="no disk at the start", cases=2)
    for options in ("ro", "size=16k"):
        data = scratch / options.replace("=", "-")
        data.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", data], check=True)
        if options != "ro":
            (data / "ballast").write_bytes(bytes(12_288))
        code, output = _call("run", "--config", config, "--data", data)
        result.check(code == 1, f"{options}: exit code {code}")
        sentences = [line for line in output.splitlines() if not line.startswith("{")]  # the others are its log
        result.check("Traceback" not in output and len(sentences) == 1, f"{options}: it prints {output}")
    return result
