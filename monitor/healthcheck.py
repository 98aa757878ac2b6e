"""Asks a running daemon over HTTP whether it is well; knows its address and nothing else of it."""

from __future__ import annotations

import http.client
import ssl

READY, HEALTHY = "/-/ready", "/-/healthy"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one listens, not where we do
_LONGEST = 500


def ask(listen: str, path: str, timeout: float) -> tuple[bool, str]:
    """Whether the daemon that listens on ``host:port`` answers 200 at ``path`` within ``timeout`` seconds; its words.

    A host that stands for every address is asked on loopback. Who does not answer in plain HTTP is asked over TLS, and
    his certificate is not judged: no secret is sent, and names of loopback stand in no certificate. Raises nothing:
    whoever does not answer is not well.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    where = (_ANYWHERE.get(bare, bare), int(port))
    error: Exception | None = None
    for connection in (http.client.HTTPConnection(*where, timeout=timeout), _over_tls(*where, timeout)):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            words = answer.read(_LONGEST).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException) as trouble:
            error = error or trouble
            if isinstance(trouble, TimeoutError | ConnectionRefusedError):
                break
        else:
            return answer.status == http.HTTPStatus.OK, words
        finally:
            connection.close()
    return False, f"{listen} does not answer: {error}"


def _over_tls(host: str, port: int, timeout: float) -> http.client.HTTPSConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
