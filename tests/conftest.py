"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does; a test that must be quick measures and says so.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of processes that share the files between them, none is left alone with a long one at the end."""
    if hasattr(config, "workerinput"):
        long: dict[Path, int] = {}
        for item in items:
            long[item.path] = long.get(item.path, 0) + (item.get_closest_marker("slow") is not None)
        items.sort(key=lambda item: -long[item.path])
