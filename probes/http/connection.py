"""One connection for one request: connect, TLS handshake, request, response; every boundary is recorded on the hop.

It replaces asyncio's transports and aiohttp's client: both have too few events for timing (none for TLS, none for the
first byte) and do much that a connection used once does not need. The response is read by aiohttp's parser through its
client protocol, which decides what is valid HTTP.
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
"""The buffer for one read from the network or from TLS, shared by all connections, since nothing stays in it.

One buffer for each read would make the allocator return memory to the kernel and request it again. Parsing a buffer of
chunks of one byte each takes some milliseconds, and all other probes wait that long.
"""

MAX_HEADER_BYTES = 65536
MAX_HEADERS = 256
"""Limits of response headers; browsers accept 256 KiB in all, and portals with long policies come near 8 KiB."""

MAX_INTERIM_RESPONSES = 50
"""Interim responses (early hints) that a server may send before the final one; a few are usual."""

MAX_FRAMING_BYTES = 1 << 20
"""Bytes that headers, chunk sizes and trailers may add to the longest body; it bounds what comes outside the body."""


class HttpConnection(asyncio.Transport):
    """Connect on creation; :meth:`read_response` returns the response or raises the error.

    ``error`` is the exception that ended the connection, if one did: aiohttp keeps only its text.
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
        """Send *request* to *target* over the unconnected *sock*; TLS verifies *server_name*.

        *skip_body*: the response has no body whatever its headers announce, as one to HEAD. Raises OSError.
        """
        super().__init__()
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._timestamps = StreamTimestamps(sock)
        hop.record_event(HopEvent.CONNECT_STARTED, self._timestamps.started_at)
        try:
            sock.connect(target)  # first: the rest of the preparation runs while the network connects
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
        """Prepare the TLS ClientHello before the connection is established: its keys take a tenth of a millisecond."""
        context = cast("ssl.SSLContext", self._tls_context)
        if self._closed:
            return
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls_object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=self._server_name)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls_object.do_handshake()

    async def read_response(self) -> tuple[RawResponseMessage, StreamReader]:
        """Return the headers of the final response and its body stream. Raises aiohttp's errors and ProbeFailed."""
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            message, payload = await self._protocol.read()
            if not 100 <= message.code <= 199 or message.code == 101:  # noqa: PLR2004 - RFC 9110: interim responses
                self._body = payload
                self._propagate_error()
                return message, payload
        raise ProbeFailed(Fault.PROTOCOL, f"more than {MAX_INTERIM_RESPONSES} interim responses")

    def _propagate_error(self) -> None:
        """Set the error on the body stream: aiohttp reports it to the next header read, or takes it for the end."""
        broken, body = self.error or self._protocol.exception(), self._body
        if broken is not None and body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(broken)

    def _run_step(self, step: Callable[[], None]) -> None:
        """Run a step of the connection; an error in it closes the connection."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - raised again by read_response
            self._finish(error)

    def _add_writer(self, step: Callable[[], None]) -> None:
        self._writing = True
        self._loop.add_writer(self._fd, self._run_step, step)

    def _remove_writer(self) -> None:
        self._writing = False
        self._loop.remove_writer(self._fd)

    def _on_connected(self) -> None:
        """Read the result of the connect from the kernel and send the first bytes."""
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
        """Run one step of the handshake; with the last one the request leaves in the same packet."""
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
        if HopEvent.TLS_ESTABLISHED in hop.event_times:  # facts of the connection are read after the request is sent
            hop.tls_version = tls.version()
            hop.presented_chain = der_chain(tls, "get_unverified_chain")
            if tls.context.verify_mode is ssl.CERT_REQUIRED:
                hop.verified_chain = der_chain(tls, "get_verified_chain")

    def _send(self) -> None:
        """Write the pending bytes as far as the kernel accepts them; record when the whole request is sent."""
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
            size, received_at = self._timestamps.read_into(_READ_BUFFER)
        except (BlockingIOError, InterruptedError):
            return
        if self._tls_object is None:
            self._deliver(bytes(_READ_BUFFER[:size]), received_at)
            return
        if size:
            self._incoming.write(_READ_BUFFER[:size])
        if HopEvent.TLS_ESTABLISHED not in self._hop.event_times:
            if not size:
                raise ConnectionResetError("connection closed")
            self._continue_handshake()
            if HopEvent.TLS_ESTABLISHED not in self._hop.event_times:
                return
        self._decrypt(received_at, ended=not size)

    def _decrypt(self, received_at: float, *, ended: bool = False) -> None:
        """Deliver decrypted data until TLS needs more input or reading is paused."""
        tls = cast("ssl.SSLObject", self._tls_object)
        while self._reading:
            try:
                size = cast("int", tls.read(len(_READ_BUFFER), _READ_BUFFER))  # with a buffer it returns the count
            except ssl.SSLWantReadError:
                break
            self._deliver(bytes(_READ_BUFFER[:size]), received_at)
        else:
            return
        if ended:  # closed without close_notify, as many servers do
            self._deliver(b"", received_at)
        elif self._outgoing.pending:  # a key update
            self._send_buffer += self._outgoing.read()
            self._send()

    def _deliver(self, data: bytes, received_at: float) -> None:
        """Pass received data, or the end of the stream, to the protocol."""
        self._hop.last_received_at = received_at
        if not data:
            self._protocol.eof_received()
            self._finish(None)
            return
        self._hop.record_event(HopEvent.FIRST_BYTE, received_at)
        self._hop.bytes_wire += len(data)
        if self._hop.bytes_wire > self._max_received_bytes:
            raise ProbeFailed(Fault.BODY_TOO_LARGE, f"more than {self._max_received_bytes} bytes received")
        self._protocol.data_received(data)
        self._propagate_error()

    def pause_reading(self) -> None:
        """Stop reading; aiohttp calls this when the body is not consumed as fast as it arrives."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume_reading(self) -> None:
        """Read again; aiohttp calls this when its buffer has space."""
        if not self._reading and not self._closed:
            self._add_reader()
            if self._tls_object is not None:
                self._loop.call_soon(self._run_step, lambda: self._decrypt(time.perf_counter()))

    def is_closing(self) -> bool:
        """Return whether the connection is closed."""
        return self._closed

    def _finish(self, error: Exception | None) -> None:
        """Close the connection and wake the waiting reader."""
        if self._closed:
            return
        if isinstance(error, OSError | ProbeFailed):
            self.error = error
        self._propagate_error()
        self.close()
        self._loop.call_soon(self._protocol.connection_lost, error)  # after the reader of the headers has them

    def close(self) -> None:
        """Send close_notify if that does not block, and close the socket. Idempotent."""
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
        """Close, and break the reference cycle of aiohttp's protocol and parser. No reader may be waiting."""
        self.close()
        self._protocol.connection_lost(None)
