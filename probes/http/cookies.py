"""The cookies of one fetch: a portal that sets one and redirects to itself expects it back; then they are dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy
    from yarl import URL


class Cookies:
    """Keep the cookies of responses for later requests in aiohttp's jar, which most fetches never need."""

    def __init__(self) -> None:
        self._jar: aiohttp.CookieJar | None = None

    def store(self, headers: CIMultiDictProxy[str], url: URL) -> None:
        """Store the cookies that a response from *url* sets."""
        if found := headers.getall("Set-Cookie", ()):
            if self._jar is None:
                self._jar = aiohttp.CookieJar(unsafe=True)
            self._jar.update_cookies_from_headers(found, url)

    def header_for(self, url: URL) -> str:
        """Return the Cookie header for a request to *url*; empty for none. The same cookies give the same value."""
        if self._jar is None:
            return ""
        found = self._jar.filter_cookies(url)
        return "; ".join(f"{name}={found[name].coded_value}" for name in sorted(found))
