"""Load the configuration: files to one frozen :class:`Config`, or all errors at once.

The keys of a check come from three places, later ones first: ``checks`` and ``groups.<group>.checks`` in
``monitor.yaml``, then the portal's own ``checks``. Mappings such as ``headers`` are joined, other values replaced.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from monitor.config.alerting import alerting_with_secrets
from monitor.config.checks import check_builder, check_groups
from monitor.config.cost_estimate import estimate
from monitor.config.diagnostics import ConfigError, ErrorCollector
from monitor.config.inventory import build_portal, check_maintenance, valid_entries, values_of
from monitor.config.json_schema import schema
from monitor.config.loaded import Config, digest, redacted
from monitor.config.pydantic_errors import collect_validation_errors, known_keys_of
from monitor.config.rubrics import load_rules
from monitor.config.settings import SAMPLE_CONTACT, MonitorSettings, SinksBlock
from monitor.config.web import web_with_files
from monitor.config.yaml_document import YamlDocument
from monitor.config.yaml_loader import load_document

__all__ = ["Config", "ConfigError", "MonitorSettings", "estimate", "load", "redacted", "schema"]


@contextmanager
def _gc_disabled() -> Iterator[None]:
    """Disable the garbage collector, which would scan the many nodes of a fleet repeatedly while all are in use.

    Measured with 5,000 portals: 4 s with it, 1.5 s without.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_gc_disabled()
def load(directory: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read ``monitor.yaml``, ``portals.yaml`` and ``portals.d/*.yaml`` of ``directory``, and the rules of scores.

    ``environment`` fills ``${NAME}`` in the files. Raises :class:`ConfigError` with every error of every file.
    """
    collector = ErrorCollector()
    if not directory.is_dir():
        collector.add_at(str(directory), "the directory is missing")
        collector.raise_for_errors()
    monitor = load_document(directory / "monitor.yaml", environment, collector)
    loaded = [load_document(path, environment, collector) for path in _portal_files(directory, collector)]
    documents = [document for document in loaded if document is not None]
    settings = _validate_settings(monitor, collector) if monitor else None
    entries = valid_entries(documents, collector)
    if monitor and len(documents) == len(loaded):
        check_groups(monitor, values_of(documents, "group"), collector)
    builder = check_builder(monitor, collector)
    portals = tuple(map(build_portal, entries))
    checks = tuple(
        check for entry, portal in zip(entries, portals, strict=True) for check in builder.build_checks(entry, portal)
    )
    if monitor and settings:
        check_maintenance(monitor, settings.maintenance, documents, collector)
    if monitor is None or settings is None:
        raise ConfigError(collector.errors)
    config_digest = digest(settings, portals, checks)
    settings = _resolve_files(settings, monitor, directory, collector)
    rules = load_rules(directory, environment, {one.id for one in portals}, settings.report_zone, collector)
    _add_warnings(monitor, settings, len(checks), collector)
    collector.raise_for_errors()
    return Config(
        settings=settings,
        portals=portals,
        checks=checks,
        digest=config_digest,
        rules=rules,
        directory=directory,
        warnings=tuple(collector.warnings),
        redacted_paths=frozenset(
            builder.redacted_paths | {("monitor", *map(str, key_path)) for key_path in monitor.environment_key_paths}
        ),
    )


def _portal_files(directory: Path, collector: ErrorCollector) -> list[Path]:
    """Return the main file, which must exist, and those that an operator added, by name."""
    added = sorted(path for path in directory.glob("portals.d/*") if not path.name.startswith("."))
    for path in added:
        if path.suffix != ".yaml":
            collector.warnings.append(f"{path}:1:1: ignored: its name does not end in .yaml")
    return [directory / "portals.yaml", *(path for path in added if path.suffix == ".yaml")]


def _validate_settings(document: YamlDocument, collector: ErrorCollector) -> MonitorSettings | None:
    try:
        return MonitorSettings.model_validate(document.data)
    except ValidationError as error:
        collect_validation_errors(error, collector, document.locate, known_keys_of(MonitorSettings))
        return None


def _resolve_files(
    settings: MonitorSettings, document: YamlDocument, directory: Path, collector: ErrorCollector
) -> MonitorSettings:
    """Return the settings with secrets read from their files and with absolute paths."""
    http = settings.http
    web = web_with_files(settings.web, document, directory, collector)
    if http.ca_file is not None:
        location = document.locate(("http", "ca_file"))
        path = (directory / http.ca_file).absolute()
        if not path.is_file():
            collector.add(location, f"{location.display_value()} is not a file")
        http = http.model_copy(update={"ca_file": path})
    sinks = _resolve_sink_files(settings, directory)
    alerting = alerting_with_secrets(settings, document, directory, collector)
    return settings.model_copy(update={"web": web, "http": http, "sinks": sinks, **alerting})


def _resolve_sink_files(settings: MonitorSettings, directory: Path) -> SinksBlock:
    """Return the sinks with absolute paths; a token file is read for every write, so it may change or appear later."""
    absolute = {}
    for name, sink in settings.sinks.configured().items():
        files = {key: path for key in ("token_file", "ca_file") if (path := getattr(sink, key, None)) is not None}
        absolute[name] = sink.model_copy(update={key: (directory / path).absolute() for key, path in files.items()})
    return settings.sinks.model_copy(update=absolute)


def _add_warnings(
    document: YamlDocument, settings: MonitorSettings, check_count: int, collector: ErrorCollector
) -> None:
    if settings.contact == SAMPLE_CONTACT:
        message = "the contact is the sample value: operators of portals cannot reach you"
        collector.warn(document.locate(("contact",)), message)
    if check_count == 0:
        collector.warn(document.locate(("checks",)), "no checks are configured")
