"""Hostile or strange YAML: an error at its place, in time, and never a traceback."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from monitor.config import ConfigError, load
from tests.monitor.config.test_config import write


def errors_of(directory: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, environment or {})
    return [str(one).replace(f"{directory}/", "") for one in caught.value.errors]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("!!int ''", "cannot be read as a number"),
        ("!!bool perhaps", "cannot be read as a boolean"),
        ("!!timestamp today", "cannot be read as a date"),
        ("!!float ''", "cannot be read as a number"),
        ("!!map x", "the tag !!map is not known here"),
        ("!!set x", "the tag !!set is not known here"),
    ],
)
def test_a_tag_that_does_not_fit_its_value_is_reported(tmp_path: Path, value: str, message: str) -> None:
    assert [line for line in errors_of(write(tmp_path, f"location: {value}\n")) if message in line]


@pytest.mark.parametrize("key", ["!!str [a]", "!!str {a: b}", "!!value [a]", "!!merge [a]"])
def test_a_key_is_text_with_any_tag(tmp_path: Path, key: str) -> None:
    assert [line for line in errors_of(write(tmp_path, f"? {key}\n: 1\n")) if "expected text as key" in line]
    assert errors_of(write(tmp_path, f"web: {{<<: {{? {key} : 1, reload: x}}}}\n"))


def test_merges_that_multiply_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    bomb = ["a0: &a0 {" + ", ".join(f"k{number}: 1" for number in range(10)) + "}"]
    bomb += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    began = time.process_time()
    assert errors_of(write(tmp_path, "\n".join(bomb))) == ["monitor.yaml:1:1: more than 1000000 values"]
    assert time.process_time() - began < 10


def test_thousands_of_unknown_keys_are_reported_in_time(tmp_path: Path) -> None:
    """Each is found by its name, not by going through the others."""
    began = time.process_time()
    assert len(errors_of(write(tmp_path, "".join(f"zz{number}: 1\n" for number in range(20_000))))) == 20_000
    assert time.process_time() - began < 15


def test_a_variable_that_is_no_text_is_reported_and_not_shown(tmp_path: Path) -> None:
    files = write(tmp_path, "groups: {}\n", "portals: [{name: {vi: '${BYTES}', en: x}}]\n")
    assert "portals.yaml:1:23: the environment variable BYTES is not UTF-8 text" in errors_of(
        files, {"BYTES": "\udcff"}
    )


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "web: {reload: true, reload_token_file: /dev/zero}\n")
    tmp_path.joinpath("portals.d").mkdir()
    os.mkfifo(tmp_path / "portals.d" / "pipe.yaml")
    os.mkfifo(tmp_path / "token")
    assert errors_of(tmp_path) == [
        "monitor.yaml:1:40: '/dev/zero' cannot be read: it is not a file",
        "portals.d/pipe.yaml:1:1: this is not a file",
    ]
    (tmp_path / "portals.d" / "pipe.yaml").unlink()
    write(tmp_path, "heartbeat: {url_file: token}\n")
    assert errors_of(tmp_path) == ["monitor.yaml:1:23: 'token' cannot be read: it is not a file"]


def test_a_probe_longer_than_its_default_interval_is_reported_at_its_block(tmp_path: Path) -> None:
    (line,) = errors_of(write(tmp_path, "checks:\n  mobile: {runs: 9}\n"))
    assert line.startswith("monitor.yaml:2:11: a probe may take ")


WINDOW = "maintenance: [{{portals: all, zone: America/New_York, reason: r, approved_by: a, start: '{}', end: '{}'}}]"


@pytest.mark.parametrize(
    "text",
    [
        "states: {flapping: {window: 1e308}}",
        "archive: {grace: 999999d}",
        "notify: {expire: 1e308h}",
        "checks: {uptime: {timeout: 1e308, interval: 24h}}",
        WINDOW.format("9999-12-31 22:00", "9999-12-31 23:59"),
        WINDOW.format("0001-01-01 00:00", "0001-01-01 01:00"),
        f"journal: {{max_size: 1{'0' * 400}}}",
    ],
)
def test_times_and_sizes_beyond_all_reason_are_refused(tmp_path: Path, text: str) -> None:
    """They were taken, and the daemon stumbled over them later."""
    assert errors_of(write(tmp_path, f"{text}\n"))
