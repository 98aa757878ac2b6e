"""Start scenarios in separate namespaces, side by side, and collect their results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.environment.harness import FAULTS, ROOT
from tests.environment.invariants import Result

NAMESPACES = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Separate network, mounts and processes: nothing is changed outside, and nothing is left."""


def missing() -> str:
    """Return why this machine cannot inject faults into a daemon's environment, or an empty text."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return "needs root, unshare and ip: separate networks and mounts"
    if not Path(FAULTS).exists():
        return "needs the Debian package fiu-utils: system calls that fail on command"
    done = subprocess.run(
        [*NAMESPACES, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
    )
    return f"no namespaces here: {done.stderr.strip()}" if done.returncode else ""


def run_scenario(name: str, scratch: Path, *, long: bool, seconds: float) -> list[Result]:
    """Return the results of a scenario. One that aborted has a last result with the error."""
    scratch.mkdir(parents=True)
    command = [
        *NAMESPACES,
        sys.executable,
        "-m",
        "tests.environment",
        name,
        str(scratch),
        *(["--long"] if long else []),
    ]
    with (scratch / "errors").open("w+") as errors:
        try:
            done = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=seconds, check=False
            )
            output, failed = done.stdout, done.returncode != 0
        except subprocess.TimeoutExpired as late:
            output, failed = (late.stdout or b"").decode(), True
        errors.seek(0)
        found = [Result(**json.loads(line)) for line in output.splitlines()]
        if failed:
            found.append(Result(fault=f"{name} after {len(found)}", cases=1, broken=[errors.read()[-4000:]]))
    return found


def all_of(names: list[str], scratch: Path, *, long: bool, seconds: float) -> list[Result]:
    """Return the results of several scenarios, in order; they run at the same time, since they mostly wait."""
    with ThreadPoolExecutor(len(names)) as pool:
        results = pool.map(lambda one: run_scenario(one, scratch / one, long=long, seconds=seconds), names)
        return [result for found in results for result in found]
