"""A long response of a real InfluxDB, however it is cut on the way: whole, or an error."""

from __future__ import annotations

import urllib.parse
import urllib.request
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sinks.influxdb.responses import AdminError, parse_chunked, split_lines
from tests.servers.influxdb import TOKEN, InfluxServer

ROWS = [[number, f'line\nbreak "{number}"', number / 3] for number in range(1, 12)]


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Eleven rows in parts of three, through nginx."""
    with InfluxServer(tmp_path_factory.mktemp("influx")) as server:
        server.create("answers")
        quoted = [(at, text.replace('"', '\\"'), number) for at, text, number in ROWS]
        server.write_raw("\n".join(f'm text="{text}",number={number} {at}' for at, text, number in quoted), "answers")
        parameters = {
            "q": "SELECT text, number FROM m",
            "db": "answers",
            "epoch": "ms",
            "chunked": "true",
            "chunk_size": "3",
        }
        url = f"{server.url}/query?{urllib.parse.urlencode(parameters)}"
        request = urllib.request.Request(url, headers={"Authorization": f"Token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=10.0) as answer:
            whole: bytes = answer.read()
            return whole


def rows(pieces: list[bytes]) -> list[list[object]]:
    return [row for _, values in parse_chunked(split_lines(pieces)) for row in values]


@given(cuts=st.lists(st.integers(0, 2000), max_size=30))
def test_an_answer_is_the_same_in_pieces_of_any_size(body: bytes, cuts: list[int]):
    edges = [0, *sorted(cuts), len(body)]
    pieces = [body[first:last] for first, last in pairwise(edges)]
    assert rows(pieces) == ROWS
    assert [len(values) for _, values in parse_chunked(split_lines(pieces))] == [3, 3, 3, 2]


def test_an_answer_that_ends_too_early_is_an_error_wherever_it_ends(body: bytes):
    """Between two parts as well: each announces another one."""
    for end in range(len(body.rstrip())):
        with pytest.raises(AdminError, match="truncated"):
            rows([body[:end]])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"results":[{"statement_id":0,"error":"query interrupted"}]}\n', "failed: query interrupted"),
        (b'{"error":"timeout"}\n', "is not InfluxQL"),
        (b"<html>502</html>\n", "not JSON"),
        (b"[]\n", "is not InfluxQL"),
        (b"", "the /query response is truncated"),
    ],
)
def test_what_is_no_response_is_an_error(body: bytes, answer: bytes, words: str):
    with pytest.raises(AdminError, match=words):
        rows([body[: body.index(b"\n") + 1], answer])


def test_nothing_found_is_an_answer():
    assert rows([b'{"results":[{"statement_id":0}]}\n']) == []
