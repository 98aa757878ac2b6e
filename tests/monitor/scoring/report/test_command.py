"""The command, over a seeded fortnight in a real journal: messages, exit codes, and the same bytes every time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner, Result

from monitor.cli.main import app
from monitor.model.records import Measurement
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.storage.journal.store import JOURNAL_FILE, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests.monitor.scoring import quarter
from tests.monitor.scoring.report.test_output import content
from tests.monitor.scoring.test_recompute import SCRIPT
from tests.monitor.scoring.test_seal import archive
from tests.monitor.scoring.test_sources import write_to_influxdb
from tests.servers.influxdb import TOKEN, InfluxServer

PERIOD = "2026-07-08..2026-07-14"
"""The second week; the first one is the previous period."""

DAY_NS = 86_400_000_000_000


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("filled")
    quarter.write_config(root / "config")
    quarter.fill(root / "data")
    return root


@pytest.fixture
def site(filled: Path, tmp_path: Path) -> Path:
    """A directory with ``config`` and ``data`` of the fortnight."""
    return Path(shutil.copytree(filled, tmp_path / "site"))


def run(site: Path, *words: str, period: str = PERIOD) -> Result:
    where = ["--config", str(site / "config"), "--data", str(site / "data")]
    return CliRunner().invoke(app, ["export", "--quarter", period, *where, *words])


def exported(site: Path, *words: str, period: str = PERIOD, code: int = 0) -> dict[str, bytes]:
    out = site / "out"
    found = run(site, "--out", str(out), *words, period=period)
    assert found.exit_code == code, found.output
    files = content(out)
    shutil.rmtree(out)
    return files


def later(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Set the time of the command."""
    monkeypatch.setattr("monitor.cli.export.time.time_ns", lambda: at)


def test_twice_and_on_another_day_it_gives_the_same_bytes(site: Path, monkeypatch: pytest.MonkeyPatch):
    files = exported(site)
    assert exported(site) == files
    later(monkeypatch, 2_000_000_000_000_000_000 + 100 * DAY_NS)
    assert exported(site) == files
    assert {name.partition("/")[0] for name in files} == {"scores.xlsx", "csv", "scores.json", "html", "manifest.json"}


def test_what_it_writes_is_verified_and_a_change_is_found(site: Path):
    out = site / "out"
    assert run(site, "--out", str(out)).exit_code == 0
    good = CliRunner().invoke(app, ["export", "verify", str(out)])
    assert good.exit_code == 0
    assert "SHA-256 of manifest.json" in good.stdout
    page = out / "html" / "index.html"
    page.write_text(page.read_text("utf-8").replace("Huế", "Hue"), "utf-8")
    bad = CliRunner().invoke(app, ["export", "verify", str(out)])
    assert bad.exit_code == 1
    assert bad.stdout.startswith("html/index.html has changed")


def test_the_json_is_valid_by_the_printed_schema(site: Path):
    printed = CliRunner().invoke(app, ["export", "schema"])
    data = json.loads(exported(site, "--format", "json")["scores.json"])
    jsonschema.validate(data, json.loads(printed.stdout))
    assert data["earlier"] == "2026-07-01..2026-07-07"
    assert any(one["place"]["before"] for one in data["scores"]), "rank changes are there"


def test_a_script_that_uses_none_of_our_code_recomputes_every_value_of_the_json(site: Path):
    files = exported(site, "--format", "json", period=quarter.PERIOD)
    site.joinpath("scores.json").write_bytes(files["scores.json"])
    history = CliRunner().invoke(app, ["history", "export", str(site / "history"), "--data", str(site / "data")])
    assert history.exit_code == 0, history.output
    command = [sys.executable, "-I", str(SCRIPT), "scores.json", "history", f"data/{JOURNAL_FILE}"]
    found = subprocess.run(command, cwd=site, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_formats_rubrics_and_language_are_chosen(site: Path):
    files = exported(site, "--format", "csv", "--rubric", "website-2025", "--lang", "en")
    assert files.keys() == {"manifest.json", *(name for name in files if name.startswith("csv/"))}
    text = files["csv/summary.csv"].decode("utf-8-sig")
    assert text.startswith("Rubric,Rank,Portal")
    assert {line.partition(",")[0] for line in text.splitlines()[1:]} == {"website-2025@1"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "docx"], "unknown format 'docx'; known: xlsx, csv, json, html"),
        (["--format", ","], "unknown format ''; known: xlsx, csv, json, html"),
        (["--rubric", "website-2024"], "the rubric 'website-2024' does not exist; did you mean 'website-2025'?"),
        (["--quarter", "2026Q5"], "'2026Q5' is not a period"),
        (["--quarter", "2999Q1"], "2999Q1 has not begun"),
        (["--out", "{site}/config"], "holds other files and no export"),
    ],
)
def test_what_cannot_be_done_is_reported_in_a_sentence(site: Path, words: list[str], message: str):
    found = run(site, *(word.format(site=site) for word in words))
    assert found.exit_code == 2
    assert message in found.stderr


def test_a_quarter_without_data_is_marked_and_no_zero(site: Path):
    files = exported(site, period="2025Q3", code=3)
    data = json.loads(files["scores.json"])
    assert {one["status"] for one in data["scores"]} == {"insufficient_data", "not_scored"}
    assert not [one for one in data["scores"] if one["points"] is not None]
    assert "Không có phép đo nào trong kỳ này" in files["html/index.html"].decode()


def test_half_a_period_has_too_little_coverage_and_is_marked(site: Path):
    """The fortnight is 14 of July's 31 days."""
    data = json.loads(exported(site, "--format", "json", period="2026-07")["scores.json"])
    hue = next(one for one in data["scores"] if (one["portal"], one["rubric"]) == ("hue", "website-2025@1"))
    assert hue["status"] == "insufficient_data"
    assert all(one["status"] == "insufficient_data" and one["coverage"] < 0.5 for one in hue["criteria"])
    assert all(one["value"] is not None for one in hue["criteria"]), "the values are still shown"


def test_a_period_that_runs_is_provisional_and_counts_whole_days(site: Path, monkeypatch: pytest.MonkeyPatch):
    begun = (quarter.FIRST + 12 * quarter.DAY_MS) * 1_000_000
    later(monkeypatch, begun + DAY_NS // 3)
    found = run(site, "--out", str(site / "out"))
    assert found.exit_code == 3
    assert "has not ended: the scores are provisional" in found.stderr
    files = content(site / "out")
    assert "số liệu tạm thời" in files["html/index.html"].decode()
    assert json.loads(files["scores.json"])["period"]["ended"] is False
    later(monkeypatch, begun + DAY_NS // 2)
    assert exported(site, code=3) == files, "later on the same day"


def test_a_merged_portal_is_not_scored_and_leads_to_the_other(site: Path):
    files = exported(site, "--format", "html")
    page = files["html/portals/yen-bai.html"].decode()
    assert "không chấm" in page
    assert 'href="lao-cai.html"' in page
    assert "Giao diện công dân đã đóng" in files["html/portals/old.html"].decode()


def test_a_portal_renamed_within_the_period_keeps_its_history(site: Path):
    before = json.loads(exported(site, "--format", "json")["scores.json"])
    path = site / "config" / "portals.yaml"
    path.write_text(path.read_text("utf-8").replace("vi: Huế", "vi: Thành phố Huế"), "utf-8")
    after = json.loads(exported(site, "--format", "json")["scores.json"])
    for old, new in zip(before["scores"], after["scores"], strict=True):
        assert (old["points"], old["place"]) == (new["points"], new["place"])
    assert {one["name"]["vi"] for one in after["scores"] if one["portal"] == "hue"} == {"Thành phố Huế"}


def test_the_seal_is_shown_and_what_differs_from_it_is_named(site: Path):
    where = ["--config", str(site / "config"), "--data", str(site / "data")]
    sealed = CliRunner().invoke(app, ["score", "seal", "--period", PERIOD, "--by", "Vụ Đánh giá", *where])
    assert sealed.exit_code == 0, sealed.output
    files = exported(site)
    seal = json.loads(files["manifest.json"])["seal"]
    manifest = json.loads((site / "data" / "scores" / f"{PERIOD}.manifest.json").read_text("utf-8"))
    assert (seal["sealed"], seal["by"], seal["differing"]) == (manifest["sealed"], "Vụ Đánh giá", [])
    assert "Đã niêm phong" in files["html/index.html"].decode()
    writer = JournalWriter(site / "data" / JOURNAL_FILE, PROBE_KINDS)
    slot = quarter.FIRST + 8 * quarter.DAY_MS + 1
    late = {"portal": "hue", "check": "latency", "kind": "latency", "location": "hn-1", "slot": slot, "started": slot}
    writer.write([Measurement(**late, outcome=Outcome.UP, duration=9.0)])
    writer.close()
    assert json.loads(exported(site)["manifest.json"])["seal"]["differing"] == ["hue, qd473-2024@1"]


def test_the_period_before_is_read_from_its_seal_and_a_forged_one_is_refused(site: Path):
    plain = json.loads(exported(site, "--format", "json")["scores.json"])
    where = ["--config", str(site / "config"), "--data", str(site / "data")]
    CliRunner().invoke(app, ["score", "seal", "--period", plain["earlier"], *where])
    sealed = json.loads(exported(site, "--format", "json")["scores.json"])
    assert [one["earlier"] for one in sealed["scores"]] == [one["earlier"] for one in plain["scores"]]
    path = site / "data" / "scores" / f"{plain['earlier']}.json"
    path.write_text(path.read_text("utf-8").replace('"percent": "', '"percent": "1', 1), "utf-8")
    found = run(site, "--out", str(site / "out"))
    assert "is not the file that was sealed" in str(found.exception)


@pytest.mark.slow
def test_archive_and_influxdb_give_the_same_bytes(site: Path):
    with InfluxServer(site / "influx") as server:
        sink = {"url": server.url, "token": TOKEN, "bucket": server.create("history")}
        path = site / "config" / "monitor.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"sinks": {"influxdb": sink}}))
        write_to_influxdb(site / "data", InfluxDBSettings(**sink))
        fresh = exported(site)
        assert exported(site, "--from", "influxdb") == fresh
    archive(site / "data", quarter.DAYS)
    assert exported(site) == fresh
