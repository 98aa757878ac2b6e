"""Read small files that hold one secret each; reject pipes, devices and large files."""

from __future__ import annotations

from pathlib import Path

from monitor.config.diagnostics import ErrorCollector, SourceLocation

MAX_SECRET_FILE_BYTES = 65_536
"""Bytes of a file; tokens and URLs are far shorter."""


class SecretFileError(Exception):
    """A file holds no secret; the message is the end of a sentence."""


def read_secret(path: Path) -> str:
    """Return the text of the file without white space around it. Raises :class:`SecretFileError`."""
    try:
        if path.exists() and not path.is_file():
            raise SecretFileError("it is not a file")
        with path.open("rb") as file:
            body = file.read(MAX_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise SecretFileError(error.strerror or str(error)) from error
    except ValueError as error:
        raise SecretFileError("not a valid file name") from error
    if len(body) > MAX_SECRET_FILE_BYTES:
        raise SecretFileError(f"it has more than {MAX_SECRET_FILE_BYTES} bytes")
    try:
        return body.decode().strip()
    except UnicodeDecodeError as error:
        raise SecretFileError("it is not UTF-8 text") from error


def read_configured_secret(path: Path, location: SourceLocation, collector: ErrorCollector) -> str | None:
    """Return the secret in the file that the value at *location* names; None, and an error, if it cannot be read."""
    try:
        text = read_secret(path)
    except SecretFileError as error:
        collector.add(location, f"{location.display_value()} cannot be read: {error}")
        return None
    if not text:
        collector.add(location, f"{location.display_value()} is empty")
    return text
