"""Settings of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes depends on the load of the machine; a test with a time limit measures it itself.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start the files with slow tests first, so that no process of a parallel run ends long after the others."""
    if hasattr(config, "workerinput"):
        long: dict[Path, int] = {}
        for item in items:
            long[item.path] = long.get(item.path, 0) + (item.get_closest_marker("slow") is not None)
        items.sort(key=lambda item: -long[item.path])
