"""Small files that hold one secret each: read whole, or refused with a reason; never a pipe, a device or a flood."""

from __future__ import annotations

from pathlib import Path

MAX_SECRET_FILE_BYTES = 65_536
"""Bytes of a file; tokens and addresses are far shorter."""


class SecretFileError(Exception):
    """There is no secret in this file; the message is a part of a sentence."""


def read_secret(path: Path) -> str:
    """The text of the file without white space around it. Raises :class:`UnreadableError`."""
    try:
        if path.exists() and not path.is_file():
            raise SecretFileError("it is not a file")
        with path.open("rb") as file:
            body = file.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise SecretFileError(error.strerror or str(error)) from error
    except ValueError as error:
        raise SecretFileError("this is no name of a file") from error
    if len(body) > MAX_SECRET_FILE_BYTES:
        raise SecretFileError(f"it has more than {MAX_SECRET_FILE_BYTES} bytes")
    try:
        return body.decode().strip()
    except UnicodeDecodeError as error:
        raise SecretFileError("it is not UTF-8 text") from error
