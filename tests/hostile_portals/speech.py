"""Portals that answer badly: too slowly, without end, with bombs, in broken frames, or not to the end."""

from __future__ import annotations

import gzip
import itertools
import os
import zlib
from collections.abc import Iterator

from probes.result import Fault
from tests.hostile_portals.bombs import brotli_zeros, zstd_zeros
from tests.hostile_portals.case import Case, Faults, both_ways, scripted
from tests.servers.raw import Do, Script, Step, answer, path_of, redirect

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GIB = 1 << 30


def dripping(data: bytes, pause: float = 1.0) -> list[Step]:
    """A byte at a time."""
    return [step for byte in data for step in (bytes([byte]), pause)]


def _for_ever(start: bytes, again: bytes) -> Script:
    def script(_request: bytes) -> Iterator[Step]:
        yield start
        for _ in itertools.repeat(None):
            yield again
            yield 0.0  # others are served here, too

    return script


def _wandering(request: bytes) -> Iterator[Step]:
    """Redirects from page to page, each slow and none late by itself."""
    yield 0.4
    yield redirect(path_of(request) + "x")


def _cookies(request: bytes) -> list[Step]:
    """Redirects that make the client send more and more."""
    number = request.count(b"=")
    return [redirect("/", headers=[f"Set-Cookie: c{number}{n}={'y' * 3000}" for n in range(40)])]


SLOW: list[Case] = both_ways(
    [
        ("headers of a byte a second", Fault.TIMEOUT, dripping(HEAD)),
        ("headers that begin and stop", Fault.TIMEOUT, [HEAD + b"Content-Le", Do.STALL]),
        ("a body of a byte a second", Fault.TIMEOUT, [HEAD + b"Content-Length: 99\r\n\r\n", *dripping(b"x" * 99)]),
        ("a body that begins and stops", Fault.TIMEOUT, [HEAD + b"Content-Length: 99\r\n\r\nabc", Do.STALL]),
        ("a chunk of a byte a second", Fault.TIMEOUT, [CHUNKED + b"99\r\n", *dripping(b"x" * 99)]),
        ("a chunk size of a byte a second", Fault.TIMEOUT, [CHUNKED, *dripping(b"0" * 99)]),
        ("trailers of a byte a second", Fault.TIMEOUT, [CHUNKED + b"0\r\n", *dripping(b"X: y" * 9)]),
        (
            "gzip of a byte a second",
            Fault.TIMEOUT,
            [HEAD + b"Content-Encoding: gzip\r\n\r\n", *dripping(gzip.compress(bytes(99)))],
        ),
        ("no answer at all", Fault.TIMEOUT, [Do.STALL]),
        ("redirects that are slow together", Fault.TIMEOUT, _wandering),
    ],
    timeout=1.5,
    max_redirects=50,
)  # fmt: skip - a table

CUT: Faults = (Fault.PROTOCOL, Fault.BODY_TOO_LARGE, Fault.TIMEOUT)
"""By what it is, by its bytes, or by time: a machine that serves many of these at once is slow to send so much."""

ENDLESS: list[Case] = both_ways(
    [
        ("a status line without end", Fault.PROTOCOL, _for_ever(b"HTTP/1.1 200 ", b"y" * 65536)),
        ("a header without end", Fault.PROTOCOL, _for_ever(HEAD + b"X: ", b"y" * 65536)),
        ("a header name without end", Fault.PROTOCOL, _for_ever(HEAD, b"y" * 65536)),
        ("headers without end", Fault.PROTOCOL, _for_ever(HEAD, b"X-Y: z\r\n" * 5000)),
        ("the same cookie without end", Fault.PROTOCOL, _for_ever(HEAD, b"Set-Cookie: a=b\r\n" * 5000)),
        ("10,000 headers", Fault.PROTOCOL, [HEAD + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\nok"]),
        ("early hints without end", Fault.PROTOCOL, _for_ever(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)),
        ("a body without end", CUT, _for_ever(HEAD + b"\r\n", b"y" * 65536)),
        ("a body of an exabyte", CUT, _for_ever(HEAD + b"Content-Length: 1000000000000000000\r\n\r\n", b"y" * 65536)),
        ("large chunks without end", CUT, _for_ever(CHUNKED, b"10000\r\n" + b"y" * 65536 + b"\r\n")),
        ("chunks of a byte without end", CUT, _for_ever(CHUNKED, b"1\r\nx\r\n" * 5000)),
        ("a chunk size without end", CUT, _for_ever(CHUNKED, b"0" * 65536)),
        ("a chunk extension without end", CUT, _for_ever(CHUNKED + b"1;", b"y" * 65536)),
        ("trailers without end", Fault.PROTOCOL, _for_ever(CHUNKED + b"0\r\n", b"X: y\r\n" * 5000)),
        (
            "a gzip file name without end",
            CUT,
            _for_ever(HEAD + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x08" + bytes(6), b"y" * 65536),
        ),
        (
            "gzip of nothing without end",
            CUT,
            _for_ever(HEAD + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(b"") * 3000),
        ),
        ("an answer and then noise without end", (Fault.PROTOCOL, None), _for_ever(answer(b"ok"), b"y" * 65536)),
        ("cookies on every redirect", (Fault.REDIRECT_LOOP, Fault.TIMEOUT), _cookies),
        ("pages that redirect without end", Fault.REDIRECT_LOOP, lambda request: [redirect(path_of(request) + "x")]),
    ],
    timeout=3.0,
    max_body=1_000_000,
)  # fmt: skip - a table


def _packed(name: str, members: list[bytes]) -> Script:
    def script(_request: bytes) -> Iterator[Step]:
        yield HEAD + f"Content-Encoding: {name}\r\nConnection: close\r\n\r\n".encode()
        yield from members

    return script


_ZEROS = gzip.compress(bytes(64 << 20))
_DEFLATED = zlib.compressobj(9)
_ONE = [_DEFLATED.compress(bytes(64 << 20)) for _ in range(16)] + [_DEFLATED.flush()]

_WIDE = "\N{GRINNING FACE}".encode() + "e\N{COMBINING ACUTE ACCENT}".encode() * 3_000_000
"""Composed and at four bytes a character it takes the most memory that a text can take."""

BOMBS: list[Case] = both_ways(
    [
        ("a GiB of zeros in gzip", Fault.BODY_TOO_LARGE, _packed("gzip", [_ZEROS] * 16)),
        ("a GiB of zeros in one deflate stream", Fault.BODY_TOO_LARGE, _packed("deflate", _ONE)),
        ("a GiB of zeros in br, which was not asked for", Fault.PROTOCOL, _packed("br", [brotli_zeros(GIB)])),
        ("a GiB of zeros in zstd, which was not asked for", Fault.PROTOCOL, _packed("zstd", [zstd_zeros(GIB)])),
        ("br hidden in a list", Fault.PROTOCOL, _packed("gzip, br", [brotli_zeros(GIB)])),
        ("gzip in gzip, which no client unpacks", None, _packed("gzip, gzip", [gzip.compress(_ZEROS)])),
        ("an encoding that does not exist", None, _packed("utf-8", [b"hello"])),
        ("gzip that is none", Fault.PROTOCOL, _packed("gzip", [os.urandom(2000)])),
        ("gzip that breaks off", (Fault.PROTOCOL, None), _packed("gzip", [gzip.compress(os.urandom(2000))[:900]])),
        ("gzip with a wrong sum", Fault.PROTOCOL, _packed("gzip", [gzip.compress(b"hello")[:-8] + bytes(8)])),
        (
            "zeros in chunks of gzip",
            Fault.BODY_TOO_LARGE,
            [
                HEAD + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
                *[b"%x\r\n%b\r\n" % (len(_ZEROS), _ZEROS)] * 16,
            ],
        ),
        ("letters in pieces, with one character that makes all of them wide", None, [answer(_WIDE)]),
        ("2,400,000 characters outside the first plane", None, [answer("\N{GRINNING FACE}".encode() * 2_400_000)]),
    ],
    timeout=8.0,
    body_not_matches=["bảo trì"],
)  # fmt: skip - a table


def _with(*lines: bytes, body: bytes = b"hello") -> list[Step]:
    return [b"\r\n".join([HEAD.strip(), *lines, b"Connection: close", b"", body])]


PROTOCOL: Faults = Fault.PROTOCOL

FRAMING: list[Case] = both_ways(
    [
        ("a length that is too long", PROTOCOL, _with(b"Content-Length: 9")),
        ("a length that is too short", PROTOCOL, _with(b"Content-Length: 3")),
        ("more than its length, later", None, [answer(b"hello"), 0.2, b"more"]),
        ("a length that is no number", PROTOCOL, _with(b"Content-Length: five")),
        ("a length with a sign", PROTOCOL, _with(b"Content-Length: +5")),
        ("a length in hex", PROTOCOL, _with(b"Content-Length: 0x5")),
        ("a length beyond every integer", PROTOCOL, _with(b"Content-Length: " + b"9" * 60)),
        ("two lengths in one line", PROTOCOL, _with(b"Content-Length: 5, 6")),
        (
            "length and chunks",
            (PROTOCOL, None),
            _with(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
        ),
        (
            "chunks twice over, sent once",
            None,
            _with(b"Transfer-Encoding: chunked, chunked", body=b"5\r\nhello\r\n0\r\n\r\n"),
        ),
        ("a transfer encoding that does not exist", (PROTOCOL, None), _with(b"Transfer-Encoding: nonsense")),
        ("a chunk size beyond every integer", PROTOCOL, [CHUNKED + b"f" * 40 + b"\r\nhello"]),
        ("a negative chunk size", PROTOCOL, [CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n"]),
        ("an empty chunk size", PROTOCOL, [CHUNKED + b"\r\nhello\r\n0\r\n\r\n"]),
        (
            "a chunk that breaks after the headers are read",
            PROTOCOL,
            [CHUNKED, 0.1, b"3\r\nabc\r\n", 0.1, b"xyz\r\n", Do.STALL],
        ),
        ("a chunk shorter than its size", PROTOCOL, [CHUNKED + b"9\r\nhello\r\n0\r\n\r\n"]),
        ("HTTP/0.9", PROTOCOL, [b"<html>hello</html>"]),
        ("HTTP/2 that was not requested", PROTOCOL, [b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18)]),
        ("a version from the future", PROTOCOL, [b"HTTP/9.9 200 OK\r\n\r\nhello"]),
        ("a status of four digits", PROTOCOL, [b"HTTP/1.1 2000 OK\r\n\r\nhello"]),
        ("a status of zero", (PROTOCOL, Fault.HTTP_STATUS), [b"HTTP/1.1 000 No\r\n\r\nhello"]),
        ("a header name with a blank", PROTOCOL, _with(b"Content Length: 5")),
        ("an empty header name", PROTOCOL, _with(b": 5")),
        ("a header with a zero byte", PROTOCOL, _with(b"X: a\x00b")),
        ("HTTP/1.0", None, [b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nhello"]),
        (
            "HTTP/1.0 with chunks",
            (PROTOCOL, None),
            [b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
        ),
        ("a body where there is none", PROTOCOL, [b"HTTP/1.1 204 No Content\r\n\r\nhello"]),
        ("only line breaks", Fault.RESET, [b"\r\n\r\n\r\n"]),
        ("random bytes", PROTOCOL, [b"\x80" + os.urandom(3000)]),
        ("a TLS alert instead of HTTP", PROTOCOL, [b"\x15\x03\x03\x00\x02\x02\x28"]),
    ],
    timeout=2.0,
)  # fmt: skip - a table

RESETS: list[Case] = [
    *both_ways(
        [
            ("a reset before the first byte", Fault.RESET, [Do.RESET]),
            ("an end before the first byte", Fault.RESET, [Do.CLOSE]),
            ("a reset in the status line", Fault.RESET, [b"HTTP/1.", 0.1, Do.RESET]),
            ("an end in the status line", (Fault.RESET, PROTOCOL), [b"HTTP/1.", Do.CLOSE]),
            ("a reset in the headers", Fault.RESET, [HEAD + b"Content-", 0.1, Do.RESET]),
            ("an end in the headers", Fault.RESET, [HEAD + b"Content-", Do.CLOSE]),
            ("a reset in the body", Fault.RESET, [HEAD + b"Content-Length: 9\r\n\r\nabc", 0.1, Do.RESET]),
            ("a reset in a body that ends with its connection", Fault.RESET, [HEAD + b"\r\nabc", 0.1, Do.RESET]),
            ("an end in the body", PROTOCOL, [HEAD + b"Content-Length: 9\r\n\r\nabc", Do.CLOSE]),
            ("a reset in a chunk", Fault.RESET, [CHUNKED + b"9\r\nabc", 0.1, Do.RESET]),
            ("an end in a chunk", PROTOCOL, [CHUNKED + b"9\r\nabc", Do.CLOSE]),
            (
                "a reset after a redirect",
                Fault.RESET,
                lambda request: [redirect("/x")] if path_of(request) == "/" else [Do.RESET],
            ),
        ]
    ),
    scripted("a reset before we have asked", Fault.RESET, [Do.RESET], first=True),
    scripted("an end before we have asked", Fault.RESET, [Do.CLOSE], first=True),
]  # fmt: skip - a table
