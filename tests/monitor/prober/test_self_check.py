"""Self-check: references and the rest of the fleet are checked before a failure is charged to a portal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import ClassVar

import pytest

from monitor.model.records import Check
from monitor.prober import self_check as module
from monitor.prober.self_check import NETWORK_FAULTS, FleetBreaker, ReferenceEndpoint, SelfCheck
from probes.resources import HttpSettings, ProbeResources
from probes.result import Fault, Outcome, ProbeResult
from tests import factories
from tests.monitor.parts import HandClock, Site, refused_port, site, until
from tests.servers.dns import NOERROR, NOTHING, SERVFAIL, NameServer, Reply


def down(fault: Fault = Fault.CONNECT_TIMEOUT, address: str = "192.0.2.10") -> ProbeResult:
    """A failure out in the network."""
    return factories.result(outcome=Outcome.DOWN, fault=fault, detail="no", values={"address": address})


UP = factories.result()


@pytest.fixture(autouse=True)
def way_out(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The kernel knows a way to every address but those put into this set, wherever the tests run."""
    cut: set[str] = set()
    monkeypatch.setattr(module, "has_route", lambda _family, target: target[0] not in cut)
    return cut


def check(number: int = 0) -> Check:
    return factories.check(portal=f"p{number}")


async def dead(name: str = "dead") -> ReferenceEndpoint:
    return ReferenceEndpoint(name=name, connect=f"127.0.0.1:{await refused_port()}")


@asynccontextmanager
async def alive() -> AsyncIterator[tuple[ReferenceEndpoint, list[int]]]:
    """A reference that accepts connections and counts them."""
    connections: list[int] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield ReferenceEndpoint(name="alive", connect=f"127.0.0.1:{server.sockets[0].getsockname()[1]}"), connections
    server.close()
    await server.wait_closed()


async def test_without_any_reference_alive_the_self_check_fails(resources: ProbeResources):
    self_check = SelfCheck(resources, HandClock(), references=[await dead("a"), await dead("b")])
    assert await self_check.problem(check(), down()) == "none of 2 references responds"


async def test_one_reference_alive_is_enough_to_charge(resources: ProbeResources):
    async with alive() as (reference, _):
        self_check = SelfCheck(resources, HandClock(), references=[await dead(), reference])
        assert await self_check.problem(check(), down()) is None


async def test_what_the_references_answered_goes_with_the_failure(resources: ProbeResources):
    clock = HandClock()
    async with alive() as (reference, _):
        self_check = SelfCheck(resources, clock, references=[await dead(), reference])
        assert not self_check.reference_summary(check(), down())
        await self_check.problem(check(), down())
        assert self_check.reference_summary(check(), down()) in {
            "dead no response, alive 0 ms",
            "dead no response, alive responds",
        }
        assert not self_check.reference_summary(check(), down(Fault.HTTP_STATUS))
        assert not self_check.reference_summary(check(), down(address="127.0.0.1"))
        clock.pass_by(60)
        assert not self_check.reference_summary(check(), down()), "that was about another failure"


async def test_where_a_name_is_not_found_only_references_with_a_name_can_speak(resources: ProbeResources):
    """An address that answers proves nothing of our resolver; it does prove that there is a way out."""
    async with alive() as (by_address, _):
        by_name = ReferenceEndpoint(name="named", connect="reference.invalid:53")
        self_check = SelfCheck(resources, HandClock(), references=[by_name, by_address])
        assert await self_check.problem(check(), down(Fault.DNS)) == "none of 1 references responds"
        assert await self_check.problem(check(), down(Fault.TIMEOUT)) is None
        resolved = replace(by_address, connect=str(by_address.connect).replace("127.0.0.1", "localhost"))
        assert await SelfCheck(resources, HandClock(), references=[resolved]).problem(check(), down(Fault.DNS)) is None


async def test_a_reference_that_never_answers_is_given_up(resources: ProbeResources, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "REFERENCE_TIMEOUT_SECONDS", 0.1)
    async with site() as one:
        one.gate.clear()
        self_check = SelfCheck(resources, HandClock(), references=[ReferenceEndpoint(name="slow", url=one.url)])
        assert await self_check.problem(check(), down()) == "none of 1 references responds"


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
async def test_any_answer_of_an_http_reference_shows_that_the_network_works(resources: ProbeResources, status: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    self_check = SelfCheck(resources, HandClock(), references=[ReferenceEndpoint(name="web", url=url)])
    assert await self_check.problem(check(), down()) is None
    server.close()
    await server.wait_closed()


async def test_a_burst_of_failures_probes_the_references_once(resources: ProbeResources):
    async with alive() as (reference, connections):
        clock = HandClock()
        self_check = SelfCheck(resources, clock, references=[reference])
        assert await asyncio.gather(*[self_check.problem(check(n), down()) for n in range(4)]) == [None] * 4
        await until(lambda: len(connections) == module.CONNECTIONS_PER_REFERENCE)
        clock.pass_by(module.REFERENCE_CACHE_SECONDS + 0.1)
        await self_check.problem(check(), down())
        await until(lambda: len(connections) == 2 * module.CONNECTIONS_PER_REFERENCE)


async def test_a_cancelled_check_does_not_keep_others_from_probing_references(resources: ProbeResources):
    async with site() as one:
        one.gate.clear()
        self_check = SelfCheck(resources, HandClock(), references=[ReferenceEndpoint(name="web", url=one.url)])
        first = asyncio.create_task(self_check.problem(check(1), down()))
        await until(lambda: one.inside)
        second = asyncio.create_task(self_check.problem(check(2), down()))
        first.cancel()
        await asyncio.wait([first])
        one.gate.set()
        assert await second is None


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in NETWORK_FAULTS and fault is not Fault.INTERNAL_ERROR]
)
async def test_a_failure_that_proves_a_response_probes_no_reference(resources: ProbeResources, fault: Fault):
    self_check = SelfCheck(resources, HandClock(), references=[await dead()])
    assert await self_check.problem(check(), down(fault)) is None


@pytest.mark.parametrize("fault", sorted(NETWORK_FAULTS))
async def test_our_own_network_can_be_the_cause_of_each_silence(resources: ProbeResources, fault: Fault):
    self_check = SelfCheck(resources, HandClock(), references=[await dead()])
    assert await self_check.problem(check(), down(fault))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "portal.localhost"])
async def test_what_is_on_this_machine_is_charged_directly(resources: ProbeResources, address: str):
    """No network stands between, so no reference is probed, also when the probe never got as far as an address."""
    self_check = SelfCheck(resources, HandClock(), references=[await dead()])
    assert await self_check.problem(check(), down(address=address)) is None
    host = f"[{address}]" if ":" in address else address
    silent = factories.result(outcome=Outcome.DOWN, fault=Fault.CONNECT_REFUSED, values={})
    assert await self_check.problem(factories.check(url=f"http://{host}:9/"), silent) is None


async def test_without_references_and_without_any_success_the_self_check_fails(resources: ProbeResources):
    """A first success somewhere is the proof that the network works."""
    self_check = SelfCheck(resources, HandClock(), portal_count=20)
    assert await self_check.problem(check(1), down()) == "no portal of 1 was reachable in the last 60 s"
    assert await self_check.problem(check(2), down())
    assert await self_check.problem(check(3), UP) is None
    assert await self_check.problem(check(4), down()) is None


async def test_that_proof_grows_old(resources: ProbeResources):
    clock = HandClock()
    self_check = SelfCheck(resources, clock, portal_count=20)
    await self_check.problem(check(1), UP)
    clock.pass_by(61)
    assert await self_check.problem(check(2), down()) == "no portal of 1 was reachable in the last 60 s"


async def test_a_small_fleet_is_no_reference(resources: ProbeResources):
    self_check = SelfCheck(resources, HandClock(), portal_count=4)
    assert [await self_check.problem(check(number), down()) for number in range(4)] == [None] * 4


async def breaking(
    resources: ProbeResources, seen: Site | None = None, **changes: object
) -> tuple[SelfCheck, HandClock]:
    """Ten portals that were good a moment ago."""
    clock = HandClock()
    references = [ReferenceEndpoint(name="web", url=seen.url)] if seen else []
    changes = {"fleet_breaker": FleetBreaker(burst=0.0)} | changes  # the test's moments are all the same moment
    self_check = SelfCheck(resources, clock, references=references, portal_count=10, **changes)  # type: ignore[arg-type] # a test's own
    for number in range(10):
        await self_check.problem(check(number), UP)
    clock.pass_by(30)
    return self_check, clock


async def test_when_most_of_the_fleet_stops_it_is_us(resources: ProbeResources):
    """Also when a reference answers: it may stand on this side of what is broken."""
    async with site() as one:
        self_check, _ = await breaking(resources, one)
        problems = [await self_check.problem(check(number), down()) for number in range(10)]
        assert problems[:5] == [None] * 5
        assert problems[5] == "6 of 10 portals stopped answering within 60 s"
        assert None not in problems[5:]
        assert await self_check.problem(check(0), down())
        for number in range(6):
            await self_check.problem(check(number), UP)
        assert await self_check.problem(check(9), down()) is None


async def test_the_breaker_needs_its_minimum(resources: ProbeResources):
    self_check, _ = await breaking(resources, fleet_breaker=FleetBreaker(minimum=11, burst=0.0))
    self_check.portal_count = 20
    assert [await self_check.problem(check(number), down()) for number in range(9)] == [None] * 9


async def test_portals_that_were_never_up_prove_nothing(resources: ProbeResources):
    """A third of the inventory is closed; their silence must not turn the outages of others into unknown results."""
    async with site() as one:
        self_check, _ = await breaking(resources, one)
        self_check.portal_count = 60
        assert [await self_check.problem(check(number), down()) for number in range(100, 150)] == [None] * 50
        assert await self_check.problem(check(1), down()) is None


async def test_rare_checks_are_evaluated_over_their_own_interval(resources: ProbeResources):
    clock = HandClock()
    self_check = SelfCheck(resources, clock, portal_count=10)
    hourly = [factories.check(portal=f"p{number}", interval=3600.0) for number in range(10)]
    for one in hourly:
        await self_check.problem(one, UP)
        clock.pass_by(360)
    assert await self_check.problem(hourly[0], down()) is None


async def test_our_own_failure_is_not_evaluated(resources: ProbeResources):
    self_check = SelfCheck(resources, HandClock(), references=[await dead()], portal_count=20)
    assert (
        await self_check.problem(check(), factories.result(outcome=Outcome.UNKNOWN, fault=Fault.INTERNAL_ERROR)) is None
    )


async def test_without_a_route_to_the_portal_it_is_our_network(resources: ProbeResources, way_out: set[str]):
    """The kernel reports it; no reference is probed, for it may stand on a network of ours."""
    async with alive() as (reference, connections):
        self_check = SelfCheck(resources, HandClock(), references=[reference])
        way_out.add("192.0.2.10")
        assert await self_check.problem(check(), down()) == "the host has no route to 192.0.2.10"
        assert await self_check.problem(check(), down(address="192.0.2.11")) is None
        assert await self_check.problem(check(), down(Fault.HTTP_STATUS)) is None
        await until(lambda: len(connections) == module.CONNECTIONS_PER_REFERENCE)


class Losing(SelfCheck):
    """References answer after so many seconds, or not at all: packets cannot be lost on loopback."""

    answers: ClassVar[dict[str, list[float | None]]] = {}

    async def _probe_reference(self, reference: ReferenceEndpoint) -> list[float | None]:
        return self.answers[reference.name]


GOOD, DIM, FAR, GONE = [0.2, 0.2, 0.2], [0.2, 1.1, None], [1.2, 1.2, 1.2], [None, None, None]


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([GOOD, GOOD, GOOD], None),
        ([GOOD, GOOD, GONE], None),
        ([GOOD, GOOD, FAR], None),
        ([GOOD, GONE, FAR], None),  # one that is dead and one that is far away prove nothing
        ([GOOD, GOOD, DIM], None),
        ([GOOD, DIM, DIM], "packets are lost on the way to 2 of 3 references"),
        ([DIM, DIM, DIM], "packets are lost on the way to 3 of 3 references"),
        ([DIM, DIM, GONE], "packets are lost on the way to 2 of 3 references"),
        ([[0.2, 0.2, 1.1], GOOD, [0.2, 1.1, 0.2]], None),  # two of nine are bad luck
        ([GONE, GONE, GONE], "none of 3 references responds"),
        ([GONE, GONE, GOOD], None),
        ([FAR], None),
        ([GOOD, FAR], None),
        ([FAR, DIM], "packets are lost on the way to 2 of 2 references"),
    ],
)
async def test_lost_packets_are_ours_when_most_references_lose_them(
    resources: ProbeResources, answers: list[list[float | None]], problem: str | None
):
    references = [
        ReferenceEndpoint(name=str(number), connect=f"192.0.2.{number}:443") for number in range(len(answers))
    ]
    self_check = Losing(resources, HandClock(), references=references)
    results = {one.name: answer for one, answer in zip(references, answers, strict=True)}
    self_check.answers = results  # type: ignore[misc] # of this test alone
    assert await self_check.problem(check(), down()) == problem


async def test_how_long_a_reference_takes_is_measured(resources: ProbeResources):
    """For a connection; a page may take as long as it likes."""

    class Ticking(HandClock):
        def monotonic(self) -> float:
            self.steady += 1.0
            return self.steady

    async with alive() as (reference, _), site() as one:
        self_check = SelfCheck(resources, Ticking())
        assert await self_check._connect_seconds(reference) == 1.0  # noqa: SLF001 - what it measures
        assert await self_check._connect_seconds(ReferenceEndpoint(name="web", url=one.url)) == 0.0  # noqa: SLF001 - the same
        assert await self_check._connect_seconds(await dead()) is None  # noqa: SLF001 - the same


async def test_a_problem_of_our_own_counts_for_a_while(resources: ProbeResources):
    """Loss comes and goes: that the references answer right now proves nothing of ten seconds ago."""
    clock = HandClock()
    self_check = Losing(resources, clock, references=[ReferenceEndpoint(name="a", connect="192.0.2.1:443")])
    answers = {"a": GONE}
    self_check.answers = answers  # type: ignore[misc] # of this test alone
    assert await self_check.problem(check(), down()) == "none of 1 references responds"
    answers["a"] = GOOD
    clock.pass_by(20)
    assert await self_check.problem(check(), down()) == "none of 1 references responds, 20 s ago"
    assert await self_check.problem(check(), down(Fault.HTTP_STATUS)) is None
    clock.pass_by(50)
    long = replace(down(), duration=11.0)
    assert await self_check.problem(check(), down()) is None
    assert await self_check.problem(check(), long) == "none of 1 references responds, 70 s ago"


DEAD = "the resolver does not respond"


@pytest.mark.parametrize(
    ("reply", "problem"),
    [(NOTHING, None), (Reply(rcode=NOERROR), None), (Reply(silent=True), DEAD), (Reply(rcode=SERVFAIL), DEAD)],
)
async def test_without_a_named_reference_the_resolver_itself_is_tested(
    reply: Reply, problem: str | None, monkeypatch: pytest.MonkeyPatch
):
    """For a name of the top-level domain, which the portal's own name servers have no part in."""
    monkeypatch.setattr(module, "REFERENCE_TIMEOUT_SECONDS", 0.3)
    async with (
        alive() as (by_address, _),
        NameServer(fallback=lambda _name, _type: reply) as server,
        ProbeResources(HttpSettings(name_servers=(server.address,))) as resources,
    ):
        self_check = SelfCheck(resources, HandClock(), references=[by_address])
        assert await self_check.problem(check(), down(Fault.DNS, address="")) == problem
        assert await self_check.problem(check(), down(Fault.TIMEOUT)) is None
        assert {question.name for question in server.log} == {"portal-monitor.vn"}


async def test_a_burst_of_failures_is_seen_before_the_first_is_confirmed(resources: ProbeResources):
    """Of the many that were good a minute ago most cannot have been probed again; those that were all failed."""
    async with site() as one:
        clock = HandClock()
        self_check = SelfCheck(
            resources, clock, references=[ReferenceEndpoint(name="web", url=one.url)], portal_count=60
        )
        for number in range(60):
            await self_check.problem(check(number), UP)
            clock.pass_by(1)
        problems = []
        for number in range(8):
            problems.append(await self_check.problem(check(number), down()))
            clock.pass_by(1)
        assert problems[:5] == [None] * 5
        assert problems[5:] != [None] * 3
        assert problems[-1] is not None
        assert problems[-1].endswith("portals stopped answering within 10 s")


async def test_who_lies_down_for_long_is_no_burst(resources: ProbeResources):
    async with site() as one:
        clock = HandClock()
        self_check = SelfCheck(
            resources, clock, references=[ReferenceEndpoint(name="web", url=one.url)], portal_count=60
        )
        for number in range(60):
            await self_check.problem(check(number), UP)
        for number in range(6):
            clock.pass_by(30)
            await self_check.problem(check(number), down())
        clock.pass_by(90)
        for number in range(20, 60):
            await self_check.problem(check(number), UP)
        clock.pass_by(20)
        assert [await self_check.problem(check(number), down()) for number in range(6)] == [None] * 6
