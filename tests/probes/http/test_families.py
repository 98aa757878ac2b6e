"""IPv4 and IPv6 are probed separately; the policy decides, and a missing family is not a failure."""
# ruff: noqa: ANN401 - a script or nothing at all
# ruff: noqa: FBT001 - parametrize passes by name
# ruff: noqa: PLR0917 - the same

from __future__ import annotations

import errno
import socket
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from probes.http import probe
from probes.http.probe import FamilyResult, _select_by_policy
from probes.net import sockets
from probes.result import Fault, Outcome
from probes.uptime import Uptime
from tests.servers.dns import SERVFAIL, Reply
from tests.servers.ports import free_port
from tests.servers.raw import RawServer, answer, redirect

if TYPE_CHECKING:
    from tests.servers.dns import NameServer

ProbeUrl = Any

GOOD, SICK = [answer()], [answer(b"", status="500 No")]


@pytest.fixture(autouse=True)
def _a_host_with_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the kernel for a route to loopback instead of the Internet: what runs these tests may have no IPv6 beyond."""
    monkeypatch.setattr(probe, "_IPV6_ROUTE_TARGET", ("::1", 443))


@pytest.fixture(params=[("127.0.0.1", "::1")])
async def both(request: pytest.FixtureRequest, names: NameServer) -> str:
    names.add("both.test", a="127.0.0.1", aaaa="::1")
    return "both.test"


CASES = [
    ("both good", GOOD, GOOD, "any", None, 4, True, True),
    ("both good", GOOD, GOOD, "all", None, 4, True, True),
    ("IPv6 sick", GOOD, SICK, "any", None, 4, True, False),
    ("IPv6 sick", GOOD, SICK, "all", Fault.HTTP_STATUS, 6, True, False),
    ("IPv4 sick", SICK, GOOD, "any", None, 6, False, True),
    ("IPv4 sick", SICK, GOOD, "all", Fault.HTTP_STATUS, 4, False, True),
    ("both sick", SICK, SICK, "any", Fault.HTTP_STATUS, 4, False, False),
    ("IPv6 refuses", GOOD, None, "any", None, 4, True, False),
    ("IPv6 refuses", GOOD, None, "all", Fault.CONNECT_REFUSED, 6, True, False),
    ("IPv4 refuses", None, GOOD, "any", None, 6, False, True),
]


@pytest.mark.parametrize(
    ("four", "six", "policy", "fault", "selected", "good4", "good6"),
    [row[1:] for row in CASES],
    ids=[f"{row[0]}, {row[3]}" for row in CASES],
)
async def test_each_family_has_its_result_and_the_policy_decides(
    probe_url: ProbeUrl,
    both: str,
    four: Any,
    six: Any,
    policy: str,
    fault: Fault | None,
    selected: int,
    good4: bool,
    good6: bool,
) -> None:
    port = free_port()
    servers = [
        RawServer(script, host=host, port=port) for script, host in ((four, "127.0.0.1"), (six, "::1")) if script
    ]
    for server in servers:
        await server.__aenter__()
    try:
        result = await probe_url(f"http://{both}:{port}/", family="auto", family_policy=policy)
    finally:
        for server in servers:
            await server.__aexit__(None, None, None)
    assert (result.fault, result.values["ip_family"]) == (fault, selected)
    assert (result.values["ipv4_success"], result.values["ipv6_success"]) == (good4, good6)
    assert result.duration == result.values[f"ipv{selected}_seconds"]
    assert [hop.family for hop in result.hops] == [4, 6]
    if fault is Fault.CONNECT_REFUSED:
        assert result.phase == "connect"


async def test_a_name_with_only_ipv6_is_whole(probe_url: ProbeUrl, names: NameServer) -> None:
    names.add("six.test", aaaa="::1")
    async with RawServer(GOOD, host="::1") as server:
        result = await probe_url(server.url(host="six.test"), family="auto", family_policy="all")
    assert result.outcome is Outcome.UP, result.detail
    assert "ipv4_success" not in result.values
    assert [(hop.family, hop.address) for hop in result.hops] == [(6, "::1")]
    assert names.queried_types("six.test") == ["A", "AAAA"]


@pytest.mark.parametrize(
    "aaaa", [Reply(), Reply(rcode=SERVFAIL), Reply(junk=True), Reply(addresses=("2001:db8::1",))], ids=str
)
async def test_a_family_that_is_not_there_does_not_count(
    probe_url: ProbeUrl, names: NameServer, aaaa: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No address, a name server that fails for IPv6 alone, or an address that this host has no route to."""
    real = sockets.has_route
    monkeypatch.setattr(sockets, "has_route", lambda family, to: "2001:db8" not in to[0] and real(family, to))
    names.add("four.test", a="127.0.0.1", aaaa=aaaa)
    async with RawServer(GOOD) as server:
        result = await probe_url(server.url(host="four.test"), family="auto", family_policy="all")
    assert result.outcome is Outcome.UP, result.detail
    assert "ipv6_success" not in result.values
    assert [hop.family for hop in result.hops] == [4]
    assert names.queried_types("four.test") == ["A", "AAAA"]


async def test_a_name_that_does_not_exist_at_all_is_a_dns_fault(probe_url: ProbeUrl, names: NameServer) -> None:
    result = await probe_url("http://nowhere.test/", family="auto")
    assert (result.outcome, result.fault, result.phase) == (Outcome.DOWN, Fault.DNS, "resolve")
    assert len(result.hops) == 1


async def test_a_host_without_ipv6_does_not_query_it(
    probe_url: ProbeUrl, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "has_route", lambda _family, _to: False)
    async with RawServer(GOOD) as server:
        await probe_url(server.url(host="portal.test"), family="auto")
    assert names.queried_types("portal.test") == ["A"]


async def test_a_name_with_only_ipv6_is_unknown_where_this_host_has_none(
    probe_url: ProbeUrl, names: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "has_route", lambda _family, _to: False)
    monkeypatch.setattr(sockets, "has_route", lambda _family, _to: False)
    names.add("six.test", aaaa="2001:db8::1")
    result = await probe_url("http://six.test/", family="auto")
    assert (result.outcome, result.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", 4), ("::1", 6)])
async def test_a_literal_address_is_fetched_once_over_its_own_family(
    probe_url: ProbeUrl, host: str, family: int
) -> None:
    async with RawServer(GOOD, host=host) as server:
        result = await probe_url(server.url(), family="auto")
    assert server.connections == 1
    assert result.values["ip_family"] == family
    assert [name for name in result.values if name.endswith("_success")] == [f"ipv{family}_success"]


async def test_a_redirect_to_an_address_of_the_other_family_stays_in_its_fetch(probe_url: ProbeUrl, both: str) -> None:
    async with RawServer(GOOD, host="::1") as target, RawServer([redirect(target.url())]) as server:
        result = await probe_url(server.url(host=both), family="4")
    assert result.outcome is Outcome.UP
    assert [hop.family for hop in result.hops] == [4, 6]
    assert result.values["ip_family"] == 4
    assert "ipv6_seconds" not in result.values


def test_a_literal_address_of_the_other_family_is_refused_in_the_configuration() -> None:
    with pytest.raises(ValidationError, match="IPv6"):
        Uptime(url="http://[::1]/", family="4")
    assert Uptime(url="http://[::1]/", family=6).family == "6"


@pytest.mark.parametrize(
    ("faults", "policy", "expected"),
    [
        ((Fault.INTERNAL_ERROR, None), "any", None),
        ((Fault.INTERNAL_ERROR, None), "all", Fault.INTERNAL_ERROR),
        ((Fault.INTERNAL_ERROR, Fault.RESET), "any", Fault.INTERNAL_ERROR),
        ((Fault.INTERNAL_ERROR, Fault.RESET), "all", Fault.RESET),
        ((Fault.RESET, Fault.INTERNAL_ERROR), "any", Fault.INTERNAL_ERROR),
    ],
)
def test_an_internal_error_prevents_down_under_any_and_up_under_all(
    faults: tuple[Fault | None, ...], policy: str, expected: Fault | None
) -> None:
    results = [FamilyResult(family=4 + 2 * n, hops=[], values={}, fault=fault) for n, fault in enumerate(faults)]
    assert _select_by_policy(results, policy).fault is expected


def test_a_lack_of_descriptors_is_no_statement_about_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", full)
    with pytest.raises(OSError, match="Too many"):
        sockets.has_route(socket.AF_INET, ("127.0.0.1", 80))
