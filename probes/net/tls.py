"""The TLS context of a client: CA certificates, protocol versions and accepted servers."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

_OP_LEGACY_SERVER_CONNECT = 0x4
"""SSL_OP_LEGACY_SERVER_CONNECT of ssl.h, in ``ssl`` since Python 3.12: a server may lack secure renegotiation."""

_HASHED_FILE_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
"""The file name of a certificate in OpenSSL's CA directory."""

_PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def _system_ca_certificates() -> str:
    """Return the system's CA certificates as PEM text, to be held in memory.

    With ``load_default_certs`` OpenSSL would search the directory in every handshake for every certificate that it
    does not know, which is each portal's own: that takes a third of the handshake's time, on the event loop.
    """
    paths = ssl.get_default_verify_paths()
    files = [Path(paths.cafile)] if paths.cafile else []
    if paths.capath:
        files += sorted(file for file in Path(paths.capath).iterdir() if _HASHED_FILE_NAME.fullmatch(file.name))
    certificates: dict[str, None] = {}
    for file in files:
        certificates |= dict.fromkeys(_PEM_CERTIFICATE.findall(file.read_text(errors="replace")))
    return "\n".join(certificates)


def tls_context(*, verify: bool, ca_file: Path | None) -> ssl.SSLContext:
    """Return a client context. Raises OSError or ssl.SSLError when *ca_file* or the system's CAs cannot be loaded.

    The result must be that of a browser, and the same under every Python: version 3.13 began to refuse certificates
    for formal flaws that browsers accept, OpenSSL 3 refuses old servers that browsers still accept, and both trust a
    CA in *ca_file* that is not a root only with a flag.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.options |= _OP_LEGACY_SERVER_CONNECT
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_certificates := _system_ca_certificates():
        context.load_verify_locations(cadata=ca_certificates)
    return context
