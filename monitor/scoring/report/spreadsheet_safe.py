"""Text of others in a cell of a spreadsheet: never a formula, never a control character."""

from __future__ import annotations

_FULLWIDTH_PREFIXES = (
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULLWIDTH_PREFIXES)
"""What a spreadsheet may take for the beginning of a formula, full-width forms included."""

_MAX_CELL_CHARACTERS = 32_767
"""Characters that a cell of a workbook holds."""


def neutralize(text: str) -> str:
    """``text`` with an apostrophe before what would begin a formula, and blanks for characters that control.

    Blanks at the front do not hide it: a spreadsheet may strip them.
    """
    told = text
    if not text.isprintable():
        told = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    begins = told.startswith(FORMULA_PREFIXES) or told.lstrip().startswith(FORMULA_PREFIXES)
    return (f"'{told}" if begins else told)[:_MAX_CELL_CHARACTERS]
