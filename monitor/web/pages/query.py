"""What a reader asked for: the language, the search and the filters of a page, and the links that carry them on."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from monitor.i18n.page_texts import LANGUAGES, RETIRED
from monitor.model.records import PortalKind, State
from probes.http.urls import bare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.model.records import Portal

STATES = (State.UP, State.DOWN, State.DEGRADED, State.MAINTENANCE, State.UNKNOWN, RETIRED)
"""What can be filtered by, in the order of the chips."""

LONGEST = 100
"""Characters of a search that count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A fleet page that can be asked for. ``default`` is the site's language, which links need not name."""

    language: str
    default: str
    search: str = ""
    state: str = ""
    kind: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], default: str) -> Query:
        """From a request's parameters. What makes no sense is left out, so that an old link still opens."""
        language, state, kind = given.get("lang", ""), given.get("state", ""), given.get("kind", "")
        return cls(
            language=language if language in LANGUAGES else default,
            default=default,
            search="".join(filter(str.isprintable, given.get("q", ""))).strip()[:LONGEST],
            state=state if state in STATES else "",
            kind=kind if kind in set(PortalKind) else "",
        )

    @property
    def filtered(self) -> bool:
        """Whether this is less than the whole fleet."""
        return bool(self.search or self.state or self.kind)

    def spoken(self, language: str) -> Query:
        """The same in another language."""
        return replace(self, language=language)

    def only(self, state: str) -> Query:
        """The same with another state, all of them for an empty one."""
        return replace(self, state=state)

    def fleet(self) -> str:
        """The fleet page with this search and these filters."""
        return self._link("/", q=self.search, state=self.state, kind=self.kind)

    def home(self) -> str:
        """The whole fleet."""
        return self._link("/")

    def portal(self, portal: str) -> str:
        """The page of a portal."""
        return self._link(f"/portals/{quote(portal, safe='')}")

    def incidents(self) -> str:
        """The list of incidents."""
        return self._link("/incidents")

    def incident(self, incident: str) -> str:
        """The page of an incident."""
        return self._link(f"/incidents/{quote(incident, safe='')}")

    def _link(self, path: str, **parameters: str) -> str:
        if self.language != self.default:
            parameters["lang"] = self.language
        text = urlencode({name: value for name, value in parameters.items() if value})
        return f"{path}?{text}" if text else path


def plain(text: str) -> str:
    """Without case and diacritics: ``Đà Nẵng`` and ``da nang`` are the same search."""
    bare = "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
    return bare.casefold().replace("đ", "d")


def matches(portal: Portal, words: list[str]) -> bool:
    """Whether every word of a search, already plain, occurs in what the portal is known by."""
    known = plain(" ".join((portal.id, portal.code or "", portal.name_vi, portal.name_en, bare(portal.url))))
    return all(word in known for word in words)
