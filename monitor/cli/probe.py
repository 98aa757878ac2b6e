"""One look at one target, now, outside of any schedule: what ``portal-monitor probe`` does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from monitor import __version__
from monitor.config import load
from probes.browser.pool import RenderSettings
from probes.registry import KINDS
from probes.resources import HttpSettings, Instruments
from probes.runner import observe

if TYPE_CHECKING:
    from pathlib import Path

    from probes.probe import Probe
    from probes.result import ProbeResult


class TargetError(Exception):
    """The target is neither a portal nor an address, or the kind does not exist."""


async def look_once(  # noqa: PLR0913 - what a person may ask for
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
    if kind not in KINDS:
        raise TargetError(f"there is no probe kind {kind!r}; there are {', '.join(KINDS)}")
    settings = HttpSettings(user_agent=f"portal-monitor/{__version__}", ca_file=ca_file)
    rendering = RenderSettings()
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
    async with Instruments(settings, rendering) as tools:
        tools.browsers.trace = trace
        return await observe(probe, tools)


def _probe(kind: str, keys: dict[str, Any]) -> Probe:
    try:
        return KINDS[kind].model_validate(keys)
    except ValidationError as error:
        raise TargetError(error.errors()[0]["msg"]) from None
