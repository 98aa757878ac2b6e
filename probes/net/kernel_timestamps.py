"""When packets reached this machine, as its kernel noted; a busy event loop hears of them later.

Many looks share one thread. While one of them computes a key, the answer for another lies in the kernel, and a clock
that is read when its turn comes would tell of our own work as if it were the portal's. All times here are those of
``time.perf_counter()``; what the kernel did not date came when it is asked for.
"""

from __future__ import annotations

import contextlib
import fcntl
import socket
import struct
import time

_SO_TIMESTAMPNS = 35
"""Of asm-generic/socket.h: each reading is told when the kernel received its last byte, by the clock of the day."""

_SIOCGSTAMPNS = 0x8907
"""Of asm-generic/sockios.h: when the datagram that was read last was received. Asking once begins the dating."""

_TIMESPEC = struct.Struct("@ll")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

_TCP_INFO = struct.Struct("@68xI28xI")
"""Of ``struct tcp_info`` in linux/tcp.h: ``tcpi_rtt`` in microseconds, ``tcpi_total_retrans``."""

_MAX_CLOCK_STEP_SECONDS = 0.01
"""Seconds by which the clock of the day may move against ours within a look; more is a step, and its dates are void.

Ten seconds of the steady 0.05 % by which clocks are set are half of that.
"""


class _ClockOffset:
    """Ours and that of the day, and how far they were apart at first."""

    def __init__(self) -> None:
        self.started_at = time.perf_counter()
        self._offset_seconds = time.time() - self.started_at

    def to_perf_counter(self, timespec: bytes) -> float:
        """A date of the kernel's by our clock; now, when the other one was set meanwhile."""
        now = time.perf_counter()
        apart = time.time() - now
        if abs(apart - self._offset_seconds) > _MAX_CLOCK_STEP_SECONDS:
            return now
        seconds, nanoseconds = _TIMESPEC.unpack(timespec)
        came: float = seconds + nanoseconds / 1e9 - apart
        return min(now, came)


class StreamTimestamps:
    """The dates of one TCP socket, made just before it connects; ``began`` is when."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._clock_offset = _ClockOffset()
        self.started_at = self._clock_offset.started_at

    def connected_at(self) -> float:
        """When the answer to SYN came: by its round trip, unless SYN had to be repeated. Raises OSError."""
        now = time.perf_counter()
        told = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        if len(told) < _TCP_INFO.size:
            return now
        trip, repeated = _TCP_INFO.unpack(told)
        return min(now, self.started_at + trip / 1e6) if trip and not repeated else now

    def read_into(self, buffer: memoryview) -> tuple[int, float]:
        """How many bytes were read, and when the last of them came. Raises as ``recv_into`` does."""
        size, told, _, _ = self._sock.recvmsg_into([buffer], _ANCILLARY_BYTES)
        for level, kind, date in told:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                return size, self._clock_offset.to_perf_counter(date)
        return size, time.perf_counter()


class DatagramTimestamps:
    """The dates of UDP sockets that a library opens and reads, made before the first question leaves."""

    def __init__(self) -> None:
        self._clock_offset = _ClockOffset()

    @staticmethod
    def enable(descriptor: int) -> None:
        """From now on what this socket receives is dated."""
        with contextlib.suppress(OSError):  # that nothing has come yet is said as an error
            fcntl.ioctl(descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size))

    def last_received_at(self, descriptor: int) -> float:
        """When the datagram came that was read last."""
        try:
            return self._clock_offset.to_perf_counter(fcntl.ioctl(descriptor, _SIOCGSTAMPNS, bytes(_TIMESPEC.size)))
        except OSError:
            return time.perf_counter()
