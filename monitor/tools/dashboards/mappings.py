"""What values look like: states, verdicts and limits as text with a sign and a colour, never as a colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import (
    DashboardRangeMapOptions,
    DashboardSpecialValueMapOptions,
    RangeMap,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ValueMap,
    ValueMappingResult,
)

from monitor.model.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import ValueMapping

    from monitor.tools.dashboards.texts import Say

GOOD, WARN, BAD, NEUTRAL, CALM = "#2f9e62", "#e8961a", "#d63a4a", "#7d8590", "#3e7ecb"
"""Told apart by lightness as well, for those who do not see red and green as two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a state is shown. A higher ``code`` is worse, so that the worst of several is their maximum."""

    code: int
    sign: str
    color: str


LOOKS: Mapping[State, Look] = {
    State.UP: Look(code=0, sign="✓", color=GOOD),
    State.MAINTENANCE: Look(code=1, sign="⚙", color=CALM),
    State.UNKNOWN: Look(code=2, sign="?", color=NEUTRAL),
    State.DEGRADED: Look(code=3, sign="▲", color=WARN),
    State.DOWN: Look(code=4, sign="✕", color=BAD),
}


def states_by_code(say: Say) -> list[ValueMapping]:
    """The number of a state as its sign and its word."""
    return [values((str(look.code), f"{look.sign} {say(f'state.{state}')}", look.color) for state, look in _worst())]


def tiles_by_code() -> list[ValueMapping]:
    """The same for dense tiles, whose sign is all that there is room for; the words stand in the table beside them."""
    return [values((str(look.code), look.sign, look.color) for _, look in _worst())]


def states_by_name(say: Say) -> list[ValueMapping]:
    """The name of a state, as a label has it."""
    return [values((state.value, f"{look.sign} {say(f'state.{state}')}", look.color) for state, look in _worst())]


def _worst() -> list[tuple[State, Look]]:
    return sorted(LOOKS.items(), key=lambda item: -item[1].code)


def values(rows: Iterable[tuple[str, str, str]]) -> ValueMap:
    """(value, text, colour) rows; the order is kept."""
    return ValueMap(
        options={
            value: ValueMappingResult(text=text, color=color or None, index=index)
            for index, (value, text, color) in enumerate(rows)
        }
    )


def between(low: float | None, high: float | None, text: str, color: str) -> RangeMap:
    """Every number from ``low`` to ``high``, both included, None being endless."""
    return RangeMap(
        options=DashboardRangeMapOptions(from_val=low, to=high, result=ValueMappingResult(text=text, color=color))
    )


def nothing(text: str) -> SpecialValueMap:
    """What stands for a value that is not there."""
    return SpecialValueMap(
        options=DashboardSpecialValueMapOptions(
            match=SpecialValueMatch.NULL_AND_NAN, result=ValueMappingResult(text=text, color=NEUTRAL)
        )
    )


def steps(base: str, *above: tuple[float, str]) -> list[Threshold]:
    """Colours: ``base`` from minus infinity, then each colour from its number on."""
    return [Threshold(value=None, color=base), *(Threshold(value=value, color=color) for value, color in above)]


def limits(pair: Sequence[float]) -> list[Threshold]:
    """Lower is better: good below the first limit, bad from the last one on."""
    good, bad = pair[0], pair[-1]
    return steps(GOOD, (good, WARN), (bad, BAD)) if good < bad else steps(GOOD, (bad, BAD))
