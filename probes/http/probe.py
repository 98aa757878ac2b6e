"""What uptime and latency share: their common keys, and how two address families become one verdict."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from yarl import URL

from probes.http.client import Request, Response, fetch, summarize_hops
from probes.http.metrics import HTTP_METRICS
from probes.http.urls import ip_literal_family, is_http_url
from probes.metric import Metric
from probes.net.resolver import NameNotResolved
from probes.net.sockets import NoRoute, has_route
from probes.probe import Probe
from probes.result import Fault, ProbeFailed

if TYPE_CHECKING:
    from typing import Self

    from probes.resources import ProbeResources
    from probes.result import Scalar
    from probes.trace import HopTrace, Trace

_IPV6_ROUTE_TARGET = ("2001:db8::1", 443)
"""The documentation prefix (RFC 3849): asking the kernel for a route to it sends nothing."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def _validate_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        msg = f"{pattern!r} is not a regular expression: {error}"
        raise ValueError(msg) from None
    return pattern


RegexPattern = Annotated[str, AfterValidator(_validate_pattern)]


class HttpProbe(Probe):
    """Common keys of the HTTP kinds. A look walks each wanted family once; the first that succeeds gives the phases."""

    metrics: ClassVar[tuple[Metric, ...]] = HTTP_METRICS

    family: Literal["auto", "4", "6"] = Field(
        default="auto", description="IP versions to look over; auto: each one that the name has and this host routes."
    )
    family_policy: Literal["any", "all"] = Field(
        default="any", description="Whether one good family is enough, or every family must be good."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Extra request headers. Authorization and Cookie stay with this host when a redirect leads away.",
    )
    verify_certificate: bool = Field(default=True, description="Whether an invalid certificate is a failure.")
    max_redirects: int = Field(
        default=10, ge=0, le=50, description="Redirects to follow at most; 0: a redirect is judged as the answer."
    )
    max_body: int = Field(default=10_000_000, gt=0, description="Longest body accepted, in decoded bytes.")

    @field_validator("url")
    @classmethod
    def _validate_url(cls, value: str) -> str:
        try:
            url = URL(value)
            good = is_http_url(url) and ":" not in (url.user or "")
        except ValueError:
            good = False
        if not good:
            msg = f"{value!r} is not an http or https address"
            raise ValueError(msg)
        return value

    @field_validator("family", mode="before")
    @classmethod
    def _parse_family(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("headers")
    @classmethod
    def _validate_headers(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
                msg = f"{name!r} is not a header that can be sent: odd characters in its name or value"
                raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _validate_family(self) -> Self:
        literal = ip_literal_family(URL(self.url).raw_host or "")
        if literal and self.family not in {"auto", str(literal)}:
            raise ValueError(f"family {self.family} is asked for, but the address in url is of IPv{literal}")
        return self

    @property
    def deadline(self) -> float:
        """Two families are walked one after the other, since a host is never looked at twice at a time."""
        return self.timeout * (2 if self.family == "auto" else 1) + 1.0

    def validate_response(self, response: Response) -> None:
        """Raise :class:`Failed` when the answer is not what a citizen should get."""
        if not 200 <= response.status < 300:  # noqa: PLR2004 - the class of success, RFC 9110
            raise ProbeFailed(Fault.HTTP_STATUS, f"status {response.status}")

    def build_request(self, family: int) -> Request:
        """The request over one family."""
        return Request(
            url=self.url,
            headers=self.headers,
            family=family,
            timeout_seconds=self.timeout,
            max_redirects=self.max_redirects,
            max_body_bytes=self.max_body,
            kept_body_bytes=0,
            verify_certificate=self.verify_certificate,
        )

    async def run(self, trace: Trace, resources: ProbeResources) -> None:
        """Walk every wanted family, then let the policy decide which walk speaks for the look."""
        walked = seen = await self._fetch_families(trace, resources)
        if len(walked) > 1:
            seen = _results_that_count(walked)
            trace.hops[:] = [hop for one in seen for hop in one.hops]
        speaker = _select_by_policy(seen, self.family_policy)
        for one in seen:
            if one.hops:
                trace.set_values(**{f"ipv{one.family}_seconds": one.duration_seconds})
            if one.fault is not Fault.PROBER:
                trace.set_values(**{f"ipv{one.family}_success": one.fault is None})
        trace.set_values(**speaker.values)
        trace.phase = speaker.phase
        if speaker.fault is not None:
            raise ProbeFailed(speaker.fault, speaker.detail)

    async def _fetch_families(self, trace: Trace, resources: ProbeResources) -> list[FamilyResult]:
        """One walk per wanted family; ``auto`` skips IPv6 where this host has none, unless the name has no IPv4."""
        literal = ip_literal_family(URL(self.url).raw_host or "")
        if literal or self.family != "auto":
            return [await self._fetch_family(literal or int(self.family), trace, resources)]
        walked = [await self._fetch_family(4, trace, resources)]
        if walked[0].absent or has_route(socket.AF_INET6, _IPV6_ROUTE_TARGET):
            walked.append(await self._fetch_family(6, trace, resources))
        return walked

    async def _fetch_family(self, family: int, trace: Trace, resources: ProbeResources) -> FamilyResult:
        """One walk and its verdict. It keeps no exception, since those hold on to frames, and frames to bodies."""
        first = len(trace.hops)
        one = FamilyResult(family=family, hops=[], values={})
        ask = self.build_request(family)
        try:
            answer = await fetch(ask, trace, resources)
        except ProbeFailed as error:
            cause = _underlying_error(error)
            one.fault, one.detail = error.fault, error.detail
            one.absent = isinstance(cause, NameNotResolved) and cause.absent
            one.no_route = isinstance(cause, NoRoute)
            redirect = error.fault in {Fault.REDIRECT_LOOP, Fault.REDIRECT_TARGET}
            one.phase = "" if redirect else (trace.current_phase() if len(trace.hops) > first else None)
        else:
            if ask.method != "HEAD":
                one.values["bytes_body"] = answer.size_bytes
            if (announced := _content_length(answer)) is not None:
                one.values["content_length"] = announced
            try:
                self.validate_response(answer)
            except ProbeFailed as error:
                one.fault, one.detail, one.phase = error.fault, error.detail, ""
        one.hops = trace.hops[first:]
        one.values |= summarize_hops(one.hops)
        if one.hops:
            one.values["ip_family"] = family
        return one


@dataclass(slots=True, kw_only=True)
class FamilyResult:
    """What became of one walk. ``absent``: the name has no such address; ``unrouted``: this host cannot go there."""

    family: int
    hops: list[HopTrace]
    values: dict[str, Scalar]
    fault: Fault | None = None
    detail: str = ""
    phase: str | None = None
    absent: bool = False
    no_route: bool = False

    @property
    def duration_seconds(self) -> float:
        return sum(spent for hop in self.hops for spent in hop.phases().values())

    @property
    def is_unavailable(self) -> bool:
        """There was nothing to look at over this family, and that is nobody's failure."""
        return (self.absent or self.no_route) and len(self.hops) == 1


def _results_that_count(results: list[FamilyResult]) -> list[FamilyResult]:
    """The walks that count, when every family was tried: a name with one family is not half broken.

    A name server that answers for IPv4 and fails for IPv6 (many do) hides no address that a citizen could use.
    """
    four, six = results
    if not four.is_unavailable and (six.is_unavailable or (six.fault is Fault.DNS and len(six.hops) == 1)):
        return [four]
    if not six.is_unavailable and four.is_unavailable:
        return [six]
    if four.is_unavailable and six.is_unavailable:
        return [six if six.no_route else four]
    return results


def _select_by_policy(results: list[FamilyResult], policy: str) -> FamilyResult:
    """The walk that gives the verdict. Where we could not see, ``any`` cannot say down and ``all`` cannot say up."""
    good = [one for one in results if one.fault is None]
    ours = [one for one in results if one.fault is Fault.PROBER]
    theirs = [one for one in results if one not in good and one not in ours]
    return ([*good, *ours, *theirs] if policy == "any" else [*theirs, *ours, *good])[0]


def _underlying_error(error: BaseException) -> BaseException | None:
    """The operating system's or resolver's error under a verdict."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, OSError | NameNotResolved):
        cause = cause.__cause__
    return getattr(cause, "os_error", cause)


def _content_length(response: Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - int64
