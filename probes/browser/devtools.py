"""Calls over a DevTools session that a page load needs: evaluate a script, read a stream, wait with a timeout."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from playwright.async_api import CDPSession

STEP_TIMEOUT_SECONDS = 10.0
"""Longest time for a step that a working browser does at once."""


async def with_timeout(operation: Awaitable[Any]) -> Any:  # noqa: ANN401 - the operation's own result
    """Run *operation* within the timeout of a step. Return None after a timeout, True instead of a result None."""
    try:
        async with asyncio.timeout(STEP_TIMEOUT_SECONDS):
            result = await operation
    except TimeoutError:
        return None
    return True if result is None else result


async def evaluate(session: CDPSession, script: str, isolated_frame_id: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return the value of *script* in the page, or in an isolated world of a frame. Raises playwright's Error."""
    parameters: dict[str, Any] = {"expression": script, "awaitPromise": True, "returnByValue": True}
    if isolated_frame_id:
        world = await session.send("Page.createIsolatedWorld", {"frameId": isolated_frame_id, "worldName": "probe"})
        parameters["contextId"] = world["executionContextId"]
    reply = await session.send("Runtime.evaluate", parameters)
    if "exceptionDetails" in reply:
        raise Error("the script failed in the page")
    return reply["result"].get("value")


async def read_stream(session: CDPSession, handle: str, max_bytes: int) -> bytes | None:
    """Read a DevTools stream to its end and close it; None when it has *max_bytes* or more."""
    parts: list[bytes] = []
    size = 0
    while size < max_bytes:
        reply = await session.send("IO.read", {"handle": handle, "size": 1 << 20})
        data = str(reply["data"])
        parts.append(base64.b64decode(data) if reply.get("base64Encoded") else data.encode())
        size += len(parts[-1])
        if reply["eof"]:
            break
    await session.send("IO.close", {"handle": handle})
    return None if size >= max_bytes else b"".join(parts)
