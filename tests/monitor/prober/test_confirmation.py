"""A failed look is looked at again within its slot: when, how often, with a seat, and never past a stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.model.records import Check
from monitor.prober.confirmation import Confirmation
from monitor.prober.runner import CheckRunner
from monitor.storage.journal.journal import Journal
from probes.http import probe as http
from probes.registry import PROBE_KINDS
from probes.resources import HttpSettings, ProbeResources
from probes.result import Fault, ProbeFailed, ProbeResult
from probes.trace import Trace
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.parts import HandClock, acting, all_of, measurer, opened, refused_port, site, until
from tests.monitor.prober.test_runner import Told
from tests.servers.dns import NameServer


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as journal:
        yield journal


class Lamp:
    """A portal that plays a word, one letter a look: up, down, a hang; and notes when looks began and overlapped."""

    def __init__(self, word: str, clock: HandClock | None = None, took: float = 0.0) -> None:
        self.word = word
        self.visits = self.inside = self.most = 0
        self._clock, self._took = clock, took

    async def __call__(self, _trace: Trace) -> None:
        letter = self.word[min(self.visits, len(self.word) - 1)]
        self.visits += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(60.0 if letter == "H" else 0)
            if self._clock:
                self._clock.pass_by(self._took)
            if letter != "U":
                raise ProbeFailed(Fault.HTTP_STATUS, "status 502")
        finally:
            self.inside -= 1


def confirming(journal: Journal, tools: ProbeResources, clock: HandClock, **changes: object) -> CheckRunner:
    wanted = {"confirmation": Confirmation(delays_seconds=(0.001, 0.002))}
    return measurer(journal, tools, clock, **(wanted | changes))


async def told(journal: Journal) -> list[tuple[int, int, str]]:
    return [((one.slot - SLOT) // MINUTE, one.attempt, one.outcome.value) for one in await all_of(journal)]


@pytest.mark.parametrize(
    ("word", "looks"),
    [
        ("U", [(0, 1, "up")]),
        ("DDD", [(0, 1, "down"), (0, 2, "down"), (0, 3, "down")]),
        ("DU", [(0, 1, "down"), (0, 2, "up")]),
        ("DDU", [(0, 1, "down"), (0, 2, "down"), (0, 3, "up")]),
    ],
)
async def test_a_failure_is_looked_at_again_until_a_look_is_good(
    scripted: Journal, tools: ProbeResources, word: str, looks: list[tuple[int, int, str]]
):
    lamp = Lamp(word)
    await confirming(scripted, tools, HandClock()).run_check(acting(lamp), SLOT)
    assert await told(scripted) == looks
    assert lamp.visits == len(word)
    again = [one for one in await all_of(scripted) if one.attempt > 1]
    assert all(one.started is not None and one.lateness is None for one in again)


async def test_confirming_looks_come_when_they_should(scripted: Journal, tools: ProbeResources):
    """Counted from the end of the failed look, by the loop's own clock."""
    loop, began = asyncio.get_running_loop(), []

    async def fail(_trace: Trace) -> None:
        began.append(loop.time())
        raise ProbeFailed(Fault.RESET, "no")

    class Steady(HandClock):
        def monotonic(self) -> float:
            return loop.time()

    room = confirming(scripted, tools, Steady(), confirmation=Confirmation(delays_seconds=(0.1, 0.2)))
    await room.run_check(acting(fail), SLOT)
    assert began[1] - began[0] >= 0.099
    assert began[2] - began[0] >= 0.199


async def test_a_failure_that_was_confirmed_is_looked_at_once_a_slot(scripted: Journal, tools: ProbeResources):
    """Whoever lies on the ground is not kicked; after a good look a new failure is confirmed again."""
    room, lamp = confirming(scripted, tools, HandClock()), Lamp("DDDDUDU")
    for number in range(4):
        await room.run_check(acting(lamp), SLOT + number * MINUTE)
    assert [(slot, attempt) for slot, attempt, _ in await told(scripted)] == [
        *((0, 1), (0, 2), (0, 3)),
        (1, 1),
        (2, 1),
        *((3, 1), (3, 2)),
    ]


@pytest.mark.parametrize("other", ["latency", "retired", "off"])
async def test_only_a_failure_that_can_become_an_outage_is_confirmed(
    scripted: Journal, tools: ProbeResources, other: str
):
    after = () if other == "off" else (0.001,)
    wanted = Confirmation(
        delays_seconds=after, excluded_from_evaluation=frozenset({"ha-noi"} if other == "retired" else ())
    )
    one = acting(Lamp("D"))
    one = replace(one, name="uptime-search") if other == "latency" else one
    await confirming(scripted, tools, HandClock(), confirmation=wanted).run_check(one, SLOT)
    assert await told(scripted) == [(0, 1, "down")]


async def test_looks_that_do_not_fit_before_the_next_slot_are_left_out(scripted: Journal, tools: ProbeResources):
    """Each look takes 20 s of the minute and may take 11: the second one ends at 40 s, and a third could not."""
    clock = HandClock()
    lamp = Lamp("D", clock, took=20.0)
    await confirming(scripted, tools, clock).run_check(acting(lamp, timeout=25.0), SLOT)
    assert await told(scripted) == [(0, 1, "down"), (0, 2, "down")]
    assert clock.now() == SLOT + 40_000


async def test_confirming_looks_wait_for_their_host_like_any_other(journal: Journal, tools: ProbeResources):
    async with site() as one:
        room = confirming(journal, tools, HandClock(), confirmation=Confirmation(delays_seconds=(0.01, 0.02)))
        failing = PROBE_KINDS["uptime"](url=one.url, family="4", timeout=5.0, status="503")
        checks = [factories.check(portal=name, probe=failing) for name in ("hue", "da-nang", "ha-noi")]
        await asyncio.gather(*[room.run_check(each, SLOT) for each in checks])
        assert one.most == 1
        assert one.visits == 9
        assert len(await all_of(journal)) == 9


async def test_a_stop_while_a_failure_is_being_confirmed_records_nothing_false(
    scripted: Journal, tools: ProbeResources
):
    """The slot has its outcome; neither the wait nor a look that was cut off adds a word."""
    for word in ("D", "DH"):
        room = confirming(
            scripted, tools, HandClock(), confirmation=Confirmation(delays_seconds=(0.001 if word == "DH" else 60,))
        )
        lamp = Lamp(word)
        slot = SLOT if word == "D" else SLOT + MINUTE
        task = asyncio.create_task(room.run_check(acting(lamp, timeout=50.0), slot))
        await until(lambda lamp=lamp, word=word: lamp.visits == len(word) and (word == "D") != lamp.inside)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until(lambda: scripted.statistics.pending == 0)
    assert await told(scripted) == [(0, 1, "down"), (1, 1, "down")]


async def test_once_we_are_about_to_stop_nothing_is_confirmed_any_more(scripted: Journal, tools: ProbeResources):
    room = confirming(scripted, tools, HandClock(), confirmation=Confirmation(delays_seconds=(60.0,)))
    lamp = Lamp("D")
    task = asyncio.create_task(room.run_check(acting(lamp), SLOT))
    await until(lambda: lamp.visits == 1)
    room.stop_confirming()
    await task
    await room.run_check(acting(lamp, portal="hue"), SLOT)
    assert [one[:2] for one in await told(scripted)] == [(0, 1), (0, 1)]


async def test_a_slot_that_comes_while_one_is_confirmed_waits_its_turn(scripted: Journal, tools: ProbeResources):
    room = confirming(scripted, tools, HandClock(), confirmation=Confirmation(delays_seconds=(0.05,)))
    lamp = Lamp("D")
    task = asyncio.create_task(room.run_check(acting(lamp), SLOT))
    await until(lambda: lamp.visits == 1)
    await room.run_check(acting(lamp), SLOT + MINUTE)
    await task
    assert await told(scripted) == [(0, 1, "down"), (0, 2, "down"), (1, 1, "void")]


async def test_a_bug_while_confirming_is_recorded_as_ours(scripted: Journal, tools: ProbeResources):
    sight = Told(tools, HandClock())
    judged: list[str | None] = []

    async def judge(_check: Check, _result: ProbeResult) -> str | None:
        judged.append(None)
        if len(judged) == 2:
            raise LookupError
        return None

    sight.problem = judge  # type: ignore[method-assign] # what it says is the test's own
    await confirming(scripted, tools, HandClock(), self_check=sight).run_check(acting(Lamp("D")), SLOT)
    assert await told(scripted) == [(0, 1, "down"), (0, 2, "void"), (0, 3, "down")]


async def test_each_look_asks_for_the_name_anew_and_goes_over_both_families(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "_IPV6_ROUTE_TARGET", ("::1", 443))  # what runs the tests may have no IPv6 beyond itself
    port = await refused_port()
    async with NameServer() as names, ProbeResources(HttpSettings(name_servers=(names.address,))) as tools:
        names.add("both.test", a="127.0.0.1", aaaa="::1")
        probe = PROBE_KINDS["uptime"](url=f"http://both.test:{port}/", family="auto", timeout=5.0)
        await confirming(journal, tools, HandClock()).run_check(factories.check(portal="hue", probe=probe), SLOT)
        assert names.asked("both.test") == ["A", "AAAA"] * 3
    found = await all_of(journal)
    assert [one.attempt for one in found] == [1, 2, 3]
    assert all(one.fault is Fault.CONNECT_REFUSED for one in found)
    assert all({hop.family for hop in one.hops} == {4, 6} for one in found)
    assert all((one.values["ipv4_success"], one.values["ipv6_success"]) == (False, False) for one in found)
