"""Page weight, third-party bytes and console errors of one load, from recorded DevTools events."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from probes.browser.network_log import DevToolsEvent, read_network_log

CONSOLE_EVENTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
"""The events that :func:`count_console_errors` reads, with ``Runtime.enable`` and ``Log.enable``."""

_BLOCKED_BY_PROBER = re.compile("BLOCKED_BY_CLIENT|NETWORK_ACCESS_DENIED")

REGISTRY_LABELS = frozenset(
    {"ac", "biz", "co", "com", "edu", "gob", "gov", "gouv", "health", "id", "info", "int", "mil", "name", "net", "nom"}
    | {"or", "org", "pro", "re", "sch", "web"}
)
"""Second-level labels under a country's TLD below which registries register domains (``gov.vn``, ``co.uk``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWeight:
    """Hold the weight of a load. ``third_party_ratio`` is the share of bytes from other domains; None without bytes.

    A load starts with an empty cache. ``bytes_*`` are bytes on the wire with response headers, except
    ``bytes_decoded``: bodies after decompression. Requests that the prober itself blocked count nowhere;
    ``requests_failed`` excludes the page itself, whose failure is that of the probe.
    """

    bytes_total: int
    bytes_decoded: int
    bytes_html: int
    bytes_script: int
    bytes_style: int
    bytes_image: int
    bytes_font: int
    bytes_other: int
    requests: int
    requests_failed: int
    third_party_ratio: float | None
    console_errors: int


def read_page_weight(events: Sequence[DevToolsEvent], page_url: str) -> PageWeight:
    """Compute the page weight of *page_url* from its recorded events, with console errors."""
    requests = [request for request in read_network_log(events) if not request.blocked_by_prober]
    by_type: Counter[str] = Counter()
    for request in requests:
        by_type[request.resource_type] += request.transferred_bytes
    total, domain = by_type.total(), registrable_domain(page_url)
    third_party = sum(request.transferred_bytes for request in requests if registrable_domain(request.url) != domain)
    return PageWeight(
        bytes_total=total,
        bytes_decoded=sum(request.decoded_bytes for request in requests),
        bytes_html=by_type["html"],
        bytes_script=by_type["script"],
        bytes_style=by_type["style"],
        bytes_image=by_type["image"],
        bytes_font=by_type["font"],
        bytes_other=by_type["other"],
        requests=len(requests),
        requests_failed=sum(each.ended_at is not None and not each.ok and not each.is_document for each in requests),
        third_party_ratio=third_party / total if total else None,
        console_errors=count_console_errors(events),
    )


def registrable_domain(url: str) -> str:
    """Return the registrable domain of *url* by a simple rule instead of the public suffix list; an IP stays whole.

    These are the last two labels of the host, or three when registries register domains below the second to last
    (``gov.vn``, ``com.vn``, ``co.uk``). So ``a.hanoi.gov.vn`` and ``b.hanoi.gov.vn`` have one owner, and two provinces
    that share only ``gov.vn`` have two.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
    country = len(labels[-1]) == 2  # noqa: PLR2004 - ISO 3166 gives countries two letters
    third_level = country and len(labels) > 1 and labels[-2] in REGISTRY_LABELS
    return ".".join(labels[-3:] if third_level else labels[-2:])


def count_console_errors(events: Iterable[DevToolsEvent]) -> int:
    """Count the errors on the page's console: exceptions, ``console.error`` and ``assert``, Chromium's own.

    Errors that the prober's own blocking caused do not count.
    """
    return sum(map(_is_console_error, events))


def _is_console_error(event: DevToolsEvent) -> bool:
    method, params = event["method"], event["params"]
    if method == "Runtime.exceptionThrown":
        return True
    if method == "Runtime.consoleAPICalled":
        return params.get("type") in {"error", "assert"}
    if method == "Log.entryAdded":
        entry = params["entry"]
        return entry.get("level") == "error" and not _BLOCKED_BY_PROBER.search(str(entry.get("text")))
    return False
