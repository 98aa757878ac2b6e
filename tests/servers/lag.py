"""A mirror behind a TUN device that delays the answer to SYN, so that a connect takes a chosen time.

A packet for FAR comes back from FAR to NEAR with its addresses exchanged (which leaves its checksums right), so that a
server bound to NEAR is reached as FAR, through a path that this process holds in its hands. It needs root and
/dev/net/tun, and keeps to a network namespace of its own, so that this machine's network stays as it is.
"""

from __future__ import annotations

import fcntl
import os
import random
import selectors
import shutil
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

NEAR, FAR = "10.77.0.1", "10.77.0.2"

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_DEVICE = "lag0"
_TCP = 6
_SYN, _ACK = 0x02, 0x10
_INSIDE = "LAG_OWN_NETWORK"


def in_own_network() -> bool:
    """Whether this process has a network of its own, in which :class:`Lag` may make its device."""
    return os.environ.get(_INSIDE) == "1"


def possible() -> bool:
    """Whether :func:`rerun` can work here."""
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists() or not shutil.which("unshare") or not shutil.which("ip"):
        return False
    return subprocess.run(["unshare", "--net", "--mount", "true"], check=False, capture_output=True).returncode == 0


def rerun(module: str, *arguments: str) -> int:
    """Run a module again inside network and mount namespaces of its own, with loopback up; returns its exit code."""
    command = ["unshare", "--net", "--mount", sys.executable, "-m", module, *arguments]
    return subprocess.run(command, check=False, env={**os.environ, _INSIDE: "1"}).returncode


class Lag:
    """The mirror, on a thread. It remembers how long each answer to a SYN took."""

    def __init__(self, most: float, *, seed: int = 2) -> None:
        self._most = most
        self._draw = random.Random(seed)  # noqa: S311 - a delay, no secret
        self._came: dict[int, float] = {}
        self._taken: dict[int, list[tuple[float, float]]] = {}

    def taken(self, port: int, accepted: float) -> float:
        """Seconds between SYN and its answer, for the connection from ``port`` that was accepted at ``accepted``.

        The time is ``time.perf_counter()`` and is needed: within some hundred connections the kernel uses ports again.
        """
        return max(entry for entry in self._taken[port] if entry[0] <= accepted)[1]

    def __enter__(self) -> Self:
        self._device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", _DEVICE.encode(), _IFF_TUN | _IFF_NO_PI)
        fcntl.ioctl(self._device, _TUNSETIFF, request)
        for command in ("link set lo up", f"addr add {NEAR}/30 dev {_DEVICE}", f"link set {_DEVICE} up"):
            subprocess.run(["ip", *command.split()], check=True)
        self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self._stop[1])
        self._thread.join()
        os.close(self._stop[0])
        os.close(self._device)

    def _run(self) -> None:
        waiting: list[tuple[float, int, bytes]] = []
        with selectors.DefaultSelector() as selector:
            selector.register(self._device, selectors.EVENT_READ)
            selector.register(self._stop[0], selectors.EVENT_READ)
            while True:
                wait = max(0.0, min(waiting)[0] - time.perf_counter()) if waiting else None
                for key, _ in selector.select(wait):
                    if key.fd == self._stop[0]:
                        return
                    self._take(os.read(self._device, 65536), waiting)
                for due in [one for one in waiting if one[0] <= time.perf_counter()]:
                    waiting.remove(due)
                    self._answer(due[1], due[2])

    def _take(self, packet: bytes, waiting: list[tuple[float, int, bytes]]) -> None:
        if packet[0] >> 4 != 4 or packet[9] != _TCP:
            return
        header = (packet[0] & 15) * 4
        source, target = struct.unpack_from("!HH", packet, header)
        flags = packet[header + 13] & (_SYN | _ACK)
        mirrored = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        if flags == _SYN:
            self._came.setdefault(source, time.perf_counter())
        if flags == _SYN | _ACK:
            waiting.append((time.perf_counter() + self._draw.uniform(0.0, self._most), target, mirrored))
        else:
            os.write(self._device, mirrored)

    def _answer(self, port: int, packet: bytes) -> None:
        """Let the answer to SYN pass, and note how long it took."""
        if (came := self._came.pop(port, None)) is not None:
            now = time.perf_counter()
            self._taken.setdefault(port, []).append((now, now - came))
        os.write(self._device, packet)
