"""Our browser worker for the comparison: the process that the daemon starts, given one request after the other."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from probes.browser.protocol import LoadRequest, LoadResponse
from tests.bench.tree_cost import Cost, cpu_of, peak

METRICS = {
    "fcp": "fcp_seconds",
    "lcp": "lcp_seconds",
    "si": "speed_index_seconds",
    "tbt": "tbt_seconds",
    "cls": "cls",
}
"""The name of a value in the comparison, and the metric that has it."""


class BrowserWorker:
    """The worker with its browser, alive for many loads as in the daemon; ``started`` is what its start cost."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.started = Cost(wall=0.0, cpu=0.0, memory=0)

    def measure(self, url: str) -> tuple[dict[str, float], Cost]:
        """Make one load as a phone on slow 4G: values in seconds, and what the load cost, from request to response."""
        before, began = cpu_of(self._process.pid), time.perf_counter()
        with peak(self._process.pid) as most:
            response = self._send(
                LoadRequest(
                    url=url,
                    profile="mobile",
                    timeout_seconds=45.0,
                    user_agent="portal-monitor-bench",
                    allowed_networks=("127.0.0.0/8",),
                )
            )
            wall = time.perf_counter() - began
        cost = Cost(wall=wall, cpu=cpu_of(self._process.pid) - before, memory=most[0])
        if response.fault is not None:
            raise SystemExit(f"{url}: {response.fault}: {response.detail}")
        return {name: float(response.values[metric]) for name, metric in METRICS.items()}, cost

    def _send(self, request: LoadRequest) -> LoadResponse:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request.to_json_line())
        self._process.stdin.flush()
        return LoadResponse.from_json_line(self._process.stdout.readline())


@contextlib.contextmanager
def browser_worker(chromium: Path, warm: str) -> Iterator[BrowserWorker]:
    """Start it and have it load ``warm`` once: a browser's first page is slower than all that follow."""
    scratch = tempfile.mkdtemp()
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "probes.browser.worker", scratch, str(chromium)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    ours = BrowserWorker(process)
    try:
        ours.measure(warm)
        ours.started = Cost(wall=time.perf_counter() - began, cpu=cpu_of(process.pid), memory=0)
        yield ours
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the worker ends with its input, and removes its browser and its files
        process.wait()
