"""The door as the configuration wants it: accounts, certificate, crowd; what a reload changes of it."""

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
    """``tls`` is None for plain HTTP. Raises OSError when a certificate that was good has gone meanwhile."""

    def __init__(self, settings: WebBlock, clock: Clock) -> None:
        users, tokens = settings.accounts.hashes() if settings.accounts else ({}, {})
        self.authenticator = Authenticator(clock, users, tokens)
        self.connection_limiter = ConnectionLimiter(settings.connections, settings.per_address)
        self._key_pair = settings.tls.key_pair if settings.tls else None
        self.tls = self._key_pair.server_context() if self._key_pair else None

    def reload(self, settings: WebBlock) -> None:
        """Take other accounts, and read certificate and key anew from where they were; both were judged before."""
        users, tokens = settings.accounts.hashes() if settings.accounts else ({}, {})
        self.authenticator.update(users, tokens)
        if self._key_pair is not None and self.tls is not None:
            try:
                self._key_pair.validate()
                self._key_pair.load_into(self.tls)
            except Exception as error:  # noqa: BLE001 - the old certificate goes on, whatever became of the files
                log.warning("web_certificate_not_renewed", reason=str(error))

    def warn_if_exposed(self, listen: str) -> None:
        """Warn when others than this machine can come, and anybody may read, or read along."""
        missing = [*([] if self.tls else ["tls"]), *(["accounts"] if self.authenticator.allows_anonymous else [])]
        if missing and not _is_loopback(listen.rpartition(":")[0].strip("[]")):
            log.warning("web_open_to_others", listen=listen, missing=missing)

    def close(self) -> None:
        """Let go of the keeper's thread."""
        self.authenticator.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
