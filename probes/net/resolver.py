"""Measured name resolution: one new query for each attempt, no cache; the caller records it on the hop."""

from __future__ import annotations

import asyncio
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pycares

from probes.net.dns_query import DnsQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_SYSTEM_THREADS = 64
"""Concurrent queries to the system resolver; an unresponsive resolver blocks a thread for seconds."""


class NameNotResolved(OSError):
    """Report that a name has no address. ``absent``: the resolver stated so; else it did not respond properly."""

    def __init__(self, detail: str, *, absent: bool) -> None:
        super().__init__(detail)
        self.absent = absent


@dataclass(frozen=True, slots=True)
class ResolvedAddresses:
    """Hold the addresses of a name in resolver order; when its query was sent and answered (``perf_counter``)."""

    addresses: Sequence[str]
    sent_at: float
    answered_at: float


_ABSENT_ERRNOS = {getattr(socket, name, socket.EAI_NONAME) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY")}
"""No such name, and two codes for a name without an address of this family."""


class SystemResolver:
    """Use the host's own resolver: hosts file, name service switch, and the current resolv.conf."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MAX_SYSTEM_THREADS, thread_name_prefix="resolve")

    async def resolve(self, host: str, family: socket.AddressFamily) -> ResolvedAddresses:
        """Call getaddrinfo on a thread; cancelling drops its result, not the thread. Raises NameNotResolved."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _query_system, host, family)
        except socket.gaierror as error:
            raise NameNotResolved(f"{host}: {error.strerror}", absent=error.errno in _ABSENT_ERRNOS) from error
        except UnicodeError as error:
            raise NameNotResolved(f"{host[:64]}: not a host name", absent=True) from error

    async def close(self) -> None:
        """Stop accepting queries; running ones end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _query_system(host: str, family: socket.AddressFamily) -> ResolvedAddresses:
    sent_at = time.perf_counter()
    entries = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
    answered_at = time.perf_counter()
    return ResolvedAddresses([str(entry[4][0]) for entry in entries], sent_at, answered_at)


_ABSENT_ARES_CODES = {pycares.errno.ARES_ENOTFOUND, pycares.errno.ARES_ENODATA, pycares.errno.ARES_EBADNAME}


class ServerResolver:
    """Query the configured name servers directly (``address`` or ``address:port``), by c-ares."""

    def __init__(self, servers: Sequence[str], *, timeout_seconds: float = 5.0) -> None:
        self._servers = list(servers)
        self._timeout_seconds = timeout_seconds

    async def resolve(self, host: str, family: socket.AddressFamily) -> ResolvedAddresses:
        """Query each server once at most; the attempt's timeout may be shorter. Raises :class:`NameNotResolved`."""
        query = DnsQuery(self._servers, self._timeout_seconds)
        try:
            addresses = await query.resolve(host, family)
            return ResolvedAddresses(addresses, query.sent_at, query.answered_at)
        except pycares.AresError as error:
            code, text = (*error.args, "")[:2]
            raise NameNotResolved(f"{host}: {text}", absent=code in _ABSENT_ARES_CODES) from error
        except UnicodeError as error:
            raise NameNotResolved(f"{host[:64]}: not a host name", absent=True) from error
        finally:
            asyncio.get_running_loop().call_soon(query.close)  # after the attempt has continued

    async def close(self) -> None:
        """Do nothing: no state is kept between queries."""
