"""The configuration: files to one frozen :class:`Config`, or all that is wrong with them at once.

A check's keys are taken from three places, the later one winning: ``checks`` and ``groups.<group>.checks`` in
``monitor.yaml``, then the portal's own ``checks``. Mappings such as ``headers`` are joined, other values replaced.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from monitor.config.alerting import with_secrets
from monitor.config.checks import assembly, check_groups
from monitor.config.cost_estimate import Estimate, estimate
from monitor.config.diagnostics import Complaint, ConfigError, Ledger
from monitor.config.inventory import check_maintenance, entries, portal_of, said
from monitor.config.json_schema import schema
from monitor.config.loaded import Config, digest, redacted
from monitor.config.pydantic_errors import keys_in, translate
from monitor.config.rubrics import load_rules
from monitor.config.settings import SAMPLE_CONTACT, MonitorSettings, Sinks
from monitor.config.web import web_with_files
from monitor.config.yaml_document import Document
from monitor.config.yaml_loader import read

__all__ = [
    "Complaint",
    "Config",
    "ConfigError",
    "Estimate",
    "MonitorSettings",
    "estimate",
    "load",
    "redacted",
    "schema",
]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the garbage collector rest, which would look at a fleet's many nodes again and again and find them in use.

    Measured with 5,000 portals: 4 s with it, 1.5 s without.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_uncollected()
def load(directory: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read ``monitor.yaml``, ``portals.yaml`` and ``portals.d/*.yaml`` of ``directory``, and the rules of scores.

    ``environment`` fills ``${NAME}`` in the files. Raises :class:`ConfigError` with every complaint about every file.
    """
    ledger = Ledger()
    if not directory.is_dir():
        ledger.note(str(directory), "the directory is missing")
        ledger.raise_all()
    monitor = read(directory / "monitor.yaml", environment, ledger)
    found = [read(path, environment, ledger) for path in _portal_files(directory, ledger)]
    documents = [document for document in found if document is not None]
    settings = _settings(monitor, ledger) if monitor else None
    told = entries(documents, ledger)
    if monitor and len(documents) == len(found):
        check_groups(monitor, said(documents, "group"), ledger)
    parts = assembly(monitor, ledger)
    portals = tuple(map(portal_of, told))
    checks = tuple(check for entry, portal in zip(told, portals, strict=True) for check in parts.checks(entry, portal))
    if monitor and settings:
        check_maintenance(monitor, settings.maintenance, said(documents, "id"), said(documents, "group"), ledger)
    if monitor is None or settings is None:
        raise ConfigError(ledger.complaints)
    mark = digest(settings, portals, checks)
    settings = _with_files(settings, monitor, directory, ledger)
    rules = load_rules(directory, environment, {one.id for one in portals}, settings.report_zone, ledger)
    _warn(monitor, settings, checks=len(checks), ledger=ledger)
    ledger.raise_all()
    return Config(
        settings=settings,
        portals=portals,
        checks=checks,
        digest=mark,
        rules=rules,
        directory=directory,
        warnings=tuple(ledger.warnings),
        veiled=frozenset(parts.veiled | {("monitor", *map(str, steps)) for steps in monitor.borrowed_steps}),
    )


def _portal_files(directory: Path, ledger: Ledger) -> list[Path]:
    """The main file, which has to be there, and those that an operator added, by name."""
    added = sorted(path for path in directory.glob("portals.d/*") if not path.name.startswith("."))
    for path in added:
        if path.suffix != ".yaml":
            ledger.warnings.append(f"{path}:1:1: not read, for its name does not end in .yaml")
    return [directory / "portals.yaml", *(path for path in added if path.suffix == ".yaml")]


def _settings(monitor: Document, ledger: Ledger) -> MonitorSettings | None:
    try:
        return MonitorSettings.model_validate(monitor.data)
    except ValidationError as error:
        translate(error, ledger, monitor.spot, keys_in(MonitorSettings))
        return None


def _with_files(settings: MonitorSettings, monitor: Document, directory: Path, ledger: Ledger) -> MonitorSettings:
    """The settings with secrets read from their files and with absolute paths."""
    http = settings.http
    web = web_with_files(settings.web, monitor, directory, ledger)
    if http.ca_file is not None:
        spot = monitor.spot(("http", "ca_file"))
        path = (directory / http.ca_file).absolute()
        if not path.is_file():
            ledger.add(spot, f"{spot.shown()} is not a file")
        http = http.model_copy(update={"ca_file": path})
    sinks = _sinks_with_files(settings, directory)
    alerting = with_secrets(settings, monitor, directory, ledger)
    return settings.model_copy(update={"web": web, "http": http, "sinks": sinks, **alerting})


def _sinks_with_files(settings: MonitorSettings, directory: Path) -> Sinks:
    """The sinks with absolute paths; a token's file is read for every write, so it may change or come later."""
    absolute = {}
    for name, sink in settings.sinks.chosen().items():
        files = {key: path for key in ("token_file", "ca_file") if (path := getattr(sink, key, None)) is not None}
        absolute[name] = sink.model_copy(update={key: (directory / path).absolute() for key, path in files.items()})
    return settings.sinks.model_copy(update=absolute)


def _warn(monitor: Document, settings: MonitorSettings, *, checks: int, ledger: Ledger) -> None:
    if settings.contact == SAMPLE_CONTACT:
        ledger.warn(
            monitor.spot(("contact",)), "the contact is the sample, so nobody can tell you when your looks disturb"
        )
    if checks == 0:
        ledger.warn(monitor.spot(("checks",)), "nothing is looked at")
