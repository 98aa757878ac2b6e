"""Recompute scores independently: plain Python over exported files, without any code of this program.

``python recompute.py SCORES.json EXPORT_DIRECTORY JOURNAL`` takes what ``portal-monitor score --json`` and
``portal-monitor history export`` wrote, and state changes out of the journal (a plain SQLite file). It recomputes
every aggregate, coverage, point and total of the JSON from docs/scoring.md alone, and prints the differences.
"""

from __future__ import annotations

import csv
import json
import math
import sqlite3
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

DAY = 86_400_000
TOLERANCE = 1e-9


class Recomputation:
    """The history of one export, and the differences found so far."""

    def __init__(self, score_set: dict[str, Any], folder: Path, journal: Path) -> None:
        self.score_set = score_set
        self.since, self.until = score_set["period"]["since"], score_set["period"]["until"]
        self.days = math.ceil((self.until - self.since) / DAY)
        self.rows = {path.stem: self._read(path) for path in folder.glob("*.csv")}
        self.changes = defaultdict(list)
        with sqlite3.connect(journal) as db:
            for portal, location, at, state in db.execute(
                "SELECT portal, location, at, state FROM state_change ORDER BY at, seq"
            ):
                self.changes[portal, location].append((at, state))
        self.differences: list[str] = []
        self.compared = 0

    def _read(self, path: Path) -> list[dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if self.since <= int(row["slot"]) < self.until]

    # Time in states.

    def spans(self, portal: str, exclusions: list[dict[str, Any]]) -> list[tuple[int, int, str]]:
        """(start, end, state) over all locations, with corrections, cut along days and exclusions."""
        mine = [one for one in exclusions if one["portals"] == "all" or portal in one["portals"]]
        cut_points = {self.since + day * DAY for day in range(1, self.days)}
        cut_points |= {at for one in mine for at in (one["since"], one["until"]) if self.since < at < self.until}
        found = []
        places = [changes for (name, _), changes in self.changes.items() if name == portal] or [[]]
        for changes in places:
            before = [state for at, state in changes if at <= self.since]
            moments = [(self.since, before[-1] if before else "unknown")]
            moments += [(at, state) for at, state in changes if self.since < at < self.until]
            edges = sorted({self.since, self.until, *cut_points, *(at for at, _ in moments)})
            for start, end in pairwise(edges):
                state = [state for at, state in moments if at <= start][-1]
                for one in mine:
                    if one["since"] <= start < one["until"] and one["state"] is not None:
                        state = one["state"]
                if any(one["since"] <= start < one["until"] and one["state"] is None for one in mine):
                    state = "excluded"
                found.append((start, end, state))
        return found

    def coverage(self, due: list[float], known: list[float], skipped: set[int]) -> float:
        """The mean over days of known / due."""
        shares = [known[day] / due[day] if due[day] else 0.0 for day in range(self.days) if day not in skipped]
        return sum(shares) / len(shares)

    def availability(self, spans: list[tuple[int, int, str]]) -> tuple[float | None, float]:
        """(value, coverage)."""
        available = known_time = 0
        due, known = [0] * self.days, [0] * self.days
        for start, end, state in spans:
            day, length = (start - self.since) // DAY, end - start
            available += length * (state in {"up", "degraded"})
            known_time += length * (state in {"up", "degraded", "down"})
            due[day] += length * (state not in {"maintenance", "excluded"})
            known[day] += length * (state in {"up", "degraded", "down"})
        skipped = {day for day in range(self.days) if not due[day]}
        return (available / known_time if known_time else None), self.coverage(due, known, skipped)

    # Attempts.

    def attempts(
        self, line: dict[str, Any], portal: str, spans: list[tuple[int, int, str]]
    ) -> tuple[float | None, float, int]:
        """(value, coverage, number of values) of a criterion that is about attempts."""
        selection, aggregate = line["selection"], line["aggregate"]
        excluded = [(start, end) for start, end, state in spans if state in {"maintenance", "excluded"}]
        due, known, in_excluded = [0] * self.days, [0] * self.days, [0] * self.days
        values: list[float] = []
        for row in self.rows[selection["kind"]]:
            if row["portal"] != portal or (selection["checks"] is not None and row["check"] not in selection["checks"]):
                continue
            if int(row["attempt"]) > 1 and not selection["confirming"]:
                continue
            slot = int(row["slot"])
            day = (slot - self.since) // DAY
            if any(start <= slot < end for start, end in excluded):
                in_excluded[day] += 1
                continue
            due[day] += 1
            known[day] += row["outcome"] != "unknown"
            if row["outcome"] == "unknown" or (row["outcome"] == "down" and not selection["failed"]):
                continue
            if any(row[name] != cell(wanted) for name, wanted in selection["where"].items()):
                continue
            if aggregate == "success":
                values.append(float(row["outcome"] == "up"))
            elif row[line["metric"]] != "":
                values.append(number(row[line["metric"]]))
        whole_days = {day for day in range(self.days) if self._all_excluded(day, spans)}
        skipped = whole_days | {day for day in range(self.days) if in_excluded[day] and not due[day]}
        return joined(values, aggregate, line["limit"]), self.coverage(due, known, skipped), len(values)

    def _all_excluded(self, day: int, spans: list[tuple[int, int, str]]) -> bool:
        here = [state for start, _, state in spans if (start - self.since) // DAY == day]
        return all(state in {"maintenance", "excluded"} for state in here)

    # Scores.

    def check(self) -> None:
        """Recompute every score of the set, with and without exclusions."""
        rubrics = {f"{one['id']}@{one['version']}": one for one in self.score_set["rubrics"]}
        for stored in self.score_set["scores"]:
            self.score(stored, rubrics[stored["rubric"]], self.score_set["exclusions"])
            if stored["without_exclusions"] is not None:
                self.score(stored["without_exclusions"], rubrics[stored["rubric"]], [])

    def score(self, stored: dict[str, Any], rubric: dict[str, Any], exclusions: list[dict[str, Any]]) -> None:
        """Compare one score."""
        name = f"{stored['portal']} {stored['rubric']}"
        if stored["status"] == "not_scored":
            return
        points, measured = [], []
        for line, found in zip(rubric["criteria"], stored["criteria"], strict=True):
            where = f"{name} {line['id']}"
            spans = self.spans(stored["measured_portal"], exclusions)
            if line["manual"]:
                value = found["entry"] and found["entry"]["value"]
                enough = value is not None
            else:
                if line["aggregate"] == "availability":
                    value, covered = self.availability(spans)
                    count = line["minimums"]["attempts"]
                else:
                    value, covered, count = self.attempts(line, stored["measured_portal"], spans)
                    self.same(f"{where} attempts", count, found["attempts"])
                self.same(f"{where} coverage", covered, found["coverage"])
                minimums = line["minimums"]
                enough = value is not None and covered >= minimums["coverage"] and count >= minimums["attempts"]
            self.same(f"{where} value", value, found["value"])
            share = curved(value, line) if enough and value is not None else None
            self.same(f"{where} share", share, found["share"])
            mine = None if share is None else share * line["points"]
            self.same(f"{where} points", mine, found["points"])
            if mine is not None:
                points.append(mine)
                measured.append(line["points"])
        if stored["points"] is not None:
            self.same(f"{name} total", math.fsum(points), stored["points"])
            self.same(f"{name} measured", math.fsum(measured), stored["measured"])
            self.same(f"{name} shown", round(math.fsum(points), rubric["decimals"]), float(stored["shown"]))

    def same(self, what: str, mine: float | None, theirs: float | None) -> None:
        """Note a difference."""
        self.compared += 1
        if mine is None or theirs is None:
            if mine is not theirs:
                self.differences.append(f"{what}: {mine} is not {theirs}")
        elif abs(mine - theirs) > TOLERANCE * max(1.0, abs(mine)):
            self.differences.append(f"{what}: {mine!r} is not {theirs!r}")


def cell(value: bool | float | str) -> str:  # noqa: FBT001 - any value of a file
    """A value as the CSV file writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(text: str) -> float:
    """A cell as a number; flags are 1 and 0."""
    return {"true": 1.0, "false": 0.0}.get(text) if text in {"true", "false"} else float(text)  # type: ignore[return-value]


def joined(values: list[float], aggregate: str, limit: float | None) -> float | None:
    """The values as one number."""
    if not values:
        return None
    if aggregate in {"mean", "success"}:
        return math.fsum(values) / len(values)
    if aggregate == "max":
        return max(values)
    if aggregate == "share":
        return sum(value < limit for value in values if limit is not None) / len(values)
    part = {"median": 0.5, "p75": 0.75, "p95": 0.95, "p99": 0.99}[aggregate]
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def curved(value: float, line: dict[str, Any]) -> float:
    """The share of the points that a value earns."""
    curve, lower = line["curve"], line["better"] == "lower"

    def good(limit: float) -> bool:
        return value < limit if lower else value >= limit

    if curve["kind"] == "threshold":
        return float(good(curve["limit"]))
    if curve["kind"] == "linear":
        return min(1.0, max(0.0, (curve["zero"] - value) / (curve["zero"] - curve["full"])))
    if curve["kind"] == "steps":
        return max((one["share"] for one in curve["steps"] if good(one["limit"])), default=0.0)
    if curve["kind"] == "share":
        return min(1.0, max(0.0, value))
    if value <= 0:
        return 1.0
    spread = math.log(curve["median"] / curve["p10"])
    share = math.erfc(0.9061938024368232 * math.log(value / curve["median"]) / spread) / 2
    floor = 0.9 if value <= curve["p10"] else 0.5 if value <= curve["median"] else 0.0
    return max(floor, min(share, {0.9: 1.0, 0.5: 0.9, 0.0: 0.5}[floor]))


def main() -> int:
    """Print the differences; exit code 1 when there are any."""
    scores, folder, journal = sys.argv[1:]
    found = Recomputation(json.loads(Path(scores).read_text("utf-8")), Path(folder), Path(journal))
    found.check()
    for line in found.differences:
        print(line)  # noqa: T201 - the output
    print(f"{found.compared} values compared, {len(found.differences)} differ")  # noqa: T201 - the same
    return int(bool(found.differences))


if __name__ == "__main__":
    raise SystemExit(main())
