"""Kernel timestamps: when packets reached this host, before a busy event loop reads them.

Many probes share one thread. While one of them computes a key, the response for another waits in the kernel, and a
clock that is read later would charge the prober's own work to the portal. All times here are those of
``time.perf_counter()``; data without a kernel timestamp gets the time of reading.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import time

_SO_TIMESTAMPNS = 35
"""Of asm-generic/socket.h: each read returns when the kernel received its last byte, by the wall clock."""

_SIOCGSTAMPNS = 0x8907
"""Of asm-generic/sockios.h: when the last read datagram was received. The first call enables timestamps."""

_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

_TCP_INFO = struct.Struct("@68xI28xI")
"""Of ``struct tcp_info`` in linux/tcp.h: ``tcpi_rtt`` in microseconds, ``tcpi_total_retrans``."""

_MAX_CLOCK_STEP_SECONDS = 0.01
"""Seconds by which the wall clock may move against the monotonic one within an attempt; more invalidates timestamps.

Ten seconds of slewing at 0.05 % are half of that.
"""


class _ClockOffset:
    """Hold the initial offset between the monotonic clock and the wall clock."""

    def __init__(self) -> None:
        self.started_at = time.perf_counter()
        self._offset_seconds = time.time() - self.started_at

    def to_perf_counter(self, timespec: bytes) -> float:
        """Convert a kernel timestamp to the monotonic clock; return now when the wall clock was stepped meanwhile."""
        now = time.perf_counter()
        offset = time.time() - now
        if abs(offset - self._offset_seconds) > _MAX_CLOCK_STEP_SECONDS:
            return now
        seconds, nanoseconds = _TIMESPEC.unpack(timespec)
        received_at: float = seconds + nanoseconds / 1e9 - offset
        return min(now, received_at)


class StreamTimestamps:
    """Read the timestamps of one TCP socket; created at ``started_at``, just before it connects."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._clock_offset = _ClockOffset()
        self.started_at = self._clock_offset.started_at

    def connected_at(self) -> float:
        """Return when SYN-ACK came: by its round trip, or now if SYN was retransmitted. Raises OSError."""
        now = time.perf_counter()
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        if len(info) < _TCP_INFO.size:
            return now
        round_trip_us, retransmissions = _TCP_INFO.unpack(info)
        return min(now, self.started_at + round_trip_us / 1e6) if round_trip_us and not retransmissions else now

    def read_into(self, buffer: memoryview) -> tuple[int, float]:
        """Return how many bytes were read, and when the last of them came. Raises as ``recv_into`` does."""
        size, ancillary, _, _ = self._sock.recvmsg_into([buffer], _ANCILLARY_BYTES)
        for level, kind, timespec in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                return size, self._clock_offset.to_perf_counter(timespec)
        return size, time.perf_counter()


class DatagramTimestamps:
    """Read the timestamps of UDP sockets that a library owns; created before the first query is sent."""

    def __init__(self) -> None:
        self._clock_offset = _ClockOffset()

    @staticmethod
    def enable(descriptor: int) -> None:
        """Enable timestamps for what this socket receives from now on."""
        with contextlib.suppress(OSError):  # the call fails while nothing has arrived
            fcntl.ioctl(descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size))

    def last_received_at(self, descriptor: int) -> float:
        """Return when the last read datagram came."""
        try:
            return self._clock_offset.to_perf_counter(fcntl.ioctl(descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size)))
        except OSError:
            return time.perf_counter()
