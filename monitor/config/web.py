"""Define the block ``web`` of ``monitor.yaml``: TLS, accounts, connection limits and reload; read its files."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints, model_validator

from monitor.config.diagnostics import ErrorCollector
from monitor.config.portals import Block
from monitor.config.secret_files import read_configured_secret
from monitor.config.secret_hash import ScryptHash
from monitor.config.tls_files import CertificateKeyPair, TlsFileError, validity_problem
from monitor.config.yaml_document import YamlDocument


def _check_secret_hash(value: SecretStr) -> SecretStr:
    ScryptHash.parse(value.get_secret_value())
    return value


AccountName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@-]{1,64}$")]
SecretHash = Annotated[SecretStr, AfterValidator(_check_secret_hash)]

MAX_ACCOUNTS = 32
"""A token has no user name, so a wrong one is compared with every hash."""


class TlsBlock(Block):
    """PEM files below the configuration directory, or anywhere; absolute once loaded."""

    certificate: Path = Field(description="The certificate, with the chain below it.")
    key: Path = Field(description="Its private key, without a password.")

    @property
    def key_pair(self) -> CertificateKeyPair:
        """Return the files for the server."""
        return CertificateKeyPair(certificate=self.certificate, key=self.key)


class AccountsBlock(Block):
    """Accounts that may read. ``portal-monitor hash-secret`` makes the hashes."""

    users: dict[AccountName, SecretHash] = Field(
        default_factory=dict, max_length=MAX_ACCOUNTS, description="Passwords (basic authentication), hashed, by user."
    )
    tokens: dict[AccountName, SecretHash] = Field(
        default_factory=dict, max_length=MAX_ACCOUNTS, description="Bearer tokens, hashed, by the name of their client."
    )

    @model_validator(mode="after")
    def _check_not_empty(self) -> AccountsBlock:
        if not self.users and not self.tokens:
            raise ValueError("'accounts' needs 'users' or 'tokens'")
        return self

    def hashes(self) -> tuple[dict[str, ScryptHash], dict[str, ScryptHash]]:
        """Return the hashes of users and of tokens, by name."""
        users, tokens = (
            {name: ScryptHash.parse(one.get_secret_value()) for name, one in secrets.items()}
            for secrets in (self.users, self.tokens)
        )
        return users, tokens


class WebBlock(Block):
    """The web server. The token comes from this file, the environment or another file."""

    reload: bool = Field(default=False, description="Whether POST /-/reload loads the configuration again.")
    reload_token: SecretStr | None = Field(None, description='The token it requires, best as "${NAME}".')
    reload_token_file: Path | None = Field(None, description="File with that token, below this directory.")
    tls: TlsBlock | None = Field(None, description="Certificate and key; without it, plain HTTP.")
    accounts: AccountsBlock | None = Field(None, description="Accounts that may read; without it, every client.")
    max_connections: int = Field(256, ge=8, le=4096, description="Connections at the same time.")
    max_connections_per_client: int = Field(
        64, ge=2, le=4096, description="Of these from one client address (IPv6: one /64)."
    )

    @property
    def without_accounts(self) -> WebBlock:
        """Return what a reload does not apply: all but the accounts. Certificates are read again from their files."""
        return self.model_copy(update={"accounts": None})


def web_with_files(web: WebBlock, document: YamlDocument, directory: Path, collector: ErrorCollector) -> WebBlock:
    """Return the block with its token read, its paths absolute and its certificate validated."""
    web = _with_token(web, document, directory, collector)
    if web.reload and web.reload_token is None and web.reload_token_file is None:
        message = "reloading over HTTP needs a 'reload_token' or a 'reload_token_file'; SIGHUP needs neither"
        collector.add(document.locate(("web", "reload")), message)
    if web.tls is None:
        return web
    absolute = {key: (directory / path).absolute() for key, path in web.tls}
    tls = web.tls.model_copy(update=absolute)
    _check_tls(tls, document, collector)
    return web.model_copy(update={"tls": tls})


def _check_tls(tls: TlsBlock, document: YamlDocument, collector: ErrorCollector) -> None:
    try:
        certificate = tls.key_pair.validate()
    except TlsFileError as error:
        location = document.locate(("web", "tls", error.field))
        collector.add(location, f"{location.display_value()} {error}")
        return
    if problem := validity_problem(certificate):
        collector.warn(document.locate(("web", "tls", "certificate")), problem)
    if tls.key.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        collector.warn(document.locate(("web", "tls", "key")), "the private key is world-readable")


def _with_token(web: WebBlock, document: YamlDocument, directory: Path, collector: ErrorCollector) -> WebBlock:
    if web.reload_token is not None and not web.reload_token.get_secret_value().strip():
        collector.add(document.locate(("web", "reload_token")), "this token is empty")
    if web.reload_token_file is None:
        return web
    location = document.locate(("web", "reload_token_file"))
    if web.reload_token is not None:
        collector.add(location, "give either 'reload_token' or 'reload_token_file', not both", at_key=True)
    token = read_configured_secret(directory / web.reload_token_file, location, collector)
    return web if token is None else web.model_copy(update={"reload_token": SecretStr(token)})
