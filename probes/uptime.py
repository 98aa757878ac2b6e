"""The ``uptime`` kind: one request, judged by the status, headers, text, target and certificate expected."""

from __future__ import annotations

import codecs
import re
import time
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from probes.http.probe import HttpProbe, Pattern
from probes.http.urls import host_forms
from probes.net import certificates
from probes.result import Failed, Fault

if TYPE_CHECKING:
    from probes.http.client import Answer, Ask

BLOCK_PAGES: tuple[str, ...] = (
    r"The requested URL was rejected\. Please consult with your administrator",
    r"<title>\s*Attention Required! \| Cloudflare",
    r"Incapsula incident ID",
    r"<title>\s*Access Denied\s*</title>[\s\S]{0,800}Reference\s*#",
    r"FortiGuard Intrusion Prevention",
    r"Sucuri WebSite Firewall",
)
"""Texts by which common web application firewalls tell a client that it was refused, whatever the status says."""

_BLOCK_PAGE = 65536
"""Block pages are short. Looking for them in a long page would hold up other looks for nothing."""

SEARCHED = 1 << 19
"""Bytes of a page in which expected and unwanted words are looked for. As text they may take sixteen times as much."""

_CHARSETS = re.compile(
    r"utf-?8|utf-?16(-[lb]e)?|ascii|iso8859-\d+|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc_.*"
)
"""Codecs of web pages, by Python's names. Python has others that are no character sets, and slow ones among them."""

_DAY = 86400.0


def _ranges(value: object) -> object:
    """Accept 200, "200" or "200-299", alone or in a list."""
    items = value if isinstance(value, list | tuple) else [value]
    result = []
    for item in items:
        match = re.fullmatch(r"\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?", str(item))
        if match is None or (match[2] and match[2] < match[1]):
            msg = f"{item!r} is not a status code or a range such as 200-299"
            raise ValueError(msg)
        result.append(match[1] + (f"-{match[2]}" if match[2] else ""))
    return tuple(result)


StatusRanges = Annotated[tuple[str, ...], BeforeValidator(_ranges), Field(min_length=1)]


class Uptime(HttpProbe):
    """Does the portal answer as it should? Every key but ``url`` has a default that suits a public home page."""

    kind: ClassVar[str] = "uptime"

    method: Literal["GET", "HEAD"] = Field(default="GET", description="Request method.")
    status: StatusRanges = Field(default=("200-299",), description="Accepted status codes of the last hop.")
    header_matches: dict[str, Pattern] = Field(
        default_factory=dict, description="Regular expressions that answer headers must match, by header name."
    )
    body_matches: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions that the first 512 KiB of the body must match."
    )
    body_lacks: tuple[Pattern, ...] = Field(
        default=(), description="Regular expressions that the first 512 KiB of the body must not match."
    )
    redirects_to: str | None = Field(
        default=None, description="Host (or host:port) that this portal is expected to redirect to."
    )
    final_host: str | None = Field(default=None, description="Host (or host:port) that must give the last answer.")
    certificate_days: float = Field(
        default=0.0,
        ge=0.0,
        description="Days for which the certificate and the chain that vouches for it must stay valid.",
    )
    blocked_by: tuple[Pattern, ...] = Field(
        default=BLOCK_PAGES, description="Regular expressions of pages by which a firewall refuses us."
    )

    def ask(self, family: int) -> Ask:
        """Ask with the configured method, for as much of the body as will be searched."""
        keep = SEARCHED if self.body_matches or self.body_lacks else _BLOCK_PAGE
        return replace(super().ask(family), method=self.method, keep=keep)

    def judge(self, answer: Answer) -> None:
        """Check the expectations, the most telling failure first."""
        text = _text(answer)
        if self._blocked(text[:_BLOCK_PAGE]):
            raise Failed(Fault.BLOCKED, f"a firewall refused this look (status {answer.status})")
        self._judge_target(answer)
        if not any(_within(answer.status, accepted) for accepted in self.status):
            raise Failed(Fault.HTTP_STATUS, f"status {answer.status}, expected {', '.join(self.status)}")
        self._judge_words(answer, text)
        self._judge_certificate(answer)

    def _blocked(self, start: str) -> bool:
        """Composing a page costs more than to search it, so it waits for a pattern that could tell the difference."""
        return any(re.search(one, start if one.isascii() else _composed(start)) for one in self.blocked_by)

    def _judge_target(self, answer: Answer) -> None:
        for wanted in filter(None, (self.redirects_to, self.final_host)):
            if wanted.rstrip(".").lower() not in host_forms(answer.url):
                raise Failed(Fault.REDIRECT_TARGET, f"ended at {answer.url.host_port_subcomponent}, expected {wanted}")
        if self.redirects_to and len(answer.hops) < 2:  # noqa: PLR2004 - no redirect at all
            raise Failed(Fault.REDIRECT_TARGET, f"answered itself, expected a redirect to {self.redirects_to}")

    def _judge_words(self, answer: Answer, text: str) -> None:
        for name, pattern in self.header_matches.items():
            if not any(re.search(pattern, value) for value in answer.headers.getall(name, ())):
                raise Failed(Fault.BODY_MISMATCH, f"header {name} does not match {pattern!r}")
        if self.method == "HEAD" or not (self.body_matches or self.body_lacks):
            return
        text = _composed(text)
        for pattern in self.body_matches:
            if not re.search(_composed(pattern), text):
                raise Failed(Fault.BODY_MISMATCH, f"body does not match {pattern!r}")
        for pattern in self.body_lacks:
            if re.search(_composed(pattern), text):
                raise Failed(Fault.BODY_MISMATCH, f"body matches {pattern!r}, which it must not")

    def _judge_certificate(self, answer: Answer) -> None:
        last = answer.hops[-1]
        until = certificates.valid_until(last.verified or last.presented[:1])
        if until is None or self.certificate_days == 0.0:
            return
        left = (until - time.time()) / _DAY
        if left < self.certificate_days:
            raise Failed(Fault.TLS_EXPIRED, f"certificate ends in {left:.1f} days")


def _within(status: int, accepted: str) -> bool:
    low, _, high = accepted.partition("-")
    return int(low) <= status <= int(high or low)


def _text(answer: Answer) -> str:
    """The body by its character set, or as UTF-8 when that is none."""
    try:
        codec = codecs.lookup(answer.charset).name
    except (LookupError, ValueError):
        codec = "utf-8"
    if not _CHARSETS.fullmatch(codec):
        codec = "utf-8"
    return answer.body.decode(codec, errors="replace")


def _composed(text: str) -> str:
    """Composed characters: Vietnamese pages write the same word in either Unicode form."""
    return unicodedata.normalize("NFC", text)
