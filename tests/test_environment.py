"""A daemon whose environment fails and recovers: nothing is lost, no portal is charged, and no restart is needed.

Short forms, one scenario a kind of fault, all at the same time; ``make chaos ARGS=environment`` runs them at length.
"""

from __future__ import annotations

import pytest

from tests.environment import run
from tests.environment.invariants import Result

MISSING = run.missing()

FAULTS = {
    "disk": (
        "disk full",
        "fsync fails",
        "file system read-only",
        "every fault of the disk, one after the other",
    ),
    "machine": (
        "no file descriptors",
        "stopped for 4 s",
        "resolver replaced",
        "descriptors, standstill, resolver, one after the other",
    ),
    "clock": ("clock set a year forward", "clock set a year back", "all clocks, one after the other"),
    "database": ("InfluxDB answers wrongly", "every fault of the database, one after the other"),
    "targets": ("webhook, mail server and Alertmanager answer wrongly",),
    "start": ("no time-zone data", "no disk at the start"),
}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING or "everything is installed")]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    return run.all_of(list(FAULTS), tmp_path_factory.mktemp("environment") / "scenarios", long=False, seconds=400)


def test_every_scenario_ran_to_its_end(found: list[Result]):
    names = [one.fault for one in found]
    assert names == [one for faults in FAULTS.values() for one in faults], found[-1].broken


@pytest.mark.parametrize("fault", [one for faults in FAULTS.values() for one in faults])
def test_the_invariants_hold_after_a_fault(found: list[Result], fault: str):
    (result,) = [one for one in found if one.fault == fault]
    assert result.cases > 0
    assert not result.broken
