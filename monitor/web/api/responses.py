"""JSON responses of the API."""

from __future__ import annotations

import json

from aiohttp import web


def to_json(value: object) -> str:
    """Return ``value`` as JSON text, with letters of all languages unescaped."""
    return json.dumps(value, ensure_ascii=False)


def json_response(body: bytes, status: int = 200) -> web.Response:
    """Return a response with a JSON body that caches must revalidate."""
    headers = {"Cache-Control": "no-cache"}
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8", headers=headers)


def error_response(status: int, error: str) -> web.Response:
    """Return an error as JSON: one sentence under ``error``."""
    return json_response(to_json({"error": error}).encode(), status)
