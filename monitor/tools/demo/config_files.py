"""Write a configuration directory with which a daemon monitors a listening fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.tools.demo.fleet_file import FleetFile
    from monitor.tools.demo.portals import FleetPortal

UPTIME_INTERVAL_SECONDS = 5
TIMEOUT_SECONDS = 2
MOBILE_INTERVAL_SECONDS = 600
"""24 portals take about three minutes of the one browser; every portal is rendered by then, and again in this time."""

MOBILE_TIMEOUT_SECONDS = 20


def write_config(
    fleet_file: FleetFile, directory: Path, *, listen: str, uptime_interval_seconds: float = UPTIME_INTERVAL_SECONDS
) -> Path:
    """Write ``monitor.yaml`` and ``portals.yaml`` for the fleet into *directory* and return it."""
    directory.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "location": "demo",
        "contact": "https://example.org/portal-monitor-demo",
        "listen": listen,
        "http": {"ca_file": str(fleet_file.ca)},
        "checks": {
            "uptime": {
                "interval": uptime_interval_seconds,
                "timeout": min(TIMEOUT_SECONDS, uptime_interval_seconds / 4),
                "family": "4",
            },
            "latency": {"interval": 3 * uptime_interval_seconds, "timeout": TIMEOUT_SECONDS, "family": "4"},
            "mobile": {"interval": MOBILE_INTERVAL_SECONDS, "timeout": MOBILE_TIMEOUT_SECONDS, "runs": 1},
        },
        # Fleet, daemon and browser share this machine.
        "browser": {"min_speed_ratio": 0.1, "allowed_networks": ["127.0.0.0/8"]},
        "self_check": {"references": []},
    }
    _write_yaml(directory / "monitor.yaml", settings)
    _write_yaml(directory / "portals.yaml", {"portals": [_portal_entry(portal) for portal in fleet_file.portals]})
    return directory


def _portal_entry(portal: FleetPortal) -> dict[str, Any]:
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


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
