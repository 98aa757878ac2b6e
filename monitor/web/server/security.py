"""Security of the web server as configured: accounts, TLS, connection limits, and their reload."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import structlog

from monitor.web.server.auth import Authenticator
from monitor.web.server.connection_limit import ConnectionLimiter

if TYPE_CHECKING:
    from monitor.config.web import WebBlock
    from monitor.model.clock import Clock

log = structlog.get_logger(__name__)


class WebSecurity:
    """Authenticator, limiter and TLS context; ``tls`` is None for plain HTTP. Raises OSError if a file has gone."""

    def __init__(self, settings: WebBlock, clock: Clock) -> None:
        users, tokens = settings.accounts.hashes() if settings.accounts else ({}, {})
        self.authenticator = Authenticator(clock, users, tokens)
        self.connection_limiter = ConnectionLimiter(settings.max_connections, settings.max_connections_per_client)
        self._key_pair = settings.tls.key_pair if settings.tls else None
        self.tls = self._key_pair.server_context() if self._key_pair else None

    def reload(self, settings: WebBlock) -> None:
        """Take over changed accounts, and load certificate and key from their files again; both were validated."""
        users, tokens = settings.accounts.hashes() if settings.accounts else ({}, {})
        self.authenticator.update(users, tokens)
        if self._key_pair is not None and self.tls is not None:
            try:
                self._key_pair.validate()
                self._key_pair.load_into(self.tls)
            except Exception as error:  # noqa: BLE001 - the old certificate stays in use, whatever the error
                log.warning("web_certificate_reload_failed", reason=str(error))

    def warn_if_exposed(self, listen: str) -> None:
        """Log a warning when other hosts can connect without TLS or without accounts."""
        missing = [*([] if self.tls else ["tls"]), *(["accounts"] if self.authenticator.allows_anonymous else [])]
        if missing and not _is_loopback(listen.rpartition(":")[0].strip("[]")):
            log.warning("web_unauthenticated", listen=listen, missing=missing)

    def close(self) -> None:
        """Stop the thread of the authenticator."""
        self.authenticator.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
