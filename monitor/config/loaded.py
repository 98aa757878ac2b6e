"""The judged configuration as one frozen record, its digest, and a copy of it that anybody may see."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from monitor.config.settings import MonitorSettings
from monitor.config.yaml_document import is_secret
from monitor.model.records import Check, Expect, Portal
from monitor.scoring.rubric import Rules

VEIL = "•••"
_USER = re.compile(r"(?<=://)[^/@\s]*@")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:(?P<user>[^/@\s]*)@)?[^/?#]*(?P<rest>.*)", re.DOTALL)
_SECRET = 6
"""Shorter texts keep nothing secret, and stand in many an innocent word."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    """Everything the daemon was told.

    ``digest`` is 12 hex digits that change with the meaning of the files, not with their wording. ``directory`` is
    where they stand. ``rules`` of scores change no measurement, so the digest does not know them.
    ``warnings`` are sentences that begin with a place. ``veiled`` holds the ways, in :func:`redacted`, to values that
    came from the environment.
    """

    settings: MonitorSettings
    portals: tuple[Portal, ...]
    checks: tuple[Check, ...]
    digest: str
    directory: Path
    rules: Rules = field(default_factory=Rules)
    warnings: tuple[str, ...] = ()
    veiled: frozenset[tuple[str, ...]] = frozenset()

    @property
    def unjudged(self) -> frozenset[str]:
        """The portals that have no state: those that are retired."""
        return frozenset(portal.id for portal in self.portals if portal.expect is Expect.RETIRED)

    def __repr__(self) -> str:
        return f"Config({self.digest}, {len(self.portals)} portals, {len(self.checks)} checks)"


def digest(settings: MonitorSettings, portals: Sequence[Portal], checks: Sequence[Check]) -> str:
    """12 hex digits of the SHA-256 of all that counts. Secrets count too, and cannot be read back."""
    content = {
        "monitor": settings.model_dump(exclude={"checks", "groups"}),
        "portals": sorted((asdict(portal) for portal in portals), key=lambda one: str(one["id"])),
        "checks": {check.key: _check(check) for check in checks},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _check(check: Check) -> dict[str, Any]:
    return {"kind": check.kind, "page": check.page, "interval": check.interval, **check.probe.model_dump(mode="json")}


def redacted(config: Config) -> dict[str, Any]:
    """The configuration as plain data, fit for JSON and YAML, with ``•••`` for whatever may be a secret.

    Keys: ``digest``, ``directory``, ``warnings``, ``monitor`` (defaults filled in), ``portals`` by id, ``checks`` by
    key. Hidden are values from the environment, tokens, values of headers, and user names and passwords in addresses.
    """
    content = {
        "digest": config.digest,
        "directory": str(config.directory),
        "warnings": list(config.warnings),
        "monitor": config.settings.model_dump(mode="json"),
        "portals": {portal.id: _portal(portal) for portal in config.portals},
        "checks": {check.key: _check(check) for check in config.checks},
    }
    return {key: _masked(value, (key,), config.veiled) for key, value in content.items()}


def secrets_of(config: Config) -> frozenset[str]:
    """Every text that must stand in no log line: tokens, addresses of targets with their parts, values of headers."""
    found: set[str] = set()
    for block in (config.settings.model_dump(), *(check.probe.model_dump() for check in config.checks)):
        _gather(block, (), found)
    for address in [one for one in found if "://" in one]:
        found |= parts_of(address)
    for page in (one.url for one in config.portals):
        found |= parts_of(page, path=False)
    return frozenset(one for one in found if len(one) >= _SECRET)


def _gather(value: object, steps: tuple[str, ...], found: set[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _gather(inner, (*steps, str(key)), found)
    elif isinstance(value, list | tuple):
        for inner in value:
            _gather(inner, steps, found)
    elif isinstance(value, SecretStr):
        found.add(value.get_secret_value())
    elif isinstance(value, str) and is_secret(steps):
        found.add(value)
    elif isinstance(value, str) and "://" in value:
        found |= parts_of(value, path=False)


def parts_of(address: str, *, path: bool = True) -> set[str]:
    """What of an address is secret, as it is written and decoded: who and password; with ``path`` whatever follows."""
    match = _ADDRESS.match(address)
    if match is None:
        return set()
    user = (match["user"] or "").split(":") if match["user"] else []
    rest = re.split(r"[/?&=#]", match["rest"]) if path else []
    words = [one for one in (*user, *rest) if len(one) >= _SECRET]
    return {form for one in words for form in (one, unquote(one))}


def _portal(portal: Portal) -> dict[str, Any]:
    told = asdict(portal)
    told["name"] = {"vi": told.pop("name_vi"), "en": told.pop("name_en")}
    return told


def _masked(value: object, steps: tuple[str, ...], veiled: frozenset[tuple[str, ...]]) -> object:
    if steps in veiled:
        return VEIL
    if isinstance(value, dict):
        return {str(key): _masked(inner, (*steps, str(key)), veiled) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(inner, (*steps, str(number)), veiled) for number, inner in enumerate(value)]
    if value is not None and is_secret(steps):
        return VEIL
    return _USER.sub(f"{VEIL}@", str(value)) if isinstance(value, str) else value
