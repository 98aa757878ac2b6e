"""Sanitize text from a portal for storage and display: one line of whole, visible characters; a pure function."""

from __future__ import annotations


def sanitize(text: str) -> str:
    """Replace each other kind of space in *text* by a blank, and control, invisible and half characters by U+FFFD.

    Bytes that are not UTF-8 arrive as lone surrogates, which no database, page or terminal accepts.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in text)
