"""Hash secrets for the configuration, and compare what a client presents with a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_LOG_N, _R, _P = 15, 8, 1
"""Cost of one comparison: 32 MB of memory and some 60 ms (scrypt, RFC 7914)."""

_MAX_LOG_N = 17
_SALT_BYTES, _KEY_BYTES = 16, 32
_FORMAT = re.compile(r"scrypt:(\d{1,2}):(\d{1,2}):(\d{1,2}):([0-9a-f]{32}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class ScryptHash:
    """One hash with its salt and its cost."""

    log_n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    @classmethod
    def parse(cls, text: str) -> ScryptHash:
        """Parse the form of :func:`make_hash`. Raises ValueError, without the text in its message."""
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise ValueError("not a hash printed by 'portal-monitor hash-secret'")
        log_n, r, p = (int(part) for part in match.groups()[:3])
        if not (_LOG_N <= log_n <= _MAX_LOG_N and r == _R and 1 <= p <= 4):  # noqa: PLR2004 - a higher cost would block the server
            raise ValueError("the scrypt cost of this hash is out of range")
        return cls(log_n, r, p, bytes.fromhex(match[4]), bytes.fromhex(match[5]))

    def matches(self, secret: str) -> bool:
        """Compare *secret* with the hash in constant time. Takes some 60 ms: do not call it on the event loop."""
        return hmac.compare_digest(_derive_key(secret, self.log_n, self.r, self.p, self.salt), self.key)


def make_hash(secret: str) -> str:
    """Return the hash of a secret with a new salt, as one word without a space, a quote or a dollar sign."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt:{_LOG_N}:{_R}:{_P}:{salt.hex()}:{_derive_key(secret, _LOG_N, _R, _P, salt).hex()}"


def _derive_key(secret: str, log_n: int, r: int, p: int, salt: bytes) -> bytes:
    max_memory = 128 * r * (2**log_n + p + 2) + 2**20
    password = secret.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(password, salt=salt, n=2**log_n, r=r, p=p, maxmem=max_memory, dklen=_KEY_BYTES)
