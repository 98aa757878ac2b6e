"""Hold the validated configuration as one frozen record; compute its digest and a copy without secrets."""

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
from monitor.scoring.rubric import ScoringRules

REDACTED = "•••"
_URL_USER = re.compile(r"(?<=://)[^/@\s]*@")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://(?:(?P<user>[^/@\s]*)@)?[^/?#]*(?P<rest>.*)", re.DOTALL)
_MIN_SECRET_CHARS = 6
"""Shorter texts protect nothing, and occur in many other words."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Config:
    """The whole configuration of the daemon.

    ``digest`` is 12 hex digits that change with the meaning of the files, not with their wording. ``directory`` holds
    the files. ``rules`` of scores change no measurement, so the digest does not cover them. ``warnings`` are sentences
    that begin with a place. ``redacted_paths`` are the paths, in :func:`redacted`, to values from the environment.
    """

    settings: MonitorSettings
    portals: tuple[Portal, ...]
    checks: tuple[Check, ...]
    digest: str
    directory: Path
    rules: ScoringRules = field(default_factory=ScoringRules)
    warnings: tuple[str, ...] = ()
    redacted_paths: frozenset[tuple[str, ...]] = frozenset()

    @property
    def excluded_from_evaluation(self) -> frozenset[str]:
        """Return the ids of the portals without a state: those that are retired."""
        return frozenset(portal.id for portal in self.portals if portal.expect is Expect.RETIRED)

    def __repr__(self) -> str:
        return f"Config({self.digest}, {len(self.portals)} portals, {len(self.checks)} checks)"


def digest(settings: MonitorSettings, portals: Sequence[Portal], checks: Sequence[Check]) -> str:
    """Return 12 hex digits of the SHA-256 of the settings, portals and checks. Secrets count too, unreadably."""
    content = {
        "monitor": settings.model_dump(exclude={"checks", "groups"}),
        "portals": sorted((asdict(portal) for portal in portals), key=lambda one: str(one["id"])),
        "checks": {check.key: _check_data(check) for check in checks},
    }
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=_to_text)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _to_text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _check_data(check: Check) -> dict[str, Any]:
    return {"kind": check.kind, "page": check.page, "interval": check.interval, **check.probe.model_dump(mode="json")}


def redacted(config: Config) -> dict[str, Any]:
    """Return the configuration as plain data for JSON and YAML, with ``•••`` for values that may be secrets.

    Keys: ``digest``, ``directory``, ``warnings``, ``monitor`` (defaults filled in), ``portals`` by id, ``checks`` by
    key. Redacted are values from the environment, tokens, values of headers, and user names and passwords in URLs.
    """
    content = {
        "digest": config.digest,
        "directory": str(config.directory),
        "warnings": list(config.warnings),
        "monitor": config.settings.model_dump(mode="json"),
        "portals": {portal.id: _portal_data(portal) for portal in config.portals},
        "checks": {check.key: _check_data(check) for check in config.checks},
    }
    return {key: _redact(value, (key,), config.redacted_paths) for key, value in content.items()}


def secrets_of(config: Config) -> frozenset[str]:
    """Return every text that no log line may contain: tokens, URLs of targets with their parts, values of headers."""
    found: set[str] = set()
    for block in (config.settings.model_dump(), *(check.probe.model_dump() for check in config.checks)):
        _collect_secrets(block, (), found)
    for url in [one for one in found if "://" in one]:
        found |= secret_parts(url)
    for url in (one.url for one in config.portals):
        found |= secret_parts(url, with_path=False)
    return frozenset(one for one in found if len(one) >= _MIN_SECRET_CHARS)


def _collect_secrets(value: object, key_path: tuple[str, ...], secrets: set[str]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _collect_secrets(inner, (*key_path, str(key)), secrets)
    elif isinstance(value, list | tuple):
        for inner in value:
            _collect_secrets(inner, key_path, secrets)
    elif isinstance(value, SecretStr):
        secrets.add(value.get_secret_value())
    elif isinstance(value, str) and is_secret(key_path):
        secrets.add(value)
    elif isinstance(value, str) and "://" in value:
        secrets |= secret_parts(value, with_path=False)


def secret_parts(url: str, *, with_path: bool = True) -> set[str]:
    """Return the secret parts of a URL, as written and decoded: user, password and, if wanted, all after the host."""
    match = _URL.match(url)
    if match is None:
        return set()
    user = (match["user"] or "").split(":") if match["user"] else []
    rest = re.split(r"[/?&=#]", match["rest"]) if with_path else []
    words = [one for one in (*user, *rest) if len(one) >= _MIN_SECRET_CHARS]
    return {form for one in words for form in (one, unquote(one))}


def _portal_data(portal: Portal) -> dict[str, Any]:
    data = asdict(portal)
    data["name"] = {"vi": data.pop("name_vi"), "en": data.pop("name_en")}
    return data


def _redact(value: object, key_path: tuple[str, ...], redacted_paths: frozenset[tuple[str, ...]]) -> object:
    if key_path in redacted_paths:
        return REDACTED
    if isinstance(value, dict):
        return {str(key): _redact(inner, (*key_path, str(key)), redacted_paths) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redact(inner, (*key_path, str(number)), redacted_paths) for number, inner in enumerate(value)]
    if value is not None and is_secret(key_path):
        return REDACTED
    return _URL_USER.sub(f"{REDACTED}@", str(value)) if isinstance(value, str) else value
