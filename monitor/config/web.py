"""The block ``web`` of ``monitor.yaml``: who may enter, over what, how many at a time, and what they may do."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from monitor.config.diagnostics import Ledger
from monitor.config.portals import Block
from monitor.config.secret_files import UnreadableError, secret_in
from monitor.config.secret_hash import Hashed
from monitor.config.tls_files import Pair, TlsFault, trouble_in_time
from monitor.config.yaml_document import Document


def _hash(value: SecretStr) -> SecretStr:
    Hashed.read(value.get_secret_value())
    return value


Account = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
SecretHash = Annotated[SecretStr, AfterValidator(_hash)]

MOST_ACCOUNTS = 32
"""A token names nobody, so a wrong one is held against every hash."""


class Tls(Block):
    """PEM files below the configuration directory, or anywhere; absolute once loaded."""

    certificate: Path = Field(description="The certificate, with the chain below it.")
    key: Path = Field(description="Its private key, without a password.")

    @property
    def pair(self) -> Pair:
        """The same for who opens the door."""
        return Pair(certificate=self.certificate, key=self.key)


class Accounts(Block):
    """Who may read. ``portal-monitor hash-secret`` makes the hashes."""

    users: dict[Account, SecretHash] = Field(
        default_factory=dict, max_length=MOST_ACCOUNTS, description="Passwords (basic authentication), hashed, by user."
    )
    tokens: dict[Account, SecretHash] = Field(
        default_factory=dict, max_length=MOST_ACCOUNTS, description="Bearer tokens, hashed, by who holds them."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Accounts:
        if not self.users and not self.tokens:
            raise ValueError("'accounts' names neither 'users' nor 'tokens', so nobody could enter")
        return self

    def hashes(self) -> tuple[dict[str, Hashed], dict[str, Hashed]]:
        """Of users and of tokens, by name."""
        users, tokens = (
            {name: Hashed.read(one.get_secret_value()) for name, one in chosen.items()}
            for chosen in (self.users, self.tokens)
        )
        return users, tokens


class Web(Block):
    """The web server. The token comes from the file, the environment or a file of its own."""

    reload: bool = Field(default=False, description="Whether POST /-/reload loads the configuration again.")
    reload_token: SecretStr | None = Field(default=None, description='The token it asks for, best as "${NAME}".')
    reload_token_file: Path | None = Field(default=None, description="File with that token, below this directory.")
    tls: Tls | None = Field(default=None, description="Certificate and key; without it, plain HTTP.")
    accounts: Accounts | None = Field(default=None, description="Who may read; without it, whoever reaches us.")
    connections: int = Field(default=256, ge=8, le=4096, description="Connections at the same time.")
    per_address: int = Field(default=64, ge=2, le=4096, description="Of these from one address (IPv6: one /64).")

    @property
    def fixed(self) -> Web:
        """What a reload does not change over: all but the accounts. Certificates are read anew from where they were."""
        return self.model_copy(update={"accounts": None})


def web_with_files(web: Web, monitor: Document, directory: Path, ledger: Ledger) -> Web:
    """The block with its token read, its paths absolute and its certificate judged."""
    web = _with_token(web, monitor, directory, ledger)
    if web.reload and web.reload_token is None and web.reload_token_file is None:
        words = "reloading over HTTP needs a 'reload_token' or a 'reload_token_file'; SIGHUP needs neither"
        ledger.add(monitor.spot(("web", "reload")), words)
    if web.tls is None:
        return web
    absolute = {
        "certificate": (directory / web.tls.certificate).absolute(),
        "key": (directory / web.tls.key).absolute(),
    }
    tls = web.tls.model_copy(update=absolute)
    _judge(tls, monitor, ledger)
    return web.model_copy(update={"tls": tls})


def _judge(tls: Tls, monitor: Document, ledger: Ledger) -> None:
    try:
        certificate = tls.pair.judge()
    except TlsFault as fault:
        spot = monitor.spot(("web", "tls", fault.where))
        ledger.add(spot, f"{spot.shown()} {fault}")
        return
    if late := trouble_in_time(certificate):
        ledger.warn(monitor.spot(("web", "tls", "certificate")), late)
    if tls.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        ledger.warn(monitor.spot(("web", "tls", "key")), "everybody on this machine can read this key")


def _with_token(web: Web, monitor: Document, directory: Path, ledger: Ledger) -> Web:
    if web.reload_token is not None and not web.reload_token.get_secret_value().strip():
        ledger.add(monitor.spot(("web", "reload_token")), "this token is empty")
    if web.reload_token_file is None:
        return web
    spot = monitor.spot(("web", "reload_token_file"))
    if web.reload_token is not None:
        ledger.add(spot, "give either 'reload_token' or 'reload_token_file', not both", key=True)
    try:
        token = secret_in(directory / web.reload_token_file)
    except UnreadableError as error:
        ledger.add(spot, f"{spot.shown()} cannot be read: {error}")
        return web
    if not token:
        ledger.add(spot, f"{spot.shown()} is empty")
    return web.model_copy(update={"reload_token": SecretStr(token)})
