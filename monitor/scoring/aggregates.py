"""Looks to figures, one query a selection: counts and sums by day, exact quantiles, and what was left out and why.

Sums are taken over whole billionths, so that no order of rows changes the last digit of a mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.scoring.periods import DAY
from monitor.scoring.results import Left
from monitor.scoring.rubric import Aggregate
from monitor.scoring.selections import Figure, Looked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb

    from monitor.scoring.rubric import Selection
    from monitor.scoring.selections import Frame, Need

NANO = 1_000_000_000
"""Whole parts of one that sums are taken over."""

BINS = 8
"""Bins to a doubling of the value, in the counts that intervals of quantiles are drawn from."""

SMALL = 2_000_000
"""Up to so many rows a selection is read once and kept for all its questions: a day's file costs more to open than its
renders cost to hold. A quarter of latency is read again instead."""

ZERO_BIN = -1000
"""The bin of zero and of what is too small to matter."""


def aggregate(
    db: duckdb.DuckDBPyConnection, needs: Iterable[Need], frame: Frame, *, intervals: bool
) -> dict[tuple[Selection, str], Looked]:
    """Every need for every portal of the frame, by selection and portal; without looks there is no entry.

    ``intervals``: also count values by bin, which takes about half of the time.
    """
    grouped: dict[Selection, list[Need]] = {}
    for need in dict.fromkeys(needs):
        grouped.setdefault(need.selection, []).append(need)
    marks = _load_spans(db, frame)
    _load_portals(db, frame)
    found: dict[tuple[Selection, str], Looked] = {}
    for selection, wanted in grouped.items():
        columns = list(dict.fromkeys(one.metric for one in wanted if one.metric))
        source = _source(selection, columns, frame, marked=bool(marks))
        if _rows(db, selection.kind) <= SMALL:
            db.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS {source}")
            source = "FROM chosen"
        mine = _by_day(db, source, wanted, _types(db, selection.kind), frame, marks)
        quantiles = [one for one in wanted if one.aggregate.quantile is not None]
        _quantiles(db, source, quantiles, mine)
        if intervals:
            for need in quantiles:
                _bins(db, source, need, frame, mine)
        found |= {(selection, portal): looked for portal, looked in mine.items()}
    return found


def _rows(db: duckdb.DuckDBPyConnection, kind: str) -> int:
    found = db.execute(f"SELECT count(*) FROM {_name(kind)}").fetchone()  # noqa: S608 - quoted
    return int(found[0]) if found else 0


def _load_portals(db: duckdb.DuckDBPyConnection, frame: Frame) -> None:
    db.execute("CREATE OR REPLACE TEMP TABLE scored (portal VARCHAR, number INTEGER)")
    portals = list(frame.times)
    db.execute("INSERT INTO scored SELECT unnest(?::VARCHAR[]), unnest(range(?))", [portals, len(portals)])


def _load_spans(db: duckdb.DuckDBPyConnection, frame: Frame) -> list[tuple[Left, str]]:
    """The time that looks leave out, by portal and day, as a table; give back what its marks stand for."""
    marks: dict[tuple[Left, str], int] = {}
    listed: list[tuple[str, int, int, int, int]] = []
    for portal, times in frame.times.items():
        for out in times.out:
            mark = marks.setdefault((out.why, out.id), len(marks))
            days = range((out.start - frame.since) // DAY, (out.end - 1 - frame.since) // DAY + 1)
            listed += [(portal, day, out.start, out.end, mark) for day in days]
    db.execute(
        "CREATE OR REPLACE TEMP TABLE out_days AS SELECT portal, day, "
        "list({'since': since, 'until': until, 'mark': mark} ORDER BY mark) AS spans FROM ("
        "SELECT unnest(?::VARCHAR[]) AS portal, unnest(?::BIGINT[]) AS day, unnest(?::BIGINT[]) AS since, "
        "unnest(?::BIGINT[]) AS until, unnest(?::INTEGER[]) AS mark) GROUP BY portal, day",
        [list(column) for column in zip(*listed, strict=True)] if listed else [[]] * 5,
    )
    return list(marks)


def _source(selection: Selection, columns: Sequence[str], frame: Frame, *, marked: bool) -> str:
    """The looks of a selection as a query: portal, check, day, outcome, confirming, mark, other, and the metrics."""
    other = " OR ".join(f"{_name(name)} IS DISTINCT FROM {_literal(value)}" for name, value in selection.where)
    checks = selection.checks
    chosen = f' AND "check" IN ({", ".join(map(_literal, checks))})' if checks is not None else ""
    portals = f"portal IN ({', '.join(map(_literal, frame.times))})"
    held = "".join(f", {_name(name)}" for name in columns)
    looks = (
        f'SELECT portal, "check", outcome, attempt > 1 AS confirming, slot, '  # noqa: S608 - quoted
        f"(slot - {frame.since}) // {DAY} AS day, {other or 'false'} AS other{held} "
        f"FROM {_name(selection.kind)} WHERE {portals}{chosen}"
    )
    if not marked:
        return f"SELECT *, NULL::INTEGER AS mark FROM ({looks})"  # noqa: S608 - our own names
    within = "list_filter(spans, lambda x: slot >= x.since AND slot < x.until)[1].mark"
    mark = f"CASE WHEN spans IS NOT NULL THEN {within} END"  # most days have none, and a filter costs a row even so
    return f"SELECT *, {mark} AS mark FROM ({looks}) LEFT JOIN out_days USING (portal, day)"  # noqa: S608 - our own names


def _used(selection: Selection) -> str:
    """The condition of the looks whose values count."""
    parts = ["mark IS NULL", "NOT other", "outcome <> 'void'" if selection.failed else "outcome = 'up'"]
    return " AND ".join(parts if selection.confirming else ["NOT confirming", *parts])


def _sort(selection: Selection, outcome: str, *, confirming: bool, marked: bool, other: bool) -> Left | None:
    """Why a look is left out, None for one that counts.

    A look that is not the slot's first is not due, wherever it falls; then comes time that is out, then our own
    blindness, then what the portal did.
    """
    if confirming and not selection.confirming:
        return Left.CONFIRMING
    if marked:
        return Left.MAINTENANCE
    if outcome == "void":
        return Left.VOID
    if outcome == "down" and not selection.failed:
        return Left.FAILED
    return Left.OTHER if other else None


def _by_day(  # noqa: PLR0913, PLR0917 - one step of aggregate, with what it has at hand
    db: duckdb.DuckDBPyConnection,
    source: str,
    wanted: Sequence[Need],
    types: Mapping[str, str],
    frame: Frame,
    marks: Sequence[tuple[Left, str]],
) -> dict[str, Looked]:
    """Counts, sums and maxima by portal and day. Each group is of one sort, so that no row is judged by itself."""
    selection = wanted[0].selection
    keys = 'portal, day, "check", outcome, confirming, mark, other'
    parts = ["count(*)", *(part for need in wanted for part in _sums(need, types))]
    found: dict[str, Looked] = {}
    ordered: dict[str, list[Figure]] = {}
    rows = db.execute(f"SELECT {keys}, {', '.join(parts)} FROM ({source}) GROUP BY {keys}").fetchall()  # noqa: S608 - our own names
    for portal, day, check, outcome, confirming, mark, other, count, *figures in rows:
        if (looked := found.get(portal)) is None:
            looked = found[portal] = _blank(wanted, types, frame.days)
            ordered[portal] = list(looked.figures.values())
        why = _sort(selection, outcome, confirming=confirming, marked=mark is not None, other=other)
        if why is Left.MAINTENANCE:
            looked.marked[day] += count
            looked.left[marks[mark]] += count
            continue
        if why is not None:
            looked.left[why, ""] += count
        if why is not Left.CONFIRMING:
            looked.due[day] += count
            looked.seen[day] += count if why is not Left.VOID else 0
        if why is None:
            looked.checks.add(check)
            good = count if outcome == "up" else 0
            for need, figure, (values, over, most) in zip(wanted, ordered[portal], _threes(figures), strict=True):
                _take(figure, day, count, values, good if need.metric is None else over, most)
    for looked in found.values():
        for figure in looked.figures.values():
            figure.value = _value(figure)
    return found


def _sums(need: Need, types: Mapping[str, str]) -> list[str]:
    """Number of values, their sum or the number that are below the limit, the largest; 0 and NULL where not wanted."""
    if need.metric is None:
        return ["count(*)", "0", "NULL"]
    value = _name(need.metric)
    over, most = "0", "NULL"
    if need.aggregate is Aggregate.SHARE:
        over = f"count(*) FILTER ({value} < {need.limit!r})"
    elif need.aggregate is Aggregate.MAX:
        most = f"max({value})"
    elif need.aggregate is Aggregate.MEAN:
        exact = types[need.metric] != "DOUBLE"
        over = f"sum({value}::BIGINT)" if exact else f"sum(round({value} * {NANO})::BIGINT)"
    return [f"count({value})", over, most]


def _blank(wanted: Sequence[Need], types: Mapping[str, str], days: int) -> Looked:
    looked = Looked(due=[0] * days, seen=[0] * days, marked=[0] * days)
    looked.figures = {need: _empty(need, types, days) for need in wanted}
    return looked


def _empty(need: Need, types: Mapping[str, str], days: int) -> Figure:
    whole = need.aggregate is not Aggregate.MEAN or (need.metric is not None and types[need.metric] != "DOUBLE")
    figure = Figure(looks=[0] * days, scale=1 if whole else NANO)
    if need.aggregate is Aggregate.MAX:
        figure.most = [0.0] * days
    elif need.aggregate.quantile is None:
        figure.over = [0] * days
    return figure


def _take(figure: Figure, day: int, count: int, values: int, over: int | None, most: float | None) -> None:  # noqa: PLR0913, PLR0917 - a row
    figure.looks[day] += values
    figure.absent += count - values
    if figure.over:
        figure.over[day] += over or 0
    if figure.most and most is not None:
        figure.most[day] = max(figure.most[day], float(most))


def _value(figure: Figure) -> float | None:
    count = sum(figure.looks)
    if not count:
        return None
    if figure.most:
        return max(most for most, looks in zip(figure.most, figure.looks, strict=True) if looks)
    return sum(figure.over) / (count * figure.scale) if figure.over else None


def _quantiles(db: duckdb.DuckDBPyConnection, source: str, needs: Sequence[Need], found: Mapping[str, Looked]) -> None:
    """Exact quantiles over the whole window, several of a metric in one pass."""
    if not needs:
        return
    parts = [f"quantile_cont({_name(str(one.metric))}::DOUBLE, {one.aggregate.quantile!r})" for one in needs]
    sql = f"SELECT portal, {', '.join(parts)} FROM ({source}) WHERE {_used(needs[0].selection)} GROUP BY portal"  # noqa: S608 - our own names
    for portal, *values in db.execute(sql).fetchall():
        for need, value in zip(needs, values, strict=True):
            found[portal].figures[need].value = value


def _bins(db: duckdb.DuckDBPyConnection, source: str, need: Need, frame: Frame, found: Mapping[str, Looked]) -> None:
    """Count values by portal, day and logarithmic bin; what the bins cannot tell apart is far below any limit."""
    import numpy as np  # noqa: PLC0415 - only intervals need it

    value = _name(str(need.metric))
    bin_ = f"CASE WHEN {value} > 1e-9 THEN floor(log2({value}) * {BINS})::INTEGER ELSE {ZERO_BIN} END"
    counted = (
        f"SELECT portal, day, {bin_} AS bin, count(*) AS n FROM ({source}) "  # noqa: S608 - our own names
        f"WHERE {_used(need.selection)} AND {value} IS NOT NULL GROUP BY portal, day, bin"
    )
    sql = f"SELECT number, day, bin, n FROM ({counted}) JOIN scored USING (portal) ORDER BY number"  # noqa: S608 - our own names
    rows = db.execute(sql).fetchnumpy()
    number, day, bins, count = (np.asarray(rows[name], np.int64) for name in ("number", "day", "bin", "n"))
    edges = np.searchsorted(number, np.arange(len(frame.times) + 1))
    for index, portal in enumerate(frame.times):
        mine = slice(edges[index], edges[index + 1])
        if edges[index] < edges[index + 1]:
            used, place = np.unique(bins[mine], return_inverse=True)
            table = np.zeros((frame.days, len(used)), np.int64)
            table[day[mine], place] = count[mine]
            found[portal].figures[need].bins = (used, table)


def _types(db: duckdb.DuckDBPyConnection, kind: str) -> dict[str, str]:
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE {_name(kind)}").fetchall()}


def _threes(figures: Sequence[Any]) -> Iterable[tuple[int, int | None, float | None]]:
    return zip(figures[::3], figures[1::3], figures[2::3], strict=True)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"
