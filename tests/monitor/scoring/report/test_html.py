"""HTML: whole without anything else, well formed, with headings and tables that a screen reader can walk."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from monitor.scoring.report.html import html_files
from monitor.scoring.report.html_texts import REPORT_TEXTS
from monitor.scoring.report.report import LANGUAGES
from tests.monitor.scoring.report import parts

VOID = {"meta", "link", "img", "br", "input", "hr"}
SHAPES = {"line", "rect", "circle", "path"}


class Reader(HTMLParser):
    """Takes a page apart and complains of what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.stack: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()
        assert self.stack == [], "what was opened is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute is there twice in <{tag}>"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SHAPES, f"<{tag}/> does not close itself in HTML"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=LANGUAGES)
def site(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    return request.param, {name: body.decode() for name, body in html_files(parts.report(request.param))}


Site = tuple[str, Mapping[str, str]]


def test_there_is_a_page_over_all_and_one_a_portal(site: Site):
    assert list(site[1]) == ["html/index.html", *(f"html/portals/{one.id}.html" for one in parts.portals())]


def test_pages_are_well_formed_and_say_their_language(site: Site):
    language, pages = site
    for page in pages.values():
        assert page.startswith("<!doctype html>")
        found = Reader(page)
        assert found.all("html") == [{"lang": language}]
        assert len(found.all("title")) >= 1
        ids = [told["id"] for _, told in found.tags if "id" in told]
        assert len(ids) == len(set(ids))
        links = {(told.get("href") or "")[1:] for told in found.all("a") if (told.get("href") or "").startswith("#")}
        labels = {told["aria-labelledby"] for _, told in found.tags if "aria-labelledby" in told}
        assert (links | labels) <= set(ids)


def test_headings_go_down_step_by_step(site: Site):
    for page in site[1].values():
        levels = [int(tag[1]) for tag, _ in Reader(page).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_header_of_a_table_has_a_scope_and_every_picture_its_words(site: Site):
    for page in site[1].values():
        found = Reader(page)
        assert all(told.get("scope") in {"col", "row", "rowgroup"} for told in found.all("th"))
        assert all(told.get("role") == "img" and told.get("aria-label") for told in found.all("svg"))
        assert all(told.get("alt") for told in found.all("img"))


def test_nothing_is_fetched_from_anywhere(site: Site):
    for page in site[1].values():
        found = Reader(page)
        assert not found.all("script")
        assert not found.all("link")
        assert all((told["src"] or "").startswith("data:image/") for told in found.all("img"))
        assert "url(" not in page
        assert "@import" not in page


def test_links_between_pages_lead_somewhere(site: Site):
    pages = site[1]
    for name, page in pages.items():
        for told in Reader(page).all("a"):
            target = told["href"] or ""
            if not target.startswith("#"):
                base = ["html", "portals"] if "portals" in name else ["html"]
                path = "/".join([*base, target]).replace("portals/../", "")
                assert path in pages


def test_text_of_others_is_escaped():
    portal = parts.portal("hue", name_vi="<script>alert(1)</script>", name_en="x")
    report = parts.report(portals=(portal, *parts.portals()[1:]))
    for _, body in html_files(report):
        assert b"<script" not in body


def test_a_portals_page_tells_place_basis_and_what_would_help(site: Site):
    language, pages = site
    text = " ".join(" ".join(Reader(pages["html/portals/lao-cai.html"]).text).split())
    assert REPORT_TEXTS["changes"].localize(language) in text
    assert ("thêm 10 điểm" if language == "vi" else "10 points more") in text
    assert ("dưới 2,5 s" if language == "vi" else "below 2.5 s") in text
    assert ("theo văn bản chính thức: giới hạn" if language == "vi" else "official: limit") in text
    assert ("hạng 4 trên 4" if language == "vi" else "rank 4 of 4") in text
    assert REPORT_TEXTS["grade"].localize(language) in text
    film = Reader(pages["html/portals/hue.html"]).all("img")
    assert [told["src"] for told in film] == ["data:image/webp;base64,UklGRg=="]


def test_a_merged_portal_leads_to_the_one_it_became(site: Site):
    language, pages = site
    gone = pages["html/portals/yen-bai.html"]
    assert 'href="lao-cai.html"' in gone
    assert ("không chấm" if language == "vi" else "not scored") in gone


def test_a_new_name_changes_the_words_and_no_figure():
    before, after = parts.report(), parts.renamed(parts.report(), "hue", "Thành phố Huế")
    old, new = (dict(html_files(one))["html/portals/hue.html"].decode() for one in (before, after))
    assert "<h1>Thành phố Huế</h1>" in new
    figures = r"\d+,\d+"
    assert re.findall(figures, old) == re.findall(figures, new)


def test_a_period_without_data_says_so_and_shows_no_figure():
    pages = {name: body.decode() for name, body in html_files(parts.empty())}
    assert REPORT_TEXTS["empty"].vi in pages["html/index.html"]
    assert REPORT_TEXTS["nobody"].vi in pages["html/index.html"]
    for page in pages.values():
        found = Reader(page)
        assert not found.all("svg")
        assert "không đủ dữ liệu" in page or "không chấm" in page


def test_every_word_is_there_in_both_languages():
    for key, text in REPORT_TEXTS.items():
        assert text.vi, key
        assert text.en, key
        assert set(re.findall(r"\{\w+\}", text.vi)) == set(re.findall(r"\{\w+\}", text.en)), key
