"""What a reader asked for: the language, the search and the filters of a page, and the links that carry them on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from monitor.i18n.page_texts import LANGUAGES, RETIRED
from monitor.model.records import PortalKind, State
from probes.http.urls import strip_credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.records import Portal

FILTER_STATES = (State.UP, State.DOWN, State.DEGRADED, State.MAINTENANCE, State.UNKNOWN, RETIRED)
"""What can be filtered by, in the order of the chips."""

MAX_SEARCH_LENGTH = 100
"""Characters of a search that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """A fleet page that can be asked for. ``default`` is the site's language, which links need not name."""

    language: str
    default_language: str
    search: str = ""
    state: str = ""
    kind: str = ""

    @classmethod
    def parse(cls, parameters: Mapping[str, str], default_language: str) -> PageQuery:
        """From a request's parameters. What makes no sense is left out, so that an old link still opens."""
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
        """Whether this is less than the whole fleet."""
        return bool(self.search or self.state or self.kind)

    def with_language(self, language: str) -> PageQuery:
        """The same in another language."""
        return replace(self, language=language)

    def with_state(self, state: str) -> PageQuery:
        """The same with another state, all of them for an empty one."""
        return replace(self, state=state)

    def fleet_url(self) -> str:
        """The fleet page with this search and these filters."""
        return self._url("/", q=self.search, state=self.state, kind=self.kind)

    def home_url(self) -> str:
        """The whole fleet."""
        return self._url("/")

    def portal_url(self, portal_id: str) -> str:
        """The page of a portal."""
        return self._url(f"/portals/{quote(portal_id, safe='')}")

    def incidents_url(self) -> str:
        """The list of incidents."""
        return self._url("/incidents")

    def incident_url(self, incident_id: str) -> str:
        """The page of an incident."""
        return self._url(f"/incidents/{quote(incident_id, safe='')}")

    def _url(self, path: str, **parameters: str) -> str:
        if self.language != self.default_language:
            parameters["lang"] = self.language
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"{path}?{text}" if text else path


def normalize(text: str) -> str:
    """Without case and diacritics: ``Đà Nẵng`` and ``da nang`` are the same search."""
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return bare.casefold().replace("đ", "d")


def matches(portal: Portal, terms: list[str]) -> bool:
    """Whether every word of a search, already plain, occurs in what the portal is known by."""
    known = normalize(
        " ".join((portal.id, portal.code or "", portal.name_vi, portal.name_en, strip_credentials(portal.url)))
    )
    return all(word in known for word in terms)
