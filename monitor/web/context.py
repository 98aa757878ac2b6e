"""What the pages need from the daemon, handed in as one record; they know nothing else of it."""

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
    """Whether looks are completing, and if not, why, in one sentence."""

    ok: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebContext:
    """The parts that pages and answers are made of.

    ``language`` is ``vi`` or ``en`` and holds where a request names none; ``zone`` is the zone of shown times.
    ``keeper`` knows who may enter. ``reload`` reads the configuration anew and returns the complaints, or None when it
    was taken over; without it, or without a ``reload_token``, which must be presented as a bearer token, reloading over
    HTTP is off. ``config`` gives the configuration that holds.
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
