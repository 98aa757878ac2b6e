"""CSV: Vietnamese intact, RFC 4180, no formulas (CSV injection); and the required rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.scoring.report.csv_tables import csv_files
from monitor.scoring.report.report import LANGUAGES
from monitor.scoring.report.spreadsheet_safe import FORMULA_PREFIXES, neutralize
from monitor.scoring.report.tables import report_tables
from tests.monitor.scoring.report import parts

NAMES = ("summary", "criteria", "changes", "incidents", "exclusions", "coverage", "method")


def read(files: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[f"csv/{name}.csv"].decode("utf-8-sig"), newline="")))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dict(csv_files(parts.report()))


def test_there_is_a_file_a_table_with_a_mark_and_crlf(files: Mapping[str, bytes]):
    assert list(files) == [f"csv/{name}.csv" for name in NAMES]
    for body in files.values():
        assert body.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by it"
        assert b"\n" not in body.replace(b"\r\n", b"")
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1


def test_vietnamese_is_intact(files: Mapping[str, bytes]):
    assert {"Huế", "Hà Nội", "Lào Cai", "Yên Bái"} <= {row["Cổng"] for row in read(files, "summary")}
    assert read(files, "incidents")[0]["Nguyên nhân"] == "quá thời gian chờ"


def test_no_cell_begins_like_a_formula(files: Mapping[str, bytes]):
    cells = [cell for name in NAMES for row in read(files, name) for cell in (*row, *row.values())]
    assert not [cell for cell in cells if cell.startswith(FORMULA_PREFIXES)]
    assert "'=Đà Nẵng" in cells
    assert "'+Mất điện tại trung tâm dữ liệu" in cells
    assert "'@Người duyệt" in cells
    assert "'=no end after 10 s" in cells


@given(st.text())
def test_whatever_the_text_it_is_never_a_formula_and_keeps_its_letters(text: str):
    safe = neutralize(text)
    assert not safe.startswith(FORMULA_PREFIXES)
    assert not safe.lstrip().startswith(FORMULA_PREFIXES)
    assert neutralize(safe) == safe
    assert "".join(one for one in text if one.isalnum())[:32_000] in "".join(one for one in safe if one.isalnum())


@pytest.mark.parametrize("text", ["=1+1", " =1+1", "\t=1", "\r=1", "\n=1", "+84 24", "-1", "@SUM(A1)", "\uff1d1"])
def test_known_formula_prefixes_are_neutralized(text: str):
    assert neutralize(text).startswith("'")


def test_numbers_stay_numbers_and_none_of_them_is_negative(files: Mapping[str, bytes]):
    for row in read(files, "summary"):
        if row["Tỷ lệ điểm"]:
            assert 0 <= float(row["Tỷ lệ điểm"]) <= 1
            assert float(row["Điểm"]) <= float(row["Trên tổng đo được"])


def test_the_summary_shows_place_rank_change_status_and_exclusions(files: Mapping[str, bytes]):
    rows = {(row["Bộ tiêu chí"], row["Mã cổng"]): row for row in read(files, "summary")}
    hue, tied, gone = rows["mixed@1", "hue"], rows["mixed@1", "da-nang"], rows["mixed@1", "yen-bai"]
    assert hue["Hạng"] == "1"
    assert hue["Tỷ lệ nếu không có loại trừ"] != ""
    assert hue["Tỷ lệ nếu không có loại trừ"] != hue["Tỷ lệ điểm"], "the effect of the exclusion is shown"
    assert tied["Hạng kỳ trước"] != ""
    assert tied["Thay đổi hạng so với kỳ trước"] == "giữ nguyên"
    also = rows["mixed@1", "ha-noi"]
    assert (also["Hạng"], also["Tỷ lệ điểm"]) != (tied["Hạng"], tied["Tỷ lệ điểm"]), "an outage makes the difference"
    smooth = [rows["smooth@1", one] for one in ("ha-noi", "da-nang")]
    assert len({(row["Hạng"], row["Tỷ lệ điểm"]) for row in smooth}) == 1, "no two on one place differ on paper"
    assert (gone["Kết quả"], gone["Tỷ lệ điểm"], gone["Hạng"]) == ("không chấm", "", "")
    assert "lao-cai" in gone["Ghi chú"]


def test_there_is_a_row_for_each_portal_and_criterion_with_the_basis_of_each_part(files: Mapping[str, bytes]):
    rows = read(files, "criteria")
    found = {(row["Bộ tiêu chí"], row["Mã cổng"], row["Mã tiêu chí"]) for row in rows}
    assert len(found) == len(rows) == len(parts.SPEEDS) * 5
    assert {row["Căn cứ: giới hạn"] for row in rows} == {"theo văn bản chính thức"}
    assert {row["Căn cứ: điểm"] for row in rows} == {"giả định"}
    manual = next(row for row in rows if row["Mã tiêu chí"] == "hand")
    assert (manual["Tình trạng"], manual["Điểm"]) == ("không đo", "")


def test_nothing_measured_is_no_zero_anywhere():
    files = dict(csv_files(parts.empty()))
    for row in read(files, "summary"):
        assert row["Kết quả"] in {"không đủ dữ liệu", "không chấm"}
        assert (row["Điểm"], row["Tỷ lệ điểm"], row["Hạng"]) == ("", "", "")
    assert read(files, "incidents") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_are_there_once_a_table_in_each_language(language: str):
    found = report_tables(parts.report(language))
    assert len({table.title for table in found}) == len(found)
    for table in found:
        titles = [column.title for column in table.columns]
        assert len(set(titles)) == len(titles)
        assert table.frozen_columns <= table.printed_columns <= len(titles)
