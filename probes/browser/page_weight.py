"""What one load weighed, whose bytes they were, and how often the page complained, from recorded DevTools events."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from probes.browser.network_log import NETWORK_EVENTS, DevToolsEvent, read_network_log

CONSOLE_EVENTS = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
"""The events that :func:`console_errors` reads, with ``Runtime.enable`` and ``Log.enable``."""

RECORDED_EVENTS = (*NETWORK_EVENTS, *CONSOLE_EVENTS)
"""All events to record for :func:`read_traffic`, in the order in which they come."""

_BLOCKED_BY_PROBER = re.compile("BLOCKED_BY_CLIENT|NETWORK_ACCESS_DENIED")

REGISTRY_LABELS = frozenset(
    {"ac", "biz", "co", "com", "edu", "gob", "gov", "gouv", "health", "id", "info", "int", "mil", "name", "net", "nom"}
    | {"or", "org", "pro", "re", "sch", "web"}
)
"""Second labels under a country's top label that are sold like a top label (``gov.vn``, ``co.uk``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWeight:
    """What a load weighed. ``third_party_ratio`` is the share of bytes from other owners' domains; None without bytes.

    A load starts with an empty cache, so this is the weight of a first visit. ``bytes_*`` are bytes on the wire with
    the heads of the answers, except ``bytes_decoded``: bodies after decompression. ``requests`` that our own blocking
    stopped are in none of the numbers; ``requests_failed`` leaves out the page itself, whose failure is the look's.
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
    """Weigh a load of the address ``page`` from its recorded events, console errors included."""
    exchanges = [each for each in read_network_log(events) if not each.blocked_by_prober]
    by_sort: Counter[str] = Counter()
    for each in exchanges:
        by_sort[each.resource_type] += each.transferred_bytes
    total, home = by_sort.total(), registrable_domain(page_url)
    foreign = sum(each.transferred_bytes for each in exchanges if registrable_domain(each.url) != home)
    return PageWeight(
        bytes_total=total,
        bytes_decoded=sum(each.decoded_bytes for each in exchanges),
        bytes_html=by_sort["html"],
        bytes_script=by_sort["script"],
        bytes_style=by_sort["style"],
        bytes_image=by_sort["image"],
        bytes_font=by_sort["font"],
        bytes_other=by_sort["other"],
        requests=len(exchanges),
        requests_failed=sum(each.ended_at is not None and not each.ok and not each.is_document for each in exchanges),
        third_party_ratio=foreign / total if total else None,
        console_errors=count_console_errors(events),
    )


def registrable_domain(url: str) -> str:
    """The registrable domain of an address by a rule of thumb instead of the public suffix list; an IP stays whole.

    The last two labels of the host, or three when the second to last is one that a country's registry sells under
    (``gov.vn``, ``com.vn``, ``co.uk``). So ``a.hanoi.gov.vn`` and ``b.hanoi.gov.vn`` are one owner, and two provinces
    that share nothing but ``gov.vn`` are two.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        labels = host.split(".")
    country = len(labels[-1]) == 2  # noqa: PLR2004 - ISO 3166 gives countries two letters
    sold = country and len(labels) > 1 and labels[-2] in REGISTRY_LABELS
    return ".".join(labels[-3:] if sold else labels[-2:])


def count_console_errors(events: Iterable[DevToolsEvent]) -> int:
    """How many errors the page left on its console: exceptions, ``console.error`` and ``assert``, Chromium's own.

    What our own blocking caused is not the page's fault and does not count.
    """
    return sum(map(_is_console_error, events))


def _is_console_error(event: DevToolsEvent) -> bool:
    method, params = event["method"], event["params"]
    if method == "Runtime.exceptionThrown":
        return True
    if method == "Runtime.consoleAPICalled":
        return params.get("type") in {"error", "assert"}
    if method == "Log.entryAdded":
        return params["entry"].get("level") == "error" and not _BLOCKED_BY_PROBER.search(
            str(params["entry"].get("text"))
        )
    return False
