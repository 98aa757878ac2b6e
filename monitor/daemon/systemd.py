"""Notifies a service manager over its datagram socket; independent of what the daemon does.

Without ``NOTIFY_SOCKET`` in the environment nothing is sent. The protocol is that of systemd's ``sd_notify(3)``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

STATUS_SECONDS = 10.0
"""Seconds between status updates, unless the watchdog needs a shorter interval."""


class ServiceManager:
    """Client of ``NOTIFY_SOCKET``. ``watchdog_seconds`` is the timeout of the watchdog; None without a watchdog."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket_path = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environment) if self._socket_path else None

    def ready(self, status: str) -> None:
        """Notify that the daemon works, or works again after :meth:`reloading`."""
        self._notify("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Notify that the configuration is being loaded; :meth:`ready` ends it."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Notify that the daemon shuts down."""
        self._notify("STOPPING=1", "STATUS=stopping")

    async def run_watchdog(self, is_alive: Callable[[], bool], status: Callable[[], str]) -> None:
        """Send the status, and the watchdog signal while *is_alive*, until cancelled; both are called on the loop."""
        if not self._socket_path:
            return
        interval = min(self.watchdog_seconds / 3, STATUS_SECONDS) if self.watchdog_seconds else STATUS_SECONDS
        while True:
            watchdog = ["WATCHDOG=1"] if self.watchdog_seconds and is_alive() else []
            self._notify(*watchdog, f"STATUS={status()}")
            await asyncio.sleep(interval)

    def _notify(self, *lines: str) -> None:
        """Send *lines*. An unreachable manager is no reason to stop: this neither raises nor blocks."""
        if not self._socket_path:
            return
        address = "\0" + self._socket_path[1:] if self._socket_path.startswith("@") else self._socket_path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(0.0)
                sender.sendto("\n".join(lines).encode(), address)
        except OSError:
            return


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog timeout in seconds, when it is enabled for this process."""
    microseconds, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 1_000_000
