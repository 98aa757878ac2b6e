"""Messages put together as one letter in a target's language and format; texts of portals are escaped for each format.

Three formats are known: plain text, HTML, and the Markdown of chat services. A text that a portal sent can neither form
markup nor call anybody: ``<``, ``>`` and ``@`` lose their meaning in chats, and control characters are gone everywhere.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import jinja2

from monitor.i18n.incident_sentences import IncidentSentences
from monitor.model.incidents import EventType, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.i18n.translator import Translator
    from monitor.model.incidents import Incident, IncidentEvent, Message
    from monitor.model.records import Portal

LATE_AFTER_MS = 120_000
"""A message that arrives so long after what it tells says so."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MARKDOWN_SPECIAL = re.compile(r"([\\`*_~\[\]|])")
_CHAT_REPLACEMENTS = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "&": "\N{FULLWIDTH AMPERSAND}",
        "@": "@\N{ZERO WIDTH SPACE}",
    }
)
_MAX_TEXT_LENGTH = 500


class TextFormat(enum.StrEnum):
    """What a target can read; the values are Apprise's names."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class NotificationItem:
    """One message and the event that it tells of; for a reminder the newest event of its incident."""

    message: Message
    event: IncidentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What goes over the wire. ``incidents`` are the ids it speaks of, by which a receiver tells repetitions."""

    title: str
    body: str
    text_format: TextFormat
    incidents: tuple[str, ...]
    severity: Severity
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSection:
    """One message in words."""

    headline: str
    late_notice: str
    facts: tuple[tuple[str, str], ...]
    id: str
    url: str


class NotificationRenderer:
    """Writes letters in one language; ``portals`` is asked anew for each, ``page_url`` may be empty."""

    def __init__(
        self, translator: Translator, portals: Callable[[], Mapping[str, Portal]], external_url: str = ""
    ) -> None:
        self._translator = translator
        self._portals = portals
        self._external_url = external_url.rstrip("/")
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("monitor.alerting"),
            autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",)),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        environment.filters["plain"] = single_line
        environment.filters["chat"] = escape_markdown
        # Read now: a machine in trouble may have no descriptor for a file when a letter is due.
        self._templates = {form: environment.get_template(f"letter.{form.value}.j2") for form in TextFormat}

    def render(self, items: Sequence[NotificationItem], text_format: TextFormat, now_ms: int) -> Notification:
        """One letter about all items."""
        teller = IncidentSentences(self._translator, self._portals())
        sections = [self._section(teller, item, now_ms) for item in items]
        ids = tuple(dict.fromkeys(item.event.incident.id for item in items))
        title = sections[0].headline
        if len(sections) > 1:
            title = self._translator("say.many", n=len(sections), first=title)
        pages = [item for item in items if item.message.severity is Severity.PAGE]
        return Notification(
            title=single_line(f"[{ids[0]}] {title}"),
            body=self._templates[text_format].render(sections=sections, t=self._translator),
            text_format=text_format,
            incidents=ids,
            severity=Severity.PAGE if pages else Severity.NOTICE,
            resolved=all(item.event.step is EventType.RESOLVED for item in items),
        )

    def _section(self, sentences: IncidentSentences, item: NotificationItem, now_ms: int) -> NotificationSection:
        event, t = item.event, self._translator
        headline = sentences.headline(event, now_ms)
        if item.message.reminder:
            what = sentences.summary(event.incident)
            headline = t("say.reminder", what=what, duration=t.duration((now_ms - event.incident.opened) / 1000))
        away = now_ms - item.message.happened
        return NotificationSection(
            headline=headline,
            late_notice=t("say.late", time=t.date_time(item.message.happened), duration=t.duration(away / 1000))
            if away >= LATE_AFTER_MS
            else "",
            facts=tuple(self._facts(sentences, event, now_ms)),
            id=event.incident.id,
            url=f"{self._external_url}/incidents/{quote(event.incident.id)}?lang={t.language}"
            if self._external_url
            else "",
        )

    def _facts(self, sentences: IncidentSentences, event: IncidentEvent, now_ms: int) -> list[tuple[str, str]]:
        incident, t = event.incident, self._translator
        member = incident.affected_portal(event.portal) or incident.members[0]
        facts = list(sentences.facts(member, now_ms))
        if member.until is None:
            said = [
                t("say.look", attempt=one.attempt, time=t.time(one.started or one.slot), result=sentences.result(one))
                for one in member.looks
            ]
            facts += [(t("incident.looks"), "; ".join(said))] if said else []
            if len(member.hops) > 1:
                facts.append((t("incident.hops"), " | ".join(sentences.hop(hop) for hop in member.hops)))
        return facts + self._others(sentences, incident)

    def _others(self, sentences: IncidentSentences, incident: Incident) -> list[tuple[str, str]]:
        if len(incident.members) == 1:
            return []
        t = self._translator
        said = [
            f"{sentences.portal_name(one.portal)} ({t('ending.' + one.ending.value) if one.ending else sentences.state(one.state)})"
            for one in incident.members
        ]
        return [(t("incident.shared"), sentences.shared(incident)), (t("say.portals"), "; ".join(said))]


def single_line(text: str) -> str:
    """One line without control characters or marks that turn the direction of writing."""
    return _CONTROL.sub(" ", text).strip()


def escape_markdown(text: str) -> str:
    """For the Markdown of chat services."""
    tamed = single_line(text)[:_MAX_TEXT_LENGTH].translate(_CHAT_REPLACEMENTS)
    return _MARKDOWN_SPECIAL.sub(r"\\\1", tamed)
