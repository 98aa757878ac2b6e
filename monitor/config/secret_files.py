"""Small files that hold one secret each: read whole, or refused with a reason; never a pipe, a device or a flood."""

from __future__ import annotations

from pathlib import Path

LONGEST = 65_536
"""Bytes of a file; tokens and addresses are far shorter."""


class UnreadableError(Exception):
    """There is no secret in this file; the message is a part of a sentence."""


def secret_in(path: Path) -> str:
    """The text of the file without white space around it. Raises :class:`UnreadableError`."""
    try:
        if path.exists() and not path.is_file():
            raise UnreadableError("it is not a file")
        with path.open("rb") as file:
            body = file.read(LONGEST + 1)
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
    except ValueError as error:
        raise UnreadableError("this is no name of a file") from error
    if len(body) > LONGEST:
        raise UnreadableError(f"it has more than {LONGEST} bytes")
    try:
        return body.decode().strip()
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8 text") from error
