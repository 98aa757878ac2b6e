"""Portals, references and name servers on separate addresses, which are no loopback to the daemon.

The addresses are reserved for documentation and lie on the loopback device of a network namespace: nothing leaves it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import threading
from typing import TYPE_CHECKING, Any

from tests.servers.dns import NameServer, Reply

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path
    from typing import Self

PORTALS = tuple(f"p{number}" for number in range(1, 7))
REFERENCES = ("198.51.100.1", "198.51.100.2")
FIRST_NAMES, SECOND_NAMES = "127.0.0.1", "127.0.0.2"
ZONE = "cong.example"
NETWORK = "192.0.2.0/24"
"""The addresses of the portals: they are not public, so a browser reaches them only when they are allowed."""

_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
_BAD = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def address(portal: str) -> str:
    """Return the address of a portal."""
    return f"192.0.2.{10 + int(portal[1:])}"


class SimulatedNetwork:
    """All probed servers, on a thread with a separate loop. ``broken`` portals answer with 500.

    It needs separate network and mount namespaces, for its addresses and for a resolv.conf in ``scratch``.
    """

    def __init__(self, scratch: Path) -> None:
        self._names_file = scratch / "resolv.conf"
        self.broken: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._names: dict[str, NameServer] = {}

    def __enter__(self) -> Self:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        for one in (*map(address, PORTALS), *REFERENCES):
            subprocess.run(["ip", "address", "add", f"{one}/32", "dev", "lo"], check=True)
        self.use_names(FIRST_NAMES)
        subprocess.run(["mount", "--bind", self._names_file, "/etc/resolv.conf"], check=True)
        self._thread.start()
        self.do(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        for host in list(self._names):
            self.close_names(host)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def use_names(self, host: str) -> None:
        """Point resolv.conf there, as DHCP would."""
        self._names_file.write_text(f"nameserver {host}\noptions timeout:1 attempts:1\n")

    def open_names(self, host: str) -> None:
        """Start a name server at ``host``."""
        self.do(self._open_names(host))

    def close_names(self, host: str) -> None:
        """Stop the name server there."""
        self.do(self._names.pop(host).__aexit__(None, None, None))

    def query_count(self, host: str) -> int:
        """Return how many queries the name server there received."""
        return len(self._names[host].log)

    def do(self, work: Coroutine[Any, Any, object]) -> None:
        """Run *work* on the network's loop and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _open(self) -> None:
        for portal in PORTALS:
            await asyncio.start_server(lambda r, w, name=portal: self._serve(r, w, name), address(portal), 80)
        for one in REFERENCES:
            await asyncio.start_server(lambda _reader, writer: writer.close(), one, 53)
        await self._open_names(FIRST_NAMES)

    async def _open_names(self, host: str) -> None:
        records = {(f"{one}.{ZONE}", "A"): Reply(addresses=(address(one),)) for one in PORTALS}
        self._names[host] = await NameServer(records, host=host, port=53).__aenter__()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, portal: str) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_BAD if portal in self.broken else _GOOD)
            await writer.drain()
        writer.close()
