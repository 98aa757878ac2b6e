"""Can we see? References and the rest of the fleet are asked before a failure is charged to a portal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import ClassVar

import pytest

from monitor.model.records import Check
from monitor.prober import self_check as room
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
    monkeypatch.setattr(room, "has_route", lambda _family, target: target[0] not in cut)
    return cut


def check(number: int = 0) -> Check:
    return factories.check(portal=f"p{number}")


async def dead(name: str = "dead") -> ReferenceEndpoint:
    return ReferenceEndpoint(name=name, connect=f"127.0.0.1:{await refused_port()}")


@asynccontextmanager
async def alive() -> AsyncIterator[tuple[ReferenceEndpoint, list[int]]]:
    """A reference that accepts connections and notes them."""
    asked: list[int] = []

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield ReferenceEndpoint(name="alive", connect=f"127.0.0.1:{server.sockets[0].getsockname()[1]}"), asked
    server.close()
    await server.wait_closed()


async def test_without_any_reference_alive_we_are_blind(tools: ProbeResources):
    sight = SelfCheck(tools, HandClock(), references=[await dead("a"), await dead("b")])
    assert await sight.problem(check(), down()) == "none of 2 references answers"


async def test_one_reference_alive_is_enough_to_charge(tools: ProbeResources):
    async with alive() as (reference, _):
        sight = SelfCheck(tools, HandClock(), references=[await dead(), reference])
        assert await sight.problem(check(), down()) is None


async def test_what_the_references_answered_goes_with_the_failure(tools: ProbeResources):
    clock = HandClock()
    async with alive() as (reference, _):
        sight = SelfCheck(tools, clock, references=[await dead(), reference])
        assert not sight.reference_summary(check(), down())
        await sight.problem(check(), down())
        assert sight.reference_summary(check(), down()) in {
            "dead no answer, alive 0 ms",
            "dead no answer, alive answers",
        }
        assert not sight.reference_summary(check(), down(Fault.HTTP_STATUS))
        assert not sight.reference_summary(check(), down(address="127.0.0.1"))
        clock.pass_by(60)
        assert not sight.reference_summary(check(), down()), "that was about another failure"


async def test_where_a_name_is_not_found_only_references_with_a_name_can_speak(tools: ProbeResources):
    """An address that answers proves nothing of our resolver; it does prove that there is a way out."""
    async with alive() as (by_address, _):
        by_name = ReferenceEndpoint(name="named", connect="reference.invalid:53")
        sight = SelfCheck(tools, HandClock(), references=[by_name, by_address])
        assert await sight.problem(check(), down(Fault.DNS)) == "none of 1 references answers"
        assert await sight.problem(check(), down(Fault.TIMEOUT)) is None
        resolved = replace(by_address, connect=str(by_address.connect).replace("127.0.0.1", "localhost"))
        assert await SelfCheck(tools, HandClock(), references=[resolved]).problem(check(), down(Fault.DNS)) is None


async def test_a_reference_that_never_answers_is_given_up(tools: ProbeResources, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(room, "REFERENCE_TIMEOUT_SECONDS", 0.1)
    async with site() as one:
        one.gate.clear()
        sight = SelfCheck(tools, HandClock(), references=[ReferenceEndpoint(name="slow", url=one.url)])
        assert await sight.problem(check(), down()) == "none of 1 references answers"


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
async def test_any_answer_of_an_http_reference_shows_that_we_see(tools: ProbeResources, status: str):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    sight = SelfCheck(tools, HandClock(), references=[ReferenceEndpoint(name="web", url=url)])
    assert await sight.problem(check(), down()) is None
    server.close()
    await server.wait_closed()


async def test_a_burst_of_failures_asks_the_references_once(tools: ProbeResources):
    async with alive() as (reference, asked):
        clock = HandClock()
        sight = SelfCheck(tools, clock, references=[reference])
        assert await asyncio.gather(*[sight.problem(check(n), down()) for n in range(4)]) == [None] * 4
        await until(lambda: len(asked) == room.CONNECTIONS_PER_REFERENCE)
        clock.pass_by(room.REFERENCE_CACHE_SECONDS + 0.1)
        await sight.problem(check(), down())
        await until(lambda: len(asked) == 2 * room.CONNECTIONS_PER_REFERENCE)


async def test_who_is_cancelled_while_asking_keeps_nobody_from_asking(tools: ProbeResources):
    async with site() as one:
        one.gate.clear()
        sight = SelfCheck(tools, HandClock(), references=[ReferenceEndpoint(name="web", url=one.url)])
        first = asyncio.create_task(sight.problem(check(1), down()))
        await until(lambda: one.inside)
        second = asyncio.create_task(sight.problem(check(2), down()))
        first.cancel()
        await asyncio.wait([first])
        one.gate.set()
        assert await second is None


@pytest.mark.parametrize(
    "fault", [fault for fault in Fault if fault not in NETWORK_FAULTS and fault is not Fault.PROBER]
)
async def test_a_failure_that_proves_an_answer_asks_nobody(tools: ProbeResources, fault: Fault):
    sight = SelfCheck(tools, HandClock(), references=[await dead()])
    assert await sight.problem(check(), down(fault)) is None


@pytest.mark.parametrize("fault", sorted(NETWORK_FAULTS))
async def test_our_own_network_can_be_the_cause_of_each_silence(tools: ProbeResources, fault: Fault):
    sight = SelfCheck(tools, HandClock(), references=[await dead()])
    assert await sight.problem(check(), down(fault))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "portal.localhost"])
async def test_what_is_on_this_machine_is_charged_directly(tools: ProbeResources, address: str):
    """No network stands between, so no reference is asked, also when the look never got as far as an address."""
    sight = SelfCheck(tools, HandClock(), references=[await dead()])
    assert await sight.problem(check(), down(address=address)) is None
    host = f"[{address}]" if ":" in address else address
    silent = factories.result(outcome=Outcome.DOWN, fault=Fault.CONNECT_REFUSED, values={})
    assert await sight.problem(factories.check(url=f"http://{host}:9/"), silent) is None


async def test_without_references_and_without_any_success_we_are_blind(tools: ProbeResources):
    """A first success somewhere is the proof that we can see."""
    sight = SelfCheck(tools, HandClock(), portal_count=20)
    assert await sight.problem(check(1), down()) == "none of 1 portals could be seen in the last 60 s"
    assert await sight.problem(check(2), down())
    assert await sight.problem(check(3), UP) is None
    assert await sight.problem(check(4), down()) is None


async def test_that_proof_grows_old(tools: ProbeResources):
    clock = HandClock()
    sight = SelfCheck(tools, clock, portal_count=20)
    await sight.problem(check(1), UP)
    clock.pass_by(61)
    assert await sight.problem(check(2), down()) == "none of 1 portals could be seen in the last 60 s"


async def test_a_small_fleet_is_no_reference(tools: ProbeResources):
    sight = SelfCheck(tools, HandClock(), portal_count=4)
    assert [await sight.problem(check(number), down()) for number in range(4)] == [None] * 4


async def breaking(tools: ProbeResources, seen: Site | None = None, **changes: object) -> tuple[SelfCheck, HandClock]:
    """Ten portals that were good a moment ago."""
    clock = HandClock()
    references = [ReferenceEndpoint(name="web", url=seen.url)] if seen else []
    changes = {"breaker": FleetBreaker(burst=0.0)} | changes  # the test's moments are all the same moment
    sight = SelfCheck(tools, clock, references=references, portal_count=10, **changes)  # type: ignore[arg-type] # a test's own
    for number in range(10):
        await sight.problem(check(number), UP)
    clock.pass_by(30)
    return sight, clock


async def test_when_most_of_the_fleet_stops_it_is_us(tools: ProbeResources):
    """Also when a reference answers: it may stand on this side of what is broken."""
    async with site() as one:
        sight, _ = await breaking(tools, one)
        judged = [await sight.problem(check(number), down()) for number in range(10)]
        assert judged[:5] == [None] * 5
        assert judged[5] == "6 of 10 portals stopped answering within 60 s"
        assert None not in judged[5:]
        assert await sight.problem(check(0), down())
        for number in range(6):
            await sight.problem(check(number), UP)
        assert await sight.problem(check(9), down()) is None


async def test_the_breaker_needs_its_minimum(tools: ProbeResources):
    sight, _ = await breaking(tools, breaker=FleetBreaker(minimum=11, burst=0.0))
    sight.portal_count = 20
    assert [await sight.problem(check(number), down()) for number in range(9)] == [None] * 9


async def test_portals_that_were_never_good_tell_nothing_of_us(tools: ProbeResources):
    """A third of the inventory is closed; their silence must not turn the outages of others into voids."""
    async with site() as one:
        sight, _ = await breaking(tools, one)
        sight.portal_count = 60
        assert [await sight.problem(check(number), down()) for number in range(100, 150)] == [None] * 50
        assert await sight.problem(check(1), down()) is None


async def test_seldom_looks_are_judged_over_their_own_interval(tools: ProbeResources):
    clock = HandClock()
    sight = SelfCheck(tools, clock, portal_count=10)
    hourly = [factories.check(portal=f"p{number}", interval=3600.0) for number in range(10)]
    for one in hourly:
        await sight.problem(one, UP)
        clock.pass_by(360)
    assert await sight.problem(hourly[0], down()) is None


async def test_our_own_failure_is_not_judged(tools: ProbeResources):
    sight = SelfCheck(tools, HandClock(), references=[await dead()], portal_count=20)
    assert await sight.problem(check(), factories.result(outcome=Outcome.VOID, fault=Fault.PROBER)) is None


async def test_without_a_route_to_the_portal_it_is_our_network(tools: ProbeResources, way_out: set[str]):
    """The kernel says so; no reference is asked, for it may stand on a network of ours."""
    async with alive() as (reference, asked):
        sight = SelfCheck(tools, HandClock(), references=[reference])
        way_out.add("192.0.2.10")
        assert await sight.problem(check(), down()) == "this machine has no route to 192.0.2.10"
        assert await sight.problem(check(), down(address="192.0.2.11")) is None
        assert await sight.problem(check(), down(Fault.HTTP_STATUS)) is None
        await until(lambda: len(asked) == room.CONNECTIONS_PER_REFERENCE)


class Losing(SelfCheck):
    """References answer after so many seconds, or not at all: packets cannot be lost on loopback."""

    answers: ClassVar[dict[str, list[float | None]]] = {}

    async def _probe_reference(self, reference: ReferenceEndpoint) -> list[float | None]:
        return self.answers[reference.name]


GOOD, DIM, FAR, GONE = [0.2, 0.2, 0.2], [0.2, 1.1, None], [1.2, 1.2, 1.2], [None, None, None]


@pytest.mark.parametrize(
    ("answers", "said"),
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
        ([GONE, GONE, GONE], "none of 3 references answers"),
        ([GONE, GONE, GOOD], None),
        ([FAR], None),
        ([GOOD, FAR], None),
        ([FAR, DIM], "packets are lost on the way to 2 of 2 references"),
    ],
)
async def test_lost_packets_are_ours_when_most_references_lose_them(
    tools: ProbeResources, answers: list[list[float | None]], said: str | None
):
    references = [
        ReferenceEndpoint(name=str(number), connect=f"192.0.2.{number}:443") for number in range(len(answers))
    ]
    sight = Losing(tools, HandClock(), references=references)
    told = {one.name: answer for one, answer in zip(references, answers, strict=True)}
    sight.answers = told  # type: ignore[misc] # of this test alone
    assert await sight.problem(check(), down()) == said


async def test_how_long_a_reference_takes_is_measured(tools: ProbeResources):
    """For a connection; a page may take as long as it likes."""

    class Ticking(HandClock):
        def monotonic(self) -> float:
            self.steady += 1.0
            return self.steady

    async with alive() as (reference, _), site() as one:
        sight = SelfCheck(tools, Ticking())
        assert await sight._connect_seconds(reference) == 1.0  # noqa: SLF001 - what it measures
        assert await sight._connect_seconds(ReferenceEndpoint(name="web", url=one.url)) == 0.0  # noqa: SLF001 - the same
        assert await sight._connect_seconds(await dead()) is None  # noqa: SLF001 - the same


async def test_trouble_of_our_own_is_remembered_for_a_while(tools: ProbeResources):
    """Loss comes and goes: that the references answer right now proves nothing of ten seconds ago."""
    clock = HandClock()
    sight = Losing(tools, clock, references=[ReferenceEndpoint(name="a", connect="192.0.2.1:443")])
    answers = {"a": GONE}
    sight.answers = answers  # type: ignore[misc] # of this test alone
    assert await sight.problem(check(), down()) == "none of 1 references answers"
    answers["a"] = GOOD
    clock.pass_by(20)
    assert await sight.problem(check(), down()) == "none of 1 references answers, 20 s ago"
    assert await sight.problem(check(), down(Fault.HTTP_STATUS)) is None
    clock.pass_by(50)
    long = replace(down(), duration=11.0)
    assert await sight.problem(check(), down()) is None
    assert await sight.problem(check(), long) == "none of 1 references answers, 70 s ago"


DEAD = "the resolver does not answer"


@pytest.mark.parametrize(
    ("reply", "said"),
    [(NOTHING, None), (Reply(rcode=NOERROR), None), (Reply(silent=True), DEAD), (Reply(rcode=SERVFAIL), DEAD)],
)
async def test_without_a_named_reference_the_resolver_itself_is_asked(
    reply: Reply, said: str | None, monkeypatch: pytest.MonkeyPatch
):
    """For a name of the top-level domain, which the portal's own name servers have no part in."""
    monkeypatch.setattr(room, "REFERENCE_TIMEOUT_SECONDS", 0.3)
    async with (
        alive() as (by_address, _),
        NameServer(fallback=lambda _name, _type: reply) as server,
        ProbeResources(HttpSettings(name_servers=(server.address,))) as tools,
    ):
        sight = SelfCheck(tools, HandClock(), references=[by_address])
        assert await sight.problem(check(), down(Fault.DNS, address="")) == said
        assert await sight.problem(check(), down(Fault.TIMEOUT)) is None
        assert {question.name for question in server.log} == {"portal-monitor.vn"}


async def test_a_burst_of_failures_is_seen_before_the_first_is_confirmed(tools: ProbeResources):
    """Of the many that were good a minute ago most cannot have been looked at again; those that were all failed."""
    async with site() as one:
        clock = HandClock()
        sight = SelfCheck(tools, clock, references=[ReferenceEndpoint(name="web", url=one.url)], portal_count=60)
        for number in range(60):
            await sight.problem(check(number), UP)
            clock.pass_by(1)
        told = []
        for number in range(8):
            told.append(await sight.problem(check(number), down()))
            clock.pass_by(1)
        assert told[:5] == [None] * 5
        assert told[5:] != [None] * 3
        assert told[-1] is not None
        assert told[-1].endswith("portals stopped answering within 10 s")


async def test_who_lies_down_for_long_is_no_burst(tools: ProbeResources):
    async with site() as one:
        clock = HandClock()
        sight = SelfCheck(tools, clock, references=[ReferenceEndpoint(name="web", url=one.url)], portal_count=60)
        for number in range(60):
            await sight.problem(check(number), UP)
        for number in range(6):
            clock.pass_by(30)
            await sight.problem(check(number), down())
        clock.pass_by(90)
        for number in range(20, 60):
            await sight.problem(check(number), UP)
        clock.pass_by(20)
        assert [await sight.problem(check(number), down()) for number in range(6)] == [None] * 6
