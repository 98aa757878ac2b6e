"""The cookies of one walk: a portal that sets one and redirects to itself expects it back; afterwards they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy
    from yarl import URL


class Cookies:
    """Keeps what answers set and tells what a request sends back, by aiohttp's jar; most walks never need one."""

    def __init__(self) -> None:
        self._jar: aiohttp.CookieJar | None = None

    def store(self, headers: CIMultiDictProxy[str], url: URL) -> None:
        """Note the cookies that an answer from ``url`` sets."""
        if found := headers.getall("Set-Cookie", ()):
            if self._jar is None:
                self._jar = aiohttp.CookieJar(unsafe=True)
            self._jar.update_cookies_from_headers(found, url)

    def header_for(self, url: URL) -> str:
        """The value of the Cookie header for a request to ``url``; empty for none. The same cookies give the same."""
        if self._jar is None:
            return ""
        found = self._jar.filter_cookies(url)
        return "; ".join(f"{name}={found[name].coded_value}" for name in sorted(found))
