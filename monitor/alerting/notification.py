"""Renders messages as one notification in a target's language and format; texts of portals are escaped for each format.

Three formats exist: plain text, HTML, and the Markdown of chat services. A text that a portal sent can neither form
markup nor mention a user: ``<``, ``>`` and ``@`` are replaced in chats, and control characters are removed everywhere.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import jinja2

from monitor.i18n.incident_sentences import IncidentSentences
from monitor.model.incidents import EventType, Incident, IncidentEvent, Message, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.i18n.translator import Translator
    from monitor.model.records import Portal

LATE_AFTER_MS = 120_000  # age of an event from which the message carries a notice that it is late

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
    """Format that a target reads; the values are Apprise's names."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class NotificationItem:
    """One message and its event; for a reminder the newest event of its incident."""

    message: Message
    event: IncidentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What is sent to a target. ``incidents`` are ids, by which a receiver detects repetitions."""

    title: str
    body: str
    text_format: TextFormat
    incidents: tuple[str, ...]
    severity: Severity
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationSection:
    """Texts of one message."""

    headline: str
    late_notice: str
    facts: tuple[tuple[str, str], ...]
    id: str
    url: str


class NotificationRenderer:
    """Renders notifications in one language; ``portals`` is called for each one, ``external_url`` may be empty."""

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
        environment.filters["single_line"] = single_line
        environment.filters["escape_markdown"] = escape_markdown
        # Loaded now: an overloaded host may have no file descriptor left when a notification is due.
        self._templates = {one: environment.get_template(f"notification.{one.value}.j2") for one in TextFormat}

    def render(self, items: Sequence[NotificationItem], text_format: TextFormat, now_ms: int) -> Notification:
        """Return one notification about all items."""
        sentences = IncidentSentences(self._translator, self._portals())
        sections = [self._section(sentences, item, now_ms) for item in items]
        ids = tuple(dict.fromkeys(item.event.incident.id for item in items))
        title = sections[0].headline
        if len(sections) > 1:
            title = self._translator("message.group", n=len(sections), first=title)
        pages = [item for item in items if item.message.severity is Severity.PAGE]
        return Notification(
            title=single_line(f"[{ids[0]}] {title}"),
            body=self._templates[text_format].render(sections=sections, t=self._translator),
            text_format=text_format,
            incidents=ids,
            severity=Severity.PAGE if pages else Severity.NOTICE,
            resolved=all(item.event.type is EventType.RESOLVED for item in items),
        )

    def _section(self, sentences: IncidentSentences, item: NotificationItem, now_ms: int) -> NotificationSection:
        event, t = item.event, self._translator
        headline = sentences.headline(event, now_ms)
        if item.message.reminder:
            summary = sentences.summary(event.incident)
            headline = t("message.reminder", what=summary, duration=t.duration((now_ms - event.incident.opened) / 1000))
        age_ms = now_ms - item.message.occurred_at
        late = t("message.late", time=t.date_time(item.message.occurred_at), duration=t.duration(age_ms / 1000))
        url = f"{self._external_url}/incidents/{quote(event.incident.id)}?lang={t.language}"
        return NotificationSection(
            headline=headline,
            late_notice=late if age_ms >= LATE_AFTER_MS else "",
            facts=tuple(self._facts(sentences, event, now_ms)),
            id=event.incident.id,
            url=url if self._external_url else "",
        )

    def _facts(self, sentences: IncidentSentences, event: IncidentEvent, now_ms: int) -> list[tuple[str, str]]:
        incident, t = event.incident, self._translator
        affected = incident.affected_portal(event.portal) or incident.portals[0]
        facts = list(sentences.facts(affected, now_ms))
        if affected.until is None:
            timed = ((one, t.time(one.started or one.slot)) for one in affected.attempts)
            attempts = [
                t("message.attempt", attempt=one.attempt, time=time, result=sentences.result(one))
                for one, time in timed
            ]
            facts += [(t("incident.attempts"), "; ".join(attempts))] if attempts else []
            if len(affected.hops) > 1:
                facts.append((t("incident.hops"), " | ".join(sentences.hop(hop) for hop in affected.hops)))
        return facts + self._others(sentences, incident)

    def _others(self, sentences: IncidentSentences, incident: Incident) -> list[tuple[str, str]]:
        if len(incident.portals) == 1:
            return []
        t = self._translator
        portals = []
        for one in incident.portals:
            status = t(f"end_reason.{one.end_reason.value}") if one.end_reason else sentences.state(one.state)
            portals.append(f"{sentences.portal_name(one.portal)} ({status})")
        return [(t("incident.shared"), sentences.shared(incident)), (t("message.portals"), "; ".join(portals))]


def single_line(text: str) -> str:
    """Return the text as one line without control characters and bidirectional marks."""
    return _CONTROL.sub(" ", text).strip()


def escape_markdown(text: str) -> str:
    """Escape a text for the Markdown of chat services."""
    neutral = single_line(text)[:_MAX_TEXT_LENGTH].translate(_CHAT_REPLACEMENTS)
    return _MARKDOWN_SPECIAL.sub(r"\\\1", neutral)
