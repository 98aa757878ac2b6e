"""Portals whose every text is an attack: markup, half characters, controls, formulas, in all places that we show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from probes.result import Fault
from tests.hostile_portals.case import PORTAL, Case, Scene, both_ways, served
from tests.servers.raw import RawServer, Step, answer, redirect
from tests.servers.tls import NAMES, issue

MARKUP = "\"><script>alert(1)</script>'{{7*7}}"
"""What no page may hold unescaped."""

EVIL = f'{MARKUP}\t\x1b[31m\x00\u202e=cmd()\\n"\n'
"""Markup, a tab, a terminal's escape, a zero, writing turned round, a formula, a broken escape, a line break."""

RAW = EVIL.encode().replace(b"\n", b" ").replace(b"\0", b"") + b"\xff\xfe\xed\xa0\x80"
"""The same as a header can hold it, with bytes that are no UTF-8."""

PAGE = b"<title>" + EVIL.encode() + b"\xff</title><body " + RAW + b"><!-- <![CDATA[ <h1 onload='x'" + b"<div>" * 2000


def _first_line(line: bytes, *, body: bytes = PAGE) -> list[Step]:
    return [line + b"\r\nConnection: close\r\n\r\n" + body]


def certified(name: str, faults: Fault | None, subject: str, **keys: bool) -> Case:
    """A good page of which the certificate's names are an attack; a known CA signed it."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        context = scene.authority.context(issue(subject, by=scene.authority.root, names=NAMES))
        async with RawServer([answer()], tls=context) as server:
            yield server.url(host=PORTAL)

    return served(name, faults, serve, **keys)


PRINTABLE, LATIN, WIDE = 0x13, 0x14, 0x1E
"""ASN.1's kinds of strings in which a name may stand, beside UTF-8: OpenSSL itself refuses broken UTF-8."""


def no_text(name: str, kind: int, text: bytes) -> Case:
    """A certificate of which the name is no text of its kind, self-signed: its facts are read or left out."""

    @asynccontextmanager
    async def serve(scene: Scene) -> AsyncIterator[str]:
        pair = issue("QQQQQQQQ", names=NAMES)
        broken = pair.der.replace(b"\x0c\x08QQQQQQQQ", bytes([kind, 8]) + text)
        async with RawServer([answer()], tls=scene.authority.context_of(broken, pair)) as server:
            yield server.url(host=PORTAL)

    return served(name, Fault.TLS_UNTRUSTED, serve)


WORDS: list[Case] = [
    *both_ways(
        [
            ("a reason phrase", Fault.HTTP_STATUS, _first_line(b"HTTP/1.1 503 " + RAW)),
            ("a reason phrase of a good answer", (None, Fault.PROTOCOL), _first_line(b"HTTP/1.1 200 " + RAW)),
            ("a status line", Fault.PROTOCOL, _first_line(RAW)),
            ("a version", Fault.PROTOCOL, _first_line(b"HTTP/" + RAW + b" 200 OK")),
            ("a page", None, [answer(PAGE)]),
            ("a page that fails", Fault.HTTP_STATUS, [answer(PAGE, status="500 No")]),
            (
                "header values",
                (None, Fault.PROTOCOL),
                _first_line(b"HTTP/1.1 200 OK\r\nServer: " + RAW + b"\r\nX-Powered-By: " + RAW),
            ),
            ("a header name", Fault.PROTOCOL, _first_line(b"HTTP/1.1 200 OK\r\n" + RAW + b": x")),
            (
                "a character set",
                (None, Fault.PROTOCOL),
                _first_line(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=" + RAW),
            ),
            (
                "a character set of another kind",
                None,
                _first_line(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=rot13"),
            ),
            (
                "cookies",
                (None, Fault.PROTOCOL),
                _first_line(b"HTTP/1.1 200 OK\r\nSet-Cookie: " + RAW + b"=" + RAW + b"; Domain=" + RAW),
            ),
            ("an encoding", (None, Fault.PROTOCOL), _first_line(b"HTTP/1.1 200 OK\r\nContent-Encoding: " + RAW)),
            ("a length", Fault.PROTOCOL, _first_line(b"HTTP/1.1 200 OK\r\nContent-Length: " + RAW)),
            (
                "a chunk size",
                Fault.PROTOCOL,
                _first_line(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", body=RAW + b"\r\nx"),
            ),
            (
                "a target of its own",
                (Fault.REDIRECT_LOOP, Fault.PROTOCOL),
                [redirect("/" + RAW.decode("utf-8", "surrogateescape"))],
            ),
            (
                "a target elsewhere",
                (Fault.REDIRECT_TARGET, Fault.DNS, Fault.PROTOCOL),
                [redirect("http://" + RAW.decode("utf-8", "surrogateescape"))],
            ),
            (
                "a target's scheme",
                (Fault.REDIRECT_TARGET, Fault.REDIRECT_LOOP, Fault.PROTOCOL),
                [redirect(RAW.decode("utf-8", "surrogateescape") + ":x")],
            ),
        ]
    ),
    certified("a certificate's name", None, EVIL.replace("\0", "")[:64]),
    certified("a certificate's name with a zero", None, "\0" + MARKUP[:60]),
    certified("a certificate's name of a formula", None, '=HYPERLINK("http://e.vil")'),
    no_text("a certificate's name of bytes that cannot be printed", PRINTABLE, b"\xff\xfe\xed\xa0\x80\x00\x1b<"),
    no_text("a certificate's name in an old alphabet", LATIN, b"\xff\xfe\xed\xa0\x80\x00\x1b<"),
    no_text("a certificate's name of wide characters that control", WIDE, b"\x00<\x00\x00\x00\x1b\x20\x2e"),
]  # fmt: skip - a table
