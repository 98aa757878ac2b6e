"""The lower bound of a probe over fresh TLS in this Python: a bare loop of its ``ssl``, at the rate of the probes.

It connects, shakes hands, sends a request, reads to the end and closes. It has no deadline, no trace, no evaluation and
no event loop. Run as ``python -m tests.bench.bare_tls PORT CA`` it is the process whose CPU is read.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time

from tests.bench.process_usage import usage
from tests.bench.row import CannotRun
from tests.bench.subject import address, pinned

RATE, WARM, COUNTED = 100.0, 100, 300
REQUEST = b"GET / HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n\r\n"


def bare_tls_cpu(port: int, ca: str) -> float:
    """CPU seconds per 1,000 probes of the bare loop, on the core that the servers leave free."""
    command = pinned(1, [sys.executable, "-m", "tests.bench.bare_tls", str(port), ca])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "warm\n":
            raise CannotRun("the bare loop could not connect")
        before = usage(process.pid).cpu
        if process.stdout.readline() != "done\n":
            raise CannotRun("the bare loop could not connect")
        after = usage(process.pid).cpu
    return (after - before) / COUNTED * 1000


def _loop(port: int, ca: str) -> None:
    context = ssl.create_default_context(cafile=ca)
    began = time.monotonic()
    for number in range(WARM + COUNTED):
        if number == WARM:
            print("warm", flush=True)
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        with (
            socket.create_connection((address(0), port)) as plain,
            context.wrap_socket(plain, server_hostname=address(0)) as tls,
        ):
            tls.sendall(REQUEST)
            while tls.recv(16384):
                pass
    print("done", flush=True)
    sys.stdin.read()  # the parent reads our CPU usage and ends us


if __name__ == "__main__":
    _loop(int(sys.argv[1]), sys.argv[2])
