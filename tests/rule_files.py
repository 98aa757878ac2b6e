"""The shipped rules as tests read them: alerts, texts, and the selectors of every expression."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[1]
PROMETHEUS = ROOT / "config" / "prometheus"
RULES = PROMETHEUS / "rules"
CASES = ROOT / "tests" / "rules"

_QUOTED = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_SELECTOR = re.compile(r"(?<![\w:])([a-zA-Z_:][\w:]*)(\{[^}]*\})?(?!\s*\(|[\w:])")
_WORDS = {"and", "or", "unless", "bool", "offset", "by", "without", "on", "ignoring", "group_left", "group_right"}


class Selector(NamedTuple):
    """A metric and the matchers that a rule puts on it, braces included."""

    metric: str
    matchers: str


def groups(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text())["groups"]
    return found


def rules(kind: str) -> list[dict[str, Any]]:
    """Every shipped rule that has the key ``kind``: alert or record."""
    found = (rule for path in sorted(RULES.glob("*.yml")) for group in groups(path) for rule in group["rules"])
    return [rule for rule in found if kind in rule]


def selectors(expression: str) -> set[Selector]:
    """The metrics that an expression reads, with their matchers; functions, keywords and durations are none."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f'"{len(kept) - 1}"'

    text = _QUOTED.sub(keep, expression)
    text = re.sub(r"\[[^\]]*\]", "", _GROUPING.sub("", text))
    found = set()
    for name, matchers in _SELECTOR.findall(text):
        if name not in _WORDS:
            found.add(Selector(name, re.sub(r'"(\d+)"', lambda match: kept[int(match[1])], matchers)))
    return found


def read_metrics() -> set[Selector]:
    """The series that all shipped rules read, without those that a recording rule makes."""
    made = {rule["record"] for rule in rules("record")}
    every = {one for kind in ("alert", "record") for rule in rules(kind) for one in selectors(str(rule["expr"]))}
    return {one for one in every if one.metric not in made}


def without_texts(target: Path) -> None:
    """The shipped rules without their annotations, and the cases beside them."""
    for path in RULES.glob("*.yml"):
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            for rule in group["rules"]:
                rule.pop("annotations", None)
        (target / path.name).write_text(yaml.safe_dump(content, allow_unicode=True))
    for path in CASES.glob("*.yml"):
        shutil.copy(path, target / f"cases-{path.name}")
