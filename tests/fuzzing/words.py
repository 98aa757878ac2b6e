"""Text that users type, drawn by hypothesis: parsed, or rejected with a message."""

from __future__ import annotations

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from monitor.model.time_parsing import MAX_TIMESTAMP_MS, parse_time
from monitor.scoring import periods
from monitor.web.pages.query import PageQuery
from probes.probe import parse_seconds
from tests.factories import SLOT
from tests.fuzzing.surface import LONGEST, SEED, Found

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CONTRACT = "Text that users type (periods, times, durations, searches): parsed, or rejected with a message"

SHAPED = st.from_regex(
    r"\A(-?[0-9]{1,30}(\.[0-9]*)?(ms|s|m|h|d|x)?|[0-9]{4}-?Q[0-9]|[0-9]{4}-[0-9]{2}(-[0-9]{2})?([T ][0-9:.]{1,15})?"
    r"([Z+-][0-9:]{0,6})?|[0-9]{4}-?W[0-9]{2}|[0-9]{1,5}d|[0-9]{4}-[0-9]{2}-[0-9]{2}\.\.[0-9]{4}-[0-9]{2}-[0-9]{2})\Z"
)
WORDS = st.one_of(st.text(max_size=60), SHAPED, st.integers(4000, 6000).map("9".__mul__))


def _period(text: str) -> None:
    try:
        found = periods.parse(text, ZONE, SLOT)
    except periods.PeriodError:
        return
    assert found.since_ms < found.until_ms, found


def _time(text: str) -> None:
    message = ""
    try:
        at = parse_time(text, SLOT)
    except ValueError as error:
        at, message = 0, str(error)
    assert 0 <= at <= MAX_TIMESTAMP_MS
    assert not message or "is not a time" in message, message


def _duration(text: str) -> None:
    found: object = 0.0
    message = ""
    try:
        found = parse_seconds(text)
    except ValueError as error:
        message = str(error)
    assert isinstance(found, float)
    assert not message or "is not a duration" in message, message


def _search(text: str) -> None:
    query = PageQuery.parse({"q": text, "lang": text, "state": text, "kind": text}, "vi")
    link = query.fleet_url() + query.portal_url(text.encode("utf-8", "replace").decode()) + query.home_url()
    assert link.isascii(), link


PARSERS: tuple[Callable[[str], None], ...] = (_period, _time, _duration, _search)


def understood(examples: int) -> Found:
    """Try ``examples`` texts on each parser."""
    found = Found("words")
    for parse in PARSERS:
        try:
            _drawn(parse, examples, found)
        except Exception as error:  # noqa: BLE001 - any error is a finding
            found.broken.append(f"{parse.__name__} (FUZZ_SEED={SEED}): {type(error).__name__}: {error}")
    return found


def _drawn(parse: Callable[[str], None], examples: int, found: Found) -> None:
    @seed(SEED)
    @settings(max_examples=examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(text=WORDS)
    def tried(text: str) -> None:
        found.cases += 1
        began = time.process_time()
        parse(text)
        found.worst = max(found.worst, time.process_time() - began)
        assert found.worst < LONGEST

    tried()
