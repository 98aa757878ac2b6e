"""Content of the pages of incidents: the list, and one incident with all its details."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.i18n.incident_sentences import IncidentSentences
from monitor.i18n.translator import Translator, iso
from monitor.model.incidents import Incident, IncidentKind
from monitor.model.records import PROBER_PORTAL
from monitor.web.pages.filmstrip import screenshot_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.model.incidents import AffectedPortal, AttemptSummary, IncidentEvent, IncidentNote, Message
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.store import JournalReader
    from monitor.web.context import WebContext
    from monitor.web.pages.query import PageQuery

MAX_PAST_INCIDENTS = 100  # largest number of incidents in the list, the newest

LIST_WINDOW_MS = 31 * 86_400_000
IncidentRecords = tuple["list[IncidentEvent]", "list[IncidentNote]", "list[Message]"]
_TONES = {IncidentKind.OUTAGE: "down", IncidentKind.PROBER: "prober"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident in a list."""

    id: str
    url: str
    tone: str
    headline: str
    reason: str
    since: str
    since_iso: str | None
    duration: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentListPage:
    """The page of all incidents."""

    headline: str
    tone: str
    open_incidents: tuple[IncidentRow, ...]
    resolved_incidents: tuple[IncidentRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedPortalSection:
    """One portal's part in an incident. ``tone`` is ``up`` once it has ended."""

    name: str
    url: str
    tone: str
    facts: tuple[tuple[str, str], ...]
    attempts: tuple[tuple[str, str, str, str], ...]  # time, ISO, which attempt, result
    hops: tuple[str, ...]
    screenshots: tuple[tuple[str, str], ...]  # url, text


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One entry of a timeline, of the notes or of the messages."""

    at: str
    at_iso: str | None
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    """One incident."""

    id: str
    tone: str
    kind: str
    headline: str
    duration: str
    shared: str
    affected_portals: tuple[AffectedPortalSection, ...]
    timeline: tuple[TimelineEntry, ...]
    notes: tuple[TimelineEntry, ...]
    messages: tuple[TimelineEntry, ...]


def incident_row(
    event: IncidentEvent, status_cache: StatusCache, query: PageQuery, translator: Translator, now_ms: int
) -> IncidentRow:
    """Return the row of one incident."""
    sentences, incident = IncidentSentences(translator, status_cache.portals), event.incident
    first = incident.portals[0]
    reason = translator(f"fault.{first.fault.value}") if first.fault else first.detail
    return IncidentRow(
        id=incident.id,
        url=query.incident_url(incident.id),
        tone=_tone(incident),
        headline=sentences.summary(incident),
        reason="; ".join(part for part in (reason, sentences.shared(incident)) if part),
        since=translator.date_time(incident.opened),
        since_iso=iso(incident.opened),
        duration=_duration_text(incident, translator, now_ms),
    )


def _tone(incident: Incident) -> str:
    return "up" if incident.resolved is not None else _TONES.get(incident.kind, "degraded")


def _duration_text(incident: Incident, translator: Translator, now_ms: int) -> str:
    key = "incident.lasted" if incident.resolved is not None else "incident.ongoing_for"
    return translator(key, duration=translator.duration(((incident.resolved or now_ms) - incident.opened) / 1000))


async def build_list_page(context: WebContext, query: PageQuery, translator: Translator) -> IncidentListPage:
    """Build the list of all open incidents and the newest resolved ones."""
    now = context.clock.now()
    since = now - LIST_WINDOW_MS
    found = await context.journal.read(lambda reader: reader.incidents(since_ms=since, limit=MAX_PAST_INCIDENTS))
    rows = [(one.incident, incident_row(one, context.status_cache, query, translator, now)) for one in found]
    ongoing = [incident for incident, _ in rows if incident.resolved is None]
    worst = min((incident.kind is not IncidentKind.OUTAGE for incident in ongoing), default=None)
    return IncidentListPage(
        headline=translator.plural("incidents.open", len(ongoing)) if ongoing else translator("incidents.none"),
        tone="up" if worst is None else "degraded" if worst else "down",
        open_incidents=tuple(row for incident, row in rows if incident.resolved is None),
        resolved_incidents=tuple(row for incident, row in rows if incident.resolved is not None),
    )


def build_incident_page(
    context: WebContext, records: IncidentRecords, query: PageQuery, translator: Translator
) -> IncidentPage:
    """Build the page of an incident from its events, notes and messages; there is at least one event."""
    events, notes, messages = records
    now, incident = context.clock.now(), events[-1].incident
    sentences = IncidentSentences(translator, context.status_cache.portals)
    return IncidentPage(
        id=incident.id,
        tone=_tone(incident),
        kind=translator("incidents.resolved" if _tone(incident) == "up" else f"incident.{incident.kind.value}"),
        headline=sentences.summary(incident),
        duration=_duration_text(incident, translator, now),
        shared=sentences.shared(incident),
        affected_portals=tuple(_section(context, incident, one, query, sentences, now) for one in incident.portals),
        timeline=tuple(_timeline_entry(translator, one.confirmed, sentences.headline(one, now)) for one in events),
        notes=tuple(_note_entry(translator, one) for one in notes),
        messages=tuple(_message_entry(translator, one) for one in messages),
    )


def read_incident(reader: JournalReader, incident_id: str) -> IncidentRecords:
    """Read the events, notes and messages of the page."""
    return reader.incident_events(incident_id), reader.notes(incident_id), reader.messages(incident_id)


def _timeline_entry(translator: Translator, at_ms: int, text: str, detail: str = "") -> TimelineEntry:
    return TimelineEntry(at=translator.date_time(at_ms), at_iso=iso(at_ms), text=text, detail=detail)


def _note_entry(translator: Translator, note: IncidentNote) -> TimelineEntry:
    return _timeline_entry(translator, note.at, translator(f"note.{note.kind.value}", by=note.by), note.text)


def _message_entry(translator: Translator, message: Message) -> TimelineEntry:
    completed = translator.date_time(message.completed_at or message.created)
    status = translator(f"message_status.{message.status.value}", time=completed)
    reminder = translator("incident.reminder", n=message.reminder) if message.reminder else ""
    return _timeline_entry(translator, message.created, f"{message.target}: {status}", reminder)


def _section(  # noqa: PLR0913, PLR0917 - a page has as many sources
    context: WebContext,
    incident: Incident,
    part: AffectedPortal,
    query: PageQuery,
    sentences: IncidentSentences,
    now_ms: int,
) -> AffectedPortalSection:
    is_prober = part.portal == PROBER_PORTAL
    has_page = not is_prober and part.portal in sentences.portals
    return AffectedPortalSection(
        name=sentences.summary(incident) if is_prober else sentences.portal_name(part.portal),
        url=query.portal_url(part.portal) if has_page else "",
        tone="up" if part.until is not None else _TONES.get(incident.kind, "degraded"),
        facts=tuple(sentences.facts(part, now_ms)),
        attempts=tuple(_attempt_row(one, sentences) for one in part.attempts),
        hops=tuple(sentences.hop(hop) for hop in part.hops),
        screenshots=() if is_prober else tuple(_screenshots(context, part, sentences.translator, now_ms)),
    )


def _attempt_row(attempt: AttemptSummary, sentences: IncidentSentences) -> tuple[str, str, str, str]:
    translator, at = sentences.translator, attempt.started or attempt.slot
    which = f"{attempt.check}, {translator('incident.attempt', attempt=attempt.attempt)}"
    duration = f", {translator.short_duration(attempt.duration)}" if attempt.duration is not None else ""
    return (translator.date_time(at), iso(at) or "", which + duration, sentences.result(attempt))


def _screenshots(
    context: WebContext, part: AffectedPortal, translator: Translator, now_ms: int
) -> Iterator[tuple[str, str]]:
    """Yield URL and text of the final screenshots that were taken during the incident."""
    store = context.screenshots
    for one in store.of_portal(part.portal, part.since, part.until or now_ms) if store else ():
        if one.final_screenshot is not None:
            text = translator("incident.screenshot", time=translator.date_time(one.slot))
            yield screenshot_url(one, one.final_screenshot), text
