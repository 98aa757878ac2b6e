"""A made-up past of a fleet in Prometheus and InfluxDB: the daemon's own page and lines, repeated over time.

Label sets and fields come from the real exposition and the real line protocol; numbers follow a seed.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from monitor.alerting.metrics import AlertingMetrics
from monitor.config import load
from monitor.daemon.metrics import SelfMetrics
from monitor.model.records import Check, Expect, Measurement, Portal
from monitor.model.scores import TOTAL_CRITERION, ScorePoint
from monitor.scoring.live import curve_limits
from monitor.scoring.live import exposition as score_page
from monitor.scoring.rubric import Rubric
from monitor.sinks.metrics import DeliveryMetrics
from monitor.states.status_cache import StatusCache
from monitor.tools.dashboards import files
from monitor.tools.dashboards.grades import WINDOWS
from monitor.tools.dashboards.metrics import rubrics
from monitor.web.metrics.exposition import Exposition
from probes.metric import Unit
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome, Scalar
from tests import factories
from tests.monitor.parts import HandClock
from tests.rule_files import RULES

HOUR = 3600
"""Seconds."""

LOCATION = "hn-1"
INSTANCE = "127.0.0.1:9797"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """``days`` before ``end`` (unix s) hourly, and its last ``fine`` seconds every ``scrape`` seconds.

    The portal ``near`` has its last ``near_for`` seconds as densely. InfluxDB's tiers go back ``years`` days.
    """

    end: int
    days: int
    fine: int
    portals: Sequence[Portal]
    scrape: int = 60
    near: str = ""
    near_for: int = 0
    years: int = 0

    def times(self, portal: str = "") -> list[int]:
        start = self.end - self.days * 86_400
        dense = self.end - (self.near_for if portal and portal == self.near else self.fine)
        return [*range(start, dense, HOUR), *range(dense, self.end + 1, self.scrape)]


def inventory(*, every: bool = True) -> list[Portal]:
    """The 106 portals of the shipped inventory; ``every``: also retired ones are watched, as the worst case."""
    found = load(Path(__file__).parents[2] / "config", {"PORTAL_MONITOR_CONTACT": "mailto:me@example.org"}).portals
    return [replace(one, expect=Expect.ANSWERS) if every else one for one in found]


def page(portals: Sequence[Portal]) -> str:
    """One page of the daemon with everything on it: probes, renderings, faults, scores, its own series."""
    watched = [one for one in portals if one.expect is not Expect.RETIRED]
    checks = [
        factories.check(kind, portal=one.id, name=name)
        for one in watched
        for kind, name in (("uptime", "uptime"), ("latency", "latency"), ("latency", "latency-search"), *_DEVICES)
    ]
    registry = SelfMetrics(list(PROBE_KINDS)).registry
    DeliveryMetrics(registry, ["influxdb"]).set_lag_functions("influxdb", lambda: 12.0, lambda: 2.0)
    AlertingMetrics(registry, ["mail"])
    cache = StatusCache(clock=HandClock(), location=LOCATION)
    cache.set_inventory(portals, checks)
    exposition = Exposition(cache, PROBE_KINDS, registry)
    for number, check in enumerate(checks):
        exposition.update(_measured(check, number))
    recorded = "".join(
        f'portal:portal_monitor_availability:ratio{days}d{{portal="{one.id}",location="{LOCATION}"}} '
        f"0.99{number % 10}\n"
        for number, one in enumerate(watched)
        for days in (1, 30)
    )
    return b"".join(asyncio.run(exposition.render())).decode() + score_page(list(scores(watched))) + recorded


_DEVICES = (("mobile", "mobile"), ("mobile", "desktop"))


def _measured(check: Check, number: int) -> Measurement:
    bad = number % 61 == 0
    identity = {"portal": check.portal, "check": check.name, "kind": check.kind, "location": LOCATION}
    if check.kind == "mobile":
        return factories.measurement(**identity, values=rendered(check.name, 1.0))
    if bad:
        return factories.measurement(**identity, outcome=Outcome.DOWN, fault=Fault.TIMEOUT)
    return factories.measurement(**identity, values=factories.values(ipv6_success=True, ipv6_seconds=0.4))


def rendered(device: str, factor: float) -> dict[str, Scalar]:
    """Values of a rendering, ``factor`` times as slow and heavy as usual; a desk is twice as fast."""
    slow = factor * (0.45 if device == "desktop" else 1.0)
    found: dict[str, Scalar] = {}
    for one in PROBE_KINDS["mobile"].metrics:
        if one.type is bool:
            found[one.name] = True
        elif one.type is int:
            found[one.name] = int(_USUAL.get(one.name, 90_000 if one.unit is Unit.BYTES else 3) * slow)
        elif one.type is float:
            found[one.name] = _USUAL.get(one.name, 0.8 if one.unit is Unit.RATIO else 1.0) * (
                1.0 if one.unit is Unit.RATIO and one.name != "cls" else slow
            )
        else:
            found[one.name] = device if one.name == "profile" else one.name
    return found | {"overflow_360_px": 0, "overflow_412_px": 0, "median": True}


_USUAL = {
    "fcp_seconds": 1.9, "lcp_seconds": 3.1, "speed_index_seconds": 4.2, "tbt_seconds": 0.35, "cls": 0.08,
    "benchmark_index": 900.0, "requests": 64, "requests_failed": 1, "bytes_total": 1_900_000, "bytes_image": 900_000,
    "bytes_script": 600_000,
}  # fmt: skip


def scores(portals: Sequence[Portal], at: int = 0, *, totals: bool = False) -> Iterator[ScorePoint]:
    """Live scores of every portal under every shipped rubric, at ``at`` (UTC ms); only their ``totals``, or all."""
    for number, portal in enumerate(portals):
        share = 0.62 + 0.37 * math.sin(number * 1.7) ** 2
        for rubric in rubrics():
            for window in WINDOWS:
                found = list(_score(portal, rubric, window, share, at))
                yield from found[-1:] if totals else found


def _score(portal: Portal, rubric: Rubric, window: str, share: float, at: int) -> Iterator[ScorePoint]:
    identity = {"at": at, "window": window, "portal": portal.id, "rubric": rubric.id, "version": rubric.version}
    measured = [one for one in rubric.criteria if not one.manual]
    won = 0.0
    for place, one in enumerate(measured):
        part = min(1.0, max(0.0, share + 0.4 * math.sin(place * 2.3 + share * 9)))
        won += part * one.points
        fixed = {name: value for name, value in curve_limits(one.curve).items() if value is not None}
        value = fixed.get("limit", 1.0) * (1.2 - 0.4 * part)
        values = {"value": value, "points": part * one.points, "possible": one.points, "ratio": part,
                  "coverage": 0.8 + 0.2 * share, **fixed}  # fmt: skip
        yield ScorePoint(**identity, criterion=one.id, values=values)
    possible = sum(one.points for one in measured)
    yield ScorePoint(
        **identity, criterion=TOTAL_CRITERION, values={"points": won, "possible": possible, "ratio": won / possible}
    )


_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_LATE = re.compile(r"portal_monitor_score_criterion_|portal_monitor_hop_|_info$|probe_(timeout|attempts|last_run)")
_LATELY = HOUR
_COUNTING = ("_total", "_bucket", "_count", "_sum")


def openmetrics(past: Past, text: str) -> Iterator[str]:
    """Lines of every series of ``text`` at all times of ``past``, series by series."""
    times, near, queried = past.times(), past.times(past.near), queried_names()
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found[1] not in queried:
            continue
        name, labels, value = found[1], found[2] or "", float(found[3])
        by_name = dict(_LABEL.findall(labels))
        own = labels if "instance" in by_name else ",".join(filter(None, [labels, f'instance="{INSTANCE}"']))
        head = f'{name}{{{own},job="portal-monitor"}}'
        draw = _drawer(name, by_name, value, past)
        # Series that are only queried for their present value have the last hours.
        since = past.end - _LATELY if _LATE.search(name) else 0
        for at in near if by_name.get("portal") == past.near else times:
            if at >= since and (drawn := draw(at)) is not None:
                yield f"{head} {drawn:.6g} {at}\n" if drawn < _WHOLE else f"{head} {drawn:.0f} {at}\n"
    yield "# EOF\n"


_WHOLE = 1e6


@cache
def queried_names() -> frozenset[str]:
    """Names in the queries of dashboards and rules; nothing else is worth its space."""
    texts = [content for _, content in files()] + [path.read_text() for path in RULES.glob("*.yml")]
    return frozenset(re.findall(r"[a-zA-Z_:][\w:]*", " ".join(texts)))


def _drawer(name: str, labels: dict[str, str], value: float, past: Past) -> Callable[[int], float | None]:  # noqa: PLR0911 - a table
    """How a series moves: a state by episodes, a counter upwards, a time by noise and by the hour of the day."""
    start = past.end - past.days * 86_400
    portal = labels.get("portal", "")
    if name == "portal_monitor_portal_state":
        return lambda at: float(state_at(portal, at, past) == labels["state"])
    if name == "probe_success":
        return lambda at: float(state_at(portal, at, past) != "down")
    if name == "probe_failure_info":
        return lambda at: 1.0 if state_at(portal, at, past) == "down" else None
    if name.endswith(_COUNTING):
        le = labels.get("le", "+Inf")
        rate = 0.05 if name.endswith(("_sum", "_failures_total")) else 1.0
        share = 1.0 if le == "+Inf" else min(1.0, 0.3 + float(le) * 8)
        quiet = "unknown_results" in name or "quarantined" in name
        return lambda at: round((at - start) * share * (0.0005 if quiet else rate), 3)
    if "timestamp" in name or "expiry" in name:
        if "expiry" in name:
            left = (3 + zlib.crc32(portal.encode()) % 88) * 86_400.0
            return lambda _: past.end + left
        age = {"portal_monitor_config_last_reload_success_timestamp_seconds": 7200.0}.get(name, 30.0)
        return lambda at: at - at % 43_200 if age == 7200.0 else at - age
    if name.startswith("portal_monitor_score_"):
        moves = 0.0 if name.endswith(("possible_points", "_limit", "_zero")) else 0.03
        return lambda at: value * (1 - moves * (1 + math.sin(at / 500_000 + len(portal))))
    if name.endswith(("_seconds", "_layout_shift", "_ratio", "_bytes")) and math.isfinite(value):
        noise = random.Random(f"{name}{labels}")  # noqa: S311 - made-up numbers
        base = value * (0.6 + noise.random())
        return lambda at: base * (1 + 0.25 * math.sin(at / 13_751) + 0.2 * noise.random())
    usual = {"portal_monitor_scheduled_checks": 530.0, "portal_monitor_config_last_reload_successful": 1.0,
             "portal_monitor_sink_up": 1.0, "portal_monitor_journal_size_limit_ratio": 0.12}  # fmt: skip
    still = usual.get(name, value)
    return lambda _: still


def state_at(portal: str, at: int, past: Past) -> str:
    """The state of a portal at a moment, by episodes of half an hour to several hours."""
    seed = zlib.crc32(portal.encode())
    slot = at // 1800
    draw = zlib.crc32(f"{portal} {slot // (1 + seed % 5)}".encode()) % 1000
    recent = at > past.end - 5 * HOUR
    for state, upto in (
        ("down", 14 if recent else 4),
        ("degraded", 40 if recent else 10),
        ("maintenance", 48),
        ("unknown", 50),
    ):
        if draw < upto:
            return state
    return "up"


def blocks(past: Past, text: str, into: Path) -> None:
    """Write everything as blocks of Prometheus' store below ``into``."""
    into.mkdir(parents=True, exist_ok=True)
    file = into.parent / "seed.om"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(openmetrics(past, text))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h", "--quiet"]
    subprocess.run([*command, str(file), str(into)], check=True, capture_output=True)
    file.unlink()
