"""HTML: self-contained, well formed, with headings and tables that a screen reader can navigate."""

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

EMPTY_ELEMENTS = {"meta", "link", "img", "br", "input", "hr"}
SHAPES = {"line", "rect", "circle", "path"}


class Reader(HTMLParser):
    """Parses a page and checks that every element is closed."""

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
        if tag not in EMPTY_ELEMENTS:
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


def test_pages_are_well_formed_and_declare_their_language(site: Site):
    language, pages = site
    for page in pages.values():
        assert page.startswith("<!doctype html>")
        found = Reader(page)
        assert found.all("html") == [{"lang": language}]
        assert len(found.all("title")) >= 1
        ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = {
            (attributes.get("href") or "")[1:]
            for attributes in found.all("a")
            if (attributes.get("href") or "").startswith("#")
        }
        labels = {attributes["aria-labelledby"] for _, attributes in found.tags if "aria-labelledby" in attributes}
        assert (links | labels) <= set(ids)


def test_headings_go_down_step_by_step(site: Site):
    for page in site[1].values():
        levels = [int(tag[1]) for tag, _ in Reader(page).tags if re.fullmatch(r"h[1-6]", tag)]
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_header_of_a_table_has_a_scope_and_every_image_its_text(site: Site):
    for page in site[1].values():
        found = Reader(page)
        assert all(attributes.get("scope") in {"col", "row", "rowgroup"} for attributes in found.all("th"))
        assert all(attributes.get("role") == "img" and attributes.get("aria-label") for attributes in found.all("svg"))
        assert all(attributes.get("alt") for attributes in found.all("img"))


def test_nothing_is_fetched_from_anywhere(site: Site):
    for page in site[1].values():
        found = Reader(page)
        assert not found.all("script")
        assert not found.all("link")
        assert all((attributes["src"] or "").startswith("data:image/") for attributes in found.all("img"))
        assert "url(" not in page
        assert "@import" not in page


def test_links_between_pages_lead_somewhere(site: Site):
    pages = site[1]
    for name, page in pages.items():
        for attributes in Reader(page).all("a"):
            target = attributes["href"] or ""
            if not target.startswith("#"):
                base = ["html", "portals"] if "portals" in name else ["html"]
                path = "/".join([*base, target]).replace("portals/../", "")
                assert path in pages


def test_text_of_others_is_escaped():
    portal = parts.portal("hue", name_vi="<script>alert(1)</script>", name_en="x")
    report = parts.report(portals=(portal, *parts.portals()[1:]))
    for _, body in html_files(report):
        assert b"<script" not in body


def test_a_portals_page_shows_place_basis_and_improvements(site: Site):
    language, pages = site
    text = " ".join(" ".join(Reader(pages["html/portals/lao-cai.html"]).text).split())
    assert REPORT_TEXTS["changes"].localize(language) in text
    assert ("thêm 10 điểm" if language == "vi" else "10 points more") in text
    assert ("dưới 2,5 s" if language == "vi" else "below 2.5 s") in text
    assert ("theo văn bản chính thức: giới hạn" if language == "vi" else "official: limit") in text
    assert ("hạng 4 trên 4" if language == "vi" else "rank 4 of 4") in text
    assert REPORT_TEXTS["grade"].localize(language) in text
    images = Reader(pages["html/portals/hue.html"]).all("img")
    assert [attributes["src"] for attributes in images] == ["data:image/webp;base64,UklGRg=="]


def test_a_merged_portal_leads_to_the_one_it_became(site: Site):
    language, pages = site
    gone = pages["html/portals/yen-bai.html"]
    assert 'href="lao-cai.html"' in gone
    assert ("không chấm" if language == "vi" else "not scored") in gone


def test_a_new_name_changes_the_texts_and_no_value():
    before, after = parts.report(), parts.renamed(parts.report(), "hue", "Thành phố Huế")
    old, new = (dict(html_files(one))["html/portals/hue.html"].decode() for one in (before, after))
    assert "<h1>Thành phố Huế</h1>" in new
    decimals = r"\d+,\d+"
    assert re.findall(decimals, old) == re.findall(decimals, new)


def test_a_period_without_data_is_marked_and_shows_no_value():
    pages = {name: body.decode() for name, body in html_files(parts.empty())}
    assert REPORT_TEXTS["empty"].vi in pages["html/index.html"]
    assert REPORT_TEXTS["spread.none"].vi in pages["html/index.html"]
    for page in pages.values():
        found = Reader(page)
        assert not found.all("svg")
        assert "không đủ dữ liệu" in page or "không chấm" in page


def test_every_text_is_there_in_both_languages():
    for key, text in REPORT_TEXTS.items():
        assert text.vi, key
        assert text.en, key
        assert set(re.findall(r"\{\w+\}", text.vi)) == set(re.findall(r"\{\w+\}", text.en)), key
