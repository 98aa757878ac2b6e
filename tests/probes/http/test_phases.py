"""Phases are what happened: those that ran, in seconds, the broken one up to its break, and no others."""
# ruff: noqa: ANN401 - a script or the name of a handshake
# ruff: noqa: FBT001 - parametrize passes by name
# ruff: noqa: PLR0917 - the same

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.latency import Latency
from probes.trace import PHASES, HopEvent, HopTrace
from tests.servers.delays import Delays, DelayServer, FullBacklog
from tests.servers.dns import Reply
from tests.servers.handshakes import HandshakeServer
from tests.servers.ports import free_port
from tests.servers.raw import Do, RawServer, answer, redirect

if TYPE_CHECKING:
    from tests.servers.dns import NameServer
    from tests.servers.tls import Authority

ProbeUrl = Any


def about(seconds: float) -> Any:
    """What a timer of a busy machine makes of a delay: hardly shorter, and not much longer."""
    return pytest.approx(seconds + 0.06, abs=0.09)


NAMED = ["resolve", "connect", "send", "wait", "transfer"]
NAMED_TLS = ["resolve", "connect", "tls", "send", "wait", "transfer"]


@given(
    times=st.dictionaries(st.sampled_from(list(PHASES)), st.floats(0.0, 100.0)),
    literal=st.booleans(),
    secure=st.booleans(),
    start=st.floats(0.0, 100.0),
    dialed=st.none() | st.floats(0.0, 100.0),
)
def test_phases_sum_to_the_hop_for_any_events(
    times: dict[HopEvent, float], literal: bool, secure: bool, start: float, dialed: float | None
) -> None:
    """Events in any order, any of them missing: no phase is negative and together they are the hop's time."""
    if dialed is not None and HopEvent.SENT in times:
        times |= {HopEvent.CONNECT_STARTED: dialed}
    hop = HopTrace(url="x", is_ip_literal=literal, uses_tls=secure, event_times=times | {HopEvent.STARTED: start})
    phases = hop.phases()
    assert all(seconds >= 0.0 for seconds in phases.values())
    assert sum(phases.values()) == pytest.approx(max([start, *times.values()]) - start, abs=1e-6)
    assert set(phases) <= set(PHASES.values())


async def test_a_named_secure_hop_has_every_phase_and_the_time_that_each_took(
    probe_url: ProbeUrl, authority: Authority, names: NameServer
) -> None:
    names.add("slow.test", a=Reply(addresses=("127.0.0.1",), delay=0.05))
    delays = Delays(hello=0.1, first=0.15, body=0.08)
    tls = authority.context(authority.leaf(names=("slow.test",)))
    async with DelayServer(delays, tls=tls) as server:
        result = await probe_url(server.url(host="slow.test"))
    (hop,) = result.hops
    assert list(hop.phases) == NAMED_TLS
    truth = {"resolve": 0.05, "connect": 0.0, "tls": 0.1, "send": 0.0, "wait": 0.15, "transfer": 0.08}
    for phase, seconds in truth.items():
        assert hop.phases[phase] == about(seconds), phase
    assert result.values["first_resolve_seconds"] == hop.phases["resolve"]
    assert result.values["tls_version"] == "TLSv1.3"


async def test_a_plain_hop_has_no_tls_phase(probe_url: ProbeUrl) -> None:
    async with RawServer([answer()]) as server:
        result = await probe_url(server.url(host="portal.test"))
    assert list(result.hops[0].phases) == NAMED
    assert "tls_seconds" not in result.values


async def test_a_literal_address_has_no_resolve_phase(probe_url: ProbeUrl, names: NameServer) -> None:
    async with RawServer([answer()]) as server:
        result = await probe_url(server.url())
    assert list(result.hops[0].phases) == ["connect", "send", "wait", "transfer"]
    assert "first_resolve_seconds" not in result.values
    assert names.log == []


async def test_a_refused_connection_has_only_connect(probe_url: ProbeUrl) -> None:
    result = await probe_url(f"http://127.0.0.1:{free_port()}/")
    assert list(result.hops[0].phases) == ["connect"]


async def test_a_name_that_does_not_resolve_has_only_resolve(probe_url: ProbeUrl, names: NameServer) -> None:
    names.add("gone.test", a=Reply(rcode=3, delay=0.05))
    result = await probe_url("https://gone.test/")
    assert list(result.hops[0].phases) == ["resolve"]
    assert result.values["resolve_seconds"] == about(0.05)


STALLS = [
    ("resolve", "http", Reply(silent=True), None),
    ("tls", "https", None, "stall"),
    ("wait", "http", None, [Do.STALL]),
    ("transfer", "http", None, [b"HTTP/1.1 200 OK\r\n", Do.STALL]),
    ("transfer", "http", None, [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", Do.STALL]),
    (
        "transfer",
        "http",
        None,
        lambda _request: (
            step for first in [True] + [False] * 1000 for step in (b"HTTP/1.1 200 OK\r\nX: y" if first else b"y", 0.02)
        ),
    ),
]


@pytest.mark.parametrize(
    ("phase", "scheme", "reply", "script"),
    STALLS,
    ids=["no name", "no handshake", "no answer", "half the headers", "half the body", "slow header bytes"],
)
async def test_a_timeout_ends_in_time_and_its_phase_lasts_until_then(
    probe_url: ProbeUrl, names: NameServer, phase: str, scheme: str, reply: Reply | None, script: Any
) -> None:
    if reply is not None:
        names.records["portal.test", "A"] = reply
    async with HandshakeServer("stall") if script == "stall" else RawServer(script or []) as server:
        begun = time.perf_counter()
        result = await probe_url(server.url(host="portal.test", scheme=scheme), timeout=0.3)
        took = time.perf_counter() - begun
    assert took < 0.4
    assert result.phase == phase
    assert phase in result.detail
    order = [name for name in NAMED_TLS if name != "tls" or scheme == "https"]
    assert list(result.hops[0].phases) == order[: order.index(phase) + 1]
    assert result.values[f"{phase}_seconds"] == about(0.3)
    assert result.duration == about(0.3)


async def test_a_dropped_syn_counts_as_connect_and_nothing_else(probe_url: ProbeUrl) -> None:
    """The queue is full for half a second; the kernel repeats SYN after one."""
    async with FullBacklog([answer()], seconds=0.5) as server:
        await server.fill()
        result = await probe_url(server.url(), timeout=5.0)
    phases = result.hops[0].phases
    assert phases["connect"] == about(1.0)
    assert sum(phases.values()) - phases["connect"] < 0.2


async def test_a_server_that_sends_first_makes_no_phase_negative(probe_url: ProbeUrl) -> None:
    async with RawServer([answer()], sends_first=True) as server:
        result = await probe_url(server.url())
    assert result.fault is None or result.detail


async def test_phases_of_redirects_are_kept_apart_and_stored_as_their_sum(
    probe_url: ProbeUrl, authority: Authority
) -> None:
    async with (
        RawServer([0.1, answer()], tls=authority.valid()) as target,
        RawServer([0.05, redirect(target.url("/there", host="portal.test"))]) as server,
    ):
        result = await probe_url(server.url(host="portal.test"), kind=Latency)
    first, second = result.hops
    assert first.phases["wait"] == about(0.05)
    assert second.phases["wait"] == about(0.1)
    assert "tls" not in first.phases
    for phase in NAMED_TLS:
        total = sum(hop.phases.get(phase, 0.0) for hop in result.hops)
        assert result.values[f"{phase}_seconds"] == pytest.approx(total)
    assert result.values["first_resolve_seconds"] == first.phases["resolve"]
    assert (result.values["redirects"], result.values["ssl"]) == (1, True)


async def test_the_text_of_a_redirect_is_not_waited_for(probe_url: ProbeUrl) -> None:
    endless = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with RawServer(lambda request: [answer()] if b"/there" in request else [endless, Do.STALL]) as server:
        result = await probe_url(server.url())
    assert result.fault is None
    assert result.duration < 0.5


async def test_concurrent_probes_do_not_share_their_events(probe_url: ProbeUrl, authority: Authority) -> None:
    """Thirty probes at once, each with its own delay: each one measures its own."""
    waits = [0.02 * number for number in range(30)]

    def script(request: bytes) -> list[Any]:
        return [float(request.split(b"wait=")[1].split(b" ")[0]), answer()]

    async with RawServer(script, tls=authority.valid()) as server:
        results = await asyncio.gather(*(probe_url(server.url(f"/?wait={wait}", host="portal.test")) for wait in waits))
    for wait, result in zip(waits, results, strict=True):
        assert wait - 0.01 <= result.values["wait_seconds"] <= wait + 2.0, (
            "thirty handshakes on a busy machine take time"
        )
        assert "wait=" not in result.hops[0].url
