"""Retired words do not come back: identifiers, log events, configuration keys, metric names, command texts, headings.

A retired word is one that a term of the field replaced (the tables of CONTRIBUTING.md). A word with a second, proper
meaning is matched by its context: the pattern says where it may stand, the text beside it why.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

RETIRED: Mapping[str, str] = {
    "look": "probe or attempt",
    "looks": "probes or attempts",
    "looked": "probed",
    "void": "unknown",
    "voids": "unknown results",
    "blind": "self-check failing",
    "sight": "self-check",
    "judge": "validator or evaluate",
    "judged": "evaluated",
    "judging": "evaluation",
    "unjudged": "excluded from evaluation",
    "speaks": "is representative",
    "speaking": "representative",
    "speaker": "representative run",
    "told": "data, message, notified",
    "tell": "log, report, notify",
    "tells": "logs, reports, notifies",
    "teller": "sentences",
    "telling": "sentences",
    "say": "log, report, format",
    "says": "logs, reports",
    "said": "data, message",
    "hear": "receive",
    "heard": "received",
    "sorts": "types, kinds, reasons",
    "figures": "values, rollups, statistics",
    "somebody": "the role",
    "nobody": "the role",
    "everybody": "the role",
    "whoever": "the role",
    "stranger": "unauthenticated client",
    "strangers": "unauthenticated clients",
    "newcomers": "new checks",
    "house": "architecture",
    "room": "package or module",
    "rooms": "packages",
    "seam": "interface",
    "promise": "contract",
    "pulse": "scheduler",
    "beat": "tick",
    "measurer": "check runner",
    "seat": "permit",
    "seats": "concurrency limiter",
    "lane": "pool",
    "lanes": "pools, concurrency",
    "patience": "timeout",
    "patient": "delivery policy",
    "lateness": "start delay",
    "hush": "stop confirming",
    "vigil": "self-monitoring",
    "settle": "complete",
    "settled": "completed",
    "bookmark": "checkpoint",
    "bookmarks": "checkpoints",
    "memo": "checkpoint state",
    "remark": "meta update",
    "remarks": "meta updates",
    "chore": "archive update",
    "chores": "archive updates",
    "board": "status cache",
    "ledger": "catalog or error collector",
    "keeper": "job or authenticator",
    "adopt": "recover",
    "tend": "run maintenance",
    "tidy": "remove leftovers",
    "stretch": "segment",
    "evidence": "screenshots",
    "exhibit": "screenshot set",
    "film": "filmstrip",
    "films": "filmstrips",
    "picture": "screenshot",
    "pictures": "screenshots",
    "intake": "validation",
    "standing": "status",
    "eyes": "prober state",
    "witness": "recent attempts",
    "glance": "attempt summary",
    "courier": "sink consumer",
    "couriers": "sink consumers",
    "carrier": "batch writer",
    "carry": "write",
    "letter": "notification",
    "fate": "message status",
    "follower": "incident consumer",
    "clerk": "note importer",
    "pacemaker": "heartbeat",
    "door": "web security",
    "doors": "web security",
    "entrance": "middleware",
    "crowd": "connection limiter",
    "visitor": "client",
    "visitors": "clients",
    "shelf": "response cache",
    "stencils": "templates",
    "tongue": "translator",
    "refusal": "error",
    "instruments": "probe resources",
    "slate": "trace",
    "ask": "request",
    "asks": "requests",
    "asked": "requested",
    "cares": "DNS query",
    "zones": "address scopes",
    "stamps": "kernel timestamps",
    "fence": "egress filter",
    "canary": "calibration",
    "spoiled": "browser broken",
    "glutton": "memory limit",
    "fitness": "mobile friendliness",
    "complaint": "error",
    "complaints": "errors",
    "veil": "redact",
    "veiled": "redacted",
    "borrowed": "from the environment",
    "elsewhere": "substitute",
    "handover": "collect",
    "whatif": "improvements",
    "borders": "thresholds",
    "weather": "fault schedule",
    "climate": "fault profile",
    "temperament": "fault profile",
    "spell": "fault interval",
    "spells": "fault intervals",
    "roster": "portals",
    "trouble": "problem",
    "troubles": "problems",
    "troubled": "failing",
    "whence": "history source",
    "pen": "console writer",
}
"""Retired word: what is said instead. Words are compared without regard to case."""

ALLOWED: tuple[tuple[str, str], ...] = (
    (r"speaks_?(http|tls)", "a server speaks a protocol"),
    (r"dashboard", "Grafana's own word"),
    (r"(mouse|key)board", "a device"),
    (r"set_void_?", "no identifier of ours"),
)
"""Pattern of an identifier or text in which a retired word has its proper meaning, and why."""

HERE = Path(__file__).resolve()
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
CODE = [
    path
    for top in ("monitor", "probes", "tests")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "_data" not in path.parts and path.resolve() != HERE
]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "config").rglob("*.md")),
]
DATA = [
    path
    for path in sorted((ROOT / "config").rglob("*"))
    if path.suffix in {".yaml", ".yml"} and path.name not in {"portals.yaml", "essential-services.yaml"}
]
LOGGERS = {"debug", "info", "warning", "error", "exception", "critical"}


def retired(text: str) -> list[str]:
    """Return the retired words of an identifier or sentence."""
    if any(re.search(pattern, text, re.IGNORECASE) for pattern, _ in ALLOWED):
        return []
    return [word for word in (found.lower() for found in WORDS.findall(text)) if word in RETIRED]


def identifiers(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, name) of each name that *source* defines: what it takes from a library has the library's words."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield 0, node.asname


def events(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, event) of each log line."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LOGGERS
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.lineno, str(node.args[0].value)


def hits(found: Iterator[tuple[int, str]], path: Path) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{line} {text}: {', '.join(f'{word} is now {RETIRED[word]}' for word in words)}"
        for line, text in found
        if (words := retired(text))
    ]


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_identifiers_and_log_events_use_the_terms_of_the_field(path: Path):
    source = path.read_text()
    assert not hits(identifiers(source), path) + hits(events(source), path)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_names_use_the_terms_of_the_field(path: Path):
    assert not retired(path.stem)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_headings_use_the_terms_of_the_field(path: Path):
    lines = enumerate(path.read_text().splitlines(), start=1)
    assert not hits(((number, line) for number, line in lines if line.startswith("#")), path)


@pytest.mark.parametrize("path", DATA, ids=lambda path: str(path.relative_to(ROOT)))
def test_keys_metrics_and_alerts_of_configuration_use_the_terms_of_the_field(path: Path):
    """Keys, and names with an underscore or a capital inside, such as metrics and alerts; not sentences."""
    found = (
        (number, name)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for name in re.findall(r"^\s*(?:- |# ?)?([a-z_]+):|\b(\w+_\w+)\b", line.partition(" #")[0])
        for name in name
        if name
    )
    assert not hits(found, path)


def test_strings_of_metrics_use_the_terms_of_the_field():
    for path in CODE:
        names = (
            (token.start[0], name)
            for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
            if token.type == tokenize.STRING
            for name in re.findall(r"\bportal_monitor_\w+", token.string)
        )
        assert not hits(names, path)


def test_command_texts_use_the_terms_of_the_field():
    """What ``--help`` prints, and each sentence in the modules of the commands."""
    for path in sorted((ROOT / "monitor" / "cli").rglob("*.py")):
        sentences = (
            (node.lineno, node.value)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        assert not hits(sentences, path)


def test_a_retired_word_is_found_in_every_way_of_writing_names():
    assert retired("last_look") == retired("LastLook") == retired("LAST_LOOK") == ["look"]
    assert not retired("outlook")
    assert not retired("lookup")
