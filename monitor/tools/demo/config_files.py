"""From a listening fleet to a configuration directory that a daemon can watch it with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.tools.demo.fleet_file import Notice
    from monitor.tools.demo.portals import FleetPortal

UPTIME_SECONDS = 5
TIMEOUT_SECONDS = 2
RENDER_SECONDS = 600
"""Two dozen portals take about three minutes of the one browser; each is seen by then, and again while one watches."""

RENDER_TIMEOUT_SECONDS = 20


def write_config(notice: Notice, directory: Path, *, listen: str, uptime: float = UPTIME_SECONDS) -> Path:
    """Write ``monitor.yaml`` and ``portals.yaml`` for the fleet into ``directory`` and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "location": "demo",
        "contact": "https://example.org/portal-monitor-demo",
        "listen": listen,
        "http": {"ca_file": str(notice.ca)},
        "checks": {
            "uptime": {"interval": uptime, "timeout": min(TIMEOUT_SECONDS, uptime / 4), "family": "4"},
            "latency": {"interval": 3 * uptime, "timeout": TIMEOUT_SECONDS, "family": "4"},
            "mobile": {"interval": RENDER_SECONDS, "timeout": RENDER_TIMEOUT_SECONDS, "runs": 1},
        },
        # Fleet, daemon and browser share this machine.
        "render": {"least_speed": 0.1, "reach": ["127.0.0.0/8"]},
        "sight": {"references": []},
    }
    _write(directory / "monitor.yaml", settings)
    _write(directory / "portals.yaml", {"portals": [_entry(portal) for portal in notice.portals]})
    return directory


def _entry(portal: FleetPortal) -> dict[str, Any]:
    return {
        "id": portal.id,
        **({"code": portal.code} if portal.code else {}),
        "name": {"vi": portal.name_vi, "en": portal.name_en},
        "kind": str(portal.kind),
        "group": portal.group,
        "url": portal.url,
        "expect": portal.expect,
        "pages": dict(portal.pages),
    }


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
