"""Define the command ``hash-secret``, which makes the hash of a password or token for the configuration."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from monitor.cli.output import EXIT_USAGE, fail

MIN_SECRET_CHARS = 8
"""Minimum characters of a chosen secret."""


def hash_secret(
    make: Annotated[
        bool, typer.Option("--make", help="Make a random token, and print it on stderr before its hash.")
    ] = False,
) -> None:
    """Read a password or token from the terminal or stdin and print its hash for web: accounts of monitor.yaml.

    A secret is never an argument: every user of the machine can see arguments.
    """
    import secrets

    from monitor.config.secret_hash import make_hash

    if make:
        secret = secrets.token_urlsafe(32)
        typer.echo(secret, err=True)
    else:
        secret = _prompt_secret() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(secret) < MIN_SECRET_CHARS:
        fail(f"a secret needs at least {MIN_SECRET_CHARS} characters", EXIT_USAGE)
    typer.echo(make_hash(secret))


def _prompt_secret() -> str:
    import getpass

    secret = getpass.getpass("secret: ")
    if getpass.getpass("again: ") != secret:
        fail("the secrets differ", EXIT_USAGE)
    return secret
