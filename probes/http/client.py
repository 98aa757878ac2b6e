"""Follow one address over one family from the first hop to the last, in the open: every redirect is a timed hop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from probes.http import failures
from probes.http.connection import Wire
from probes.http.cookies import Cookies
from probes.http.request import charset, written
from probes.http.urls import literal_family, location_of, redirected, same_site, shown, shown_location
from probes.net import certificates
from probes.net.address_scope import Zone, zone
from probes.net.resolver import NameNotResolved
from probes.net.sockets import open_socket
from probes.result import Failed, Fault
from probes.trace import LiveHop, Mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader
    from multidict import CIMultiDictProxy

    from probes.resources import Instruments
    from probes.result import Scalar
    from probes.trace import Trace

REDIRECTS = {301, 302, 303, 307, 308}
SECRETS = {"authorization", "cookie", "proxy-authorization"}
"""Request headers that stay with the host they were written for."""

_UNASKED = {"br", "zstd"}
"""Other unknown words in Content-Encoding are left standing, as browsers do: old servers name a character set there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to ask for, and how far to go. ``timeout`` is in seconds for the whole walk, ``max_body`` in bytes.

    Of the body ``keep`` bytes are kept to be read. With ``max_redirects`` 0 a redirect is an answer like any other.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str]
    family: int
    timeout: float
    max_redirects: int
    max_body: int
    keep: int
    verify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The last hop's answer.

    ``size`` counts the bytes of the body, decoded from its transfer encodings; ``body`` is how it begins, as far as
    the question wanted it, not decoded from its character set.
    """

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes | bytearray
    size: int
    charset: str
    hops: tuple[LiveHop, ...]


async def walk(ask: Ask, trace: Trace, resources: Instruments) -> Answer:
    """Follow ``ask`` to its end. Raises :class:`Failed`; the hops stay on the trace whatever happens."""
    try:
        async with asyncio.timeout(ask.timeout):
            return await _Walk(ask, trace, resources).follow()
    except Failed:
        raise
    except TimeoutError:
        raise failures.of_timeout(trace.reached(), ask.timeout) from None
    except Exception as error:
        raise failures.translate(error, trace.reached()) from error


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    headers: CIMultiDictProxy[str]
    location: str | None = None
    body: bytes | bytearray = b""
    size: int = 0
    charset: str = "utf-8"


class _Walk:
    """One walk while it happens."""

    def __init__(self, ask: Ask, trace: Trace, resources: Instruments) -> None:
        self._ask = ask
        self._trace = trace
        self._resources = resources
        self._cookies = Cookies()
        self._start = URL(ask.url)
        self._hops: list[LiveHop] = []

    async def follow(self) -> Answer:
        """Go from hop to hop until one is no redirect."""
        url, method = self._start.with_user(None).with_fragment(None), self._ask.method
        seen: set[object] = set()
        while True:
            page = await self._hop(url, method)
            if page.location is None:
                return Answer(
                    url=url,
                    status=page.status,
                    headers=page.headers,
                    body=page.body,
                    size=page.size,
                    charset=page.charset,
                    hops=tuple(self._hops),
                )
            state = (url, self._cookies.sent_to(url))
            if state in seen or len(self._hops) > self._ask.max_redirects:
                detail = f"still redirected after {len(self._hops)} hops, by {url.host}"
                raise Failed(Fault.REDIRECT_LOOP, detail)
            seen.add(state)
            url = redirected(url, page.location)
            if page.status == 303 and method != "HEAD":  # noqa: PLR2004 - See Other
                method = "GET"

    async def _hop(self, url: URL, method: str) -> _Page:
        """One request, no redirect followed, timed on a hop of its own."""
        tls = self._tls() if url.scheme == "https" else None
        request = written(method, url, self._headers(url), self._cookies.sent_to(url))
        hop = self._trace.open_hop(self._new_hop(url))
        self._hops.append(hop)
        wire: Wire | None = None
        try:
            target = await self._address(url, hop), url.port or 0
            sock = open_socket(hop, *target)
            name = (url.raw_host or "").rstrip(".")
            bodyless, most = method == "HEAD", self._ask.max_body
            wire = Wire(hop, sock, target, request=request, bodyless=bodyless, most=most, tls=tls, name=name)
            page = await self._read(*await wire.answer(), hop, url)
            hop.mark(Mark.ENDED, hop.heard)
        except aiohttp.ClientError as error:
            if wire is None or wire.lost is None:
                raise
            raise wire.lost from error
        else:
            return page
        finally:
            hop.mark(Mark.ENDED)
            if wire is not None:
                wire.release()

    async def _address(self, url: URL, hop: LiveHop) -> str:
        """Where the hop goes: the first address of its family. The clock of the hop starts at the first step out."""
        host = url.raw_host or ""
        hop.begin()
        if hop.literal:
            return host
        family = socket.AF_INET6 if hop.family == 6 else socket.AF_INET  # noqa: PLR2004 - the IP version
        found = await self._resources.resolver.addresses(host, family)
        if not found.addresses:
            raise NameNotResolved(f"{host}: no address", absent=True)
        if hop.within is None and zone(found.addresses[0]) is Zone.LINK:
            raise NameNotResolved(f"{host}: {found.addresses[0]} is on no other machine's link", absent=False)
        hop.begin(found.asked)
        hop.mark(Mark.RESOLVED, found.answered)
        return found.addresses[0]

    def _new_hop(self, url: URL) -> LiveHop:
        literal = literal_family(url.raw_host or "")
        before = self._hops[-1].address if self._hops else None
        return LiveHop(
            url=shown(url),
            family=literal or self._ask.family,
            secure=url.scheme == "https",
            literal=literal is not None,
            within=zone(before) if before else None,
        )

    async def _read(self, message: RawResponseMessage, content: StreamReader, hop: LiveHop, url: URL) -> _Page:
        """Note what the answer says. The text that comes with a redirect is not read: no browser waits for it."""
        headers = message.headers
        hop.status = message.code
        hop.http_version = message.version.major + message.version.minor / 10
        self._cookies.take(headers, url)
        location = location_of(headers.getall("Location", ())) if message.code in REDIRECTS else None
        hop.location = shown_location(url, location) if location else None
        if location and self._ask.max_redirects:
            return _Page(message.code, headers, location)
        if self._ask.method != "HEAD":
            _refuse_unasked(headers)
        body, size = await _body(content, self._ask.max_body, self._ask.keep)
        return _Page(message.code, headers, None, body, size, charset(headers.get("Content-Type", "")))

    def _tls(self) -> ssl.SSLContext:
        try:
            return self._resources.tls(verify=self._ask.verify)
        except (OSError, ssl.SSLError) as error:
            raise Failed(Fault.PROBER, f"the trusted authorities cannot be read: {error.strerror}") from error

    def _headers(self, url: URL) -> dict[str, str]:
        """Ours and the configured ones. What proves who we are goes to the configured site and nowhere else."""
        ours = {"User-Agent": self._resources.settings.user_agent, "Accept-Encoding": "gzip, deflate"}
        if not same_site(self._start, url):
            return ours | {name: value for name, value in self._ask.headers.items() if name.lower() not in SECRETS}
        if self._start.user is not None:
            proof = aiohttp.encode_basic_auth(self._start.user, self._start.password or "")
            return ours | dict(self._ask.headers) | {"Authorization": proof}
        return ours | dict(self._ask.headers)


def _refuse_unasked(headers: CIMultiDictProxy[str]) -> None:
    """Encodings that we did not ask for, and that this Python may know or not, are refused under every Python."""
    named = {one.strip().lower() for value in headers.getall("Content-Encoding", ()) for one in value.split(",")}
    for unasked in sorted(named & _UNASKED):
        raise Failed(Fault.PROTOCOL, f"body in an encoding that nobody asked for: {unasked}")


async def _body(content: StreamReader, limit: int, keep: int) -> tuple[bytearray, int]:
    """Read to the end or to ``limit`` decoded bytes; more is a fault. Its first ``keep`` bytes, and how many.

    What nobody will read is counted and let go, so that no portal can fill our memory.
    """
    body, size = bytearray(), 0
    try:
        async for chunk in content.iter_any():
            size += len(chunk)
            if size > limit:
                raise Failed(Fault.BODY_TOO_LARGE, f"more than {limit} bytes")
            if len(body) < keep:
                body += chunk[: keep - len(body)]
    except zlib.error as error:
        raise Failed(Fault.PROTOCOL, f"body cannot be decoded: {error}") from error
    return body, size


def summary(hops: Sequence[LiveHop]) -> dict[str, Scalar]:
    """The stored HTTP metrics of a walk, as far as it came: phases summed over its hops, facts of its last hop."""
    if not hops:
        return {}
    last = hops[-1]
    values: dict[str, Scalar] = {}
    for hop in hops:
        for phase, seconds in hop.phases().items():
            values[f"{phase}_seconds"] = float(values.get(f"{phase}_seconds", 0.0)) + seconds
    if "resolve" in (opening := hops[0].phases()):
        values["first_resolve_seconds"] = opening["resolve"]
    values["redirects"] = len(hops) - 1
    values["ssl"] = last.secure
    values["bytes_wire"] = sum(hop.bytes_wire for hop in hops)
    values["final_url"] = last.url
    known = {
        "status": last.status,
        "http_version": last.http_version,
        "address": last.address,
        "tls_version": last.tls_version,
    }
    values.update({name: value for name, value in known.items() if value is not None})
    values.update(certificates.facts(last.presented, last.verified))
    return values
