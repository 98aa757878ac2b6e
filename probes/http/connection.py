"""One connection for one request: connects, shakes hands, asks, and marks every boundary on its hop as it is crossed.

It stands where asyncio's transports and aiohttp's client would, since both know too little of time (no event for TLS,
none for the first byte) and do much that a connection used once does not need. The answer is read by aiohttp's parser
through its client protocol, so what is HTTP and what is not is decided there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from typing import TYPE_CHECKING, cast

from aiohttp.client_proto import ResponseHandler

from probes.net.certificates import der_chain
from probes.net.kernel_timestamps import StreamTimestamps
from probes.result import Fault, ProbeFailed
from probes.trace import HopEvent, HopTrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

_READ_BUFFER = memoryview(bytearray(16384))
"""What is taken from the network, or from TLS, at a time: one place for all, since nothing stays in it.

A buffer of its own for each reading would make the allocator give memory back to the kernel and ask for it again.
Filled with chunks of a byte each it takes some milliseconds to read, and that long all other looks wait.
"""

MAX_HEADER_BYTES = 65536
MAX_HEADERS = 256
"""Limits of an answer's header lines; browsers take 256 KiB in all, and portals with long policies come near 8 KiB."""

MAX_INTERIM_RESPONSES = 50
"""Interim answers (early hints) that a server may send before its own; a few are usual."""

MAX_FRAMING_BYTES = 1 << 20
"""Bytes that headers, chunk sizes and trailers may add to the longest body. Nobody talks on for ever outside of it."""


class HttpConnection(asyncio.Transport):
    """Begins to connect when made; the outcome of everything is told by :meth:`answer` and by what it returns.

    ``lost`` is the error or verdict that ended the connection, if one did: aiohttp keeps no more than its text.
    """

    def __init__(  # noqa: PLR0913 - what one request needs, named at its one call
        self,
        hop: HopTrace,
        sock: socket.socket,
        target: tuple[str, int],
        *,
        request: bytes,
        skip_body: bool,
        max_body_bytes: int,
        tls_context: ssl.SSLContext | None,
        server_name: str,
    ) -> None:
        """Send ``request`` to ``target`` over the unconnected ``sock``; ``name`` is whom TLS must meet there.

        ``bodyless`` tells that the answer has no body whatever its headers say, as one to HEAD; ``most`` is how many
        bytes a body may have. Raises OSError.
        """
        super().__init__()
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._timestamps = StreamTimestamps(sock)
        hop.record_event(HopEvent.CONNECT_STARTED, self._timestamps.started_at)
        try:
            sock.connect(target)  # first of all: what follows happens while the network is at work
        except BlockingIOError:
            pass
        except OSError:
            sock.close()
            raise
        self._hop = hop
        self._sock, self._fd = sock, sock.fileno()
        self._request = request
        self._max_received_bytes = max_body_bytes + MAX_FRAMING_BYTES
        self._tls_context, self._server_name = tls_context, server_name
        self._tls_object: ssl.SSLObject | None = None
        self._send_buffer = b""
        self._reading = self._writing = self._closed = False
        self._body: StreamReader | None = None
        self.error: OSError | ProbeFailed | None = None
        self._loop = asyncio.get_running_loop()
        self._add_writer(self._on_connected)
        self._protocol = ResponseHandler(self._loop)
        self._protocol.set_response_params(
            skip_payload=skip_body,
            read_until_eof=True,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
        )
        self._protocol.connection_made(self)
        if tls_context is not None:
            self._loop.call_soon(self._run_step, self._start_handshake)

    def _start_handshake(self) -> None:
        """Have the first words of TLS ready when the connection stands: their keys take a tenth of a millisecond."""
        context = cast("ssl.SSLContext", self._tls_context)
        if self._closed:
            return
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls_object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=self._server_name)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls_object.do_handshake()

    async def read_response(self) -> tuple[RawResponseMessage, StreamReader]:
        """The headers of the final answer, and its body to be read. Raises aiohttp's errors and :class:`Failed`."""
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            message, payload = await self._protocol.read()
            if not 100 <= message.code <= 199 or message.code == 101:  # noqa: PLR2004 - RFC 9110: interim answers
                self._body = payload
                self._propagate_error()
                return message, payload
        raise ProbeFailed(Fault.PROTOCOL, f"more than {MAX_INTERIM_RESPONSES} interim answers")

    def _propagate_error(self) -> None:
        """Tell who reads the body that it broke: aiohttp tells the next reader of a head, or takes it for the end."""
        broken, body = self.error or self._protocol.exception(), self._body
        if broken is not None and body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(broken)

    def _run_step(self, step: Callable[[], None]) -> None:
        """Run a step of the connection; its failure is the connection's end."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the answer
            self._finish(error)

    def _add_writer(self, step: Callable[[], None]) -> None:
        self._writing = True
        self._loop.add_writer(self._fd, self._run_step, step)

    def _remove_writer(self) -> None:
        self._writing = False
        self._loop.remove_writer(self._fd)

    def _on_connected(self) -> None:
        """The kernel knows how the connect ended."""
        self._remove_writer()
        if number := self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(number, os.strerror(number))
        self._hop.record_event(HopEvent.CONNECTED, self._timestamps.connected_at())
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send_buffer = self._request if self._tls_context is None else self._outgoing.read()
        self._send()
        self._add_reader()

    def _add_reader(self) -> None:
        self._reading = True
        self._loop.add_reader(self._fd, self._run_step, self._on_readable)

    def _continue_handshake(self) -> None:
        """One step of the handshake; with the last one the request leaves in the same packet."""
        tls = cast("ssl.SSLObject", self._tls_object)
        hop = self._hop
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            hop.presented_chain = der_chain(tls, "get_unverified_chain")
            self._send_buffer = self._outgoing.read()
            with contextlib.suppress(OSError):
                self._send()  # the alert
            raise
        else:
            hop.record_event(HopEvent.TLS_ESTABLISHED)
            tls.write(self._request)
        self._send_buffer += self._outgoing.read()
        self._send()
        if (
            HopEvent.TLS_ESTABLISHED in hop.event_times
        ):  # what only describes the connection waits until the request is on its way
            hop.tls_version = tls.version()
            hop.presented_chain = der_chain(tls, "get_unverified_chain")
            if tls.context.verify_mode is ssl.CERT_REQUIRED:
                hop.verified_chain = der_chain(tls, "get_verified_chain")

    def _send(self) -> None:
        """Hand what waits to the kernel, as far as it takes it; when the request is out, that is marked."""
        try:
            sent = self._sock.send(self._send_buffer) if self._send_buffer else 0
        except (BlockingIOError, InterruptedError):
            sent = 0
        self._send_buffer = self._send_buffer[sent:]
        if self._send_buffer:
            if not self._writing:
                self._add_writer(self._send)
            return
        if self._writing:
            self._remove_writer()
        if self._tls_context is None or HopEvent.TLS_ESTABLISHED in self._hop.event_times:
            self._hop.record_event(HopEvent.SENT)

    def _on_readable(self) -> None:
        try:
            size, came = self._timestamps.read_into(_READ_BUFFER)
        except (BlockingIOError, InterruptedError):
            return
        if self._tls_object is None:
            self._deliver(bytes(_READ_BUFFER[:size]), came)
            return
        if size:
            self._incoming.write(_READ_BUFFER[:size])
        if HopEvent.TLS_ESTABLISHED not in self._hop.event_times:
            if not size:
                raise ConnectionResetError("connection closed")
            self._continue_handshake()
            if HopEvent.TLS_ESTABLISHED not in self._hop.event_times:
                return
        self._decrypt(came, ended=not size)

    def _decrypt(self, received_at: float, *, ended: bool = False) -> None:
        """Hand on what TLS holds, until it wants more or the reader of the body asks for a pause."""
        tls = cast("ssl.SSLObject", self._tls_object)
        while self._reading:
            try:
                size = cast(
                    "int", tls.read(len(_READ_BUFFER), _READ_BUFFER)
                )  # into a buffer: not the bytes, but how many
            except ssl.SSLWantReadError:
                break
            self._deliver(bytes(_READ_BUFFER[:size]), received_at)
        else:
            return
        if ended:  # cut without a farewell, as many servers do
            self._deliver(b"", received_at)
        elif self._outgoing.pending:  # a new key was agreed on
            self._send_buffer += self._outgoing.read()
            self._send()

    def _deliver(self, data: bytes, received_at: float) -> None:
        """Hand on what the server said, or that it has ended."""
        self._hop.last_received_at = received_at
        if not data:
            self._protocol.eof_received()
            self._finish(None)
            return
        self._hop.record_event(HopEvent.FIRST_BYTE, received_at)
        self._hop.bytes_wire += len(data)
        if self._hop.bytes_wire > self._max_received_bytes:
            raise ProbeFailed(Fault.BODY_TOO_LARGE, f"more than {self._max_received_bytes} bytes in all")
        self._protocol.data_received(data)
        self._propagate_error()

    def pause_reading(self) -> None:
        """Asked by aiohttp when the body is not read as fast as it comes."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        """Asked by aiohttp when there is room again."""
        if not self._reading and not self._closed:
            self._add_reader()
            if self._tls_object is not None:
                self._loop.call_soon(self._run_step, lambda: self._decrypt(time.perf_counter()))

    def is_closing(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def _finish(self, error: Exception | None) -> None:
        """The connection is over: let go of it, and tell whoever waits for its answer."""
        if self._closed:
            return
        if isinstance(error, OSError | ProbeFailed):
            self.error = error
        self._propagate_error()
        self.close()
        self._loop.call_soon(self._protocol.connection_lost, error)  # when who waits for the head has it

    def close(self) -> None:
        """Say farewell as far as it costs nothing, and give the socket back. Twice is harmless."""
        if self._closed:
            return
        self._closed = True
        self.pause_reading()
        if self._writing:
            self._remove_writer()
        if self._tls_object is not None and HopEvent.TLS_ESTABLISHED in self._hop.event_times:
            with contextlib.suppress(OSError):
                with contextlib.suppress(ssl.SSLError):
                    self._tls_object.unwrap()
                self._sock.send(self._outgoing.read())
        self._sock.close()

    abort = close

    def release(self) -> None:
        """Close, and forget what aiohttp's protocol and parser hold of each other. Nobody may wait for an answer."""
        self.close()
        self._protocol.connection_lost(None)
