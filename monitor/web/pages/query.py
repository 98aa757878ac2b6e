"""Query of a page: language, search and filters, and the links that preserve them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, urlencode

from monitor.i18n.page_texts import LANGUAGES, RETIRED
from monitor.model.records import Portal, PortalKind, State
from probes.http.urls import strip_credentials

FILTER_STATES = (State.UP, State.DOWN, State.DEGRADED, State.MAINTENANCE, State.UNKNOWN, RETIRED)
"""Values of the state filter, in the order of the chips."""

MAX_SEARCH_LENGTH = 100  # largest length of a search; the rest is ignored


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Parameters of a page. ``default_language`` is the server's, which links need not name."""

    language: str
    default_language: str
    search: str = ""
    state: str = ""
    kind: str = ""

    @classmethod
    def parse(cls, parameters: Mapping[str, str], default_language: str) -> PageQuery:
        """Parse a request's parameters. Invalid values are ignored, so that an old link still opens."""
        language, state, kind = parameters.get("lang", ""), parameters.get("state", ""), parameters.get("kind", "")
        return cls(
            language=language if language in LANGUAGES else default_language,
            default_language=default_language,
            search="".join(filter(str.isprintable, parameters.get("q", ""))).strip()[:MAX_SEARCH_LENGTH],
            state=state if state in FILTER_STATES else "",
            kind=kind if kind in set(PortalKind) else "",
        )

    @property
    def is_filtered(self) -> bool:
        """Return whether a search or filter is set."""
        return bool(self.search or self.state or self.kind)

    def with_language(self, language: str) -> PageQuery:
        """Return the query in another language."""
        return replace(self, language=language)

    def with_state(self, state: str) -> PageQuery:
        """Return the query with another state filter; empty for all states."""
        return replace(self, state=state)

    def fleet_url(self) -> str:
        """Return the URL of the fleet page with this search and these filters."""
        return self._url("/", q=self.search, state=self.state, kind=self.kind)

    def home_url(self) -> str:
        """Return the URL of the whole fleet."""
        return self._url("/")

    def portal_url(self, portal_id: str) -> str:
        """Return the URL of the page of a portal."""
        return self._url(f"/portals/{quote(portal_id, safe='')}")

    def incidents_url(self) -> str:
        """Return the URL of the list of incidents."""
        return self._url("/incidents")

    def incident_url(self, incident_id: str) -> str:
        """Return the URL of the page of an incident."""
        return self._url(f"/incidents/{quote(incident_id, safe='')}")

    def _url(self, path: str, **parameters: str) -> str:
        if self.language != self.default_language:
            parameters["lang"] = self.language
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"{path}?{text}" if text else path


def normalize(text: str) -> str:
    """Remove case and diacritics: ``Đà Nẵng`` and ``da nang`` are the same search."""
    base = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return base.casefold().replace("đ", "d")


def matches(portal: Portal, terms: list[str]) -> bool:
    """Return whether every normalised term of a search occurs in the portal's id, code, names or URL."""
    texts = (portal.id, portal.code or "", portal.name_vi, portal.name_en, strip_credentials(portal.url))
    text = normalize(" ".join(texts))
    return all(term in text for term in terms)
