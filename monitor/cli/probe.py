"""Run one probe of one target outside of any schedule, for ``portal-monitor probe``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from monitor import __version__
from monitor.cli.output import unknown_choice
from monitor.config import load
from probes.browser.pool import BrowserPoolSettings
from probes.registry import PROBE_KINDS
from probes.resources import HttpSettings, ProbeResources
from probes.runner import run_probe

if TYPE_CHECKING:
    from pathlib import Path

    from probes.probe import Probe
    from probes.result import ProbeResult


class TargetError(Exception):
    """The target is neither a portal nor a URL, or the kind does not exist."""


async def probe_once(
    target: str,
    kind: str,
    directory: Path,
    ca_file: Path | None,
    *,
    profile: str | None = None,
    trace: Path | None = None,
) -> ProbeResult:
    """Probe a portal of the inventory by its id (with its settings) or any URL (with the defaults).

    ``profile`` is the device profile of a browser probe, ``trace`` the file for the trace of its browser. Raises
    :class:`TargetError`, and ConfigError when a portal is named and the configuration is invalid.
    """
    if kind not in PROBE_KINDS:
        raise TargetError(unknown_choice("probe kind", [kind], PROBE_KINDS))
    settings = HttpSettings(user_agent=f"portal-monitor/{__version__}", ca_file=ca_file)
    browser_settings = BrowserPoolSettings()
    overrides = {"profiles": (profile,)} if profile else {}
    if "://" in target:
        probe = _probe(kind, {"url": target, **overrides})
    else:
        config = load(directory)
        found = [check.probe for check in config.checks if check.portal == target and check.kind == kind]
        if not found:
            raise TargetError(f"there is no portal {target!r} with a check of kind {kind} in {directory}")
        probe = _probe(kind, found[0].model_dump() | overrides)
        settings = config.settings.http_settings
        browser_settings = config.settings.browser.settings
        settings = replace(settings, ca_file=ca_file or settings.ca_file)
    async with ProbeResources(settings, browser_settings) as resources:
        resources.browser_pool.trace_file = trace
        return await run_probe(probe, resources)


def _probe(kind: str, keys: dict[str, Any]) -> Probe:
    try:
        return PROBE_KINDS[kind].model_validate(keys)
    except ValidationError as error:
        raise TargetError(error.errors()[0]["msg"]) from None
