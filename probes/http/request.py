"""The bytes of a request, and the character set of a response; pure functions."""

from __future__ import annotations

import functools
from email.message import Message
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL


def encode_request(method: str, url: URL, headers: Mapping[str, str], cookies: str) -> bytes:
    """Encode a request without a body, for a connection used once; *cookies* are added to a Cookie header.

    Of two headers whose names differ only in case the later one is sent. *headers* may contain Host.
    """
    lines = {"host": f"Host: {url.host_port_subcomponent}", "accept": "Accept: */*"}
    for name, value in headers.items():
        lines[name.lower()] = f"{name}: {value}"
    if cookies:
        lines["cookie"] = f"{lines['cookie']}; {cookies}" if "cookie" in lines else f"Cookie: {cookies}"
    lines.setdefault("connection", "Connection: close")
    return "\r\n".join((f"{method} {url.raw_path_qs} HTTP/1.1", *lines.values(), "", "")).encode()


@functools.lru_cache(maxsize=256)
def parse_charset(content_type: str) -> str:
    """Return the character set that a Content-Type names, utf-8 when it names none."""
    message = Message()
    message["Content-Type"] = content_type.encode("ascii", "replace").decode()
    return message.get_content_charset() or "utf-8"
