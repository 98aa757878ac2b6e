"""A failed probe is confirmed within its slot: when, how often, with a permit, and never past a stop."""

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
from tests.monitor.parts import HandClock, acting, all_of, check_runner, opened, refused_port, site, until
from tests.monitor.prober.test_runner import ScriptedSelfCheck
from tests.servers.dns import NameServer


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as journal:
        yield journal


class Lamp:
    """A portal that plays a word, one character an attempt: up, down, a hang; and counts overlapping attempts."""

    def __init__(self, word: str, clock: HandClock | None = None, took: float = 0.0) -> None:
        self.word = word
        self.visits = self.inside = self.most = 0
        self._clock, self._took = clock, took

    async def __call__(self, _trace: Trace) -> None:
        character = self.word[min(self.visits, len(self.word) - 1)]
        self.visits += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await asyncio.sleep(60.0 if character == "H" else 0)
            if self._clock:
                self._clock.pass_by(self._took)
            if character != "U":
                raise ProbeFailed(Fault.HTTP_STATUS, "status 502")
        finally:
            self.inside -= 1


def confirming(journal: Journal, resources: ProbeResources, clock: HandClock, **changes: object) -> CheckRunner:
    wanted = {"confirmation": Confirmation(delays_seconds=(0.001, 0.002))}
    return check_runner(journal, resources, clock, **(wanted | changes))


async def attempts_of(journal: Journal) -> list[tuple[int, int, str]]:
    return [((one.slot - SLOT) // MINUTE, one.attempt, one.outcome.value) for one in await all_of(journal)]


@pytest.mark.parametrize(
    ("word", "attempts"),
    [
        ("U", [(0, 1, "up")]),
        ("DDD", [(0, 1, "down"), (0, 2, "down"), (0, 3, "down")]),
        ("DU", [(0, 1, "down"), (0, 2, "up")]),
        ("DDU", [(0, 1, "down"), (0, 2, "down"), (0, 3, "up")]),
    ],
)
async def test_a_failure_is_confirmed_until_an_attempt_is_up(
    scripted: Journal, resources: ProbeResources, word: str, attempts: list[tuple[int, int, str]]
):
    lamp = Lamp(word)
    await confirming(scripted, resources, HandClock()).run_check(acting(lamp), SLOT)
    assert await attempts_of(scripted) == attempts
    assert lamp.visits == len(word)
    again = [one for one in await all_of(scripted) if one.attempt > 1]
    assert all(one.started is not None and one.start_delay is None for one in again)


async def test_confirmation_attempts_come_when_they_should(scripted: Journal, resources: ProbeResources):
    """Counted from the end of the failed attempt, by the loop's own clock."""
    loop, began = asyncio.get_running_loop(), []

    async def fail(_trace: Trace) -> None:
        began.append(loop.time())
        raise ProbeFailed(Fault.RESET, "no")

    class Steady(HandClock):
        def monotonic(self) -> float:
            return loop.time()

    runner = confirming(scripted, resources, Steady(), confirmation=Confirmation(delays_seconds=(0.1, 0.2)))
    await runner.run_check(acting(fail), SLOT)
    assert began[1] - began[0] >= 0.099
    assert began[2] - began[0] >= 0.199


async def test_a_failure_that_was_confirmed_is_probed_once_a_slot(scripted: Journal, resources: ProbeResources):
    """A known outage is not probed three times a slot; after a success a new failure is confirmed again."""
    runner, lamp = confirming(scripted, resources, HandClock()), Lamp("DDDDUDU")
    for number in range(4):
        await runner.run_check(acting(lamp), SLOT + number * MINUTE)
    assert [(slot, attempt) for slot, attempt, _ in await attempts_of(scripted)] == [
        *((0, 1), (0, 2), (0, 3)),
        (1, 1),
        (2, 1),
        *((3, 1), (3, 2)),
    ]


@pytest.mark.parametrize("other", ["latency", "retired", "off"])
async def test_only_a_failure_that_can_become_an_outage_is_confirmed(
    scripted: Journal, resources: ProbeResources, other: str
):
    after = () if other == "off" else (0.001,)
    wanted = Confirmation(
        delays_seconds=after, excluded_from_evaluation=frozenset({"ha-noi"} if other == "retired" else ())
    )
    one = acting(Lamp("D"))
    one = replace(one, name="uptime-search") if other == "latency" else one
    await confirming(scripted, resources, HandClock(), confirmation=wanted).run_check(one, SLOT)
    assert await attempts_of(scripted) == [(0, 1, "down")]


async def test_attempts_that_do_not_fit_before_the_next_slot_are_skipped(scripted: Journal, resources: ProbeResources):
    """Each attempt takes 20 s of the minute and may take 11: the second one ends at 40 s, and a third could not."""
    clock = HandClock()
    lamp = Lamp("D", clock, took=20.0)
    await confirming(scripted, resources, clock).run_check(acting(lamp, timeout=25.0), SLOT)
    assert await attempts_of(scripted) == [(0, 1, "down"), (0, 2, "down")]
    assert clock.now() == SLOT + 40_000


async def test_confirmation_attempts_wait_for_their_host_like_any_other(journal: Journal, resources: ProbeResources):
    async with site() as one:
        runner = confirming(journal, resources, HandClock(), confirmation=Confirmation(delays_seconds=(0.01, 0.02)))
        failing = PROBE_KINDS["uptime"](url=one.url, family="4", timeout=5.0, status="503")
        checks = [factories.check(portal=name, probe=failing) for name in ("hue", "da-nang", "ha-noi")]
        await asyncio.gather(*[runner.run_check(each, SLOT) for each in checks])
        assert one.most == 1
        assert one.visits == 9
        assert len(await all_of(journal)) == 9


async def test_a_stop_while_a_failure_is_being_confirmed_records_nothing_false(
    scripted: Journal, resources: ProbeResources
):
    """The slot has its outcome; neither the wait nor a cancelled attempt adds a record."""
    for word in ("D", "DH"):
        runner = confirming(
            scripted, resources, HandClock(), confirmation=Confirmation(delays_seconds=(0.001 if word == "DH" else 60,))
        )
        lamp = Lamp(word)
        slot = SLOT if word == "D" else SLOT + MINUTE
        task = asyncio.create_task(runner.run_check(acting(lamp, timeout=50.0), slot))
        await until(lambda lamp=lamp, word=word: lamp.visits == len(word) and (word == "D") != lamp.inside)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await until(lambda: scripted.statistics.pending == 0)
    assert await attempts_of(scripted) == [(0, 1, "down"), (1, 1, "down")]


async def test_once_we_are_about_to_stop_nothing_is_confirmed_any_more(scripted: Journal, resources: ProbeResources):
    runner = confirming(scripted, resources, HandClock(), confirmation=Confirmation(delays_seconds=(60.0,)))
    lamp = Lamp("D")
    task = asyncio.create_task(runner.run_check(acting(lamp), SLOT))
    await until(lambda: lamp.visits == 1)
    runner.stop_confirming()
    await task
    await runner.run_check(acting(lamp, portal="hue"), SLOT)
    assert [one[:2] for one in await attempts_of(scripted)] == [(0, 1), (0, 1)]


async def test_a_slot_that_comes_while_one_is_confirmed_waits_its_turn(scripted: Journal, resources: ProbeResources):
    runner = confirming(scripted, resources, HandClock(), confirmation=Confirmation(delays_seconds=(0.05,)))
    lamp = Lamp("D")
    task = asyncio.create_task(runner.run_check(acting(lamp), SLOT))
    await until(lambda: lamp.visits == 1)
    await runner.run_check(acting(lamp), SLOT + MINUTE)
    await task
    assert await attempts_of(scripted) == [(0, 1, "down"), (0, 2, "down"), (1, 1, "unknown")]


async def test_a_bug_while_confirming_is_recorded_as_ours(scripted: Journal, resources: ProbeResources):
    self_check_stub = ScriptedSelfCheck(resources, HandClock())
    calls: list[str | None] = []

    async def problem(_check: Check, _result: ProbeResult) -> str | None:
        calls.append(None)
        if len(calls) == 2:
            raise LookupError
        return None

    self_check_stub.problem = problem  # type: ignore[method-assign] # what it returns is the test's own
    await confirming(scripted, resources, HandClock(), self_check=self_check_stub).run_check(acting(Lamp("D")), SLOT)
    assert await attempts_of(scripted) == [(0, 1, "down"), (0, 2, "unknown"), (0, 3, "down")]


async def test_each_attempt_resolves_the_name_again_and_uses_both_families(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(http, "_IPV6_ROUTE_TARGET", ("::1", 443))  # what runs the tests may have no IPv6 beyond itself
    port = await refused_port()
    async with NameServer() as names, ProbeResources(HttpSettings(name_servers=(names.address,))) as resources:
        names.add("both.test", a="127.0.0.1", aaaa="::1")
        probe = PROBE_KINDS["uptime"](url=f"http://both.test:{port}/", family="auto", timeout=5.0)
        await confirming(journal, resources, HandClock()).run_check(factories.check(portal="hue", probe=probe), SLOT)
        assert names.queried_types("both.test") == ["A", "AAAA"] * 3
    found = await all_of(journal)
    assert [one.attempt for one in found] == [1, 2, 3]
    assert all(one.fault is Fault.CONNECT_REFUSED for one in found)
    assert all({hop.family for hop in one.hops} == {4, 6} for one in found)
    assert all((one.values["ipv4_success"], one.values["ipv6_success"]) == (False, False) for one in found)
