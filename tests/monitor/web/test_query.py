"""Searches find what a person means, and links keep what was asked for."""

from __future__ import annotations

import pytest

from monitor.web.pages.query import Query, matches, plain
from tests import factories

DA_NANG = factories.portal(id="da-nang", name_vi="Thành phố Đà Nẵng", name_en="Da Nang City", code="H17")


@pytest.mark.parametrize(
    "search", ["da nang", "ĐÀ NẴNG", "đà", "nang thanh", "city", "h17", "da-nang", "da-nang.example.gov.vn", "", "Nẵng"]
)
def test_a_search_finds_id_code_names_and_address_whatever_the_accents(search: str):
    assert matches(DA_NANG, plain(search).split())


@pytest.mark.parametrize("search", ["hue", "da nang hue", "h18"])
def test_a_search_needs_all_of_its_words(search: str):
    assert not matches(DA_NANG, plain(search).split())


def test_decomposed_letters_are_the_same_letters():
    assert plain("Nẵng") == plain("Nẵng") == "nang"


def test_links_carry_search_filters_and_a_language_that_is_not_the_default():
    query = Query.read({"q": " đà nẵng ", "state": "down", "kind": "province", "lang": "en"}, "vi")
    assert query.fleet() == "/?q=%C4%91%C3%A0+n%E1%BA%B5ng&state=down&kind=province&lang=en"
    assert query.spoken("vi").fleet() == "/?q=%C4%91%C3%A0+n%E1%BA%B5ng&state=down&kind=province"
    assert query.only("").portal("a/b") == "/portals/a%2Fb?lang=en"
    assert query.home() == "/?lang=en"


def test_what_makes_no_sense_is_left_out():
    query = Query.read({"state": "burning", "kind": "x", "lang": "fr", "q": "x" * 500}, "vi")
    assert (query.state, query.kind, query.language, len(query.search)) == ("", "", "vi", 100)
    assert Query.read({"q": "đà\0 nẵng\u2028\x1b"}, "vi").search == "đà nẵng"
