"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import contextlib
import secrets
import socket

_LOWEST, _MANY = 12_000, 20_000
"""Below the ephemeral ports of Linux, so that no other process gets one of these meanwhile."""


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    while True:
        port = _LOWEST + secrets.randbelow(_MANY)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
