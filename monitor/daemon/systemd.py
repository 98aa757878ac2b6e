"""What a service manager is told over its datagram socket (sd_notify); knows nothing of what the daemon does.

Without ``NOTIFY_SOCKET`` in the environment nothing is said. The protocol is that of systemd's ``sd_notify(3)``.
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
"""How often the status is told anew where no watchdog asks for more."""


class ServiceManager:
    """The other end of ``NOTIFY_SOCKET``. ``watchdog``: seconds within which it wants a sign of life; None: never."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket_path = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environment) if self._socket_path else None

    def ready(self, status: str) -> None:
        """The daemon works, also: it works again after :meth:`reloading`."""
        self._notify("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is being loaded; :meth:`ready` ends it."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """The daemon lets go, in order."""
        self._notify("STOPPING=1", "STATUS=stopping")

    async def run_watchdog(self, is_alive: Callable[[], bool], status: Callable[[], str]) -> None:
        """Tell the status, and a sign of life as long as ``alive()``, until cancelled; both are asked on the loop."""
        if not self._socket_path:
            return
        every = min(self.watchdog_seconds / 3, STATUS_SECONDS) if self.watchdog_seconds else STATUS_SECONDS
        while True:
            sign = ["WATCHDOG=1"] if self.watchdog_seconds and is_alive() else []
            self._notify(*sign, f"STATUS={status()}")
            await asyncio.sleep(every)

    def _notify(self, *lines: str) -> None:
        """A manager that does not listen is not a reason to stop: nothing is raised, and nothing waits."""
        if not self._socket_path:
            return
        address = "\0" + self._socket_path[1:] if self._socket_path.startswith("@") else self._socket_path
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as one:
                one.settimeout(0.0)
                one.sendto("\n".join(lines).encode(), address)
        except OSError:
            return


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """Seconds, when the watchdog is on and means this process."""
    given, whose = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not given.isdigit() or int(given) == 0 or (whose and whose != str(os.getpid())):
        return None
    return int(given) / 1_000_000
