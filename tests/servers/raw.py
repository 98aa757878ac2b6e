"""A scripted TCP server for HTTP that is broken on purpose: send these bytes, wait, reset, close."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tests.servers.listener import Listener, Wire

if TYPE_CHECKING:
    import ssl


class Do(enum.Enum):
    """Steps that are neither bytes (send them) nor a number (wait so many seconds)."""

    RESET = "reset"
    CLOSE = "close"
    STALL = "stall"
    READ = "read"


Step = bytes | float | Do
Script = Iterable[Step] | Callable[[bytes], Iterable[Step]]


def answer(body: bytes = b"ok", *, status: str = "200 OK", headers: Iterable[str] = ()) -> bytes:
    """A correct HTTP/1.1 answer with its length and no keep-alive; ``headers`` are whole lines."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + body


def redirect(location: str, *, status: str = "302 Found", headers: Iterable[str] = ()) -> bytes:
    """A redirect; ``location`` is sent as it is, with surrogates standing for single bytes."""
    return answer(b"", status=status, headers=[f"Location: {location}", *headers])


def path_of(request: bytes) -> str:
    """The target of a request line."""
    return request.split(b" ", 2)[1].decode() if b" " in request else ""


class RawServer(Listener):
    """Plays one script per connection, after it has read the request; ``sends_first`` plays it at once.

    A callable script gets the request's bytes. Every request is kept in ``requests``, in order of arrival.
    """

    def __init__(
        self,
        script: Script,
        *,
        tls: ssl.SSLContext | None = None,
        sends_first: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(host=host, port=port)
        self._script = script
        self._tls = tls
        self._sends_first = sends_first
        self.scheme = "https" if tls else "http"
        self.requests: list[bytes] = []

    @property
    def paths(self) -> list[str]:
        """The target of each request so far."""
        return [path_of(request) for request in self.requests]

    async def serve(self, wire: Wire) -> None:
        await wire.open(self._tls)
        request = b"" if self._sends_first else await wire.request()
        if request:
            self.requests.append(request)
        for step in self._script(request) if callable(self._script) else self._script:
            if await self._play(step, wire):
                return

    async def _play(self, step: Step, wire: Wire) -> bool:
        """One step; True when the connection is over."""
        match step:
            case bytes():
                await wire.send(step)
            case Do.RESET:
                wire.reset()
                return True
            case Do.CLOSE:
                return True
            case Do.STALL:
                while await wire.request():  # until the client leaves
                    pass
            case Do.READ:
                self.requests.append(await wire.request())
            case _:
                await asyncio.sleep(step)
        return False
