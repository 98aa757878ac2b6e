"""Searches find what a person means, and links keep what was asked for."""

from __future__ import annotations

import pytest

from monitor.web.pages.query import PageQuery, matches, normalize
from tests import factories

DA_NANG = factories.portal(id="da-nang", name_vi="Thành phố Đà Nẵng", name_en="Da Nang City", code="H17")


@pytest.mark.parametrize(
    "search", ["da nang", "ĐÀ NẴNG", "đà", "nang thanh", "city", "h17", "da-nang", "da-nang.example.gov.vn", "", "Nẵng"]
)
def test_a_search_finds_id_code_names_and_address_whatever_the_accents(search: str):
    assert matches(DA_NANG, normalize(search).split())


@pytest.mark.parametrize("search", ["hue", "da nang hue", "h18"])
def test_a_search_needs_all_of_its_words(search: str):
    assert not matches(DA_NANG, normalize(search).split())


def test_decomposed_letters_are_the_same_letters():
    assert normalize("Nẵng") == normalize("Nẵng") == "nang"


def test_links_keep_search_filters_and_a_language_that_is_not_the_default():
    query = PageQuery.parse({"q": " đà nẵng ", "state": "down", "kind": "province", "lang": "en"}, "vi")
    assert query.fleet_url() == "/?q=%C4%91%C3%A0+n%E1%BA%B5ng&state=down&kind=province&lang=en"
    assert query.with_language("vi").fleet_url() == "/?q=%C4%91%C3%A0+n%E1%BA%B5ng&state=down&kind=province"
    assert query.with_state("").portal_url("a/b") == "/portals/a%2Fb?lang=en"
    assert query.home_url() == "/?lang=en"


def test_invalid_parameters_are_ignored():
    query = PageQuery.parse({"state": "burning", "kind": "x", "lang": "fr", "q": "x" * 500}, "vi")
    assert (query.state, query.kind, query.language, len(query.search)) == ("", "", "vi", 100)
    assert PageQuery.parse({"q": "đà\0 nẵng\u2028\x1b"}, "vi").search == "đà nẵng"
