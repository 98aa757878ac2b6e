"""When the daemon comes back, every slot that was not probed gets its outcome, and none gets two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.model.records import Check, UnknownReason
from monitor.prober import gaps
from monitor.prober.gaps import record_first_scheduled, record_missed_slots
from monitor.prober.schedule import MAX_GAP_MS, slot_after, slots_between
from monitor.storage.journal.journal import Journal
from probes.resources import ProbeResources
from probes.result import Outcome
from tests import factories
from tests.factories import DAY, MINUTE, SLOT
from tests.monitor.parts import HandClock, all_of, check_runner, opened

HOUR = 60 * MINUTE
CHECKS = [
    factories.check(),
    factories.check(kind="latency", interval=300.0),
    factories.check(portal="hue", interval=30.0),
]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as journal:
        yield journal


async def measure_once(journal: Journal, checks: list[Check]) -> dict[str, int]:
    """The newest slot of each check, measured."""
    last = {check.key: slot_after(check, SLOT) for check in checks}
    for check in checks:
        measurement = factories.measurement(
            portal=check.portal, check=check.name, kind=check.kind, slot=last[check.key]
        )
        await journal.commit(measurement)
    return last


async def fill(journal: Journal, checks: list[Check], until: int, *, clean: bool = False) -> int:
    async with ProbeResources() as resources:
        runner = check_runner(journal, resources, HandClock())
        return await record_missed_slots(journal, runner, checks, "hn-1", until_ms=until, clean_shutdown=clean)


async def slots_of(journal: Journal, check: Check) -> list[int]:
    return [one.slot for one in await all_of(journal) if one.key == check.key]


@pytest.mark.parametrize("clean", [True, False])
async def test_every_slot_of_an_absence_gets_its_outcome(journal: Journal, clean: bool):  # noqa: FBT001
    last = await measure_once(journal, CHECKS)
    until = SLOT + 3 * HOUR
    filled = await fill(journal, CHECKS, until, clean=clean)
    for check in CHECKS:
        assert await slots_of(journal, check) == list(slots_between(check, last[check.key] - 1, until + 1))
    unknown = [one for one in await all_of(journal) if one.outcome is Outcome.UNKNOWN]
    assert len(unknown) == filled
    assert {one.unknown_reason for one in unknown} == {UnknownReason.STOPPED if clean else UnknownReason.KILLED}
    assert {(one.started, one.duration, one.location, one.config) for one in unknown} == {
        (None, None, "hn-1", "c0ffee12")
    }


async def test_filling_again_fills_nothing(journal: Journal):
    await measure_once(journal, CHECKS)
    assert await fill(journal, CHECKS, SLOT + HOUR) > 0
    assert await fill(journal, CHECKS, SLOT + HOUR) == 0
    assert await fill(journal, CHECKS, SLOT - HOUR) == 0  # the clock was set back meanwhile


async def test_a_check_without_any_outcome_begins_now(journal: Journal):
    await measure_once(journal, CHECKS[:1])
    await fill(journal, [factories.check(portal="new")], SLOT + HOUR)
    assert {one.portal for one in await all_of(journal)} == {"ha-noi"}


async def test_a_check_that_was_killed_in_its_first_probe_loses_no_slot(journal: Journal):
    """It counts from where it was first scheduled, not from the start after that, until it has an outcome."""
    await record_first_scheduled(journal, CHECKS, "hn-1", SLOT)
    await measure_once(journal, CHECKS[:1])
    until = SLOT + HOUR
    await fill(journal, CHECKS, until)
    for check in CHECKS:
        assert await slots_of(journal, check) == list(slots_between(check, SLOT, until + 1))
    assert await fill(journal, CHECKS, until) == 0


async def test_the_first_planning_of_a_check_is_remembered_until_it_has_an_outcome_or_is_gone(journal: Journal):
    rare, other = factories.check(interval=DAY / 1000), factories.check(portal="hue")
    await record_first_scheduled(journal, [rare, other], "hn-1", SLOT)
    await record_first_scheduled(
        journal, [rare], "hn-1", SLOT + HOUR
    )  # started again before anything was due, without `other`
    await record_first_scheduled(journal, [rare, other], "hn-1", SLOT + 2 * HOUR)
    await fill(journal, [rare, other], SLOT + DAY)
    assert await slots_of(journal, rare) == [slot_after(rare, SLOT)]
    assert await slots_of(journal, other) == list(slots_between(other, SLOT + 2 * HOUR, SLOT + DAY + 1))
    await record_first_scheduled(journal, [rare, other], "hn-1", SLOT + DAY)
    assert await journal.read(lambda reader: reader.meta(gaps.FIRST_SCHEDULED_KEY)) == "{}"


async def test_outcomes_of_another_location_are_not_ours(journal: Journal):
    await journal.commit(factories.measurement(location="other"))
    assert await fill(journal, CHECKS, SLOT + HOUR) == 0


async def test_of_a_long_absence_the_first_slot_and_the_last_day_are_written(journal: Journal):
    check = CHECKS[0]
    last = (await measure_once(journal, [check]))[check.key]
    until = SLOT + 400 * DAY
    assert await fill(journal, [check], until) == 1 + 1440
    slots = await slots_of(journal, check)
    assert slots[:2] == [last, last + MINUTE]
    assert slots[2:] == list(slots_between(check, until - MAX_GAP_MS, until + 1))


async def test_many_slots_are_written_in_bites(journal: Journal, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gaps, "BATCH_SIZE", 50)
    await measure_once(journal, CHECKS)
    before = journal.statistics.commits
    filled = await fill(journal, CHECKS, SLOT + 2 * HOUR)
    assert len(await all_of(journal)) == filled + 3
    assert journal.statistics.commits - before >= filled // 50


async def test_what_a_clock_wrote_that_was_ahead_hides_no_absence(journal: Journal):
    (check,) = checks = CHECKS[:1]
    last = (await measure_once(journal, checks))[check.key]
    await journal.commit(factories.measurement(slot=last + 400 * DAY))
    until = last + HOUR
    assert await fill(journal, checks, until) == 60
    assert await slots_of(journal, check) == [last, last + 400 * DAY, *slots_between(check, last, until + 1)]
