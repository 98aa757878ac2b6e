"""Neutralize untrusted text in spreadsheet cells: no formulas (CSV injection), no control characters."""

from __future__ import annotations

_FULLWIDTH_PREFIXES = (
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r", "\n", *_FULLWIDTH_PREFIXES)
"""Prefixes that a spreadsheet may parse as a formula, full-width forms included."""

_MAX_CELL_CHARACTERS = 32_767
"""Maximum length of a cell in a workbook."""


def neutralize(text: str) -> str:
    """Return *text* with an apostrophe before a formula prefix, and control characters replaced by spaces.

    A prefix behind leading spaces counts too, because a spreadsheet may strip them.
    """
    safe = text
    if not text.isprintable():
        safe = "".join(one if one.isprintable() or one == "\n" else " " for one in text)
    is_formula = safe.startswith(FORMULA_PREFIXES) or safe.lstrip().startswith(FORMULA_PREFIXES)
    return (f"'{safe}" if is_formula else safe)[:_MAX_CELL_CHARACTERS]
