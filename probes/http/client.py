"""Fetch one URL over one address family with its redirects; every redirect is a timed hop."""

from __future__ import annotations

import asyncio
import socket
import ssl
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from probes.http import failures, urls
from probes.http.connection import HttpConnection
from probes.http.cookies import Cookies
from probes.http.request import encode_request, parse_charset
from probes.net import certificates
from probes.net.address_scope import AddressScope, address_scope
from probes.net.resolver import NameNotResolved
from probes.net.sockets import open_socket
from probes.result import Fault, ProbeFailed
from probes.trace import HopEvent, HopTrace

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader
    from multidict import CIMultiDictProxy

    from probes.resources import ProbeResources
    from probes.result import Scalar
    from probes.trace import Trace

REDIRECT_STATUSES = {301, 302, 303, 307, 308}
CREDENTIAL_HEADERS = {"authorization", "cookie", "proxy-authorization"}
"""Request headers that are sent only to the configured host."""

_UNREQUESTED_ENCODINGS = {"br", "zstd"}
"""Other unknown Content-Encoding values are ignored, as browsers do: old servers name a character set there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Describe what to request, and the limits. ``timeout_seconds`` is for the whole fetch with its redirects.

    The first ``kept_body_bytes`` of the body are kept. With ``max_redirects`` 0 a redirect is the response.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str]
    family: int
    timeout_seconds: float
    max_redirects: int
    max_body_bytes: int
    kept_body_bytes: int
    verify_certificate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """Hold the response of the last of ``hops``; ``location`` is the target of a redirect that is to be followed.

    ``size_bytes`` counts the body after decompression; ``body`` is its beginning, as long as the request wanted it, as
    bytes of its character set.
    """

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    hops: tuple[HopTrace, ...]
    location: str | None = None
    body: bytes | bytearray = b""
    size_bytes: int = 0
    charset: str = "utf-8"


async def fetch(request: Request, trace: Trace, resources: ProbeResources) -> Response:
    """Run *request* with its redirects. Raises :class:`ProbeFailed`; the hops stay on the trace in every case."""
    try:
        async with asyncio.timeout(request.timeout_seconds):
            return await _Fetch(request, trace, resources).follow_redirects()
    except ProbeFailed:
        raise
    except TimeoutError:
        raise failures.from_timeout(trace.current_phase(), request.timeout_seconds) from None
    except Exception as error:
        raise failures.from_exception(error, trace.current_phase()) from error


class _Fetch:
    """Run one fetch."""

    def __init__(self, request: Request, trace: Trace, resources: ProbeResources) -> None:
        self._request = request
        self._trace = trace
        self._resources = resources
        self._cookies = Cookies()
        self._initial_url = URL(request.url)
        self._hops: list[HopTrace] = []

    async def follow_redirects(self) -> Response:
        """Fetch hop after hop until a response is not a redirect."""
        url, method = self._initial_url.with_user(None).with_fragment(None), self._request.method
        seen: set[object] = set()
        while True:
            response = await self._fetch_hop(url, method)
            if response.location is None:
                return response
            state = (url, self._cookies.header_for(url))
            if state in seen or len(self._hops) > self._request.max_redirects:
                detail = f"still redirected after {len(self._hops)} hops, by {url.host}"
                raise ProbeFailed(Fault.REDIRECT_LOOP, detail)
            seen.add(state)
            url = urls.redirect_target(url, response.location)
            if response.status == 303 and method != "HEAD":  # noqa: PLR2004 - See Other
                method = "GET"

    async def _fetch_hop(self, url: URL, method: str) -> Response:
        """Make one request, timed on its own hop; redirects are not followed."""
        tls = self._tls_context() if url.scheme == "https" else None
        request = encode_request(method, url, self._request_headers(url), self._cookies.header_for(url))
        hop = self._trace.start_hop(self._new_hop(url))
        self._hops.append(hop)
        connection: HttpConnection | None = None
        try:
            target = await self._resolve(url, hop), url.port or 0
            sock = open_socket(hop, *target)
            connection = HttpConnection(
                hop,
                sock,
                target,
                request=request,
                skip_body=method == "HEAD",
                max_body_bytes=self._request.max_body_bytes,
                tls_context=tls,
                server_name=(url.raw_host or "").rstrip("."),
            )
            response = await self._read_response(*await connection.read_response(), hop, url)
            hop.record_event(HopEvent.ENDED, hop.last_received_at)
        except aiohttp.ClientError as error:
            if connection is None or connection.error is None:
                raise
            raise connection.error from error
        else:
            return response
        finally:
            hop.record_event(HopEvent.ENDED)
            if connection is not None:
                connection.release()

    async def _resolve(self, url: URL, hop: HopTrace) -> str:
        """Return the first address of the hop's family. The hop's clock starts when the query leaves this process."""
        host = url.raw_host or ""
        hop.start_clock()
        if hop.is_ip_literal:
            return host
        family = socket.AF_INET6 if hop.family == 6 else socket.AF_INET  # noqa: PLR2004 - the IP version
        found = await self._resources.resolver.resolve(host, family)
        if not found.addresses:
            raise NameNotResolved(f"{host}: no address", absent=True)
        if hop.previous_scope is None and address_scope(found.addresses[0]) is AddressScope.LINK_LOCAL:
            raise NameNotResolved(f"{host}: {found.addresses[0]} is a link-local address", absent=False)
        hop.start_clock(found.sent_at)
        hop.record_event(HopEvent.RESOLVED, found.answered_at)
        return found.addresses[0]

    def _new_hop(self, url: URL) -> HopTrace:
        literal = urls.ip_literal_family(url.raw_host or "")
        before = self._hops[-1].address if self._hops else None
        return HopTrace(
            url=urls.redacted_url(url),
            family=literal or self._request.family,
            uses_tls=url.scheme == "https",
            is_ip_literal=literal is not None,
            previous_scope=address_scope(before) if before else None,
        )

    async def _read_response(
        self, message: RawResponseMessage, content: StreamReader, hop: HopTrace, url: URL
    ) -> Response:
        """Record the response on the hop and read its body. The body of a redirect is not read, as in browsers."""
        headers = message.headers
        hop.status = message.code
        hop.http_version = message.version.major + message.version.minor / 10
        self._cookies.store(headers, url)
        location = urls.first_location(headers.getall("Location", ())) if message.code in REDIRECT_STATUSES else None
        hop.location = urls.redacted_location(url, location) if location else None
        response = Response(url=url, status=message.code, headers=headers, hops=tuple(self._hops))
        if location and self._request.max_redirects:
            return replace(response, location=location)
        if self._request.method != "HEAD":
            _reject_unrequested_encodings(headers)
        body, size = await _read_body(content, self._request.max_body_bytes, self._request.kept_body_bytes)
        charset = parse_charset(headers.get("Content-Type", ""))
        return replace(response, body=body, size_bytes=size, charset=charset)

    def _tls_context(self) -> ssl.SSLContext:
        try:
            return self._resources.tls_context(verify=self._request.verify_certificate)
        except (OSError, ssl.SSLError) as error:
            detail = f"trusted CA certificates cannot be read: {error.strerror}"
            raise ProbeFailed(Fault.INTERNAL_ERROR, detail) from error

    def _request_headers(self, url: URL) -> dict[str, str]:
        """Return the default headers and the configured ones. Credentials are sent only to the configured site."""
        default = {"User-Agent": self._resources.http_settings.user_agent, "Accept-Encoding": "gzip, deflate"}
        configured = dict(self._request.headers)
        if not urls.may_send_credentials(self._initial_url, url):
            return default | {name: text for name, text in configured.items() if name.lower() not in CREDENTIAL_HEADERS}
        if self._initial_url.user is not None:
            credentials = aiohttp.encode_basic_auth(self._initial_url.user, self._initial_url.password or "")
            return default | configured | {"Authorization": credentials}
        return default | configured


def _reject_unrequested_encodings(headers: CIMultiDictProxy[str]) -> None:
    """Refuse encodings that were not requested, the same under every Python, whether it can decode them or not."""
    named = {one.strip().lower() for value in headers.getall("Content-Encoding", ()) for one in value.split(",")}
    for unrequested in sorted(named & _UNREQUESTED_ENCODINGS):
        raise ProbeFailed(Fault.PROTOCOL, f"body in an encoding that was not requested: {unrequested}")


async def _read_body(content: StreamReader, max_bytes: int, kept_bytes: int) -> tuple[bytearray, int]:
    """Read the body to its end and return its first *kept_bytes* and its size. More than *max_bytes* is a fault.

    Bytes that will not be searched are counted and dropped, so that no portal can fill the memory.
    """
    body, size = bytearray(), 0
    try:
        async for chunk in content.iter_any():
            size += len(chunk)
            if size > max_bytes:
                raise ProbeFailed(Fault.BODY_TOO_LARGE, f"more than {max_bytes} bytes")
            if len(body) < kept_bytes:
                body += chunk[: kept_bytes - len(body)]
    except zlib.error as error:
        raise ProbeFailed(Fault.PROTOCOL, f"body cannot be decoded: {error}") from error
    return body, size


def summarize_hops(hops: Sequence[HopTrace]) -> dict[str, Scalar]:
    """Return the HTTP metrics of a fetch, as far as it came: phases summed over its hops, facts of its last hop."""
    if not hops:
        return {}
    last = hops[-1]
    values: dict[str, Scalar] = {}
    for hop in hops:
        for phase, seconds in hop.phases().items():
            values[f"{phase}_seconds"] = float(values.get(f"{phase}_seconds", 0.0)) + seconds
    if "resolve" in (first := hops[0].phases()):
        values["first_resolve_seconds"] = first["resolve"]
    values |= {"redirects": len(hops) - 1, "ssl": last.uses_tls, "final_url": last.url}
    values["bytes_wire"] = sum(hop.bytes_wire for hop in hops)
    known = {
        "status": last.status,
        "http_version": last.http_version,
        "address": last.address,
        "tls_version": last.tls_version,
    }
    values.update({name: value for name, value in known.items() if value is not None})
    values.update(certificates.metric_values(last.presented_chain, last.verified_chain))
    return values
