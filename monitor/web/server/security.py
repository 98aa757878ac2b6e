"""The door as the configuration wants it: accounts, certificate, crowd; what a reload changes of it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import structlog

from monitor.web.server.auth import Keeper
from monitor.web.server.connection_limit import Crowd

if TYPE_CHECKING:
    from monitor.config.web import Web
    from monitor.model.clock import Clock

log = structlog.get_logger(__name__)


class Door:
    """``tls`` is None for plain HTTP. Raises OSError when a certificate that was good has gone meanwhile."""

    def __init__(self, web: Web, clock: Clock) -> None:
        users, tokens = web.accounts.hashes() if web.accounts else ({}, {})
        self.keeper = Keeper(clock, users, tokens)
        self.crowd = Crowd(web.connections, web.per_address)
        self._pair = web.tls.pair if web.tls else None
        self.tls = self._pair.context() if self._pair else None

    def change(self, web: Web) -> None:
        """Take other accounts, and read certificate and key anew from where they were; both were judged before."""
        users, tokens = web.accounts.hashes() if web.accounts else ({}, {})
        self.keeper.change(users, tokens)
        if self._pair is not None and self.tls is not None:
            try:
                self._pair.judge()
                self._pair.renew(self.tls)
            except Exception as error:  # noqa: BLE001 - the old certificate goes on, whatever became of the files
                log.warning("web_certificate_not_renewed", reason=str(error))

    def say_how_open(self, listen: str) -> None:
        """Warn when others than this machine can come, and anybody may read, or read along."""
        missing = [*([] if self.tls else ["tls"]), *(["accounts"] if self.keeper.open else [])]
        if missing and not _is_loopback(listen.rpartition(":")[0].strip("[]")):
            log.warning("web_open_to_others", listen=listen, missing=missing)

    def close(self) -> None:
        """Let go of the keeper's thread."""
        self.keeper.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"
