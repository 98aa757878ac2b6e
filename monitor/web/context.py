"""What the web server needs from the daemon, as one record; it has no other access to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from zoneinfo import ZoneInfo

    from pydantic import SecretStr

    from monitor.config import Config
    from monitor.model.clock import Clock
    from monitor.states.status_cache import StatusCache
    from monitor.storage.journal.journal import Journal
    from monitor.storage.screenshots import ScreenshotStore
    from monitor.web.metrics.exposition import Exposition
    from monitor.web.server.auth import Authenticator


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether probes are completing, and if not, the reason as one sentence."""

    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """The data sources and settings of the web server.

    ``language`` is ``vi`` or ``en``, the default for requests that name none; ``zone`` is the zone of displayed times.
    ``reload`` loads the configuration again and returns the errors, or None when it was taken over. Without it, or
    without a ``reload_token``, which clients send as a bearer token, reload over HTTP is disabled. ``config`` returns
    the configuration in use.
    """

    status_cache: StatusCache
    exposition: Exposition
    journal: Journal
    clock: Clock
    language: str
    zone: ZoneInfo
    readiness: Callable[[], Readiness]
    config: Callable[[], Config]
    authenticator: Authenticator
    screenshots: ScreenshotStore | None = None
    reload: Callable[[], Awaitable[str | None]] | None = None
    reload_token: SecretStr | None = None
