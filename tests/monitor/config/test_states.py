"""The blocks about evaluation become rules, windows and hours; check-config prints the next windows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.config import load
from monitor.model.wall_time import WeekdayHours
from monitor.states.maintenance import LAST_DAY_OF_MONTH, MaintenanceWindow, describe_upcoming
from monitor.states.rules import StateRules
from tests.monitor.config.test_config import SHIPPED, write

HOUR = 3_600_000
SETTINGS = """
confirm: {delays: [500ms, 3s, 9s]}
states:
  down_attempts: 4
  down_slots: 3
  up_slots: 1
  degraded: {latency: 2s, certificate_days: 30, consecutive: 2}
  flapping: {changes: 6, window: 1h}
maintenance:
  - portals: [alpha]
    zone: Europe/Berlin
    reason: new release
    approved_by: CIO
    start: 2096-03-24 23:00
    end: 2096-03-25 04:00
  - portals: all
    zone: Asia/Ho_Chi_Minh
    reason: patches
    approved_by: IT
    weekdays: [sat, sun]
    start_time: "23:30"
    duration: 90m
  - groups: [alpha]
    zone: UTC
    reason: backup
    approved_by: IT
    month_days: [1, -1]
    start_time: "02:00"
    duration: 1h
service_hours:
  zone: Asia/Ho_Chi_Minh
  windows:
    - {weekdays: [mon, tue, wed, thu, fri], start: "07:30", end: "17:00"}
    - {weekdays: [sat], start: "08:00", end: "24:00"}
checks:
  uptime: {interval: 60s}
"""


def test_the_values_of_the_file_are_used(tmp_path: Path):
    settings = load(write(tmp_path, SETTINGS)).settings
    assert settings.confirm.delays == (0.5, 3.0, 9.0)
    assert settings.states.rules() == StateRules(
        down_attempts=4,
        down_slots=3,
        up_slots=1,
        max_latency_seconds=2.0,
        min_certificate_days=30.0,
        degraded_consecutive=2,
        flap_changes=6,
        flap_window_ms=HOUR,
    )
    once, weekly, monthly = settings.calendar.windows
    assert once == MaintenanceWindow(
        zone=ZoneInfo("Europe/Berlin"),
        start_minute=23 * 60,
        duration_ms=4 * HOUR,  # clocks go forward in that night
        reason="new release",
        approved_by="CIO",
        dates=frozenset({date(2096, 3, 24)}),
        portals=frozenset({"alpha"}),
    )
    assert (weekly.all_portals, weekly.weekdays, weekly.start_minute, weekly.duration_ms) == (
        True,
        {5, 6},
        23 * 60 + 30,
        90 * 60_000,
    )
    assert (monthly.groups, monthly.month_days) == ({"alpha"}, {1, LAST_DAY_OF_MONTH})
    hours = settings.service_hours
    assert hours is not None
    assert hours.hours().windows == (
        WeekdayHours(days=frozenset(range(5)), start_minutes=450, end_minutes=1020),
        WeekdayHours(days=frozenset({5}), start_minutes=480, end_minutes=1440),
    )


def test_what_is_left_out_is_the_default(tmp_path: Path):
    settings = load(write(tmp_path, "checks: {uptime: {interval: 60s}}")).settings
    assert settings.states.rules() == StateRules()
    assert settings.confirm.delays == (2.0, 5.0)
    assert settings.calendar.windows == ()
    assert settings.service_hours is None


def test_the_shipped_configuration_has_the_defaults():
    settings = load(SHIPPED).settings
    assert settings.states.rules() == StateRules()
    assert settings.confirm.delays == (2.0, 5.0)


def test_check_config_prints_the_next_five_windows_here_and_in_utc(tmp_path: Path):
    result = CliRunner().invoke(app, ["check-config", str(write(tmp_path, SETTINGS))])
    assert result.exit_code == 0, result.output
    lines = result.stdout.partition("next maintenance:\n")[2].splitlines()
    assert len(lines) == 5
    assert any(
        "Asia/Ho_Chi_Minh = " in line and " 16:30 UTC, 1 h 30 min: patches (approved by IT)" in line for line in lines
    )


def test_upcoming_windows_as_text(tmp_path: Path):
    """In the order of their beginnings, in any time zone."""
    windows = load(write(tmp_path, SETTINGS)).settings.calendar.windows
    weekly, once = describe_upcoming(windows[:2], 3_983_382_000_000, 2)
    when = "Sat 2096-03-24 23:00 +0100 Europe/Berlin = 2096-03-24 22:00 UTC"
    assert once == f"{when}, 4 h: new release (approved by CIO), alpha"
    when = "Sat 2096-03-24 23:30 +0700 Asia/Ho_Chi_Minh = 2096-03-24 16:30 UTC"
    assert weekly == f"{when}, 1 h 30 min: patches (approved by IT), all portals"
