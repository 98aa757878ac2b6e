"""One look at one target, now, outside of any schedule: what ``portal-monitor probe`` does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from monitor import __version__
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
    """The target is neither a portal nor an address, or the kind does not exist."""


async def probe_once(
    target: str,
    kind: str,
    directory: Path,
    ca_file: Path | None,
    *,
    profile: str | None = None,
    trace: Path | None = None,
) -> ProbeResult:
    """Look at a portal of the inventory by its id (with its own settings) or at any address (with the defaults).

    ``profile`` is the device of a kind that shows pages, ``trace`` the file for what its browser recorded. Raises
    :class:`TargetError`, and ConfigError when a portal is named and the configuration is faulty.
    """
    if kind not in PROBE_KINDS:
        raise TargetError(f"there is no probe kind {kind!r}; there are {', '.join(PROBE_KINDS)}")
    settings = HttpSettings(user_agent=f"portal-monitor/{__version__}", ca_file=ca_file)
    rendering = BrowserPoolSettings()
    wishes = {"profiles": (profile,)} if profile else {}
    if "://" in target:
        probe = _probe(kind, {"url": target, **wishes})
    else:
        config = load(directory)
        found = [check.probe for check in config.checks if check.portal == target and check.kind == kind]
        if not found:
            raise TargetError(f"there is no portal {target!r} with a check of kind {kind} in {directory}")
        probe = _probe(kind, found[0].model_dump() | wishes)
        settings = config.settings.http_settings
        rendering = config.settings.render.settings
        settings = replace(settings, ca_file=ca_file or settings.ca_file)
    async with ProbeResources(settings, rendering) as tools:
        tools.browser_pool.trace_file = trace
        return await run_probe(probe, tools)


def _probe(kind: str, keys: dict[str, Any]) -> Probe:
    try:
        return PROBE_KINDS[kind].model_validate(keys)
    except ValidationError as error:
        raise TargetError(error.errors()[0]["msg"]) from None
