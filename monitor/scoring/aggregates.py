"""Aggregate attempts, one query per selection: counts and sums by day, exact quantiles, and exclusions by reason.

Sums are taken over whole billionths, so that the order of rows does not change the last digit of a mean.
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
"""Scale of the integers that sums are taken over."""

BINS_PER_DOUBLING = 8
"""Bins per doubling of the value, in the counts from which intervals of quantiles are drawn."""

MAX_CACHED_ROWS = 2_000_000
"""Largest kind whose selection is read once and kept for all its queries: a day's file costs more to open than its
renders cost to hold. A quarter of latency is read again instead."""

ZERO_BIN = -1000
"""Bin of zero and of values that are too small to matter."""


def aggregate(
    db: duckdb.DuckDBPyConnection, specs: Iterable[AggregateSpec], window: ScoringWindow, *, intervals: bool
) -> dict[tuple[Selection, str], SelectionResult]:
    """Return every spec for every portal of the window, by selection and portal; without attempts there is no entry.

    ``intervals``: also count values by bin, which takes about half of the time.
    """
    grouped: dict[Selection, list[AggregateSpec]] = {}
    for spec in dict.fromkeys(specs):
        grouped.setdefault(spec.selection, []).append(spec)
    excluded_times = _load_excluded_times(db, window)
    _load_portals(db, window)
    found: dict[tuple[Selection, str], SelectionResult] = {}
    for selection, wanted in grouped.items():
        columns = list(dict.fromkeys(one.metric for one in wanted if one.metric))
        source = _source_query(selection, columns, window, excluded_time=bool(excluded_times))
        if _row_count(db, selection.kind) <= MAX_CACHED_ROWS:
            db.execute(f"CREATE OR REPLACE TEMP TABLE selected AS {source}")
            source = "FROM selected"
        mine = _aggregate_by_day(db, source, wanted, _column_types(db, selection.kind), window, excluded_times)
        quantiles = [one for one in wanted if one.aggregate.quantile is not None]
        _quantiles(db, source, quantiles, mine)
        if intervals:
            for spec in quantiles:
                _count_bins(db, source, spec, window, mine)
        found |= {(selection, portal): result for portal, result in mine.items()}
    return found


def _row_count(db: duckdb.DuckDBPyConnection, kind: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {_quoted_name(kind)}").fetchone()  # noqa: S608 - quoted
    return int(found[0]) if found else 0


def _load_portals(db: duckdb.DuckDBPyConnection, window: ScoringWindow) -> None:
    db.execute("CREATE OR REPLACE TEMP TABLE scored (portal VARCHAR, number INTEGER)")
    portals = list(window.measured_times)
    db.execute("INSERT INTO scored SELECT unnest(?::VARCHAR[]), unnest(range(?))", [portals, len(portals)])


def _load_excluded_times(db: duckdb.DuckDBPyConnection, window: ScoringWindow) -> list[tuple[ExclusionReason, str]]:
    """Load the excluded times by portal and day as a table; return the reason and id behind each ``excluded_id``."""
    excluded_ids: dict[tuple[ExclusionReason, str], int] = {}
    listed: list[tuple[str, int, int, int, int]] = []
    for portal, times in window.measured_times.items():
        for one in times.excluded_times:
            excluded_id = excluded_ids.setdefault((one.reason, one.id), len(excluded_ids))
            days = range((one.start_ms - window.since_ms) // DAY_MS, (one.end_ms - 1 - window.since_ms) // DAY_MS + 1)
            listed += [(portal, day, one.start_ms, one.end_ms, excluded_id) for day in days]
    db.execute(
        "CREATE OR REPLACE TEMP TABLE excluded_by_day AS SELECT portal, day, "
        "list({'since': since, 'until': until, 'excluded_id': excluded_id} ORDER BY excluded_id) AS spans FROM ("
        "SELECT unnest(?::VARCHAR[]) AS portal, unnest(?::BIGINT[]) AS day, unnest(?::BIGINT[]) AS since, "
        "unnest(?::BIGINT[]) AS until, unnest(?::INTEGER[]) AS excluded_id) GROUP BY portal, day",
        [list(column) for column in zip(*listed, strict=True)] if listed else [[]] * 5,
    )
    return list(excluded_ids)


def _source_query(selection: Selection, columns: Sequence[str], window: ScoringWindow, *, excluded_time: bool) -> str:
    """Return the query of a selection: portal, check, day, outcome, confirming, excluded_id, other, and the metrics."""
    other = " OR ".join(f"{_quoted_name(name)} IS DISTINCT FROM {_literal(value)}" for name, value in selection.where)
    checks = selection.checks
    selected = f' AND "check" IN ({", ".join(map(_literal, checks))})' if checks is not None else ""
    portals = f"portal IN ({', '.join(map(_literal, window.measured_times))})"
    held = "".join(f", {_quoted_name(name)}" for name in columns)
    attempts = (
        f'SELECT portal, "check", outcome, attempt > 1 AS confirming, slot, '  # noqa: S608 - quoted
        f"(slot - {window.since_ms}) // {DAY_MS} AS day, {other or 'false'} AS other{held} "
        f"FROM {_quoted_name(selection.kind)} WHERE {portals}{selected}"
    )
    if not excluded_time:
        return f"SELECT *, NULL::INTEGER AS excluded_id FROM ({attempts})"  # noqa: S608 - our own names
    within = "list_filter(spans, lambda x: slot >= x.since AND slot < x.until)[1].excluded_id"
    excluded_id = f"CASE WHEN spans IS NOT NULL THEN {within} END"  # no spans on most days; a filter costs per row
    joined = f"({attempts}) LEFT JOIN excluded_by_day USING (portal, day)"
    return f"SELECT *, {excluded_id} AS excluded_id FROM {joined}"  # noqa: S608 - our own names


def _included_condition(selection: Selection) -> str:
    """Return the SQL condition of the attempts whose values count."""
    parts = ["excluded_id IS NULL", "NOT other", "outcome <> 'unknown'" if selection.failed else "outcome = 'up'"]
    return " AND ".join(parts if selection.confirming else ["NOT confirming", *parts])


def _exclusion_reason(
    selection: Selection, outcome: str, *, confirming: bool, in_excluded_time: bool, other: bool
) -> ExclusionReason | None:
    """Return why an attempt is excluded, None for one that counts.

    A confirmation attempt is never due, whenever it ran; excluded time is tested next, then an unknown outcome, then
    the outcome of the portal.
    """
    if confirming and not selection.confirming:
        return ExclusionReason.CONFIRMING
    if in_excluded_time:
        return ExclusionReason.MAINTENANCE
    if outcome == "unknown":
        return ExclusionReason.UNKNOWN
    if outcome == "down" and not selection.failed:
        return ExclusionReason.FAILED
    return ExclusionReason.OTHER if other else None


def _aggregate_by_day(  # noqa: PLR0913, PLR0917 - one step of aggregate, with its state
    db: duckdb.DuckDBPyConnection,
    source: str,
    specs: Sequence[AggregateSpec],
    types: Mapping[str, str],
    window: ScoringWindow,
    excluded_times: Sequence[tuple[ExclusionReason, str]],
) -> dict[str, SelectionResult]:
    """Return counts, sums and maxima by portal and day; all rows of a group count or are excluded alike."""
    selection = specs[0].selection
    keys = 'portal, day, "check", outcome, confirming, excluded_id, other'
    parts = ["count(*)", *(part for spec in specs for part in _spec_columns(spec, types))]
    found: dict[str, SelectionResult] = {}
    ordered: dict[str, list[AggregateResult]] = {}
    rows = db.execute(f"SELECT {keys}, {', '.join(parts)} FROM ({source}) GROUP BY {keys}").fetchall()  # noqa: S608 - our own names
    for portal, day, check, outcome, confirming, excluded_id, other, count, *values in rows:
        if (result := found.get(portal)) is None:
            result = found[portal] = _new_selection_result(specs, types, window.days)
            ordered[portal] = list(result.aggregates.values())
        excluded = excluded_id is not None
        reason = _exclusion_reason(selection, outcome, confirming=confirming, in_excluded_time=excluded, other=other)
        if reason is ExclusionReason.MAINTENANCE:
            result.in_excluded_time[day] += count
            result.excluded_counts[excluded_times[excluded_id]] += count
            continue
        if reason is not None:
            result.excluded_counts[reason, ""] += count
        if reason is not ExclusionReason.CONFIRMING:
            result.due[day] += count
            result.known[day] += count if reason is not ExclusionReason.UNKNOWN else 0
        if reason is None:
            result.checks.add(check)
            good = count if outcome == "up" else 0
            for spec, mine, (number, total, maximum) in zip(specs, ordered[portal], _triples(values), strict=True):
                _add_row(mine, day, count, number, good if spec.metric is None else total, maximum)
    for mine in (one for result in found.values() for one in result.aggregates.values()):
        mine.value = _value(mine)
    return found


def _spec_columns(spec: AggregateSpec, types: Mapping[str, str]) -> list[str]:
    """Return the SQL of the number of values, their sum or number below the limit, and maximum; else 0 and NULL."""
    if spec.metric is None:
        return ["count(*)", "0", "NULL"]
    value = _quoted_name(spec.metric)
    total, maximum = "0", "NULL"
    if spec.aggregate is Aggregate.SHARE:
        total = f"count(*) FILTER ({value} < {spec.limit!r})"
    elif spec.aggregate is Aggregate.MAX:
        maximum = f"max({value})"
    elif spec.aggregate is Aggregate.MEAN:
        exact = types[spec.metric] != "DOUBLE"
        total = f"sum({value}::BIGINT)" if exact else f"sum(round({value} * {NANO})::BIGINT)"
    return [f"count({value})", total, maximum]


def _new_selection_result(specs: Sequence[AggregateSpec], types: Mapping[str, str], days: int) -> SelectionResult:
    result = SelectionResult(due=[0] * days, known=[0] * days, in_excluded_time=[0] * days)
    result.aggregates = {spec: _new_aggregate_result(spec, types, days) for spec in specs}
    return result


def _new_aggregate_result(spec: AggregateSpec, types: Mapping[str, str], days: int) -> AggregateResult:
    whole = spec.aggregate is not Aggregate.MEAN or (spec.metric is not None and types[spec.metric] != "DOUBLE")
    result = AggregateResult(counts=[0] * days, scale=1 if whole else NANO)
    if spec.aggregate is Aggregate.MAX:
        result.maxima = [0.0] * days
    elif spec.aggregate.quantile is None:
        result.sums = [0] * days
    return result


def _add_row(  # noqa: PLR0913, PLR0917 - the columns of one row
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
        return max(maximum for maximum, number in zip(result.maxima, result.counts, strict=True) if number)
    return sum(result.sums) / (count * result.scale) if result.sums else None


def _quantiles(
    db: duckdb.DuckDBPyConnection, source: str, specs: Sequence[AggregateSpec], results: Mapping[str, SelectionResult]
) -> None:
    """Set the exact quantiles over the whole window, several of a metric in one pass."""
    if not specs:
        return
    parts = [f"quantile_cont({_quoted_name(str(one.metric))}::DOUBLE, {one.aggregate.quantile!r})" for one in specs]
    condition = _included_condition(specs[0].selection)
    sql = f"SELECT portal, {', '.join(parts)} FROM ({source}) WHERE {condition} GROUP BY portal"  # noqa: S608 - our own names
    for portal, *values in db.execute(sql).fetchall():
        for spec, value in zip(specs, values, strict=True):
            results[portal].aggregates[spec].value = value


def _count_bins(
    db: duckdb.DuckDBPyConnection,
    source: str,
    spec: AggregateSpec,
    window: ScoringWindow,
    results: Mapping[str, SelectionResult],
) -> None:
    """Count values by portal, day and logarithmic bin; values in the zero bin are far below any limit."""
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
