"""Mutated requests, byte for byte over a real socket: never a 5xx, always our headers, nothing handed back raw."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from monitor.web.app import SECURITY_HEADERS
from tests.factories import SLOT
from tests.fuzzing import mutate
from tests.fuzzing.served import TOKEN, Served, served
from tests.fuzzing.surface import Case, Draw, Surface
from tests.monitor.web.incident_scene import FAULTS, incident_of

PATHS = (
    *(
        "/",
        "/",
        "/portals/da-nang",
        "/portals/evil",
        "/incidents",
        "/incidents/{incident}",
        "/static/style.css",
        "/nothing",
    ),
    *(
        "/api/v1/portals",
        "/api/v1/measurements",
        "/api/v1/measurements",
        "/api/v1/incidents",
        "/api/v1/incidents/{incident}",
    ),
    *(
        "/api/openapi.json",
        "/screenshots/da-nang/mobile/{slot}/00.webp",
        "/metrics",
        "/probe",
        "/probe",
        "/config",
        "/-/healthy",
    ),
    *("/-/ready", "/-/reload", "/api/", "/api/v2", "/portals/{odd}", "/incidents/{odd}", "/api/v1/incidents/{odd}"),
    *("/screenshots/da-nang/mobile/{odd}/00.webp", "/static/{odd}", "/{odd}"),
)
PARAMETERS = (
    *(
        "portal",
        "check",
        "kind",
        "since",
        "until",
        "limit",
        "open",
        "lang",
        "q",
        "state",
        "target",
        "module",
        "v",
        "id",
    ),
    *("", mutate.MARK, "\u0111"),
)
VALUES = (
    *("da-nang", "evil", "bo-y-te", "uptime", "latency", "http_2xx", "-1h", "now", "0", "2026-08-01T00:00:00Z", "1"),
    *(
        "5000",
        "true",
        "false",
        "vi",
        "en",
        "down",
        "province",
        "https://da-nang.example.gov.vn/",
        "\u0110\u00e0 N\u1eb5ng",
    ),
    *(
        "-" + "1" * 7000 + "x",
        "9" * 4500,
        "https://[",
        "http://a:b@c:99999/",
        "//",
        "http://xn--/",
        "\u2028",
        "%",
        "a b",
    ),
)
HEADS = (
    *(
        "Accept: text/html",
        "Accept-Encoding: gzip, br",
        "Range: bytes=0-1",
        "Range: bytes=9-",
        "Range: x",
        "Expect: 100-continue",
    ),
    *(
        "Expect: mad",
        "If-Modified-Since: Mon, 99 Foo 99999 99:99:99 GMT",
        'If-None-Match: "x"',
        "Origin: http://elsewhere.example",
    ),
    *(
        f"Authorization: Bearer {TOKEN}",
        "Authorization: Basic \u00ff",
        "Content-Type: multipart/form-data",
        "Upgrade: websocket",
    ),
    *(
        "Transfer-Encoding: chunked",
        "Content-Length: 5",
        "Content-Length: -1",
        "Content-Length: 99999999999",
        "Cookie: a=\u00ff",
    ),
    *(
        f"X-Forwarded-Host: {mutate.MARK}",
        f"Referer: {mutate.MARK}",
        "Connection: keep-alive",
        ": empty",
        "No colon",
        " folded: x",
    ),
)
METHODS = ("GET",) * 40 + (
    "HEAD",
    "POST",
    "PUT",
    "OPTIONS",
    "DELETE",
    "TRACE",
    "CONNECT",
    "get",
    "G\u00e9T",
    mutate.MARK,
)

_HTML = "text/html; charset=utf-8"
_JSON = "application/json; charset=utf-8"
_PLAIN = "text/plain; charset=utf-8"
_TIMEOUT = 20.0


def request_of(draw: Draw) -> bytes:
    """A request to one of our addresses, more or less wrong."""
    odd = _coded(draw, draw.choice((draw.choice(VALUES), _value(draw))))
    path = draw.choice(PATHS).format(incident=incident_of(draw.choice(FAULTS)), slot=SLOT, odd=odd)
    if draw.random() < 0.2:
        path = _path(draw, path)
    pairs = [(draw.choice(PARAMETERS), _value(draw)) for _ in range(draw.choice((0, 0, 1, 1, 2, 5)))]
    query = "&".join(f"{_coded(draw, name)}={_coded(draw, value)}" for name, value in pairs)
    target = f"{path}?{query}" if query else path
    heads = draw.sample(HEADS, draw.choice((0, 0, 0, 0, 0, 0, 1, 2)))
    lines = [f"{draw.choice(METHODS)} {target} HTTP/1.1", "Host: status.example", "Connection: close", *heads, "", ""]
    whole = "\r\n".join(lines).encode("utf-8", "surrogateescape")
    return mutate.bytes_of(draw, whole) if draw.random() < 0.15 else whole


def _path(draw: Draw, path: str) -> str:
    parts = path.split("/")
    parts[draw.randrange(len(parts))] = _coded(
        draw, draw.choice((draw.choice(VALUES), draw.choice(VALUES), _value(draw), "..", "\udcff"))
    )
    return "/".join(parts)


def _value(draw: Draw) -> str:
    odd = draw.choice(mutate.ODD)
    odd = odd if isinstance(odd, str) else repr(odd) if not isinstance(odd, int) else f"{odd:x}"
    return draw.choice((draw.choice(VALUES), draw.choice(VALUES) + mutate.MARK, odd))[:7000]


def _coded(draw: Draw, text: str) -> str:
    """In the form that a browser gives it, half of it, twice, or none at all."""
    way = draw.random()
    if way < 0.85:
        return quote(text, safe="", errors="surrogateescape")
    if way < 0.92:
        return quote(quote(text, safe="", errors="surrogateescape"))
    return text.replace(" ", "+").replace("\r", "").replace("\n", "") if way < 0.95 else "%ED%A0%80%FF%00%2F%zz%"


def check_response(address: str, request: bytes) -> None:
    """Send the request and raise AssertionError if the response is not one of ours; an incomplete one needs none."""
    where = urlsplit(address)
    whole = b"\r\n\r\n" in request.lstrip(b"\r\n")
    with socket.create_connection((where.hostname or "", where.port or 0), _TIMEOUT) as connection:
        with suppress(ConnectionResetError, BrokenPipeError):  # it may close while we still send
            connection.sendall(request)
        if not whole:
            connection.shutdown(socket.SHUT_WR)
        method = request.split(b" ", 1)[0].decode("latin-1")
        answer = http.client.HTTPResponse(connection, method=method)
        try:
            answer.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            assert not whole, "no answer"
            return
        with answer:
            body = answer.read()
    assert answer.status < 500 or (answer.status == 503 and body == b"not probed yet\n"), (answer.status, body[:200])
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_all(name) == [value], (answer.status, name, answer.headers.get_all(name))
    _check_body(method, answer.status, answer.headers.get("Content-Type", ""), body)


def _check_body(method: str, status: int, content_type: str, body: bytes) -> None:
    assert b"Traceback" not in body
    if content_type == _JSON and method != "HEAD":
        json.loads(body)
    elif content_type == _HTML:
        assert mutate.MARK.encode() not in body, "handed back raw"
        assert b"\0" not in body
    elif content_type != _JSON:
        known = (_PLAIN, "text/plain; version=0.0.4; charset=utf-8", "text/css; charset=utf-8", "image/webp")
        assert content_type in known or (status in {304, 417} and content_type in {"", _PLAIN}), (status, content_type)


def _case(server: Served, draw: Draw) -> None:
    request = request_of(draw)
    server.stage.clock.seconds += 2  # or most pages would be those of the case before
    calls, rows = server.stage.calls, server.stage.journal.last_seq
    check_response(server.address, request)
    assert server.stage.journal.last_seq == rows, "a request wrote a row"
    allowed = TOKEN.encode() in request and request.startswith(b"POST")
    assert allowed or server.stage.calls == calls, "a request without the token made it reload"


@contextmanager
def _open(scratch: Path) -> Iterator[Case]:
    scratch.mkdir()
    with served(scratch) as server:
        yield partial(_case, server)


SURFACES = (
    Surface(
        name="requests",
        contract="Mutated requests to every route: no 5xx, our headers, a known content type, nothing handed back raw",
        cases=7000,
        open=_open,
    ),
)
