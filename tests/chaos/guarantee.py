"""The result of a long test: a guarantee, the test of it, how many cases were tried, and those that broke it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SOAK = "## Soak"
"""The last heading of ``docs/reliability.md``: the soak has a separate command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """One line of ``docs/reliability.md``. ``measured`` is the result, where a guarantee has a number."""

    part: str
    text: str
    test: str
    cases: int
    broken: tuple[str, ...] = ()
    measured: str = ""


def table(guarantees: Iterable[Guarantee]) -> str:
    """The guarantees as Markdown, a table for each part."""
    lines: list[str] = []
    part = ""
    for one in guarantees:
        if one.part != part:
            part = one.part
            lines += [
                "",
                f"## {part}",
                "",
                "| guarantee | tested by | cases | measured | broken |",
                "|---|---|---|---|---|",
            ]
        cells = (one.text, f"`{one.test}`", f"{one.cases:,}", one.measured or "-", str(len(one.broken)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).strip() + "\n"


def write_parts(path: Path, text: str) -> None:
    """Write the page anew; keep the section of the soak."""
    _, heading, rest = _read(path).partition(SOAK)
    path.write_text(text + (f"\n{heading}{rest}" if heading else ""))


def write_soak(path: Path, section: str) -> None:
    """Write the section of the soak at the end of the page; keep the rest."""
    before = _read(path).partition(SOAK)[0].rstrip()
    path.write_text((f"{before}\n\n" if before else "") + section)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""
