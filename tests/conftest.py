"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes depends on what else the machine does; a test that must be quick measures and says so.
settings.register_profile("house", deadline=None)
settings.load_profile("house")
