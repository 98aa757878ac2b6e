"""The block ``history``: where exports and reports read what was measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from monitor.config.models import Block


class History(Block):
    """Where history is read from when a command does not say so itself."""

    source: Literal["archive", "influxdb"] = Field(
        default="archive", description="archive: sealed files and journal of this machine; influxdb: sinks.influxdb."
    )
