"""Define the types of single values - names, URLs, endpoints, durations, zones - and validate them."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from yarl import URL

from monitor.config.diagnostics import did_you_mean
from probes.probe import Seconds, parse_seconds

PAGE_ROLES = ("home", "list", "search", *(f"service-{number}" for number in range(1, 26)))
"""The pages that a portal may have; ``service-N`` is the page of essential service N."""

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")
_ENDPOINT = re.compile(r"(?:\[(?P<literal>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>\d{1,5})")


def is_slug(value: str) -> bool:
    """Return whether *value* can be the id of a portal or the name of a group."""
    return bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", value))


def _slug(value: str) -> str:
    if not is_slug(value):
        raise ValueError(f"{value!r} is not a name of at most 64 lower case letters, digits and hyphens")
    return value


def _location(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,32}", value):
        raise ValueError(f"{value!r} is not a name of at most 32 lower case letters, digits and hyphens")
    return value


def _page_role(value: str) -> str:
    if value not in PAGE_ROLES:
        wanted = "home, list, search or service-1 to service-25"
        raise ValueError(f"{value!r} is not a page role: {wanted}{did_you_mean(value, PAGE_ROLES)}")
    return value


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return bool(_HOST.fullmatch(host)) and not host.replace(".", "").isdigit()
    return True


def http_url(value: str) -> str:
    """Return the URL unchanged. Raises ValueError unless it is an http or https URL with a valid host."""
    try:
        url = URL(value)
        good = url.scheme in {"http", "https"} and bool(url.raw_host and _is_host(url.raw_host) and url.port)
    except ValueError:
        good = False
    if not good or _UNPRINTABLE.search(value):
        raise ValueError(f"{value!r} is not an http or https URL")
    return value


def _page_path(value: str) -> str:
    if "://" in value:
        return http_url(value)
    if not value.startswith("/") or value.startswith("//") or _UNPRINTABLE.search(value):
        raise ValueError(f"{value!r} is not a path that starts with / and not an http or https URL")
    return value


def page_url(base: str, page: str) -> str:
    """Return the absolute URL of a page: a full URL unchanged, ``base`` for ``/``, a path appended to ``base``."""
    if "://" in page:
        return page
    if page == "/":
        return base
    return re.split(r"[?#]", base)[0].rstrip("/") + page


def parse_endpoint(value: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[::1]:port``. Raises ValueError."""
    match = _ENDPOINT.fullmatch(value)
    if match is None or not _is_host(match["literal"] or match["host"]) or int(match["port"]) > 65535:  # noqa: PLR2004
        raise ValueError(f"{value!r} is not a host:port such as 127.0.0.1:9797 or [::1]:9797")
    return match["literal"] or match["host"], int(match["port"])


def _remote_endpoint(value: str) -> str:
    if parse_endpoint(value)[1] == 0:
        raise ValueError(f"{value!r} is not a host:port with a port from 1 to 65535")
    return value


def _host(value: str) -> str:
    try:
        return value.lower() if _is_host(value) else _remote_endpoint(value).lower()
    except ValueError:
        raise ValueError(f"{value!r} is not a host such as dichvucong.gov.vn, alone or with :port") from None


def _name_server(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        try:
            host, port = parse_endpoint(value)
            ipaddress.ip_address(host)
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError(f"{value!r} is not an IP address, alone or with :port") from None
    return value


def _time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
        if not known:
            hint = "there are no time zones here; install the tzdata package"
            raise ValueError(f"{value!r} is not known: {hint}") from None
        raise ValueError(f"{value!r} is not an IANA time zone{did_you_mean(value, known)}") from None
    return value


def accepted_by(parse: Callable[[str], object]) -> AfterValidator:
    """Return a validator that leaves a text unchanged, and raises what *parse* raises for it."""

    def check(value: str) -> str:
        parse(value)
        return value

    return AfterValidator(check)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def unique_names(plural: str) -> AfterValidator:
    """Return a validator that rejects blocks of the same name in a list; *plural* names the blocks in the message."""

    def check(value: tuple[_Named, ...]) -> tuple[_Named, ...]:
        if len({block.name for block in value}) < len(value):
            raise ValueError(f"two {plural} have the same name")
        return value

    return AfterValidator(check)


def all_or_list(expected: str) -> BeforeValidator:
    """Return a validator that rejects texts other than ``all``; *expected* names the list in the message."""

    def check(value: object) -> object:
        if isinstance(value, str) and value != "all":
            raise ValueError(f"{value!r} is not a list of {expected}, or all")
        return value

    return BeforeValidator(check, json_schema_input_type=Literal["all"] | tuple[str, ...])


Slug = Annotated[str, AfterValidator(_slug)]
Location = Annotated[str, AfterValidator(_location)]
PageRole = Annotated[str, AfterValidator(_page_role)]
HttpUrl = Annotated[str, AfterValidator(http_url)]
PagePath = Annotated[str, AfterValidator(_page_path)]
Endpoint = Annotated[str, accepted_by(parse_endpoint)]
RemoteEndpoint = Annotated[str, AfterValidator(_remote_endpoint)]
Host = Annotated[str, AfterValidator(_host)]
NameServer = Annotated[str, AfterValidator(_name_server)]
_ALL_OR_LIST = Discriminator(lambda value: "<all>" if value == "all" else "<list>")
PageSelection = Annotated[
    Annotated[Literal["all"], Tag("<all>")] | Annotated[tuple[PageRole, ...], Tag("<list>")],
    _ALL_OR_LIST,
    all_or_list("pages such as [home, search]"),
]
PortalSelection = Annotated[
    Annotated[Literal["all"], Tag("<all>")] | Annotated[tuple[Slug, ...], Tag("<list>")],
    _ALL_OR_LIST,
    all_or_list("ids of portals"),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Duration = Seconds
CheckInterval = Annotated[float, Field(ge=1, le=86400), BeforeValidator(parse_seconds)]
