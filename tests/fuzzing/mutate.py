"""Mutations: of bytes, and of plain data, which stay well-formed and go wrong deeper."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

from tests.fuzzing.surface import Draw

MARK = "<zzq'\"&>"
"""Stands in whatever a stranger may write; on a page of ours it must come back escaped."""

WORDS = (
    *(b"", b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\t", b"\r", b"\n\n", b" ", b"'", b'"', b"\\"),
    *(
        b"-1",
        b"0",
        b"1e999",
        b"NaN",
        b"-Infinity",
        b"9" * 400,
        b"1" * 5000,
        b"0x",
        b"true",
        b"null",
        b"~",
        b"2026-02-30",
    ),
    *(b"${", b"${WORD}", b"${NOBODY}", b"${BYTES}", b"$${", b"&a ", b"*a", b"<<: *a\n", b"? [a]\n: b\n", b"!!int ''"),
    *(
        b"!!bool x",
        b"!!timestamp x",
        b"!!float ''",
        b"!!binary x",
        b"!!map x",
        b"!!set {a}",
        b"!!python/name:os.system",
    ),
    *(b"? !!str [a]\n: b\n", b"%YAML 9.9\n---\n", b"---\n", b"...\n", b"[" * 3000, b"{a: " * 900, b"- " * 900, b"|2\n"),
    *(b"{", b"}", b"[", b"]", b":", b",", b";", b"#", b"\xe2\x80\xa8", b"\xf0\x9f\x92\xa9", b"\\ud800", b"\\u0000"),
    MARK.encode(),
)
"""What readers stumble over: of YAML, JSON, CSV and HTTP."""

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**30, 10**400, -0.0, 5e-324, 1e308, float("inf"), float("nan"), 0.1),
    *("", " ", "\t", "x", "é", "Đ", "\u202e", "\U0001f4a9", "a" * 70, "a" * 3000, MARK, "-1", "0", "1e999", "1e308s"),
    *(
        "9" * 5000,
        "1e300d",
        "0.0001ms",
        "99999999999d",
        "nan",
        "inf",
        "-5m",
        "24:00",
        "25:61",
        "²:00",
        "9999-12-31 23:59",
    ),
    *(
        "0001-01-01 00:00",
        "2026-02-30",
        "2026-W53",
        "all",
        "home",
        "up",
        "${WORD}",
        "${BYTES}",
        "${NOBODY}",
        "${",
        "$${",
    ),
    *("http://[::1", "http://a:99999/", "https://xn--a/", "http://127.1/", "http://\u00e9.example/", "ftp://a/", "//a"),
    *(
        "/",
        "/a/../..",
        "../../etc/passwd",
        "/dev/zero",
        "/proc/self/mem",
        "a\0b",
        ".",
        "..",
        "json://",
        "mailto://:@:x",
    ),
    *("tgram://x", "Asia", "../UTC", "Asia/Ho_Chi_Minh", "(", "(?P<a", "[a-", "\\", "(a+)+$", "prober", "127.0.0.1:0"),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, ["all"], [MARK], list(range(50))),
)
"""Values that fit nowhere, or nearly."""

DATES: tuple[Any, ...] = (
    *(date.min, date.max, date(2026, 2, 28), b"\xff\0"),
    *(datetime.min, datetime(9999, 12, 31, 23)),  # noqa: DTZ001, DTZ901 - as YAML gives them
)
"""The same of the types that only YAML has."""


def bytes_of(draw: Draw, body: bytes) -> bytes:
    """``body`` with one to four places mutated."""
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        body = draw.choice(_SPOIL)(draw, body)
    return body


def _cut(draw: Draw, body: bytes) -> tuple[int, int]:
    start = draw.randrange(len(body) + 1)
    return start, min(len(body), start + draw.choice((1, 2, 8, 40, 400)))


def _flip(draw: Draw, body: bytes) -> bytes:
    if not body:
        return body
    place = draw.randrange(len(body))
    return body[:place] + bytes([body[place] ^ 1 << draw.randrange(8)]) + body[place + 1 :]


def _insert(draw: Draw, body: bytes) -> bytes:
    place = draw.randrange(len(body) + 1)
    return body[:place] + draw.choice(WORDS) + body[place:]


def _replace(draw: Draw, body: bytes) -> bytes:
    start, end = _cut(draw, body)
    return body[:start] + draw.choice(WORDS) + body[end:]


def _remove(draw: Draw, body: bytes) -> bytes:
    start, end = _cut(draw, body)
    return body[:start] + body[end:]


def _double(draw: Draw, body: bytes) -> bytes:
    start, end = _cut(draw, body)
    return body[:end] + body[start:end] * draw.choice((1, 1, 2, 30)) + body[end:]


def _end(draw: Draw, body: bytes) -> bytes:
    return body[: draw.randrange(len(body) + 1)]


def value_of(draw: Draw, body: bytes, values: Sequence[bytes]) -> bytes:
    """One of ``values`` stands where a line of ``key: value`` had its value."""
    lines = body.split(b"\n")
    places = [number for number, line in enumerate(lines) if b": " in line]
    if places:
        number = draw.choice(places)
        lines[number] = lines[number].partition(b": ")[0] + b": " + draw.choice(values)
    return b"\n".join(lines)


def _line(draw: Draw, body: bytes) -> bytes:
    """A line goes to another place, or comes again."""
    lines = body.split(b"\n")
    line = draw.choice(lines)
    if draw.random() < 0.5:
        lines.remove(line)
    lines.insert(draw.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


_SPOIL: Sequence[Callable[[Draw, bytes], bytes]] = (_flip, _insert, _replace, _remove, _double, _end, _line)


def data_of(draw: Draw, data: Any, odd: Sequence[Any] = ODD) -> Any:  # noqa: ANN401 - plain data of any form
    """A copy of ``data`` with one to three values mutated."""
    for _ in range(draw.choice((1, 1, 2, 3))):
        data = _mutated(draw, data, _way(draw, data), odd)
    return data


def _way(draw: Draw, data: Any) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """The way to some value inside; aliases make some of them endless, so that no list is made of all ways."""
    way: list[Any] = []
    while isinstance(data, dict | list) and data and draw.random() < 0.85:
        step = draw.choice(list(data)) if isinstance(data, dict) else draw.randrange(len(data))
        way.append(step)
        data = data[step]
    return tuple(way)


def _mutated(draw: Draw, data: Any, way: tuple[Any, ...], odd: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    if way:
        step, rest = way[0], way[1:]
        made = dict(data) if isinstance(data, dict) else list(data)
        made[step] = _mutated(draw, data[step], rest, odd)
        return made
    return draw.choice(_CHANGES)(draw, data, odd)


def _other(draw: Draw, _data: Any, odd: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    return draw.choice(odd)


def _without(draw: Draw, data: Any, odd: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    if isinstance(data, dict) and data:
        gone = draw.choice(list(data))
        return {key: value for key, value in data.items() if key != gone}
    if isinstance(data, list) and data:
        gone = draw.randrange(len(data))
        return data[:gone] + data[gone + 1 :]
    return _other(draw, data, odd)


def _with(draw: Draw, data: Any, odd: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    """One more member: an odd one, or one of its own under another name; sometimes hundreds."""
    many = draw.choice((1, 1, 1, 300))
    if isinstance(data, dict):
        value = draw.choice([*data.values(), draw.choice(odd)])
        name = draw.choice([*map(str, data), "x", "", MARK, "1", "<<"])
        return data | {f"{name}{number or ''}"[:80]: value for number in range(many)} | {name: value}
    if isinstance(data, list):
        return data + [draw.choice([*data, draw.choice(odd)])] * many
    return [data]


def _turned(draw: Draw, data: Any, odd: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    """The same as text, in a list, in a mapping, longer, negative."""
    if isinstance(data, str):
        return draw.choice((data + draw.choice("x \0\n/:@%<"), data.upper(), data[::-1], data * 50, data[:-1], [data]))
    if isinstance(data, int | float) and not isinstance(data, bool):
        return draw.choice((-data, repr(data)[:5000], data + 1, [data], {"a": data}))
    return draw.choice(([data], {"a": data}, draw.choice(odd)))


_CHANGES: Sequence[Callable[[Draw, Any, Sequence[Any]], Any]] = (_other, _other, _without, _with, _turned)


def json_of(draw: Draw, body: bytes) -> bytes:
    """JSON mutated as data, with the numbers that JSON has no word for, or as bytes."""
    if draw.random() < 0.3:
        return bytes_of(draw, body)
    try:
        text = json.dumps(data_of(draw, json.loads(body), (*ODD, "\ud800", "a\0")), ensure_ascii=draw.random() < 0.5)
    except (ValueError, RecursionError):
        return draw.choice(WORDS)  # a number too long to be written
    return text.encode("utf-8", "surrogatepass")
