"""The command score: sentences in both languages, JSON, choices that do not exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app
from tests.monitor.scoring import quarter


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("command")
    quarter.write_config(root / "config")
    quarter.fill(root / "data")
    return root


def run(site: Path, *words: str, period: str = quarter.PERIOD) -> tuple[int, str, str]:
    where = ["--config", str(site / "config"), "--data", str(site / "data"), "--period", period]
    found = CliRunner().invoke(app, ["score", *words, *where])
    return found.exit_code, found.stdout, found.stderr


def test_a_portal_and_a_rubric_explained(site: Path):
    code, out, err = run(site, "--portal", "hue", "--rubric", "qd473-2024", "--explain", "--lang", "en")
    assert (code, err) == (0, "")
    head, *lines = out.splitlines()
    assert head.startswith(
        "Hue, Performance pillar of QĐ 473/QĐ-BTTTT (split of points assumed), 2026-07-01..2026-07-14: "
    )
    assert "grade if all pillars were like this one" in head
    assert lines[4].startswith("  Simultaneous access and use: 80 % (entered by Author")
    assert "manual criterion without a value" in lines[3]
    assert "approved exclusion (power-cut)" in lines[0]
    assert lines[-1].startswith("  without exclusions (power-cut): Hue, ")


def test_vietnamese_is_the_configured_language(site: Path):
    code, out, _ = run(site, "--rubric", "website-2025")
    assert code == 0
    assert "khoảng tin cậy 95 %" in out
    assert "Đơn vị đã sáp nhập vào lao-cai" in out
    assert "Giao diện công dân đã đóng." in out


def test_a_quarter_of_which_a_fortnight_was_measured_is_insufficient(site: Path):
    code, out, _ = run(site, "--rubric", "website-2025", "--lang", "en", period="2026Q3")
    assert code == 3
    assert "insufficient data" in out


def test_a_quarter_without_data(site: Path):
    code, out, _ = run(site, "--json", "--rubric", "qd473-2024", period="2025Q1")
    score_set = json.loads(out)
    assert code == 3
    assert {one["status"] for one in score_set["scores"]} == {"insufficient_data", "not_scored"}
    assert {one["points"] for one in score_set["scores"]} == {None}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rubric", "website-2052"], "the rubric 'website-2052' does not exist; did you mean 'website-2025'?"),
        (["--portal", "heu"], "no portal has the id 'heu'; did you mean 'hue'?"),
    ],
)
def test_what_does_not_exist_is_reported(site: Path, words: list[str], message: str):
    code, _, err = run(site, *words)
    assert code == 2
    assert message in err


def test_a_rubric_out_of_its_validity_needs_its_version(site: Path):
    assert "is not valid in that period" in run(site, "--rubric", "qd473-2024", period="2020Q1")[2]
    assert run(site, "--rubric", "qd473-2024@1", period="2020Q1")[0] == 3


def test_an_invalid_period_is_reported(site: Path):
    code, _, err = run(site, period="2026Q5")
    assert code == 2
    assert "is not a period: write 2026Q3" in err
