"""Asks a running daemon over HTTP whether it is well; knows its address and nothing else of it."""

from __future__ import annotations

import http.client

READY, HEALTHY = "/-/ready", "/-/healthy"
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one listens, not where we do
_LONGEST = 500


def ask(listen: str, path: str, timeout: float) -> tuple[bool, str]:
    """Whether the daemon that listens on ``host:port`` answers 200 at ``path`` within ``timeout`` seconds; its words.

    A host that stands for every address is asked on loopback. Raises nothing: whoever does not answer is not well.
    """
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    connection = http.client.HTTPConnection(_ANYWHERE.get(bare, bare), int(port), timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        words = answer.read(_LONGEST).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return False, f"{listen} does not answer: {error}"
    finally:
        connection.close()
    return answer.status == http.HTTPStatus.OK, words
