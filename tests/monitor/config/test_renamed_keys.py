"""Old names of keys and values give an error with the new name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor.config import ConfigError, load
from monitor.config.check_blocks import known_keys
from monitor.config.pydantic_errors import known_keys_of
from monitor.config.renamed_keys import RENAMED_KEYS, RENAMED_VALUES
from monitor.config.rubric_models import RubricFile
from monitor.config.settings import MonitorSettings
from tests.monitor.config.test_config import PORTAL, write

LISTS = {("maintenance",), ("service_hours", "windows"), ("criteria",), ("grades", "bands")}
"""Paths whose mappings are items of a list."""

RUBRIC_KEYS = {"criteria", "portals", "grades"}

KEYS = [
    pytest.param(parents, old, new, id=".".join((*parents, old)))
    for parents, keys in RENAMED_KEYS.items()
    for old, new in keys.items()
]
VALUES = [
    pytest.param(key_path, old, new, id=".".join(key_path))
    for key_path, values in RENAMED_VALUES.items()
    for old, new in values.items()
]


def nested(key_path: tuple[str, ...], value: object) -> object:
    """Return a mapping with *value* at *key_path*."""
    for length in range(len(key_path), 0, -1):
        value = {key_path[length - 1]: [value] if key_path[:length] in LISTS else value}
    return value


def errors_of(directory: Path, key_path: tuple[str, ...], content: object) -> list[str]:
    write(directory, yaml.safe_dump(content))
    if key_path[:1] and key_path[0] in RUBRIC_KEYS:
        directory.joinpath("monitor.yaml").write_text("checks: {}\n")
        directory.joinpath("rubrics").mkdir()
        directory.joinpath("rubrics", "sample.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        load(directory, {})
    return [error.message for error in caught.value.errors]


@pytest.mark.parametrize(("parents", "old", "new"), KEYS)
def test_an_old_key_gives_an_error_with_the_new_key(tmp_path: Path, parents: tuple[str, ...], old: str, new: str):
    errors = errors_of(tmp_path, parents, nested(parents, {old: 1}))
    assert f"unknown key {old!r}: renamed to {new!r}" in errors


@pytest.mark.parametrize("parents", [("groups", "alpha", "checks", "uptime"), ("portals", "checks", "uptime")])
def test_old_keys_of_checks_are_found_in_every_layer(tmp_path: Path, parents: tuple[str, ...]):
    if parents[0] == "groups":
        write(tmp_path, yaml.safe_dump(nested(parents, {"body_lacks": ["x"]})))
    else:
        extra = "    checks: {uptime: {body_lacks: [x]}}\n"
        write(tmp_path, "checks: {}\n", "portals:" + PORTAL.format(id="alpha") + extra)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert "unknown key 'body_lacks': renamed to 'body_not_matches'" in str(caught.value)


@pytest.mark.parametrize(("key_path", "old", "new"), VALUES)
def test_an_old_value_gives_an_error_with_the_new_value(tmp_path: Path, key_path: tuple[str, ...], old: str, new: str):
    errors = errors_of(tmp_path, key_path, nested(key_path, old))
    assert f"{old!r} is renamed to {new!r}" in errors


@pytest.mark.parametrize(("parents", "old", "new"), KEYS)
def test_new_keys_exist_and_old_ones_do_not(parents: tuple[str, ...], old: str, new: str):
    if parents[:1] == ("checks",):
        known = known_keys(parents[1])
    else:
        known = list(
            known_keys_of(RubricFile if parents[:1] and parents[0] in RUBRIC_KEYS else MonitorSettings)(parents)
        )
    assert new in known
    assert old not in known
