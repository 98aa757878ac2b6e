"""The first cases of every surface of bad input; ``make chaos ARGS=fuzz`` tries twenty thousand and more.

A case that breaks its contract names its surface and its number; with the same FUZZ_SEED that is the same case again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.fuzz import SURFACES
from tests.fuzzing import words
from tests.fuzzing.surface import Case, Draw, Surface, attempt, drawn

SHORT = 60
"""Every so-manieth part of the long form's cases is tried here, ten at least."""


@pytest.mark.parametrize("surface", [pytest.param(surface, id=surface.name) for surface in SURFACES])
def test_bad_input_does_no_harm(surface: Surface, tmp_path: Path):
    found = attempt(surface, tmp_path / "scratch", range(max(10, surface.cases // SHORT)))
    assert found.broken == []


def test_text_is_parsed_or_rejected():
    found = words.understood(50)
    assert found.cases >= 4 * 50
    assert found.broken == []


def test_the_long_form_has_twenty_thousand_cases():
    assert sum(surface.cases for surface in SURFACES) >= 20_000


def test_a_broken_contract_is_reported_with_its_number_and_does_not_end_the_rest(tmp_path: Path):
    """Or the tests above would prove nothing."""

    def case(draw: Draw) -> None:
        assert draw.random() > 0.5

    @contextmanager
    def opened(_scratch: Path) -> Iterator[Case]:
        yield case

    surface = Surface(name="coin", contract="heads", cases=20, open=opened)
    found = attempt(surface, tmp_path, range(20))
    tails = [number for number in range(20) if drawn("coin", number).random() <= 0.5]
    assert found.cases == 20
    assert [line.split()[1] for line in found.broken] == [str(number) for number in tails]
