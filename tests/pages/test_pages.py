"""The fixture pages are the same bytes every time, and weigh what pages of portals weigh."""

from __future__ import annotations

import gzip
import hashlib
import io
import struct
import time
import urllib.request

import pytest
from PIL import Image

from tests.pages.media import LETTERS, banner, font, photograph
from tests.pages.site import JPEG, PAGES, answers
from tests.servers.site import serve_site

THIRD = "http://127.0.0.2:1"


def test_every_page_is_answered_and_names_only_what_is_there():
    known = answers(THIRD)
    for name in PAGES:
        text = known[f"/{name}"].body.decode()
        for path in (part.partition('"')[0] for part in text.replace(THIRD, "").split('src="')[1:]):
            assert path in known, f"{name} names {path}"


def test_the_bytes_are_the_same_every_time():
    def mark() -> str:
        texts = sorted((path, each.body) for path, each in answers(THIRD).items() if each.content_type != JPEG)
        return hashlib.sha256(repr(texts).encode()).hexdigest()

    first = mark()
    for made in (answers, font, photograph, banner):
        made.cache_clear()
    assert mark() == first


@pytest.mark.parametrize("seed", range(3))
def test_images_are_images(seed: int):
    for data in (photograph(seed, 320, 200), banner(seed, 320, 200)):
        assert Image.open(io.BytesIO(data)).size == (320, 200)


def test_the_font_holds_every_character():
    tables = dict(_tables(font()))
    assert {b"cmap", b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp", b"name", b"post", b"OS/2"} == set(tables)
    assert struct.unpack_from(">H", tables[b"maxp"], 4) == (len(LETTERS) + 1,)


def _tables(data: bytes) -> list[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">H", data, 4)
    found = []
    for index in range(count):
        tag, _, offset, length = struct.unpack_from(">4sLLL", data, 12 + 16 * index)
        found.append((tag, data[offset : offset + length]))
    return found


def test_texts_travel_compressed_and_weigh_what_they_do_on_portals():
    sent = {path: len(gzip.compress(each.body)) for path, each in answers(THIRD).items() if each.text}
    assert 20_000 < sent["/style.css"] < 60_000
    assert 60_000 < sent["/app.js"] < 150_000


def test_both_hosts_answer_late_and_compressed():
    with serve_site() as site:
        for origin in (site.origin, site.third):
            began = time.monotonic()
            with urllib.request.urlopen(f"{origin}/text") as answer:
                body = answer.read()
            assert time.monotonic() - began >= 0.12
            assert answer.headers["Content-Encoding"] == "gzip"
            assert b"<!doctype html>" in gzip.decompress(body)
        assert site.page("hero").startswith(site.origin)
