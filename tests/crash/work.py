"""What a work is that is made to be killed: a child that does it once, and rules for what the kill left."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.crash.nursery import settle_in, trip
from tests.crash.stages import Page
from tests.crash.tally import Tally


@dataclass
class Work(ABC):
    """``root`` is a directory of its own, with ``data`` and, where needed, ``config``."""

    root: Path
    tally: Tally
    stages: ClassVar[tuple[str, ...]] = ()
    number: int = 0

    @property
    def data(self) -> Path:
        return self.root / "data"

    def child(self, at: int) -> None:
        """The life of a child: the work once, dead at its touch number ``at``, if that is not 0."""
        settle_in(self.root / "child.log")
        page = Page(self.root / "page", ("touches", *self.stages))
        self.observed(page)
        trip(page, self.data, at)
        self.once()

    @abstractmethod
    def prepare(self) -> None:
        """Make the directory."""

    @abstractmethod
    def more(self) -> None:
        """Give the next child something to do."""

    @abstractmethod
    def observed(self, page: Page) -> None:
        """Let the stages tell the page."""

    @abstractmethod
    def once(self) -> None:
        """Do it."""

    @abstractmethod
    def judge(self) -> None:
        """What must hold after a kill; then do it once unharmed, and see what must hold after that."""
