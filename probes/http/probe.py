"""The base of ``uptime`` and ``latency``: their common keys, and how two address families give one result."""

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
"""The documentation prefix (RFC 3849): a route lookup for it sends nothing."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


def _validate_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return pattern


RegexPattern = Annotated[str, AfterValidator(_validate_pattern)]


class HttpProbe(Probe):
    """Define the common keys of the HTTP kinds. An attempt fetches the URL once over each address family."""

    metrics: ClassVar[tuple[Metric, ...]] = HTTP_METRICS

    family: Literal["auto", "4", "6"] = Field(
        default="auto", description="IP versions to probe; auto: each one that the name has and this host routes."
    )
    family_policy: Literal["any", "all"] = Field(
        default="any", description="Whether one successful family is enough, or every family must succeed."
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Extra request headers. Authorization and Cookie stay with this host when a redirect leads away.",
    )
    verify_certificate: bool = Field(default=True, description="Whether an invalid certificate is a failure.")
    max_redirects: int = Field(
        default=10, ge=0, le=50, description="Redirects to follow at most; 0: a redirect is checked as the response."
    )
    max_body: int = Field(default=10_000_000, gt=0, description="Longest body accepted, in decoded bytes.")

    @field_validator("url")
    @classmethod
    def _validate_url(cls, value: str) -> str:
        try:
            url = URL(value)
            valid = is_http_url(url) and ":" not in (url.user or "")
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"{value!r} is not an http or https URL")
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
                raise ValueError(f"{name!r} is not a header that can be sent: odd characters in its name or value")
        return value

    @model_validator(mode="after")
    def _validate_family(self) -> Self:
        literal = ip_literal_family(URL(self.url).raw_host or "")
        if literal and self.family not in {"auto", str(literal)}:
            raise ValueError(f"family is {self.family}, but the host of url is an IPv{literal} address")
        return self

    @property
    def deadline(self) -> float:
        """Return the limit for all families. They run in turn, so that a host is never probed twice at once."""
        return self.timeout * (2 if self.family == "auto" else 1) + 1.0

    def validate_response(self, response: Response) -> None:
        """Raise :class:`ProbeFailed` when the response is not as expected."""
        if not 200 <= response.status < 300:  # noqa: PLR2004 - the class of success, RFC 9110
            raise ProbeFailed(Fault.HTTP_STATUS, f"status {response.status}")

    def build_request(self, family: int) -> Request:
        """Return the request for one address family."""
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
        """Fetch over every configured family; the policy selects the family that gives the result."""
        results = await self._fetch_families(trace, resources)
        if len(results) > 1:
            results = _results_that_count(results)
            trace.hops[:] = [hop for result in results for hop in result.hops]
        selected = _select_by_policy(results, self.family_policy)
        for result in results:
            if result.hops:
                trace.set_values(**{f"ipv{result.family}_seconds": result.duration_seconds})
            if result.fault is not Fault.INTERNAL_ERROR:
                trace.set_values(**{f"ipv{result.family}_success": result.fault is None})
        trace.set_values(**selected.values)
        trace.phase = selected.phase
        if selected.fault is not None:
            raise ProbeFailed(selected.fault, selected.detail)

    async def _fetch_families(self, trace: Trace, resources: ProbeResources) -> list[FamilyResult]:
        """Fetch over each configured family; ``auto`` skips IPv6 on a host without it, unless the name has no IPv4."""
        literal = ip_literal_family(URL(self.url).raw_host or "")
        if literal or self.family != "auto":
            return [await self._fetch_family(literal or int(self.family), trace, resources)]
        results = [await self._fetch_family(4, trace, resources)]
        if results[0].absent or has_route(socket.AF_INET6, _IPV6_ROUTE_TARGET):
            results.append(await self._fetch_family(6, trace, resources))
        return results

    async def _fetch_family(self, family: int, trace: Trace, resources: ProbeResources) -> FamilyResult:
        """Fetch over one family and check the response. No exception is kept: it would reference frames and bodies."""
        first = len(trace.hops)
        result = FamilyResult(family=family, hops=[], values={})
        request = self.build_request(family)
        try:
            response = await fetch(request, trace, resources)
        except ProbeFailed as error:
            cause = _underlying_error(error)
            result.fault, result.detail = error.fault, error.detail
            result.absent = isinstance(cause, NameNotResolved) and cause.absent
            result.no_route = isinstance(cause, NoRoute)
            redirect = error.fault in {Fault.REDIRECT_LOOP, Fault.REDIRECT_TARGET}
            result.phase = "" if redirect else (trace.current_phase() if len(trace.hops) > first else None)
        else:
            if request.method != "HEAD":
                result.values["bytes_body"] = response.size_bytes
            if (announced := _content_length(response)) is not None:
                result.values["content_length"] = announced
            try:
                self.validate_response(response)
            except ProbeFailed as error:
                result.fault, result.detail, result.phase = error.fault, error.detail, ""
        result.hops = trace.hops[first:]
        result.values |= summarize_hops(result.hops)
        if result.hops:
            result.values["ip_family"] = family
        return result


@dataclass(slots=True, kw_only=True)
class FamilyResult:
    """Hold the result of one family. ``absent``: the name has no such address; ``no_route``: the host has none."""

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
        """Return the time of all hops."""
        return sum(spent for hop in self.hops for spent in hop.phases().values())

    @property
    def is_unavailable(self) -> bool:
        """Return whether this family cannot be probed, which is not a failure of the portal."""
        return (self.absent or self.no_route) and len(self.hops) == 1


def _results_that_count(results: list[FamilyResult]) -> list[FamilyResult]:
    """Return the results that count when both families were tried: a name with one family is not half broken.

    A name server that responds for IPv4 and fails for IPv6 (many do) hides no address that a client could use.
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
    """Return the result that decides. An internal error prevents down under ``any`` and up under ``all``."""
    good = [result for result in results if result.fault is None]
    internal = [result for result in results if result.fault is Fault.INTERNAL_ERROR]
    failed = [result for result in results if result not in good and result not in internal]
    return ([*good, *internal, *failed] if policy == "any" else [*failed, *internal, *good])[0]


def _underlying_error(error: BaseException) -> BaseException | None:
    """Return the error of the operating system or the resolver that caused a failure."""
    cause = error.__cause__
    while cause is not None and not isinstance(cause, OSError | NameNotResolved):
        cause = cause.__cause__
    return getattr(cause, "os_error", cause)


def _content_length(response: Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - int64
