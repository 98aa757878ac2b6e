"""Who may enter: names and secrets held against their hashes, without ever holding up the event loop or the looks.

A hash is dear on purpose, so one that was found right is remembered by a keyed digest, and wrong ones are tried one at
a time on a thread that steps back, a few from one address, and then not at all for a while.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import enum
import hmac
import os
import secrets
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.config.secret_hash import ScryptHash
    from monitor.model.clock import Clock

MAX_CACHED_CREDENTIALS = 64
"""Credentials remembered as right."""

MAX_FAILURES, FAILURE_WINDOW_SECONDS = 5, 60.0
"""So many wrong guesses of one address within this time are held against the hashes."""

MAX_PENDING = 8
"""So many may wait for the thread."""

_MAX_TRACKED_CLIENTS = 1024
_NICENESS = 10
_MAX_CREDENTIALS_LENGTH = 1024


class AuthResult(enum.Enum):
    """What becomes of somebody at the door."""

    AUTHENTICATED = "welcome"
    UNAUTHORIZED = "stranger"
    THROTTLED = "later"


@dataclass(slots=True)
class _AuthFailures:
    count: int
    reset_at: float


class Authenticator:
    """Knows who may enter. ``users`` and ``tokens`` are hashes by name."""

    def __init__(self, clock: Clock, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._failures: OrderedDict[str, _AuthFailures] = OrderedDict()
        self._pending = 0
        self._executor = ThreadPoolExecutor(1, "keeper", initializer=_lower_priority)
        self.update(users, tokens)

    def update(self, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> None:
        """From now on these may enter; what was found right before is found out again."""
        self._users, self._tokens = dict(users), dict(tokens)
        self._verified.clear()

    @property
    def allows_anonymous(self) -> bool:
        """Whether nobody has an account, so that everybody may enter."""
        return not self._users and not self._tokens

    @property
    def www_authenticate(self) -> list[str]:
        """What to ask a stranger for."""
        asked = ['Basic realm="portal-monitor", charset="UTF-8"'] if self._users else []
        return [*asked, *(['Bearer realm="portal-monitor"'] if self._tokens else [])]

    async def authenticate(self, authorization: str, client: str) -> AuthResult:
        """Judge the header ``Authorization`` of somebody who comes from ``address``."""
        scheme, _, given = authorization.partition(" ")
        scheme, given = scheme.lower(), given.strip()
        if scheme not in {"basic", "bearer"} or not given or len(given) > _MAX_CREDENTIALS_LENGTH:
            return AuthResult.UNAUTHORIZED
        mark = hmac.digest(self._key, f"{scheme} {given}".encode("utf-8", "surrogateescape"), "sha256")
        if self._is_verified(mark):
            return AuthResult.AUTHENTICATED
        if self._is_throttled(client) or self._pending >= MAX_PENDING:
            return AuthResult.THROTTLED
        users, tokens = self._users, self._tokens
        self._pending += 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(
                self._executor, _verify, scheme, given, users, tokens
            )
        finally:
            self._pending -= 1
        if not right:
            self._record_failure(client)
            return AuthResult.UNAUTHORIZED
        if users is self._users:
            self._verified[mark] = None
            while len(self._verified) > MAX_CACHED_CREDENTIALS:
                self._verified.popitem(last=False)
        return AuthResult.AUTHENTICATED

    def close(self) -> None:
        """Let go of the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _is_verified(self, digest: bytes) -> bool:
        """Compared with every one, whichever fits: how long it takes says nothing."""
        found = [hmac.compare_digest(digest, one) for one in self._verified]
        return any(found)

    def _is_throttled(self, client: str) -> bool:
        guesses = self._failures.get(client)
        return guesses is not None and guesses.count >= MAX_FAILURES and self._clock.monotonic() < guesses.reset_at

    def _record_failure(self, client: str) -> None:
        now = self._clock.monotonic()
        guesses = self._failures.setdefault(client, _AuthFailures(0, 0.0))
        if now >= guesses.reset_at:
            guesses.count = 0
        guesses.count += 1
        guesses.reset_at = now + FAILURE_WINDOW_SECONDS
        self._failures.move_to_end(client)
        while len(self._failures) > _MAX_TRACKED_CLIENTS:
            self._failures.popitem(last=False)


def _verify(scheme: str, credentials: str, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> bool:
    """On the thread. A name that nobody has costs as much as one that somebody has."""
    if scheme == "bearer":
        found = [one.matches(credentials) for one in tokens.values()]
        return any(found)
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    hashed = users.get(name) or next(iter(users.values()), None)
    fits = hashed is not None and hashed.matches(password)
    return fits and bool(colon) and name in users


def _lower_priority() -> None:
    """Linux gives every thread a niceness of its own: looks come first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
