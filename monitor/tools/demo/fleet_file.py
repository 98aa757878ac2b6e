"""The record of a running fleet and its JSON file `fleet.json`, from which a monitor is configured.

The file is replaced atomically. `fleet` decides when it appears, `process` waits for it.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

from monitor.tools.demo.certificate_authority import write_private
from monitor.tools.demo.fault_schedule import FaultProfile
from monitor.tools.demo.portals import FleetPortal, Trait

FILE_NAME: Final = "fleet.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetFile:
    """A listening fleet. Fleet second 0 was at ``started_at`` (UTC); ``control`` is the URL of the control API."""

    portals: tuple[FleetPortal, ...]
    ca: Path
    control: str
    pid: int
    started_at: datetime
    seed: int
    time_scale: float

    def write(self, directory: Path) -> None:
        """Write the file atomically."""
        content = {**asdict(self), "ca": str(self.ca), "started_at": self.started_at.isoformat()}
        draft = directory / f".{FILE_NAME}.{self.pid}"
        write_private(draft, json.dumps(content, ensure_ascii=False, indent=1).encode())
        draft.replace(directory / FILE_NAME)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the file. Raises FileNotFoundError while no fleet listens there."""
        content = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
        return cls(
            portals=tuple(_portal(one) for one in content.pop("portals")),
            ca=Path(content.pop("ca")),
            started_at=datetime.fromisoformat(content.pop("started_at")),
            **content,
        )

    @staticmethod
    def remove(directory: Path) -> None:
        """Remove the file, also one that a killed fleet left behind."""
        (directory / FILE_NAME).unlink(missing_ok=True)


def _portal(data: dict[str, Any]) -> FleetPortal:
    trait, fault_profile = Trait(data.pop("trait")), FaultProfile(data.pop("fault_profile"))
    return FleetPortal(trait=trait, fault_profile=fault_profile, **data)
