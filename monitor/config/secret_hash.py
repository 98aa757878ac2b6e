"""Secrets kept as hashes: how one is made for the configuration, and whether what somebody presents fits it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_LOG_N, _R, _P = 15, 8, 1
"""What one try costs: 32 MB of memory and some 60 ms (scrypt, RFC 7914)."""

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
        """From the form of :func:`make`. Raises ValueError, without the text in its words."""
        match = _FORMAT.fullmatch(text)
        if match is None:
            raise ValueError("this is not a hash as 'portal-monitor hash-secret' prints it")
        log_n, r, p = (int(part) for part in match.groups()[:3])
        if not (_LOG_N <= log_n <= _MAX_LOG_N and r == _R and 1 <= p <= 4):  # noqa: PLR2004 - dearer would stall us
            raise ValueError("this hash is too cheap to guess, or too dear to check")
        return cls(log_n, r, p, bytes.fromhex(match[4]), bytes.fromhex(match[5]))

    def matches(self, secret: str) -> bool:
        """Whether ``secret`` is what was hashed; compared in constant time. Takes a while, so not on the event loop."""
        return hmac.compare_digest(_derive_key(secret, self.log_n, self.r, self.p, self.salt), self.key)


def make_hash(secret: str) -> str:
    """The hash of a secret, with a fresh salt, as one word without a space, a quote or a dollar sign."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return f"scrypt:{_LOG_N}:{_R}:{_P}:{salt.hex()}:{_derive_key(secret, _LOG_N, _R, _P, salt).hex()}"


def _derive_key(secret: str, log_n: int, r: int, p: int, salt: bytes) -> bytes:
    most = 128 * r * (2**log_n + p + 2) + 2**20
    given = secret.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(given, salt=salt, n=2**log_n, r=r, p=p, maxmem=most, dklen=_KEY_BYTES)
