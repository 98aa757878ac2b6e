"""YAML that makes much of little, or something strange: a complaint at its place, soon, and never a traceback."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from monitor.config import ConfigError, load
from tests.monitor.config.test_config import write


def told(directory: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, environment or {})
    return [str(one).replace(f"{directory}/", "") for one in caught.value.errors]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("!!int ''", "cannot be read as a number"),
        ("!!bool perhaps", "cannot be read as a boolean"),
        ("!!timestamp today", "cannot be read as a date"),
        ("!!float ''", "cannot be read as a number"),
        ("!!map x", "the tag !!map is not known here"),
        ("!!set x", "the tag !!set is not known here"),
    ],
)
def test_a_tag_that_does_not_fit_its_value_is_told(tmp_path: Path, value: str, words: str) -> None:
    assert [line for line in told(write(tmp_path, f"location: {value}\n")) if words in line]


@pytest.mark.parametrize("key", ["!!str [a]", "!!str {a: b}", "!!value [a]", "!!merge [a]"])
def test_a_key_is_text_whatever_its_tag_says(tmp_path: Path, key: str) -> None:
    assert [line for line in told(write(tmp_path, f"? {key}\n: 1\n")) if "expected text as key" in line]
    assert told(write(tmp_path, f"web: {{<<: {{? {key} : 1, reload: x}}}}\n"))


def test_merges_that_multiply_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    bomb = ["a0: &a0 {" + ", ".join(f"k{number}: 1" for number in range(10)) + "}"]
    bomb += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)]
    began = time.process_time()
    assert told(write(tmp_path, "\n".join(bomb))) == ["monitor.yaml:1:1: more than 1000000 values"]
    assert time.process_time() - began < 10


def test_thousands_of_unknown_keys_are_told_soon(tmp_path: Path) -> None:
    """Each is found by its name, not by going through the others."""
    began = time.process_time()
    assert len(told(write(tmp_path, "".join(f"zz{number}: 1\n" for number in range(20_000))))) == 20_000
    assert time.process_time() - began < 15


def test_a_variable_that_is_no_text_is_told_and_not_shown(tmp_path: Path) -> None:
    files = write(tmp_path, "groups: {}\n", "portals: [{name: {vi: '${BYTES}', en: x}}]\n")
    assert "portals.yaml:1:23: the environment variable BYTES is not UTF-8 text" in told(files, {"BYTES": "\udcff"})


def test_pipes_and_devices_are_not_read(tmp_path: Path) -> None:
    write(tmp_path, "web: {reload: true, reload_token_file: /dev/zero}\n")
    tmp_path.joinpath("portals.d").mkdir()
    os.mkfifo(tmp_path / "portals.d" / "pipe.yaml")
    os.mkfifo(tmp_path / "token")
    assert told(tmp_path) == [
        "monitor.yaml:1:40: '/dev/zero' cannot be read: it is not a file",
        "portals.d/pipe.yaml:1:1: this is not a file",
    ]
    (tmp_path / "portals.d" / "pipe.yaml").unlink()
    write(tmp_path, "heartbeat: {url_file: token}\n")
    assert told(tmp_path) == ["monitor.yaml:1:23: 'token' cannot be read: it is not a file"]


def test_a_look_longer_than_its_default_interval_is_told_where_its_block_stands(tmp_path: Path) -> None:
    (line,) = told(write(tmp_path, "checks:\n  mobile: {runs: 9}\n"))
    assert line.startswith("monitor.yaml:2:11: a look may take ")


WINDOW = "maintenance: [{{portals: all, zone: America/New_York, reason: r, approved_by: a, starts: '{}', ends: '{}'}}]"


@pytest.mark.parametrize(
    "text",
    [
        "states: {flapping: {window: 1e308}}",
        "archive: {grace: 999999d}",
        "notify: {expire: 1e308h}",
        "checks: {uptime: {timeout: 1e308, interval: 24h}}",
        WINDOW.format("9999-12-31 22:00", "9999-12-31 23:59"),
        WINDOW.format("0001-01-01 00:00", "0001-01-01 01:00"),
        f"journal: {{limit: 1{'0' * 400}}}",
    ],
)
def test_times_and_sizes_beyond_all_reason_are_refused(tmp_path: Path, text: str) -> None:
    """They were taken, and the daemon stumbled over them later."""
    assert told(write(tmp_path, f"{text}\n"))
