"""Lighthouse as the reference: installed once at a pinned version, run on one page, its values and its cost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.bench.tree_cost import Cost

VERSION = "12.8.2"
"""The newest that admits Node 20."""

ATTEMPTS = 3
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
AUDITS = {
    "fcp": "first-contentful-paint",
    "lcp": "largest-contentful-paint",
    "si": "speed-index",
    "tbt": "total-blocking-time",
    "cls": "cumulative-layout-shift",
}
"""Our name of a value, and the audit that has it (milliseconds, but for the layout shift)."""


def cache() -> Path:
    """Where benchmarks keep what they install."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "portal-monitor-bench"


def install() -> Path:
    """Return the directory of the pinned Lighthouse; npm installs it when it is missing."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            raise SystemExit(f"{tool} is missing: Lighthouse needs Node.js 20 or newer (apt-get install nodejs npm)")
    directory = cache() / f"lighthouse-{VERSION}"
    if not (directory / "node_modules" / "lighthouse" / "cli" / "index.js").exists():
        directory.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-fund", "--no-audit", "--prefix", str(directory), f"lighthouse@{VERSION}"]
        subprocess.run(command, check=True, stdout=sys.stderr)
    return directory


def measure(directory: Path, url: str, chromium: Path, report: Path, *more: str) -> tuple[dict[str, float], Cost]:
    """One load as a phone on slow 4G, throttled by DevTools; values in seconds. Raises CalledProcessError."""
    command = [
        *(
            sys.executable,
            "-m",
            "tests.bench.tree_cost",
            "node",
            str(directory / "node_modules/lighthouse/cli/index.js"),
            url,
        ),
        *("--quiet", "--only-categories=performance", "--output=json", f"--output-path={report}"),
        *("--throttling-method=devtools", "--no-enable-error-reporting", f"--chrome-flags={FLAGS}"),
        *more,
    ]
    output = _run(command, os.environ | {"CHROME_PATH": str(chromium)})
    audits = json.loads(report.read_text())["audits"]
    values = {
        name: audits[audit]["numericValue"] / (1 if name == "cls" else 1000)
        for name, audit in AUDITS.items()
        if audits[audit].get("numericValue") is not None
    }
    return values, Cost(**json.loads(output.splitlines()[-1]))


def _run(command: list[str], environment: dict[str, str]) -> bytes:
    """Return what it printed. Lighthouse now and then fails to reach its own browser; such a run is repeated."""
    for _ in range(ATTEMPTS - 1):
        done = subprocess.run(command, check=False, capture_output=True, env=environment)
        if done.returncode == 0:
            return done.stdout
        print("  Lighthouse failed, once more:", done.stderr.decode().strip().splitlines()[-1:], file=sys.stderr)
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout
