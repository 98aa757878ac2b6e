"""Define the command ``healthcheck``, which checks a running daemon for containers and scripts."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.output import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, ConfigDir, fail

READY, HEALTHY = "/-/ready", "/-/healthy"
_WILDCARD_ADDRESSES = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 - not an address that this process listens on
_MAX_RESPONSE_BYTES = 500


def healthcheck(
    config: ConfigDir = Path("config"),
    listen: Annotated[
        str | None,
        typer.Option(envvar="PORTAL_MONITOR_LISTEN", help="host:port of the daemon; default: as in monitor.yaml."),
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="Check liveness instead of readiness.")] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the response.")] = 5.0,
) -> None:
    """Check that the daemon completes probes. Exit code 0: ready, 1: not ready."""
    where = listen or _configured_listen(config)
    if not where.rpartition(":")[2].isdigit():
        fail(f"{where!r} is not host:port", EXIT_USAGE)
    ok, message = request_health(where, HEALTHY if live else READY, timeout)
    typer.echo(message, err=not ok)
    raise SystemExit(EXIT_OK if ok else EXIT_FAILURE)


def _configured_listen(config: Path) -> str:
    from monitor.config import load

    return load(config).settings.listen


def request_health(address: str, path: str, timeout_seconds: float) -> tuple[bool, str]:
    """Return whether the daemon at ``host:port`` answers 200 at ``path`` in ``timeout_seconds``, and its message.

    A wildcard address is requested on loopback. A server that does not answer in plain HTTP is requested over TLS
    without verification: no secret is sent, and certificates do not name loopback addresses. Raises nothing: a failed
    request is a failed check.
    """
    host, _, port = address.rpartition(":")
    bare_host = host.strip("[]")
    peer = (_WILDCARD_ADDRESSES.get(bare_host, bare_host), int(port))
    plain = http.client.HTTPConnection(*peer, timeout=timeout_seconds)
    error: Exception | None = None
    for connection in (plain, _tls_connection(*peer, timeout_seconds)):
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            message = response.read(_MAX_RESPONSE_BYTES).decode(errors="replace").strip()
        except (OSError, http.client.HTTPException) as failure:
            error = error or failure
            if isinstance(failure, TimeoutError | ConnectionRefusedError):
                break
        else:
            return response.status == http.HTTPStatus.OK, message
        finally:
            connection.close()
    return False, f"no response from {address}: {error}"


def _tls_connection(host: str, port: int, timeout_seconds: float) -> http.client.HTTPSConnection:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=timeout_seconds, context=context)
