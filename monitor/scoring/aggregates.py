"""Looks to figures, one query a selection: counts and sums by day, exact quantiles, and what was left out and why.

Sums are taken over whole billionths, so that no order of rows changes the last digit of a mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.scoring.periods import DAY_MS
from monitor.scoring.results import ExclusionReason
from monitor.scoring.rubric import Aggregate
from monitor.scoring.selections import AggregateResult, SelectionResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from monitor.scoring.rubric import Selection
    from monitor.scoring.selections import AggregateSpec, ScoringWindow

NANO = 1_000_000_000
"""Whole parts of one that sums are taken over."""

BINS_PER_DOUBLING = 8
"""Bins to a doubling of the value, in the counts that intervals of quantiles are drawn from."""

MAX_CACHED_ROWS = 2_000_000
"""Up to so many rows a selection is read once and kept for all its questions: a day's file costs more to open than its
renders cost to hold. A quarter of latency is read again instead."""

ZERO_BIN = -1000
"""The bin of zero and of what is too small to matter."""


def aggregate(
    db: duckdb.DuckDBPyConnection, specs: Iterable[AggregateSpec], window: ScoringWindow, *, intervals: bool
) -> dict[tuple[Selection, str], SelectionResult]:
    """Every need for every portal of the frame, by selection and portal; without looks there is no entry.

    ``intervals``: also count values by bin, which takes about half of the time.
    """
    grouped: dict[Selection, list[AggregateSpec]] = {}
    for need in dict.fromkeys(specs):
        grouped.setdefault(need.selection, []).append(need)
    marks = _load_excluded_times(db, window)
    _load_portals(db, window)
    found: dict[tuple[Selection, str], SelectionResult] = {}
    for selection, wanted in grouped.items():
        columns = list(dict.fromkeys(one.metric for one in wanted if one.metric))
        source = _source_query(selection, columns, window, has_excluded_time=bool(marks))
        if _row_count(db, selection.kind) <= MAX_CACHED_ROWS:
            db.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS {source}")
            source = "FROM chosen"
        mine = _aggregate_by_day(db, source, wanted, _column_types(db, selection.kind), window, marks)
        quantiles = [one for one in wanted if one.aggregate.quantile is not None]
        _quantiles(db, source, quantiles, mine)
        if intervals:
            for need in quantiles:
                _count_bins(db, source, need, window, mine)
        found |= {(selection, portal): looked for portal, looked in mine.items()}
    return found


def _row_count(db: duckdb.DuckDBPyConnection, kind: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {_quoted_name(kind)}").fetchone()  # noqa: S608 - quoted
    return int(found[0]) if found else 0


def _load_portals(db: duckdb.DuckDBPyConnection, window: ScoringWindow) -> None:
    db.execute("CREATE OR REPLACE TEMP TABLE scored (portal VARCHAR, number INTEGER)")
    portals = list(window.measured_times)
    db.execute("INSERT INTO scored SELECT unnest(?::VARCHAR[]), unnest(range(?))", [portals, len(portals)])


def _load_excluded_times(db: duckdb.DuckDBPyConnection, window: ScoringWindow) -> list[tuple[ExclusionReason, str]]:
    """The time that looks leave out, by portal and day, as a table; give back what its marks stand for."""
    marks: dict[tuple[ExclusionReason, str], int] = {}
    listed: list[tuple[str, int, int, int, int]] = []
    for portal, times in window.measured_times.items():
        for out in times.excluded_times:
            mark = marks.setdefault((out.reason, out.id), len(marks))
            days = range((out.start_ms - window.since_ms) // DAY_MS, (out.end_ms - 1 - window.since_ms) // DAY_MS + 1)
            listed += [(portal, day, out.start_ms, out.end_ms, mark) for day in days]
    db.execute(
        "CREATE OR REPLACE TEMP TABLE out_days AS SELECT portal, day, "
        "list({'since': since, 'until': until, 'mark': mark} ORDER BY mark) AS spans FROM ("
        "SELECT unnest(?::VARCHAR[]) AS portal, unnest(?::BIGINT[]) AS day, unnest(?::BIGINT[]) AS since, "
        "unnest(?::BIGINT[]) AS until, unnest(?::INTEGER[]) AS mark) GROUP BY portal, day",
        [list(column) for column in zip(*listed, strict=True)] if listed else [[]] * 5,
    )
    return list(marks)


def _source_query(
    selection: Selection, columns: Sequence[str], window: ScoringWindow, *, has_excluded_time: bool
) -> str:
    """The looks of a selection as a query: portal, check, day, outcome, confirming, mark, other, and the metrics."""
    other = " OR ".join(f"{_quoted_name(name)} IS DISTINCT FROM {_literal(value)}" for name, value in selection.where)
    checks = selection.checks
    chosen = f' AND "check" IN ({", ".join(map(_literal, checks))})' if checks is not None else ""
    portals = f"portal IN ({', '.join(map(_literal, window.measured_times))})"
    held = "".join(f", {_quoted_name(name)}" for name in columns)
    looks = (
        f'SELECT portal, "check", outcome, attempt > 1 AS confirming, slot, '  # noqa: S608 - quoted
        f"(slot - {window.since_ms}) // {DAY_MS} AS day, {other or 'false'} AS other{held} "
        f"FROM {_quoted_name(selection.kind)} WHERE {portals}{chosen}"
    )
    if not has_excluded_time:
        return f"SELECT *, NULL::INTEGER AS mark FROM ({looks})"  # noqa: S608 - our own names
    within = "list_filter(spans, lambda x: slot >= x.since AND slot < x.until)[1].mark"
    mark = f"CASE WHEN spans IS NOT NULL THEN {within} END"  # most days have none, and a filter costs a row even so
    return f"SELECT *, {mark} AS mark FROM ({looks}) LEFT JOIN out_days USING (portal, day)"  # noqa: S608 - our own names


def _included_condition(selection: Selection) -> str:
    """The condition of the looks whose values count."""
    parts = ["mark IS NULL", "NOT other", "outcome <> 'void'" if selection.failed else "outcome = 'up'"]
    return " AND ".join(parts if selection.confirming else ["NOT confirming", *parts])


def _exclusion_reason(
    selection: Selection, outcome: str, *, confirming: bool, in_excluded_time: bool, other: bool
) -> ExclusionReason | None:
    """Why a look is left out, None for one that counts.

    A look that is not the slot's first is not due, wherever it falls; then comes time that is out, then our own
    blindness, then what the portal did.
    """
    if confirming and not selection.confirming:
        return ExclusionReason.CONFIRMING
    if in_excluded_time:
        return ExclusionReason.MAINTENANCE
    if outcome == "void":
        return ExclusionReason.VOID
    if outcome == "down" and not selection.failed:
        return ExclusionReason.FAILED
    return ExclusionReason.OTHER if other else None


def _aggregate_by_day(  # noqa: PLR0913, PLR0917 - one step of aggregate, with what it has at hand
    db: duckdb.DuckDBPyConnection,
    source: str,
    specs: Sequence[AggregateSpec],
    types: Mapping[str, str],
    window: ScoringWindow,
    excluded_times: Sequence[tuple[ExclusionReason, str]],
) -> dict[str, SelectionResult]:
    """Counts, sums and maxima by portal and day. Each group is of one sort, so that no row is judged by itself."""
    selection = specs[0].selection
    keys = 'portal, day, "check", outcome, confirming, mark, other'
    parts = ["count(*)", *(part for need in specs for part in _spec_columns(need, types))]
    found: dict[str, SelectionResult] = {}
    ordered: dict[str, list[AggregateResult]] = {}
    rows = db.execute(f"SELECT {keys}, {', '.join(parts)} FROM ({source}) GROUP BY {keys}").fetchall()  # noqa: S608 - our own names
    for portal, day, check, outcome, confirming, mark, other, count, *figures in rows:
        if (looked := found.get(portal)) is None:
            looked = found[portal] = _new_selection_result(specs, types, window.days)
            ordered[portal] = list(looked.aggregates.values())
        why = _exclusion_reason(
            selection, outcome, confirming=confirming, in_excluded_time=mark is not None, other=other
        )
        if why is ExclusionReason.MAINTENANCE:
            looked.in_excluded_time[day] += count
            looked.excluded_counts[excluded_times[mark]] += count
            continue
        if why is not None:
            looked.excluded_counts[why, ""] += count
        if why is not ExclusionReason.CONFIRMING:
            looked.due[day] += count
            looked.known[day] += count if why is not ExclusionReason.VOID else 0
        if why is None:
            looked.checks.add(check)
            good = count if outcome == "up" else 0
            for need, figure, (values, over, most) in zip(specs, ordered[portal], _triples(figures), strict=True):
                _add_row(figure, day, count, values, good if need.metric is None else over, most)
    for looked in found.values():
        for figure in looked.aggregates.values():
            figure.value = _value(figure)
    return found


def _spec_columns(spec: AggregateSpec, types: Mapping[str, str]) -> list[str]:
    """Number of values, their sum or the number that are below the limit, the largest; 0 and NULL where not wanted."""
    if spec.metric is None:
        return ["count(*)", "0", "NULL"]
    value = _quoted_name(spec.metric)
    over, most = "0", "NULL"
    if spec.aggregate is Aggregate.SHARE:
        over = f"count(*) FILTER ({value} < {spec.limit!r})"
    elif spec.aggregate is Aggregate.MAX:
        most = f"max({value})"
    elif spec.aggregate is Aggregate.MEAN:
        exact = types[spec.metric] != "DOUBLE"
        over = f"sum({value}::BIGINT)" if exact else f"sum(round({value} * {NANO})::BIGINT)"
    return [f"count({value})", over, most]


def _new_selection_result(specs: Sequence[AggregateSpec], types: Mapping[str, str], days: int) -> SelectionResult:
    looked = SelectionResult(due=[0] * days, known=[0] * days, in_excluded_time=[0] * days)
    looked.aggregates = {need: _new_aggregate_result(need, types, days) for need in specs}
    return looked


def _new_aggregate_result(spec: AggregateSpec, types: Mapping[str, str], days: int) -> AggregateResult:
    whole = spec.aggregate is not Aggregate.MEAN or (spec.metric is not None and types[spec.metric] != "DOUBLE")
    figure = AggregateResult(counts=[0] * days, scale=1 if whole else NANO)
    if spec.aggregate is Aggregate.MAX:
        figure.maxima = [0.0] * days
    elif spec.aggregate.quantile is None:
        figure.sums = [0] * days
    return figure


def _add_row(
    result: AggregateResult, day: int, count: int, values: int, total: int | None, maximum: float | None
) -> None:
    result.counts[day] += values
    result.absent += count - values
    if result.sums:
        result.sums[day] += total or 0
    if result.maxima and maximum is not None:
        result.maxima[day] = max(result.maxima[day], float(maximum))


def _value(result: AggregateResult) -> float | None:
    count = sum(result.counts)
    if not count:
        return None
    if result.maxima:
        return max(most for most, looks in zip(result.maxima, result.counts, strict=True) if looks)
    return sum(result.sums) / (count * result.scale) if result.sums else None


def _quantiles(
    db: duckdb.DuckDBPyConnection, source: str, specs: Sequence[AggregateSpec], results: Mapping[str, SelectionResult]
) -> None:
    """Exact quantiles over the whole window, several of a metric in one pass."""
    if not specs:
        return
    parts = [f"quantile_cont({_quoted_name(str(one.metric))}::DOUBLE, {one.aggregate.quantile!r})" for one in specs]
    sql = f"SELECT portal, {', '.join(parts)} FROM ({source}) WHERE {_included_condition(specs[0].selection)} GROUP BY portal"  # noqa: S608 - our own names
    for portal, *values in db.execute(sql).fetchall():
        for need, value in zip(specs, values, strict=True):
            results[portal].aggregates[need].value = value


def _count_bins(
    db: duckdb.DuckDBPyConnection,
    source: str,
    spec: AggregateSpec,
    window: ScoringWindow,
    results: Mapping[str, SelectionResult],
) -> None:
    """Count values by portal, day and logarithmic bin; what the bins cannot tell apart is far below any limit."""
    import numpy as np  # noqa: PLC0415 - only intervals need it

    value = _quoted_name(str(spec.metric))
    bin_ = f"CASE WHEN {value} > 1e-9 THEN floor(log2({value}) * {BINS_PER_DOUBLING})::INTEGER ELSE {ZERO_BIN} END"
    counted = (
        f"SELECT portal, day, {bin_} AS bin, count(*) AS n FROM ({source}) "  # noqa: S608 - our own names
        f"WHERE {_included_condition(spec.selection)} AND {value} IS NOT NULL GROUP BY portal, day, bin"
    )
    sql = f"SELECT number, day, bin, n FROM ({counted}) JOIN scored USING (portal) ORDER BY number"  # noqa: S608 - our own names
    rows = db.execute(sql).fetchnumpy()
    number, day, bins, count = (np.asarray(rows[name], np.int64) for name in ("number", "day", "bin", "n"))
    edges = np.searchsorted(number, np.arange(len(window.measured_times) + 1))
    for index, portal in enumerate(window.measured_times):
        mine = slice(edges[index], edges[index + 1])
        if edges[index] < edges[index + 1]:
            used, place = np.unique(bins[mine], return_inverse=True)
            table = np.zeros((window.days, len(used)), np.int64)
            table[day[mine], place] = count[mine]
            results[portal].aggregates[spec].bins = (used, table)


def _column_types(db: duckdb.DuckDBPyConnection, kind: str) -> dict[str, str]:
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE {_quoted_name(kind)}").fetchall()}


def _triples(values: Sequence[Any]) -> Iterable[tuple[int, int | None, float | None]]:
    return zip(values[::3], values[1::3], values[2::3], strict=True)


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
