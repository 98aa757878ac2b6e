"""Follow one address over one family from the first hop to the last, in the open: every redirect is a timed hop."""

from __future__ import annotations

import asyncio
import os
import ssl
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from probes import certificates, faults
from probes.address import is_public, literal_family, location_of, redirected, same_site, shown, shown_location
from probes.base import Failed, Fault
from probes.connector import current_hop, tracing
from probes.trace import LiveHop, Mark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multidict import CIMultiDictProxy

    from probes.base import Scalar
    from probes.trace import Trace

REDIRECTS = {301, 302, 303, 307, 308}
SECRETS = {"authorization", "cookie", "proxy-authorization"}
"""Request headers that stay with the host they were written for."""

LONGEST_HEADER = 65536
MOST_HEADERS = 256
"""Limits of an answer's header lines; browsers take 256 KiB in all, and portals with long policies come near 8 KiB."""

_NO_LIMITS = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)
_TRACING = tracing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What to ask for, and how far to go. ``timeout`` is in seconds for the whole walk, ``max_body`` in bytes.

    With ``max_redirects`` 0 a redirect is an answer like any other.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str]
    family: int
    timeout: float
    max_redirects: int
    max_body: int
    verify: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The last hop's answer. ``body`` is decoded from its transfer encodings, not from its character set."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    charset: str
    hops: tuple[LiveHop, ...]


async def walk(ask: Ask, trace: Trace) -> Answer:
    """Follow ``ask`` to its end. Raises :class:`Failed`; the hops stay on the trace whatever happens."""
    try:
        async with asyncio.timeout(ask.timeout), _session(trace) as session:
            return await _Walk(ask, trace, session).follow()
    except Failed:
        raise
    except TimeoutError:
        raise faults.of_timeout(trace.reached(), ask.timeout) from None
    except Exception as error:
        raise faults.translate(error, trace.reached()) from error


def _session(trace: Trace) -> aiohttp.ClientSession:
    """Cookies live as long as one walk: a portal that sets one and redirects to itself expects it back."""
    return aiohttp.ClientSession(
        connector=trace.tools.connector,
        connector_owner=False,
        cookie_jar=aiohttp.CookieJar(unsafe=True),
        timeout=_NO_LIMITS,
        trace_configs=[_TRACING],
        middlewares=[faults.once],
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        max_headers=MOST_HEADERS,
        headers={"User-Agent": trace.tools.settings.user_agent, "Accept-Encoding": "gzip, deflate"},
    )


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    headers: CIMultiDictProxy[str]
    location: str | None
    body: bytes
    charset: str


class _Walk:
    """One walk while it happens."""

    def __init__(self, ask: Ask, trace: Trace, session: aiohttp.ClientSession) -> None:
        self._ask = ask
        self._trace = trace
        self._session = session
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
                    charset=page.charset,
                    hops=tuple(self._hops),
                )
            state = (url, self._cookies(url))
            if state in seen or len(self._hops) > self._ask.max_redirects:
                detail = f"still redirected after {len(self._hops)} hops, by {url.host}"
                raise Failed(Fault.REDIRECT_LOOP, detail)
            seen.add(state)
            url = redirected(url, page.location)
            if page.status == 303 and method != "HEAD":  # noqa: PLR2004 - See Other
                method = "GET"

    async def _hop(self, url: URL, method: str) -> _Page:
        """One request, no redirect followed, timed on a hop of its own."""
        tls = self._tls() if url.scheme == "https" else False
        headers = self._headers(url)
        hop = self._trace.open_hop(self._new_hop(url))
        self._hops.append(hop)
        token = current_hop.set(hop)
        try:
            async with self._session.request(method, url, allow_redirects=False, headers=headers, ssl=tls) as response:
                page = await self._read(response, hop, url)
                hop.mark(Mark.ENDED, hop.heard)
                return page
        except aiohttp.ClientPayloadError as error:
            if hop.lost is None:
                raise
            raise faults.of_os_error(OSError(hop.lost, os.strerror(hop.lost)), hop.phase) from error
        finally:
            hop.mark(Mark.ENDED)
            current_hop.reset(token)

    def _new_hop(self, url: URL) -> LiveHop:
        literal = literal_family(url.raw_host or "")
        return LiveHop(
            url=shown(url),
            family=literal or self._ask.family,
            secure=url.scheme == "https",
            literal=literal is not None,
            inward=not any(hop.address and is_public(hop.address) for hop in self._hops),
        )

    async def _read(self, response: aiohttp.ClientResponse, hop: LiveHop, url: URL) -> _Page:
        """Note what the answer says. The text that comes with a redirect is not read: no browser waits for it."""
        hop.status = response.status
        hop.mark(Mark.FIRST_BYTE)  # counts only where the connection could not tell
        if response.version is not None:
            hop.http_version = response.version.major + response.version.minor / 10
        location = location_of(response.headers.getall("Location", ())) if response.status in REDIRECTS else None
        hop.location = shown_location(url, location) if location else None
        if location and self._ask.max_redirects:
            response.close()
            return _Page(response.status, response.headers, location, b"", "utf-8")
        body = await _body(response, self._ask.max_body)
        return _Page(response.status, response.headers, None, body, response.charset or "utf-8")

    def _tls(self) -> ssl.SSLContext:
        try:
            return self._trace.tools.tls(verify=self._ask.verify)
        except (OSError, ssl.SSLError) as error:
            raise Failed(Fault.PROBER, f"the trusted authorities cannot be read: {error.strerror}") from error

    def _headers(self, url: URL) -> dict[str, str]:
        """The configured headers. What proves who we are goes to the configured site and nowhere else."""
        if not same_site(self._start, url):
            return {name: value for name, value in self._ask.headers.items() if name.lower() not in SECRETS}
        headers = dict(self._ask.headers)
        if self._start.user is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(self._start.user, self._start.password or "")
        return headers

    def _cookies(self, url: URL) -> tuple[tuple[str, str], ...]:
        cookies = self._session.cookie_jar.filter_cookies(url)
        return tuple(sorted((name, morsel.value) for name, morsel in cookies.items()))


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """Read to the end or to ``limit`` decoded bytes; more is a fault, so that no portal can fill our memory."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_any():
            if len(body) + len(chunk) > limit:
                raise Failed(Fault.BODY_TOO_LARGE, f"more than {limit} bytes")
            body += chunk
    except zlib.error as error:
        raise Failed(Fault.PROTOCOL, f"body cannot be decoded: {error}") from error
    return bytes(body)


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
