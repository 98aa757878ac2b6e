"""Text that a portal wrote, made fit to be kept and shown: one line of whole, visible characters; a pure function."""

from __future__ import annotations


def sanitize(text: str) -> str:
    """``text`` with a blank for each other kind of space and U+FFFD for what controls, hides, or is half a character.

    Bytes that are no UTF-8 reach us as lone surrogates, which no database, page or terminal takes.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in text)
