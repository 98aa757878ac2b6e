"""The shared resources of probes: resolver, TLS contexts, browser pool; opened once, closed by the owner."""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from probes.browser.pool import BrowserPool, BrowserPoolSettings
from probes.net.resolver import ServerResolver, SystemResolver
from probes.net.tls import tls_context

if TYPE_CHECKING:
    from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Hold the settings of every HTTP probe: user agent, name servers, trusted CA file."""

    user_agent: str = "portal-monitor"
    name_servers: tuple[str, ...] = ()
    ca_file: Path | None = None


class ProbeResources:
    """Own the resources that all probes of one process share. Use as an async context manager, on a running loop."""

    def __init__(
        self, http_settings: HttpSettings | None = None, browser_settings: BrowserPoolSettings | None = None
    ) -> None:
        self.http_settings = http_settings or HttpSettings()
        self.browser_pool = BrowserPool(browser_settings or BrowserPoolSettings(), self.http_settings.ca_file)
        names = self.http_settings.name_servers
        self.resolver = ServerResolver(names) if names else SystemResolver()
        self._tls_contexts: dict[bool, ssl.SSLContext] = {}

    async def __aenter__(self) -> Self:
        # Reading the system's CA certificates takes many milliseconds: do it before probes are timed. A probe that
        # needs the context reports the error as an internal one.
        with contextlib.suppress(OSError, ssl.SSLError):
            self.tls_context(verify=True)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.browser_pool.close()
        await self.resolver.close()

    def tls_context(self, *, verify: bool) -> ssl.SSLContext:
        """Return the context for a hop. Raises OSError or ssl.SSLError when the CA certificates cannot be read."""
        if verify not in self._tls_contexts:
            self._tls_contexts[verify] = tls_context(verify=verify, ca_file=self.http_settings.ca_file)
        return self._tls_contexts[verify]
