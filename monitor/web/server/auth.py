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

    from monitor.config.secret_hash import Hashed
    from monitor.model.clock import Clock

KNOWN = 64
"""Credentials remembered as right."""

FORGIVEN, FORGET_SECONDS = 5, 60.0
"""So many wrong guesses of one address within this time are held against the hashes."""

WAITING = 8
"""So many may wait for the thread."""

_ADDRESSES = 1024
_NICENESS = 10
_LONGEST = 1024


class Verdict(enum.Enum):
    """What becomes of somebody at the door."""

    WELCOME = "welcome"
    STRANGER = "stranger"
    LATER = "later"


@dataclass(slots=True)
class _Guesses:
    wrong: int
    until: float


class Keeper:
    """Knows who may enter. ``users`` and ``tokens`` are hashes by name."""

    def __init__(self, clock: Clock, users: Mapping[str, Hashed], tokens: Mapping[str, Hashed]) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._guesses: OrderedDict[str, _Guesses] = OrderedDict()
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "keeper", initializer=_step_back)
        self.change(users, tokens)

    def change(self, users: Mapping[str, Hashed], tokens: Mapping[str, Hashed]) -> None:
        """From now on these may enter; what was found right before is found out again."""
        self._users, self._tokens = dict(users), dict(tokens)
        self._known.clear()

    @property
    def open(self) -> bool:
        """Whether nobody has an account, so that everybody may enter."""
        return not self._users and not self._tokens

    @property
    def challenges(self) -> list[str]:
        """What to ask a stranger for."""
        asked = ['Basic realm="portal-monitor", charset="UTF-8"'] if self._users else []
        return [*asked, *(['Bearer realm="portal-monitor"'] if self._tokens else [])]

    async def admit(self, authorization: str, address: str) -> Verdict:
        """Judge the header ``Authorization`` of somebody who comes from ``address``."""
        scheme, _, given = authorization.partition(" ")
        scheme, given = scheme.lower(), given.strip()
        if scheme not in {"basic", "bearer"} or not given or len(given) > _LONGEST:
            return Verdict.STRANGER
        mark = hmac.digest(self._key, f"{scheme} {given}".encode("utf-8", "surrogateescape"), "sha256")
        if self._remembers(mark):
            return Verdict.WELCOME
        if self._guessed_too_often(address) or self._waiting >= WAITING:
            return Verdict.LATER
        users, tokens = self._users, self._tokens
        self._waiting += 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(self._thread, _fits, scheme, given, users, tokens)
        finally:
            self._waiting -= 1
        if not right:
            self._note_guess(address)
            return Verdict.STRANGER
        if users is self._users:
            self._known[mark] = None
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        return Verdict.WELCOME

    def close(self) -> None:
        """Let go of the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _remembers(self, mark: bytes) -> bool:
        """Compared with every one, whichever fits: how long it takes says nothing."""
        found = [hmac.compare_digest(mark, one) for one in self._known]
        return any(found)

    def _guessed_too_often(self, address: str) -> bool:
        guesses = self._guesses.get(address)
        return guesses is not None and guesses.wrong >= FORGIVEN and self._clock.monotonic() < guesses.until

    def _note_guess(self, address: str) -> None:
        now = self._clock.monotonic()
        guesses = self._guesses.setdefault(address, _Guesses(0, 0.0))
        if now >= guesses.until:
            guesses.wrong = 0
        guesses.wrong += 1
        guesses.until = now + FORGET_SECONDS
        self._guesses.move_to_end(address)
        while len(self._guesses) > _ADDRESSES:
            self._guesses.popitem(last=False)


def _fits(scheme: str, given: str, users: Mapping[str, Hashed], tokens: Mapping[str, Hashed]) -> bool:
    """On the thread. A name that nobody has costs as much as one that somebody has."""
    if scheme == "bearer":
        found = [one.fits(given) for one in tokens.values()]
        return any(found)
    try:
        name, colon, password = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    hashed = users.get(name) or next(iter(users.values()), None)
    fits = hashed is not None and hashed.fits(password)
    return fits and bool(colon) and name in users


def _step_back() -> None:
    """Linux gives every thread a niceness of its own: looks come first."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
