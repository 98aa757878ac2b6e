"""One DNS query to given name servers, by c-ares on the running loop: no thread, cache, hosts file or search domains.

Every query has its own channel: since 1.31 c-ares caches answers for up to an hour by default and its Python binding
has no option to disable that; a cached answer is not a measurement. aiodns is not used: since version 4 it gives every
channel a thread and an inotify instance, and a Linux host allows 128 of those.
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pycares

from probes.net.kernel_timestamps import DatagramTimestamps

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUERY_TYPES = {socket.AF_INET: pycares.QUERY_TYPE_A, socket.AF_INET6: pycares.QUERY_TYPE_AAAA}

_ADDRESS_RECORDS = pycares.ARecordData | pycares.AAAARecordData

_TICK_SECONDS = 0.01
"""Shortest time between two checks of c-ares' own timers, in seconds."""


class DnsQuery:
    """Send one query, then close. ``sent_at`` and ``answered_at`` are times of ``time.perf_counter()``."""

    def __init__(self, servers: Sequence[str], timeout_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._reading: set[int] = set()
        self._writing: set[int] = set()
        self._result: asyncio.Future[pycares.DNSResult] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.sent_at = self.answered_at = 0.0
        self._timestamps = DatagramTimestamps()
        self._reading_fd: int | None = None
        self._channel = pycares.Channel(timeout=timeout_seconds, tries=1, sock_state_cb=self._on_socket_state)
        self._channel.servers = list(servers)  # the constructor would not take a port

    async def resolve(self, host: str, family: socket.AddressFamily) -> list[str]:
        """Return the addresses in the order of the answer. Raises pycares.AresError(code, text) and UnicodeError.

        A plain query is sent instead of c-ares' getaddrinfo: that would read the hosts file, append search domains,
        and sort the addresses by opening a socket to each. The channel's ``lookups`` would exclude the hosts file, but
        pycares 5.2 passes c-ares a freed string for it, and one query in some hundreds reads garbage.
        """
        self.sent_at = time.perf_counter()
        self._channel.query(host, _QUERY_TYPES[family], callback=self._on_result)
        self._tick()
        result = await self._result
        return [record.data.addr for record in result.answer if isinstance(record.data, _ADDRESS_RECORDS)]

    def close(self) -> None:
        """Stop watching the sockets before c-ares closes them, which it does on its own thread."""
        self._closed = True
        if self._result.done() and not self._result.cancelled():
            self._result.exception()  # retrieve it: a malformed name is both raised and reported by the callback
        if self._timer is not None:
            self._timer.cancel()
        for fd in self._reading:
            self._loop.remove_reader(fd)
        for fd in self._writing:
            self._loop.remove_writer(fd)
        self._channel.cancel()
        self._channel.close()

    def _on_result(self, result: pycares.DNSResult, error: int | None) -> None:
        if self._closed or self._result.done():
            return
        fd = self._reading_fd
        self.answered_at = time.perf_counter() if fd is None else self._timestamps.last_received_at(fd)
        if error is None:
            self._result.set_result(result)
        else:
            self._result.set_exception(pycares.AresError(error, pycares.errno.strerror(error)))

    def _on_socket_state(self, fd: int, readable: bool, writable: bool) -> None:  # noqa: FBT001 - the signature that c-ares calls
        if self._closed:
            return
        nothing = pycares.ARES_SOCKET_BAD
        if readable:
            if fd not in self._reading:
                self._timestamps.enable(fd)
            self._loop.add_reader(fd, self._on_readable, fd)
            self._reading.add(fd)
        elif fd in self._reading:
            self._loop.remove_reader(fd)
            self._reading.discard(fd)
        if writable:
            self._loop.add_writer(fd, self._channel.process_fd, nothing, fd)
            self._writing.add(fd)
        elif fd in self._writing:
            self._loop.remove_writer(fd)
            self._writing.discard(fd)

    def _on_readable(self, fd: int) -> None:
        """Let c-ares read *fd*; a result that it reports meanwhile came from this socket."""
        self._reading_fd = fd
        self._channel.process_fd(fd, pycares.ARES_SOCKET_BAD)
        self._reading_fd = None

    def _tick(self) -> None:
        """Let c-ares process its timeouts and the change to the next server, which need no packet."""
        if self._closed or self._result.done():
            return
        self._channel.process_fd(pycares.ARES_SOCKET_BAD, pycares.ARES_SOCKET_BAD)
        if not self._result.done():
            due = self._channel.timeout()  # type: ignore[no-untyped-call]  # seconds, or None
            self._timer = self._loop.call_later(max(_TICK_SECONDS, due or _TICK_SECONDS), self._tick)
