"""A seeded fortnight of three portals in a real journal, with its own configuration, for tests that need files."""
# ruff: noqa: ANN401 - a factory takes whatever fields its record has

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from monitor.model.records import Measurement, State, StateChange, UnknownReason
from monitor.scoring.periods import DAY_MS
from monitor.storage.journal.store import JOURNAL_FILE, CheckpointUpdate, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome

SHIPPED = Path(__file__).parents[3] / "config"
FIRST = 1_782_838_800_000
"""2026-07-01T00:00 in the report zone."""
DAYS = 14
PERIOD = "2026-07-01..2026-07-14"
HOUR = DAY_MS // 24

PORTALS = """portals:
  - {id: hue, name: {vi: Huế, en: Hue}, kind: province, group: hue, url: "https://hue.example.gov.vn",
     pages: {search: /search}}
  - {id: ha-noi, name: {vi: Hà Nội, en: Ha Noi}, kind: province, group: ha-noi, url: "https://ha-noi.example.gov.vn"}
  - {id: lao-cai, name: {vi: Lào Cai, en: Lao Cai}, kind: province, group: lao-cai,
     url: "https://lao-cai.example.gov.vn"}
  - {id: yen-bai, name: {vi: Yên Bái, en: Yen Bai}, kind: province, group: lao-cai,
     url: "https://yen-bai.example.gov.vn", status_2026: merged, merged_into: lao-cai}
  - {id: old, name: {vi: Cũ, en: Old}, kind: ministry, group: old, url: "https://old.example.gov.vn", expect: retired}
"""
EXCLUSIONS = """exclusions:
  - {id: power-cut, portals: [hue], since: 2026-07-03 06:00, until: 2026-07-04 12:00, reason: Power cut,
     approver: Approver, approved: 2026-07-20}
  - {id: wrong-text, portals: [ha-noi], since: 2026-07-06 00:00, until: 2026-07-06 08:00, state: up,
     reason: The expected text was outdated, approver: Approver, approved: 2026-07-20}
"""
ENTRIES = """entries:
  - {rubric: qd473-2024, criterion: simultaneous-use, portal: hue, value: 0.8, author: Author, reason: Report 12,
     made: 2026-07-10, valid: {since: 2026-07-01}}
"""


def write_config(directory: Path) -> Path:
    """The shipped rubrics, five portals of which two are gone, an exclusion, a correction, a manual entry."""
    directory.mkdir()
    shutil.copytree(SHIPPED / "rubrics", directory / "rubrics")
    for name in ("exclusions", "entries"):
        directory.joinpath(name).mkdir()
    directory.joinpath("monitor.yaml").write_text("contact: mailto:me@example.org\nchecks: {uptime: {}}\n")
    directory.joinpath("portals.yaml").write_text(PORTALS, "utf-8")
    directory.joinpath("exclusions", "2026.yaml").write_text(EXCLUSIONS)
    directory.joinpath("entries", "2026.yaml").write_text(ENTRIES)
    return directory


def fill(directory: Path, seed: int = 6, days: int = DAYS, first: int = FIRST) -> Path:
    """Write the fortnight, or as many days from ``first`` on, and return ``directory``."""
    directory.mkdir()
    dice = random.Random(seed)  # noqa: S311 - a seeded fortnight is the point
    writer = JournalWriter(directory / JOURNAL_FILE, PROBE_KINDS)
    for number, portal in enumerate(("hue", "ha-noi", "lao-cai")):
        pace = 0.7 + number
        when = range(first, first + days * DAY_MS, HOUR)
        rows = [*_latency(dice, portal, pace, when), *_uptime(dice, portal, when), *_renders(dice, portal, pace, when)]
        writer.write([*rows, CheckpointUpdate(consumer="test", seq=0, changes=tuple(_changes(dice, portal, when)))])
    writer.close()
    return directory


def _row(dice: random.Random, kind: str, portal: str, slot: int, check: str, **more: Any) -> Measurement:
    luck = dice.random()
    base: dict[str, Any] = {"portal": portal, "kind": kind, "check": check, "location": "hn-1", "slot": slot}
    if luck < 0.03:
        return Measurement(
            **base,
            outcome=Outcome.UNKNOWN,
            unknown_reason=UnknownReason.SELF_CHECK,
            **({k: more[k] for k in more if k == "attempt"}),
        )
    found = {"started": slot + 5, "duration": round(dice.lognormvariate(0.0, 0.6) * more.pop("pace", 1.0), 6)} | more
    if luck < 0.07:
        return Measurement(**base, **(found | {"duration": 10.0}), outcome=Outcome.DOWN, fault=Fault.TIMEOUT)
    return Measurement(**base, **found, outcome=Outcome.UP)


def _latency(dice: random.Random, portal: str, pace: float, when: range) -> list[Measurement]:
    pages = ("latency", "latency-search") if portal == "hue" else ("latency",)
    return [
        _row(dice, "latency", portal, slot, page, pace=pace, attempt=attempt)
        for slot in when
        for page in pages
        for attempt in ((1, 2) if dice.random() < 0.05 else (1,))
    ]


def _uptime(dice: random.Random, portal: str, when: range) -> list[Measurement]:
    return [_row(dice, "uptime", portal, slot + half, "uptime") for slot in when for half in (0, HOUR // 2)]


def _renders(dice: random.Random, portal: str, pace: float, when: range) -> list[Measurement]:
    found = []
    for slot in when[::6]:
        chosen = dice.randrange(3)
        for run in range(3):
            load = dice.lognormvariate(0.5, 0.4) * pace
            values = {
                "profile": "mobile", "run": run + 1, "median": run == chosen,
                "fcp_seconds": load, "lcp_seconds": load * 1.5, "speed_index_seconds": load * 1.8,
                "tbt_seconds": max(0.0, load - 1.2) / 3,
                "cls": dice.choice((0.0, 0.05, 0.3)), "viewport_ok": dice.random() < 0.9,
                "overflow_360_px": dice.choice((0.0, 0.0, 24.0)), "text_legible_ratio": 0.6 + dice.random() / 2.5,
                "tap_24_ratio": 0.5 + dice.random() / 2,
            }  # fmt: skip
            found.append(_row(dice, "mobile", portal, slot, "mobile", attempt=run + 1, values=values))
    return found


def _changes(dice: random.Random, portal: str, when: range) -> list[StateChange]:
    found, at, state = [], when.start - DAY_MS, State.UNKNOWN
    while at < when.stop:
        others = [one for one in State if one is not state and (one is not State.UNKNOWN or dice.random() < 0.2)]
        following = State.UP if state is not State.UP else dice.choice(others)
        found.append(StateChange(portal=portal, location="hn-1", at=at, state=following, previous=state))
        state = following
        at += int(dice.uniform(20, 60) * HOUR) if state is State.UP else int(dice.uniform(0.1, 6) * HOUR)
    return found
