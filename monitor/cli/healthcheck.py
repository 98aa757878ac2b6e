"""The command that containers and scripts ask: is the daemon well?"""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, ConfigDir, fail


def healthcheck(
    config: ConfigDir = Path("config"),
    listen: Annotated[
        str | None, typer.Option(envvar="PORTAL_MONITOR_LISTEN", help="host:port to ask; default: as in monitor.yaml.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask whether it answers at all, not whether looks complete.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the answer.")] = 5.0,
) -> None:
    """Ask the running daemon whether looks are being completed. Exit code 0: it is well, 1: it is not."""
    from monitor.cli.healthcheck import HEALTHY, READY, request_health

    where = listen or _configured_listen(config)
    if not where.rpartition(":")[2].isdigit():
        fail(f"{where!r} is not host:port", EXIT_USAGE)
    well, words = request_health(where, HEALTHY if live else READY, timeout)
    typer.echo(words, err=not well)
    raise SystemExit(EXIT_OK if well else EXIT_FAILURE)


def _configured_listen(config: Path) -> str:
    from monitor.config import load

    return load(config).settings.listen


READY, HEALTHY = "/-/ready", "/-/healthy"


_WILDCARD_ADDRESSES = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one listens, not where we do


_MAX_RESPONSE_BYTES = 500


def request_health(address: str, path: str, timeout_seconds: float) -> tuple[bool, str]:
    """Whether the daemon that listens on ``host:port`` answers 200 at ``path`` within ``timeout`` seconds; its words.

    A host that stands for every address is asked on loopback. Who does not answer in plain HTTP is asked over TLS, and
    his certificate is not judged: no secret is sent, and names of loopback stand in no certificate. Raises nothing:
    whoever does not answer is not well.
    """
    host, _, port = address.rpartition(":")
    bare = host.strip("[]")
    where = (_WILDCARD_ADDRESSES.get(bare, bare), int(port))
    error: Exception | None = None
    for connection in (
        http.client.HTTPConnection(*where, timeout=timeout_seconds),
        _tls_connection(*where, timeout_seconds),
    ):
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            words = answer.read(_MAX_RESPONSE_BYTES).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException) as trouble:
            error = error or trouble
            if isinstance(trouble, TimeoutError | ConnectionRefusedError):
                break
        else:
            return answer.status == http.HTTPStatus.OK, words
        finally:
            connection.close()
    return False, f"{address} does not answer: {error}"


def _tls_connection(host: str, port: int, timeout_seconds: float) -> http.client.HTTPSConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
