"""A daemon whose surroundings break and are mended again: nothing lost, nobody blamed for it, and no restart needed.

Short forms, one life a kind of trouble, all at the same time; ``make chaos ARGS=surroundings`` takes them at length.
"""

from __future__ import annotations

import pytest

from tests.environment import run
from tests.environment.verdict import Result

MISSING = run.missing()

TROUBLES = {
    "disk": (
        "disk full",
        "fsync fails",
        "file system read-only",
        "every trouble of the disk, one after the other",
    ),
    "machine": (
        "no file descriptors",
        "stopped for 4 s",
        "resolver replaced",
        "descriptors, standstill, resolver, one after the other",
    ),
    "clock": ("clock set a year forward", "clock set a year back", "all clocks, one after the other"),
    "database": ("InfluxDB lies", "every lie of the database, one after the other"),
    "people": ("webhook, mail server and Alertmanager lie",),
    "start": ("no time-zone data", "no disk at the start"),
}

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING or "all is here")]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    return run.all_of(list(TROUBLES), tmp_path_factory.mktemp("surroundings") / "lives", long=False, seconds=400)


def test_every_life_was_lived_to_its_end(found: list[Result]):
    names = [one.trouble for one in found]
    assert names == [one for life in TROUBLES.values() for one in life], found[-1].broken


@pytest.mark.parametrize("trouble", [one for life in TROUBLES.values() for one in life])
def test_what_must_hold_holds_in_trouble(found: list[Result], trouble: str):
    (result,) = [one for one in found if one.trouble == trouble]
    assert result.cases > 0
    assert not result.broken
