"""Starts lives in namespaces of their own, side by side, and gathers what they found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.environment.stage import FAULTS, ROOT
from tests.environment.verdict import Result

OWN = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""A network, mounts and processes of their own: nothing is changed outside, and nothing is left."""


def missing() -> str:
    """Why this machine cannot break a daemon's surroundings, or an empty text."""
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"):
        return "needs root, unshare and ip: networks and mounts of its own"
    if not Path(FAULTS).exists():
        return "needs the Debian package fiu-utils: system calls that fail on command"
    done = subprocess.run([*OWN, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False)
    return f"no namespaces here: {done.stderr.strip()}" if done.returncode else ""


def live(name: str, scratch: Path, *, long: bool, seconds: float) -> list[Result]:
    """What a life found. One that ended too early has a last result that says so."""
    scratch.mkdir(parents=True)
    words = [*OWN, sys.executable, "-m", "tests.environment", name, str(scratch), *(["--long"] if long else [])]
    with (scratch / "errors").open("w+") as errors:
        try:
            done = subprocess.run(
                words, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=seconds, check=False
            )
            told, failed = done.stdout, done.returncode != 0
        except subprocess.TimeoutExpired as late:
            told, failed = (late.stdout or b"").decode(), True
        errors.seek(0)
        found = [Result(**json.loads(line)) for line in told.splitlines()]
        if failed:
            found.append(Result(trouble=f"{name} after {len(found)}", cases=1, broken=[errors.read()[-4000:]]))
    return found


def all_of(names: list[str], scratch: Path, *, long: bool, seconds: float) -> list[Result]:
    """The results of several lives, in order; they live at the same time, for mostly they wait."""
    with ThreadPoolExecutor(len(names)) as pool:
        lives = pool.map(lambda one: live(one, scratch / one, long=long, seconds=seconds), names)
        return [result for found in lives for result in found]
