"""Authentication: verifies credentials against their hashes without blocking the event loop or delaying probes.

A hash is expensive on purpose. Verified credentials are cached by a keyed digest; others are verified one at a time on
a thread of low priority. After a few failures a client is throttled for a while.
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

MAX_CACHED_CREDENTIALS = 64  # verified credentials that are cached
MAX_FAILURES, FAILURE_WINDOW_SECONDS = 5, 60.0  # failures of one client within this time until it is throttled
MAX_PENDING = 8  # requests that may wait for the thread
_MAX_TRACKED_CLIENTS = 1024
_NICENESS = 10
_MAX_CREDENTIALS_LENGTH = 1024


class AuthResult(enum.Enum):
    """Result of an authentication."""

    AUTHENTICATED = "authenticated"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"


@dataclass(slots=True)
class _AuthFailures:
    count: int
    reset_at: float


class Authenticator:
    """Authenticates clients. ``users`` and ``tokens`` are hashes by name."""

    def __init__(self, clock: Clock, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, None] = OrderedDict()
        self._failures: OrderedDict[str, _AuthFailures] = OrderedDict()
        self._pending = 0
        self._executor = ThreadPoolExecutor(1, "auth", initializer=_lower_priority)
        self.update(users, tokens)

    def update(self, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> None:
        """Replace the accounts; cached credentials are verified again."""
        self._users, self._tokens = dict(users), dict(tokens)
        self._verified.clear()

    @property
    def allows_anonymous(self) -> bool:
        """Return whether no account is configured, so that no credentials are needed."""
        return not self._users and not self._tokens

    @property
    def www_authenticate(self) -> list[str]:
        """Return the challenges for an unauthenticated client."""
        basic = ['Basic realm="portal-monitor", charset="UTF-8"'] if self._users else []
        return [*basic, *(['Bearer realm="portal-monitor"'] if self._tokens else [])]

    async def authenticate(self, authorization: str, client: str) -> AuthResult:
        """Verify the header ``Authorization`` of a request from ``client``."""
        scheme, _, credentials = authorization.partition(" ")
        scheme, credentials = scheme.lower(), credentials.strip()
        if scheme not in {"basic", "bearer"} or not credentials or len(credentials) > _MAX_CREDENTIALS_LENGTH:
            return AuthResult.UNAUTHORIZED
        digest = hmac.digest(self._key, f"{scheme} {credentials}".encode("utf-8", "surrogateescape"), "sha256")
        if self._is_verified(digest):
            return AuthResult.AUTHENTICATED
        if self._is_throttled(client) or self._pending >= MAX_PENDING:
            return AuthResult.THROTTLED
        users, tokens = self._users, self._tokens
        self._pending += 1
        try:
            loop = asyncio.get_running_loop()
            verified = await loop.run_in_executor(self._executor, _verify, scheme, credentials, users, tokens)
        finally:
            self._pending -= 1
        if not verified:
            self._record_failure(client)
            return AuthResult.UNAUTHORIZED
        if users is self._users:
            self._verified[digest] = None
            while len(self._verified) > MAX_CACHED_CREDENTIALS:
                self._verified.popitem(last=False)
        return AuthResult.AUTHENTICATED

    def close(self) -> None:
        """Stop the thread."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _is_verified(self, digest: bytes) -> bool:
        """Return whether the digest is cached. All are compared, so that the time reveals nothing."""
        found = [hmac.compare_digest(digest, one) for one in self._verified]
        return any(found)

    def _is_throttled(self, client: str) -> bool:
        failures = self._failures.get(client)
        return failures is not None and failures.count >= MAX_FAILURES and self._clock.monotonic() < failures.reset_at

    def _record_failure(self, client: str) -> None:
        now = self._clock.monotonic()
        failures = self._failures.setdefault(client, _AuthFailures(0, 0.0))
        if now >= failures.reset_at:
            failures.count = 0
        failures.count += 1
        failures.reset_at = now + FAILURE_WINDOW_SECONDS
        self._failures.move_to_end(client)
        while len(self._failures) > _MAX_TRACKED_CLIENTS:
            self._failures.popitem(last=False)


def _verify(scheme: str, credentials: str, users: Mapping[str, ScryptHash], tokens: Mapping[str, ScryptHash]) -> bool:
    """Verify credentials, on the thread. An unknown name costs as much time as a known one."""
    if scheme == "bearer":
        found = [one.matches(credentials) for one in tokens.values()]
        return any(found)
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    hashed = users.get(name) or next(iter(users.values()), None)
    matches = hashed is not None and hashed.matches(password)
    return matches and bool(colon) and name in users


def _lower_priority() -> None:
    """Lower the priority of this thread, below that of probes; on Linux niceness is per thread."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
