"""Queries of the committed dashboards, PromQL and InfluxQL, each with its place; variables as Grafana fills them in."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.tools.dashboards.datasources import DAILY, HOURLY, RAW

FOLDER = Path(__file__).parents[1] / "grafana" / "dashboards"

_LABEL_VALUES = re.compile(r"label_values\((?:(.*),\s*)?(\w+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query. ``where`` names dashboard and panel, variable or annotation; ``source`` is the data source's type.

    ``database`` is the InfluxDB database; a dashboard that offers several is queried in each of them.
    """

    where: str
    source: str
    text: str
    database: str = ""
    instant: bool = False


DATABASES = {
    RAW.name: "portal_monitor",
    HOURLY.name: "portal_monitor_hourly",
    DAILY.name: "portal_monitor_daily",
}
"""Name of a data source in Grafana: the database behind it."""


def dashboards(language: str = "vi") -> dict[str, dict[str, Any]]:
    """Name -> content of every committed file of a language."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / language).glob("*.json"))}


def queries(language: str = "vi") -> Iterator[Query]:
    """Every query of every panel, variable and annotation, in every database that its data source may be."""
    for name, dashboard in dashboards(language).items():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                where = f"{name}: {panel['title']} {target['refId']}"
                yield from _queries_of(dashboard, where, target, instant=bool(target.get("instant")))
        for one in dashboard["templating"]["list"]:
            if one["type"] == "query":
                query = one["query"] if isinstance(one["query"], dict) else {"query": one["query"]}
                yield from _queries_of(dashboard, f"{name}: ${one['name']}", query | {"datasource": one["datasource"]})
        for one in dashboard["annotations"]["list"]:
            yield from _queries_of(dashboard, f"{name}: @{one['name']}", one)


def _queries_of(
    dashboard: Mapping[str, Any], where: str, query: Mapping[str, Any], *, instant: bool = False
) -> Iterator[Query]:
    source = query["datasource"]["type"]
    text = query.get("expr") or query["query"]
    for database in databases(dashboard, query["datasource"]["uid"]):
        yield Query(where=where, source=source, text=text, instant=instant, database=database)


def databases(dashboard: Mapping[str, Any], uid: str) -> Sequence[str]:
    """The databases behind ``${variable}``: a visible one may be any whose name its pattern matches."""
    chosen = next(one for one in dashboard["templating"]["list"] if uid == f"${{{one['name']}}}")
    if chosen["query"] == "prometheus":
        return [""]
    if chosen["hide"]:
        return [DATABASES[chosen["current"]["text"]]]
    pattern = (chosen.get("regex") or "//")[1:-1]
    return [database for name, database in DATABASES.items() if re.search(pattern, name)]


def filled(text: str, chosen: Mapping[str, str], *, seconds: int, step: int) -> str:
    """``text`` with variables and Grafana's built-in ones replaced; ``chosen`` maps a variable to its text."""
    own = {
        "__rate_interval": f"{max(60, 4 * step)}s",
        "__interval": f"{step}s",
        "__range": f"{seconds}s",
        "timeFilter": f"time >= now() - {seconds}s",
    }
    return re.sub(r"\$\{?(\w+)\}?", lambda found: (own | dict(chosen)).get(found[1], found[0]), text)


class Asker:
    """Queries the two servers and returns how many series, values or rows come back."""

    def __init__(self, prometheus: str, influx: str, *, end: int, seconds: int, step: int) -> None:
        self._prometheus, self._influx = prometheus, influx
        self._end, self._seconds, self._step = end, seconds, step

    def count(self, query: Query, chosen: Mapping[str, str]) -> int:
        """Raises AssertionError with the server's message when it rejects the query."""
        text = filled(query.text, chosen, seconds=self._seconds, step=self._step)
        assert "$" not in re.sub(r"\$/", "", text), f"{query.where}: a variable is left over in {text}"
        try:
            return self._influxql(text, query.database) if query.source == "influxdb" else self._promql(query, text)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query.where}: {error.read().decode()} in {text}") from error

    def _promql(self, query: Query, text: str) -> int:
        if (found := _LABEL_VALUES.fullmatch(text)) is not None:
            match = {"match[]": found[1]} if found[1] else {}
            span = {"start": str(self._end - self._seconds), "end": str(self._end)}
            return len(self._get(f"/api/v1/label/{found[2]}/values", match | span))
        if query.instant:
            result = self._get("/api/v1/query", {"query": text, "time": str(self._end)})
        else:
            span = {"start": str(self._end - self._seconds), "end": str(self._end), "step": str(self._step)}
            result = self._get("/api/v1/query_range", {"query": text, **span})
        found_series: Sequence[Any] = result["result"]
        return len(found_series)

    def _get(self, path: str, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON
        url = f"{self._prometheus}{path}"
        data = urllib.parse.urlencode(values).encode()
        request = urllib.request.Request(url, data) if "/label/" not in path else f"{url}?{data.decode()}"
        with urllib.request.urlopen(request, timeout=60.0) as response:
            return json.load(response)["data"]

    def _influxql(self, text: str, database: str) -> int:
        values = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ms"})
        with urllib.request.urlopen(f"{self._influx}/query?{values}", timeout=60.0) as response:
            result = json.load(response)["results"][0]
        assert "error" not in result, f"{result['error']} in {text}"
        return sum(len(series["values"]) for series in result.get("series", []))
