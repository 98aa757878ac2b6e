"""Write lines to a terminal within its width and encoding, without control characters."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


MIN_WIDTH, MAX_WIDTH = 40, 200

_ASCII_REPLACEMENTS = str.maketrans({"đ": "d", "Đ": "D", "…": "..."})


class ConsoleWriter:
    """Writes to a console: width limited to 40..200, its encoding, no control characters."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = min(max(console.width, MIN_WIDTH), MAX_WIDTH)
        self.unicode = console.encoding.lower().replace("-", "").startswith("utf")

    def sanitize(self, text: str) -> str:
        """Return ``text`` without control characters, and without marks on letters where only ASCII can be shown.

        Certificates, redirects and details come from a portal and are not trusted.
        """
        shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
        if self.unicode:
            return shown
        return unicodedata.normalize("NFKD", shown.translate(_ASCII_REPLACEMENTS)).encode("ascii", "ignore").decode()

    def line(self, *parts: tuple[str, str], indent: int = 0, label: str = "") -> None:
        """Write (text, style) parts after an indent and a dim label; wrapped rows are indented below them."""
        whole = Text()
        for text, style in parts:
            whole.append(self.sanitize(text), style=style)
        front = Text(" " * indent).append(label, style="dim")
        for row in whole.wrap(self.console, self.width - len(front), overflow="fold"):
            row.rstrip()
            self._print(front + row)
            front = Text(" " * len(front))

    def items(self, parts: Sequence[tuple[str, str]], indent: int = 0) -> None:
        """Write parts side by side with two spaces between them; no part is broken over two lines."""
        row = Text(" " * indent)
        for text, style in parts:
            part = Text(self.sanitize(text), style=style)
            if len(row) > indent and row.cell_len + part.cell_len > self.width:
                row.rstrip()
                self._print(row)
                row = Text(" " * indent)
            row = row + part + Text("  ")
        row.rstrip()
        self._print(row)

    def _print(self, row: Text) -> None:
        self.console.print(row, soft_wrap=True, highlight=False)
