"""``docs/benchmarks.md``: the table of a run, on which machine, with which versions, and how to repeat it."""

from __future__ import annotations

import os
import platform
import re
import ssl
import statistics
import subprocess
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.bare_tls import bare_tls_cpu
from tests.bench.row import reasons, table
from tests.bench.subject import nginx

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bench.row import Row

TOOLS = ("prometheus", "prometheus-blackbox-exporter", "nginx-light", "influxdb")


def page(rows: Sequence[Row], names: Sequence[str], minutes: float) -> str:
    """The page as Markdown."""
    bare = yardstick()
    missed = reasons(rows, _slow(bare))
    return f"""# Benchmarks

Written by `make bench`; do not edit. Both sides run on this one machine, in this one run, in turn and repeatedly; a
cell shows the median and, in brackets, minimum and maximum. Ratios are ours divided by theirs, pair by pair.
Absolute times of different machines are not to be compared.

{table(rows)}{f"{chr(10)}Goals that were missed, and why:{chr(10) * 2}{missed}" if missed else ""}
## Method

Real TLS, real processes; servers and load generators keep to the first core, the subject to the second. CPU is the
kernel's account of a process and its children, read after a warm-up. A benchmark whose peer is missing fails.

## Commands

    make bench ARGS='--write docs/benchmarks.md'    # all: {", ".join(names)}
    make bench-cost                                 # one of them

## This run

- {minutes:.1f} minutes, load before it ended {os.getloadavg()[2]:.1f}, {machine()}
- yardstick: a bare TLS connection of Python's ssl takes {bare:.2f} ms of CPU
- Python {platform.python_version()}, {ssl.OPENSSL_VERSION}, aiohttp {version("aiohttp")}
- {", ".join(_packages())}
"""


USUAL = (0.9, 1.0)
"""Milliseconds of the yardstick on the machine of connection.md, and of that whose values the page keeps."""


def yardstick() -> float:
    """CPU milliseconds of a bare TLS connection: how fast this machine is just now. The median of five."""
    with tempfile.TemporaryDirectory() as scratch, nginx(Path(scratch)) as (port, ca):
        return statistics.median(bare_tls_cpu(port, str(ca)) for _ in range(5))


def _slow(bare: float) -> str:
    """Why a goal in absolute time may be missed, where the machine is the reason."""
    low, high = USUAL
    if bare < 1.5 * high:
        return "not explained yet"
    return (
        f"an absolute time on a slow machine: a bare TLS connection of Python's ssl takes {bare:.1f} ms of CPU here, "
        f"and {low} to {high} ms on the one [whose values are below](#other-runs)"
    )


OTHERS = "## Other runs"
RENDERING = "## Rendering beside Lighthouse"


def write(path: Path, rows: Sequence[Row], names: Sequence[str], minutes: float) -> None:
    """Write the page; keep the sections of other runs and of rendering, which has a separate command."""
    old = path.read_text() if path.exists() else ""
    kept = re.search(rf"^(?:{OTHERS}|{RENDERING})$.*", old, re.MULTILINE | re.DOTALL)
    path.write_text(page(rows, names, minutes) + (f"\n{kept[0]}" if kept else ""))


def write_rendering(path: Path, lines: Iterable[str]) -> None:
    """Put the comparison of rendering at the end of the page; the rest stays."""
    old = path.read_text() if path.exists() else ""
    table_of_pages = "\n".join(lines).strip("\n")
    path.write_text(f"""{old.partition(RENDERING)[0].rstrip()}

{RENDERING}

Written by `make bench-render ARGS='--write docs/benchmarks.md'`; {machine()}.
Medians in seconds (CLS without unit) of loads in turn, at equal throttling; a value may differ by 10 % or 0.1 s,
TBT by 15 % or 0.05 s, CLS by 0.01. A load may take 0.4 of Lighthouse's time and 0.6 of its processor time.

```
{table_of_pages}
```
""")


def machine() -> str:
    """The day, the commit and the machine of a run, for the foot of its page."""
    cores = f"{os.cpu_count()} cores, {_processor()}, {_memory()}, Linux {platform.release()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, commit {_commit()}, {cores}"


def _commit() -> str:
    found = subprocess.run(["git", "describe", "--always", "--dirty"], check=False, capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def _processor() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def _memory() -> str:
    kib = int(Path("/proc/meminfo").read_text().split()[1])
    return f"{kib / 2**20:.0f} GiB"


def _packages() -> list[str]:
    found = []
    for name in TOOLS:
        command = ["dpkg-query", "-W", "-f", "${Package} ${Version}", name]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        found.append(done.stdout if done.returncode == 0 else f"{name} missing")
    return found
