"""Name resolution that is measured: one fresh question per look, no cache, marked on the hop by who asks."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pycares

from probes.net.dns_query import DnsQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SYSTEM_THREADS = 64
"""Questions to the system resolver that may wait at the same time; a dead resolver holds a thread for seconds."""


class NameNotResolved(OSError):
    """No address for a name. ``absent`` is True when the resolver said so, False when it did not answer properly."""

    def __init__(self, detail: str, *, absent: bool) -> None:
        super().__init__(detail)
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedAddresses:
    """The addresses of a name, and when it was asked and answered, by ``time.perf_counter()`` next to the network."""

    addresses: Sequence[str]
    sent_at: float
    answered_at: float


class Resolver(Protocol):
    """Answers with the addresses of ``host`` in one family (``socket.AF_INET`` or ``AF_INET6``), in resolver order."""

    async def resolve(self, host: str, family: socket.AddressFamily) -> ResolvedAddresses:
        """Ask afresh. Raises :class:`NameNotResolved`."""

    async def close(self) -> None:
        """Give back threads and sockets."""


_ABSENT_ERRNOS = {
    socket.EAI_NONAME,
    *(getattr(socket, name, socket.EAI_NONAME) for name in ("EAI_NODATA", "EAI_ADDRFAMILY")),
}
"""No such name, and two ways of saying: a name, but without an address of this family."""


class SystemResolver:
    """The host's own resolver: hosts file, name service switch, and resolv.conf as it is now."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_SYSTEM_THREADS, thread_name_prefix="resolve")

    async def resolve(self, host: str, family: socket.AddressFamily) -> ResolvedAddresses:
        """Ask getaddrinfo on a thread; cancelling abandons the thread's answer, not the thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _query_system, host, family)
        except socket.gaierror as error:
            raise NameNotResolved(f"{host}: {error.strerror}", absent=error.errno in _ABSENT_ERRNOS) from error
        except UnicodeError as error:
            raise NameNotResolved(f"{host[:64]}: not a host name", absent=True) from error

    async def close(self) -> None:
        """Leave running questions to end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _query_system(host: str, family: socket.AddressFamily) -> ResolvedAddresses:
    asked = time.perf_counter()
    found = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
    answered = time.perf_counter()
    return ResolvedAddresses(addresses=[str(entry[4][0]) for entry in found], sent_at=asked, answered_at=answered)


_ABSENT_ARES_CODES = {pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA, pycares.errno.ARES_EBADNAME}


class ServerResolver:
    """Asks the configured name servers directly (``address`` or ``address:port``), by c-ares."""

    def __init__(self, servers: Sequence[str], *, timeout_seconds: float = 5.0) -> None:
        self._servers = list(servers)
        self._timeout_seconds = timeout_seconds

    async def resolve(self, host: str, family: socket.AddressFamily) -> ResolvedAddresses:
        """Ask each server at most once; the look's own limit may be shorter than the question's."""
        question = DnsQuery(self._servers, self._timeout_seconds)
        try:
            addresses = await question.resolve(host, family)
            return ResolvedAddresses(addresses=addresses, sent_at=question.sent_at, answered_at=question.answered_at)
        except pycares.AresError as error:
            code, text = (*error.args, "")[:2]
            absent = code in _ABSENT_ARES_CODES
            raise NameNotResolved(f"{host}: {text}", absent=absent) from error
        except UnicodeError as error:
            raise NameNotResolved(f"{host[:64]}: not a host name", absent=True) from error
        finally:
            asyncio.get_running_loop().call_soon(question.close)  # when the look has gone on

    async def close(self) -> None:
        """Nothing is kept between questions."""
