"""The ``uptime`` kind: one request; its status, headers, text, target and certificate are checked."""

from __future__ import annotations

import codecs
import re
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from probes.http.probe import HttpProbe, RegexPattern
from probes.http.urls import host_forms
from probes.net import certificates
from probes.result import Fault, ProbeFailed

if TYPE_CHECKING:
    from probes.http.client import Request, Response

BLOCK_PAGE_PATTERNS: tuple[str, ...] = (
    r"The requested URL was rejected\. Please consult with your administrator",
    r"<title>\s*Attention Required! \| Cloudflare",
    r"Incapsula incident ID",
    r"<title>\s*Access Denied\s*</title>[\s\S]{0,800}Reference\s*#",
    r"FortiGuard Intrusion Prevention",
    r"Sucuri WebSite Firewall",
)
"""Texts on the block pages of common web application firewalls, whatever the status code."""

_MAX_BLOCK_PAGE_BYTES = 65536
"""Block pages are short. Searching a long page for them would delay other probes for nothing."""

MAX_SEARCHED_BYTES = 1 << 19
"""Bytes of a page that are searched for expected and unwanted text. Decoded, they may take 16 times as much."""

_CHARSETS = re.compile(
    r"utf-?8|utf-?16(-[lb]e)?|ascii|iso8859-\d+|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc_.*"
)
"""Codecs of web pages, by Python's names. Python has others that are no character sets, some of them slow."""

_DAY_SECONDS = 86400.0


def _parse_status_ranges(value: object) -> object:
    """Accept 200, "200" or "200-299", alone or in a list."""
    items = value if isinstance(value, list | tuple) else [value]
    result = []
    for item in items:
        match = re.fullmatch(r"\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?", str(item))
        if match is None or (match[2] and match[2] < match[1]):
            raise ValueError(f"{item!r} is not a status code or a range such as 200-299")
        result.append(match[1] + (f"-{match[2]}" if match[2] else ""))
    return tuple(result)


StatusRanges = Annotated[tuple[str, ...], BeforeValidator(_parse_status_ranges), Field(min_length=1)]


class Uptime(HttpProbe):
    """Check that the portal responds as expected. Every key but ``url`` has a default for a public home page."""

    kind: ClassVar[str] = "uptime"

    method: Literal["GET", "HEAD"] = Field(default="GET", description="Request method.")
    status: StatusRanges = Field(default=("200-299",), description="Accepted status codes of the last hop.")
    header_matches: dict[str, RegexPattern] = Field(
        default_factory=dict, description="Regular expressions that response headers must match, by header name."
    )
    body_matches: tuple[RegexPattern, ...] = Field(
        default=(), description="Regular expressions that the first 512 KiB of the body must match."
    )
    body_not_matches: tuple[RegexPattern, ...] = Field(
        default=(), description="Regular expressions that the first 512 KiB of the body must not match."
    )
    redirects_to: str | None = Field(
        default=None, description="Host (or host:port) that this portal is expected to redirect to."
    )
    final_host: str | None = Field(default=None, description="Host (or host:port) that must send the last response.")
    min_certificate_days: float = Field(
        default=0.0, ge=0.0, description="Days for which the certificate and its verified chain must stay valid."
    )
    blocked_by: tuple[RegexPattern, ...] = Field(
        default=BLOCK_PAGE_PATTERNS, description="Regular expressions of the block pages of firewalls."
    )

    def build_request(self, family: int) -> Request:
        """Return the request with the configured method; keep only the part of the body that will be searched."""
        keep = MAX_SEARCHED_BYTES if self.body_matches or self.body_not_matches else _MAX_BLOCK_PAGE_BYTES
        return replace(super().build_request(family), method=self.method, kept_body_bytes=keep)

    def validate_response(self, response: Response) -> None:
        """Check the expectations, the most specific failure first."""
        text = _decode_body(response)
        if self._is_block_page(text[:_MAX_BLOCK_PAGE_BYTES]):
            raise ProbeFailed(Fault.BLOCKED, f"blocked by a firewall (status {response.status})")
        self._validate_target(response)
        if not any(_in_status_range(response.status, accepted) for accepted in self.status):
            raise ProbeFailed(Fault.HTTP_STATUS, f"status {response.status}, expected {', '.join(self.status)}")
        self._validate_content(response, text)
        self._validate_certificate(response)

    def _is_block_page(self, start: str) -> bool:
        """Search the page, composed only if it is not ASCII: composing costs more than searching."""
        return any(re.search(one, start if one.isascii() else _normalize(start)) for one in self.blocked_by)

    def _validate_target(self, response: Response) -> None:
        for wanted in filter(None, (self.redirects_to, self.final_host)):
            if wanted.rstrip(".").lower() not in host_forms(response.url):
                detail = f"ended at {response.url.host_port_subcomponent}, expected {wanted}"
                raise ProbeFailed(Fault.REDIRECT_TARGET, detail)
        if self.redirects_to and len(response.hops) < 2:  # noqa: PLR2004 - no redirect at all
            raise ProbeFailed(Fault.REDIRECT_TARGET, f"no redirect, expected one to {self.redirects_to}")

    def _validate_content(self, response: Response, text: str) -> None:
        for name, pattern in self.header_matches.items():
            if not any(re.search(pattern, value) for value in response.headers.getall(name, ())):
                raise ProbeFailed(Fault.BODY_MISMATCH, f"header {name} does not match {pattern!r}")
        if self.method == "HEAD" or not (self.body_matches or self.body_not_matches):
            return
        text = _normalize(text)
        for pattern in self.body_matches:
            if not re.search(_normalize(pattern), text):
                raise ProbeFailed(Fault.BODY_MISMATCH, f"body does not match {pattern!r}")
        for pattern in self.body_not_matches:
            if re.search(_normalize(pattern), text):
                raise ProbeFailed(Fault.BODY_MISMATCH, f"body matches {pattern!r}, which it must not")

    def _validate_certificate(self, response: Response) -> None:
        last = response.hops[-1]
        until = certificates.earliest_expiry(last.verified_chain or last.presented_chain[:1])
        if until is None or self.min_certificate_days == 0.0:
            return
        left = (until - time.time()) / _DAY_SECONDS
        if left < self.min_certificate_days:
            raise ProbeFailed(Fault.TLS_EXPIRED, f"certificate ends in {left:.1f} days")


def _in_status_range(status: int, accepted: str) -> bool:
    low, _, high = accepted.partition("-")
    return int(low) <= status <= int(high or low)


def _decode_body(response: Response) -> str:
    """Decode the body by its character set, or as UTF-8 when it names no known one."""
    try:
        codec = codecs.lookup(response.charset).name
    except (LookupError, ValueError):
        codec = "utf-8"
    return response.body.decode(codec if _CHARSETS.fullmatch(codec) else "utf-8", errors="replace")


def _normalize(text: str) -> str:
    """Compose characters: Vietnamese pages write the same word in either Unicode form."""
    return unicodedata.normalize("NFC", text)
