"""The interface of work that is killed: a child that does it once, and rules for what the kill left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.crash.nursery import detach, kill_at_touch
from tests.crash.stages import Page
from tests.crash.tally import Tally


@dataclass
class Work(ABC):
    """``root`` is a separate directory, with ``data`` and, where needed, ``config``."""

    root: Path
    tally: Tally
    stages: ClassVar[tuple[str, ...]] = ()
    number: int = 0

    @property
    def data(self) -> Path:
        return self.root / "data"

    def child(self, at: int) -> None:
        """Run the work once in a child; kill it at file operation number ``at``, if that is not 0."""
        detach(self.root / "child.log")
        page = Page(self.root / "page", ("touches", *self.stages))
        self.watch_stages(page)
        kill_at_touch(page, self.data, at)
        self.run_once()

    @abstractmethod
    def prepare(self) -> None:
        """Create the directory."""

    @abstractmethod
    def add_work(self) -> None:
        """Add work for the next child."""

    @abstractmethod
    def watch_stages(self, page: Page) -> None:
        """Mark the stages on the page."""

    @abstractmethod
    def run_once(self) -> None:
        """Do the work."""

    @abstractmethod
    def check(self) -> None:
        """Check the rules after a kill; then do the work once without one, and check again."""
