"""Value mappings: states, outcomes and limits as text with a symbol and a colour, never as a colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.models.dashboard import DashboardRangeMapOptions as RangeOptions
from grafana_foundation_sdk.models.dashboard import RangeMap, Threshold, ValueMap, ValueMappingResult

from monitor.model.records import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from grafana_foundation_sdk.models.dashboard import ValueMapping

    from monitor.tools.dashboards.texts import DashboardTexts

GOOD, WARN, BAD, NEUTRAL, ACCENT = "#2f9e62", "#e8961a", "#d63a4a", "#7d8590", "#3e7ecb"
"""They differ in lightness as well, for readers who cannot distinguish red and green."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateStyle:
    """Symbol and colour of a state. A higher ``code`` is worse, so that the worst of several is their maximum."""

    code: int
    symbol: str
    color: str


STATE_STYLES: Mapping[State, StateStyle] = {
    State.UP: StateStyle(code=0, symbol="✓", color=GOOD),
    State.MAINTENANCE: StateStyle(code=1, symbol="⚙", color=ACCENT),
    State.UNKNOWN: StateStyle(code=2, symbol="?", color=NEUTRAL),
    State.DEGRADED: StateStyle(code=3, symbol="▲", color=WARN),
    State.DOWN: StateStyle(code=4, symbol="✕", color=BAD),
}


def state_code_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map the code of a state to its symbol and name."""
    return [value_mapping((str(one.code), _label(state, texts), one.color) for state, one in _by_severity())]


def state_symbol_mappings() -> list[ValueMapping]:
    """Map the code of a state to its symbol alone, for dense tiles; the table beside them has the names."""
    return [value_mapping((str(one.code), one.symbol, one.color) for _, one in _by_severity())]


def state_name_mappings(texts: DashboardTexts) -> list[ValueMapping]:
    """Map the name of a state, as a label has it, to its symbol and name."""
    return [value_mapping((state.value, _label(state, texts), one.color) for state, one in _by_severity())]


def _label(state: State, texts: DashboardTexts) -> str:
    return f"{STATE_STYLES[state].symbol} {texts(f'state.{state}')}"


def _by_severity() -> list[tuple[State, StateStyle]]:
    return sorted(STATE_STYLES.items(), key=lambda item: -item[1].code)


def value_mapping(rows: Iterable[tuple[str, str, str]]) -> ValueMap:
    """Map values to texts and colours by (value, text, colour) rows, in their order."""
    results = (
        (value, ValueMappingResult(text=text, color=color or None, index=index))
        for index, (value, text, color) in enumerate(rows)
    )
    return ValueMap(options=dict(results))


def flag_mappings(good: str, bad: str) -> list[ValueMapping]:
    """Map 1 to the text *good* and 0 to the text *bad*."""
    return [value_mapping((("1", f"✓ {good}", GOOD), ("0", f"✕ {bad}", BAD)))]


def range_mapping(low: float, high: float, text: str, color: str) -> RangeMap:
    """Map every number from *low* to *high*, both included."""
    result = ValueMappingResult(text=text, color=color)
    return RangeMap(options=RangeOptions(from_val=low, to=high, result=result))


def steps(base: str, *above: tuple[float, str]) -> list[Threshold]:
    """Return colour steps: *base* from minus infinity, then each colour from its number on."""
    return [Threshold(value=None, color=base), *(Threshold(value=value, color=color) for value, color in above)]


def limit_steps(good_bad: Sequence[float]) -> list[Threshold]:
    """Return colour steps where lower is better: good below the first limit, bad from the last one on."""
    good, bad = good_bad[0], good_bad[-1]
    return steps(GOOD, (good, WARN), (bad, BAD)) if good < bad else steps(GOOD, (bad, BAD))
