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

from monitor.i18n.incident_sentences import Teller
from monitor.model.incidents import Severity, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.i18n.translator import Tongue
    from monitor.model.incidents import Incident, IncidentEvent, Message
    from monitor.model.records import Portal

LATE_MS = 120_000
"""A message that arrives so long after what it tells says so."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_SPECIAL = re.compile(r"([\\`*_~\[\]|])")
_TAMED = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "&": "\N{FULLWIDTH AMPERSAND}",
        "@": "@\N{ZERO WIDTH SPACE}",
    }
)
_LONGEST = 500


class Form(enum.StrEnum):
    """What a target can read; the values are Apprise's names."""

    TEXT = "text"
    HTML = "html"
    MARKDOWN = "markdown"


@dataclass(frozen=True, slots=True)
class Item:
    """One message and the event that it tells of; for a reminder the newest event of its incident."""

    message: Message
    event: IncidentEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What goes over the wire. ``incidents`` are the ids it speaks of, by which a receiver tells repetitions."""

    title: str
    body: str
    form: Form
    incidents: tuple[str, ...]
    severity: Severity
    over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One message in words."""

    headline: str
    late: str
    facts: tuple[tuple[str, str], ...]
    id: str
    link: str


class Writer:
    """Writes letters in one language; ``portals`` is asked anew for each, ``page_url`` may be empty."""

    def __init__(self, tongue: Tongue, portals: Callable[[], Mapping[str, Portal]], page_url: str = "") -> None:
        self._tongue = tongue
        self._portals = portals
        self._page = page_url.rstrip("/")
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("monitor.alerting"),
            autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",)),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        environment.filters["plain"] = clean
        environment.filters["chat"] = chat
        # Read now: a machine in trouble may have no descriptor for a file when a letter is due.
        self._templates = {form: environment.get_template(f"letter.{form.value}.j2") for form in Form}

    def write(self, items: Sequence[Item], form: Form, now: int) -> Letter:
        """One letter about all items."""
        teller = Teller(self._tongue, self._portals())
        sections = [self._section(teller, item, now) for item in items]
        ids = tuple(dict.fromkeys(item.event.incident.id for item in items))
        title = sections[0].headline
        if len(sections) > 1:
            title = self._tongue("say.many", n=len(sections), first=title)
        pages = [item for item in items if item.message.severity is Severity.PAGE]
        return Letter(
            title=clean(f"[{ids[0]}] {title}"),
            body=self._templates[form].render(sections=sections, t=self._tongue),
            form=form,
            incidents=ids,
            severity=Severity.PAGE if pages else Severity.NOTICE,
            over=all(item.event.step is Step.RESOLVED for item in items),
        )

    def _section(self, teller: Teller, item: Item, now: int) -> Section:
        event, t = item.event, self._tongue
        headline = teller.headline(event, now)
        if item.message.reminder:
            what = teller.standing(event.incident)
            headline = t("say.reminder", what=what, duration=t.duration((now - event.incident.opened) / 1000))
        away = now - item.message.happened
        return Section(
            headline=headline,
            late=t("say.late", time=t.moment(item.message.happened), duration=t.duration(away / 1000))
            if away >= LATE_MS
            else "",
            facts=tuple(self._facts(teller, event, now)),
            id=event.incident.id,
            link=f"{self._page}/incidents/{quote(event.incident.id)}?lang={t.language}" if self._page else "",
        )

    def _facts(self, teller: Teller, event: IncidentEvent, now: int) -> list[tuple[str, str]]:
        incident, t = event.incident, self._tongue
        member = incident.member(event.portal) or incident.members[0]
        facts = list(teller.facts(member, now))
        if member.until is None:
            said = [
                t("say.look", attempt=one.attempt, time=t.time(one.started or one.slot), result=teller.result(one))
                for one in member.looks
            ]
            facts += [(t("incident.looks"), "; ".join(said))] if said else []
            if len(member.hops) > 1:
                facts.append((t("incident.hops"), " | ".join(teller.hop(hop) for hop in member.hops)))
        return facts + self._others(teller, incident)

    def _others(self, teller: Teller, incident: Incident) -> list[tuple[str, str]]:
        if len(incident.members) == 1:
            return []
        t = self._tongue
        said = [
            f"{teller.name(one.portal)} ({t('ending.' + one.ending.value) if one.ending else teller.state(one.state)})"
            for one in incident.members
        ]
        return [(t("incident.shared"), teller.shared(incident)), (t("say.portals"), "; ".join(said))]


def clean(text: str) -> str:
    """One line without control characters or marks that turn the direction of writing."""
    return _CONTROL.sub(" ", text).strip()


def chat(text: str) -> str:
    """For the Markdown of chat services."""
    tamed = clean(text)[:_LONGEST].translate(_TAMED)
    return _SPECIAL.sub(r"\\\1", tamed)
