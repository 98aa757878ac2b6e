"""The command that makes what stands in the configuration instead of a password or a token."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from monitor.cli.output import EXIT_USAGE, fail

MIN_SECRET_CHARS = 8
"""Characters of a secret that somebody chose."""


def hash_secret(
    make: Annotated[
        bool, typer.Option("--make", help="Make a random token, and print it on stderr before its hash.")
    ] = False,
) -> None:
    """Read a password or token from the terminal or stdin and print its hash for web: accounts of monitor.yaml.

    A secret is never an argument: arguments are for everybody on the machine to see.
    """
    import secrets

    from monitor.config.secret_hash import make_hash

    if make:
        secret = secrets.token_urlsafe(32)
        typer.echo(secret, err=True)
    else:
        secret = _prompt_secret() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(secret) < MIN_SECRET_CHARS:
        fail(f"a secret has {MIN_SECRET_CHARS} characters at least", EXIT_USAGE)
    typer.echo(make_hash(secret))


def _prompt_secret() -> str:
    import getpass

    secret = getpass.getpass("secret: ")
    if getpass.getpass("again: ") != secret:
        fail("these are two different secrets", EXIT_USAGE)
    return secret
