"""Secrets kept as hashes: how one is made for the configuration, and whether what somebody presents fits it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

_LOG_N, _R, _P = 15, 8, 1
"""What one try costs: 32 MB of memory and some 60 ms (scrypt, RFC 7914)."""

_DEAREST = 17
_SALT, _KEY = 16, 32
_FORM = re.compile(r"scrypt:(\d{1,2}):(\d{1,2}):(\d{1,2}):([0-9a-f]{32}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Hashed:
    """One hash with its salt and its cost."""

    log_n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    @classmethod
    def read(cls, text: str) -> Hashed:
        """From the form of :func:`make`. Raises ValueError, without the text in its words."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("this is not a hash as 'portal-monitor hash-secret' prints it")
        log_n, r, p = (int(part) for part in match.groups()[:3])
        if not (_LOG_N <= log_n <= _DEAREST and r == _R and 1 <= p <= 4):  # noqa: PLR2004 - dearer would stall us
            raise ValueError("this hash is too cheap to guess, or too dear to check")
        return cls(log_n, r, p, bytes.fromhex(match[4]), bytes.fromhex(match[5]))

    def fits(self, secret: str) -> bool:
        """Whether ``secret`` is what was hashed; compared in constant time. Takes a while, so not on the event loop."""
        return hmac.compare_digest(_derived(secret, self.log_n, self.r, self.p, self.salt), self.key)


def make(secret: str) -> str:
    """The hash of a secret, with a fresh salt, as one word without a space, a quote or a dollar sign."""
    salt = secrets.token_bytes(_SALT)
    return f"scrypt:{_LOG_N}:{_R}:{_P}:{salt.hex()}:{_derived(secret, _LOG_N, _R, _P, salt).hex()}"


def _derived(secret: str, log_n: int, r: int, p: int, salt: bytes) -> bytes:
    most = 128 * r * (2**log_n + p + 2) + 2**20
    given = secret.encode("utf-8", "surrogateescape")
    return hashlib.scrypt(given, salt=salt, n=2**log_n, r=r, p=p, maxmem=most, dklen=_KEY)
