"""URLs: validity, redirect targets, credentials, and redaction; pure functions."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING

from yarl import URL

from probes.result import Fault, ProbeFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_URL_LENGTH = 512
_PATH_PARAMETERS = re.compile(r";[^/]*")
"""Java servers write the client's session there (``;jsessionid=...``): secret, and different in every attempt."""

_AUTHORITY = re.compile(r"(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/?#]*")
_HOST = re.compile(r"[a-zA-Z0-9._-]+|[0-9a-fA-F:.]+(?:%[^\s]+)?")

_NUMERIC_LABEL = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
"""A last label with which browsers parse the whole host as an IPv4 address (the URL standard)."""

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")

_DEFAULT_PORTS = {"http": 80, "https": 443}


@functools.lru_cache(maxsize=4096)
def ip_literal_family(host: str) -> int | None:
    """Return 4 or 6 for a host that is an IP address, None for a name."""
    try:
        return ipaddress.ip_address(host).version
    except ValueError:
        return None


def is_http_url(url: URL) -> bool:
    """Return whether *url* is an http or https URL with a valid host. ``127.1`` and ``0x7f.1`` are not valid."""
    host = url.raw_host or ""
    last = host.rstrip(".").rpartition(".")[2]
    numeric = _NUMERIC_LABEL.fullmatch(last) is not None and ip_literal_family(host) is None
    usable = bool(last) and not numeric and _HOST.fullmatch(host) is not None
    return url.scheme in _DEFAULT_PORTS and usable and bool(url.port)


@functools.lru_cache(maxsize=4096)
def redacted_url(url: URL) -> str:
    """Return *url* without user, password, query, fragment and path parameters: those hold secrets or have no limit."""
    path = _PATH_PARAMETERS.sub("", url.raw_path)
    return str(url.with_user(None).with_path(path, encoded=True))[:_MAX_URL_LENGTH]


def strip_credentials(url: str) -> str:
    """Return *url* without user and password; the rest is unchanged, so that it still opens."""
    return _USERINFO.sub("", url)


def host_forms(url: URL) -> set[str]:
    """Return the forms in which an operator may write the host of *url*, each with and without its port."""
    names = {name.rstrip(".").lower() for name in (url.host, url.raw_host) if name}
    names |= {f"[{name}]" for name in names if ":" in name}
    return names | {f"{name}:{url.port}" for name in names}


def may_send_credentials(source: URL, target: URL) -> bool:
    """Return whether credentials of *source* may go to *target*: same host, no downgrade, default or equal ports."""
    default = source.port == _DEFAULT_PORTS.get(source.scheme) and target.port == _DEFAULT_PORTS.get(target.scheme)
    downgrade = source.scheme == "https" and target.scheme == "http"
    return source.host == target.host and not downgrade and (default or source.port == target.port)


def first_location(values: Sequence[str]) -> str | None:
    """Return the first Location that is not empty. Browsers show the page of a redirect without a target."""
    return next((value.strip() for value in values if value.strip()), None)


def redirect_target(base: URL, location: str) -> URL:
    """Return the next URL, without user, password and fragment. Raises ProbeFailed if it is not http or https."""
    try:
        url = base.join(_parse_location(location))
        valid = is_http_url(url)
    except ValueError:
        raise ProbeFailed(Fault.REDIRECT_TARGET, "redirect to an invalid URL") from None
    if not valid:
        scheme = url.scheme if url.scheme not in _DEFAULT_PORTS else "a URL without a valid host"
        raise ProbeFailed(Fault.REDIRECT_TARGET, f"redirect to {scheme[:40] or 'nowhere'}")
    return url.with_user(None).with_fragment(None)


def redacted_location(base: URL, location: str) -> str:
    """Return a Location for storage: its target without secrets, or the scheme alone if it is not http or https."""
    try:
        url = base.join(_parse_location(location))
        return redacted_url(url) if is_http_url(url) else f"{url.scheme[:40]}:"
    except ValueError:
        return "?"


def _parse_location(location: str) -> URL:
    """Parse a Location. Encoded parts stay as the server wrote them; the rest is encoded byte by byte, as browsers do.

    aiohttp represents bytes that are not UTF-8 as surrogates; old pages write Location in legacy code pages, and the
    server that wrote such bytes expects the same bytes.
    """
    match = _AUTHORITY.match(location)
    rest = location[match.end() :] if match else location
    escaped = "".join(_percent_encode(byte) for byte in rest.encode("utf-8", "surrogateescape"))
    if match is None:
        return URL(escaped, encoded=True)
    authority = str(URL(match[0] + "/")).removesuffix("/")  # parsed separately, a host gets its IDNA form
    return URL(authority + ("" if escaped[:1] in {"", "/"} else "/") + escaped, encoded=True)


def _percent_encode(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}"  # noqa: PLR2004 - what ASCII can print
