"""List renamed keys and values, so that an error can name the new ones; to be removed with version 1.0."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.config.diagnostics import KeyPath

RENAMED_KEYS: Mapping[tuple[str, ...], Mapping[str, str]] = {
    # monitor.yaml
    (): {"lanes": "concurrency", "lateness": "misfire_grace_time", "sight": "self_check", "render": "browser"},
    ("concurrency",): {"light": "http", "render": "browser"},
    ("self_check",): {"breaker": "fleet_breaker", "machine": "host"},
    ("self_check", "host"): {"lag": "max_loop_lag", "load": "max_load_per_cpu", "step": "max_clock_step"},
    ("confirm",): {"after": "delays"},
    ("states",): {"down_looks": "down_attempts", "down_after": "down_slots", "up_after": "up_slots"},
    ("states", "degraded"): {"after": "consecutive"},
    ("maintenance",): {"starts": "start", "ends": "end", "at": "start_time", "lasts": "duration"},
    ("service_hours", "windows"): {"opens": "start", "closes": "end"},
    ("browser",): {
        "chromium": "executable",
        "memory": "min_free_memory",
        "loads": "max_loads",
        "least_speed": "min_speed_ratio",
        "reach": "allowed_networks",
        "evidence": "screenshots",
    },
    ("browser", "screenshots"): {"days": "retention", "limit": "max_bytes"},
    ("journal",): {"commit_every": "commit_interval", "limit": "max_size"},
    ("archive",): {"hot": "keep_in_journal", "keep": "retention"},
    ("scores",): {"every": "interval"},
    ("web",): {"connections": "max_connections", "per_address": "max_connections_per_client"},
    ("sinks", "influxdb"): {"keep": "retention"},
    ("notify",): {
        "group_within": "group_wait",
        "reminders": "repeat_interval",
        "shared_within": "correlation_window",
        "page_url": "external_url",
    },
    ("heartbeat",): {"every": "interval"},
    ("alertmanager",): {"resend": "resend_delay"},
    # blocks of checks, in every file
    ("checks", "uptime"): {"body_lacks": "body_not_matches", "certificate_days": "min_certificate_days"},
    ("checks", "mobile"): {"largest": "max_page_bytes"},
    # rubrics
    ("criteria",): {"looks": "attempts", "least_looks": "min_attempts", "by_hand": "manual"},
    ("portals",): {"elsewhere": "substitute"},
    ("grades", "bands"): {"least": "min"},
}
"""New path of the mapping, without indices of lists: old key and new key."""

RENAMED_VALUES: Mapping[tuple[str, ...], Mapping[str, str]] = {
    ("portals", "redirects"): {"elsewhere": "substitute"},
    ("portals", "retired"): {"elsewhere": "substitute"},
}
"""Path of the value, without indices of lists: old value and new value."""


def renamed_key(key_path: KeyPath) -> str | None:
    """Return the new name of the key at *key_path*, or None if it was not renamed."""
    *parents, key = _without_indices(key_path)
    return RENAMED_KEYS.get(tuple(parents), {}).get(key)


def renamed_value(key_path: KeyPath, value: str) -> str | None:
    """Return the new form of *value* at *key_path*, or None if it was not renamed."""
    return RENAMED_VALUES.get(_without_indices(key_path), {}).get(value)


def _without_indices(key_path: KeyPath) -> tuple[str, ...]:
    return tuple(step for step in key_path if isinstance(step, str))
