"""Both languages have every text, with the same placeholders."""

from __future__ import annotations

import re
import string
from importlib.resources import files

import pytest

from monitor.i18n.page_texts import LANGUAGES, TEXTS
from monitor.model.records import Expect, PortalKind, State, UnknownReason
from probes.result import Fault, Outcome
from probes.trace import PHASES

ENUMS = {
    "fault": Fault,
    "unknown_reason": UnknownReason,
    "state": State,
    "outcome": Outcome,
    "expect": Expect,
    "kind": PortalKind,
}


def placeholders(text: str) -> set[str]:
    """The names to be filled in."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("key", TEXTS)
def test_each_text_is_there_in_both_languages_with_the_same_places(key: str):
    texts = TEXTS[key]
    assert len(texts) == len(LANGUAGES)
    assert all(text.strip() == text and text for text in texts)
    assert placeholders(texts[0]) == placeholders(texts[1])


@pytest.mark.parametrize("prefix", ENUMS)
def test_every_member_of_a_closed_set_has_a_text(prefix: str):
    assert {f"{prefix}.{member.value}" for member in ENUMS[prefix]} <= TEXTS.keys()


def test_every_phase_has_a_text():
    assert {f"phase.{name}" for name in PHASES.values()} <= TEXTS.keys()


def test_reasons_are_distinct_in_both_languages():
    for number, _ in enumerate(LANGUAGES):
        reasons = [texts[number] for key, texts in TEXTS.items() if key.startswith(("fault.", "unknown_reason."))]
        assert len(set(reasons)) == len(reasons) == len(Fault) + len(UnknownReason)


def test_templates_hold_no_text_and_name_only_texts_that_exist():
    for template in (files("monitor.web") / "templates").iterdir():
        source = template.read_text("utf-8")
        assert set(re.findall(r"\bt(?:\.plural|\.template)?\('([^']+)'[,)]", source)) <= TEXTS.keys()
        bare = re.sub(r"{%.*?%}|{{.*?}}|{#.*?#}|<[^>]*>|&\w+;", "", source)
        assert not re.search(r"\w", bare), f"{template.name} has {bare.split()}"
