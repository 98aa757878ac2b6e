"""Fixtures that several tests of the core share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.storage.journal.journal import Journal
from probes.resources import ProbeResources
from tests.monitor.parts import SCRIPTED, Scripted, opened


@pytest.fixture
async def resources() -> AsyncIterator[ProbeResources]:
    """The resources of real probes."""
    async with ProbeResources() as resources:
        yield resources


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[Journal]:
    """A journal of probes that follow a script."""
    async with opened(tmp_path, SCRIPTED) as journal:
        yield journal
    Scripted.scripts.clear()
