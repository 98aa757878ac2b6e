"""What a fleet tells those who want to watch it: one record and the JSON file `fleet.json` that carries it.

The file appears whole or not at all. When it appears is left to the fleet, waiting for it to `child`.
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
    """A listening fleet. Fleet second 0 was at ``started_at`` (UTC); ``control`` is the URL of the control door."""

    portals: tuple[FleetPortal, ...]
    ca: Path
    control: str
    pid: int
    started_at: datetime
    seed: int
    time_scale: float

    def write(self, directory: Path) -> None:
        """Put the file in its place in one step."""
        facts = {**asdict(self), "ca": str(self.ca), "started_at": self.started_at.isoformat()}
        draft = directory / f".{FILE_NAME}.{self.pid}"
        write_private(draft, json.dumps(facts, ensure_ascii=False, indent=1).encode())
        draft.replace(directory / FILE_NAME)

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read it back; FileNotFoundError as long as no fleet listens there."""
        facts = json.loads((directory / FILE_NAME).read_text(encoding="utf-8"))
        return cls(
            portals=tuple(_portal(one) for one in facts.pop("portals")),
            ca=Path(facts.pop("ca")),
            started_at=datetime.fromisoformat(facts.pop("started_at")),
            **facts,
        )

    @staticmethod
    def remove(directory: Path) -> None:
        """Take the file away, also one that a killed fleet left behind."""
        (directory / FILE_NAME).unlink(missing_ok=True)


def _portal(data: dict[str, Any]) -> FleetPortal:
    trait, temperament = Trait(data.pop("trait")), FaultProfile(data.pop("temperament"))
    return FleetPortal(trait=trait, temperament=temperament, **data)
