"""The workbook: the same bytes for the same report, no formulas, headers that stay, filters, print set-up, charts."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from monitor.scoring.report.report import LANGUAGES, Report
from monitor.scoring.report.tables import report_tables
from monitor.scoring.report.xlsx import xlsx_files
from tests.monitor.scoring.report import parts

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(report: Report) -> bytes:
    ((name, body),) = xlsx_files(report)
    assert name == "scores.xlsx"
    return body


def sheets(body: bytes) -> dict[str, ET.Element]:
    """By title, in order."""
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        workbook_xml = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - our own file
        names = [one.attrib["name"] for one in workbook_xml.iter(f"{MAIN}sheet")]
        paths = [f"xl/worksheets/sheet{number}.xml" for number in range(1, len(names) + 1)]
        return {name: ET.fromstring(archive.read(path)) for name, path in zip(names, paths, strict=True)}  # noqa: S314


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_report_gives_the_same_bytes(language: str):
    assert workbook(parts.report(language)) == workbook(parts.made.__wrapped__(language))


def test_no_entry_carries_the_time_of_making():
    with zipfile.ZipFile(io.BytesIO(workbook(parts.report()))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-09-10T17:00:00Z" in archive.read("docProps/core.xml"), "the end of the period"


def test_no_cell_is_a_formula():
    for sheet in sheets(workbook(parts.report())).values():
        assert not list(sheet.iter(f"{MAIN}f"))


def test_headers_stay_visible_filters_are_on_and_paper_is_set():
    report = parts.report()
    found = sheets(workbook(report))
    for table in report_tables(report):
        sheet = found[table.title]
        pane = next(sheet.iter(f"{MAIN}pane"))
        assert (pane.attrib["state"], pane.attrib["ySplit"]) == ("frozen", "1")
        assert next(sheet.iter(f"{MAIN}autoFilter"), None) is not None
        page = next(sheet.iter(f"{MAIN}pageSetup")).attrib
        assert (page["paperSize"], page["orientation"], page["fitToHeight"]) == ("9", "landscape", "0")


def test_colours_only_repeat_words_that_are_in_cells():
    report = parts.report()
    with zipfile.ZipFile(io.BytesIO(workbook(report))) as archive:
        words = archive.read("xl/sharedStrings.xml").decode()
    rules = [rule for sheet in sheets(workbook(report)).values() for rule in sheet.iter(f"{MAIN}cfRule")]
    assert {rule.attrib["type"] for rule in rules} == {"cellIs", "beginsWith", "dataBar"}
    assert "không điểm" in words
    assert "một phần điểm" in words


def test_there_are_two_charts_per_rubric_with_titles():
    report = parts.report()
    with zipfile.ZipFile(io.BytesIO(workbook(report))) as archive:
        charts = [name for name in archive.namelist() if name.startswith("xl/charts/")]
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    assert len(charts) == 2 * len(report.score_set.rubrics)
    assert "Số cổng theo tỷ lệ điểm" in drawing


@pytest.mark.slow
@pytest.mark.parametrize("report", [parts.report("vi"), parts.report("en"), parts.empty()], ids=["vi", "en", "empty"])
def test_libreoffice_opens_it_and_prints_every_sheet(report: Report, tmp_path: Path):
    if shutil.which("soffice") is None:
        pytest.skip("LibreOffice is not installed: apt-get install --no-install-recommends libreoffice-calc")
    path = tmp_path / "scores.xlsx"
    path.write_bytes(workbook(report))
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/home", "--headless", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", str(tmp_path), str(path)], check=True, capture_output=True, timeout=300)
    body = (tmp_path / "scores.pdf").read_bytes()
    assert body.startswith(b"%PDF")
    assert body.count(b"/Type/Page>") + body.count(b"/Type/Page/") >= len(report_tables(report))
