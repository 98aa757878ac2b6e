"""A sealed period gives the same bytes again, and names every input that has changed since."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.model.records import Measurement
from monitor.storage.archive import seal as archive_seal
from monitor.storage.journal.store import JOURNAL_FILE, JournalError, JournalWriter
from probes.registry import PROBE_KINDS
from probes.result import Outcome
from tests.monitor.scoring import quarter

DAYS = 2
PERIOD = "2026-07-01..2026-07-02"
NAME = f"scores/{PERIOD}"


@pytest.fixture(scope="module")
def archived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("archived")
    quarter.write_config(root / "config")
    for name in ("qd473-2024", "lighthouse-mobile"):
        root.joinpath("config", "rubrics", f"{name}.yaml").unlink()
    root.joinpath("config", "entries", "2026.yaml").unlink()
    archive(quarter.fill(root / "data", days=DAYS))
    return root


@pytest.fixture
def site(archived: Path, tmp_path: Path) -> Path:
    """A directory with ``config`` and ``data`` of the seeded fortnight, its days sealed by the archive."""
    return Path(shutil.copytree(archived, tmp_path / "site"))


def archive(data: Path, days: int = DAYS) -> None:
    writer = JournalWriter(data / JOURNAL_FILE, PROBE_KINDS)
    until = quarter.FIRST + (days + 1) * quarter.DAY_MS
    request = archive_seal.SealRequest(directory=data, zone="Asia/Ho_Chi_Minh", grace_ms=0, now_ms=until)
    archive_seal.sweep(request, lambda update: writer.write([update]) and None)
    writer.close()


def run(site: Path, *words: str, period: str = PERIOD) -> tuple[int, str, str]:
    """(exit code, stdout, error message) of the command."""
    where = ["--config", str(site / "config"), "--data", str(site / "data")]
    found = CliRunner().invoke(app, ["score", *words, "--period", period, *where])
    message = str(found.exception) if isinstance(found.exception, JournalError) else found.stderr
    return found.exit_code, found.stdout, message


def changed(site: Path) -> Sequence[str]:
    code, out, _ = run(site, "verify")
    assert code == 1
    return out.splitlines()


def test_a_seal_is_found_good_again_with_the_same_bytes(site: Path):
    assert run(site, "seal", "--by", "Someone")[0] == 0
    manifest = json.loads((site / "data" / f"{NAME}.manifest.json").read_text("utf-8"))
    scores = (site / "data" / f"{NAME}.json").read_text("utf-8")
    assert manifest["by"] == "Someone"
    assert {name.split()[0] for name in manifest["inputs"]} == {
        "history", "rubric", "portal", "code",
    }  # fmt: skip
    assert sum(name.startswith("history mobile/") for name in manifest["inputs"]) == DAYS
    code, out, err = run(site, "verify")
    assert (code, out) == (0, "")
    assert "same scores" in err
    assert run(site, "--json")[1] == scores
    assert run(site, "seal")[0] == 0, "sealed once more, nothing happens"
    assert json.loads((site / "data" / f"{NAME}.manifest.json").read_text("utf-8"))["by"] == "Someone"


def test_a_changed_rubric_is_named(site: Path):
    run(site, "seal")
    path = site / "config" / "rubrics" / "website-2025.yaml"
    path.write_text(path.read_text("utf-8").replace("limit: 0.6", "limit: 0.7"), "utf-8")
    path.write_text("# A comment changes nothing.\n" + path.read_text("utf-8"), "utf-8")
    assert changed(site) == ["rubric website-2025@1: changed"]
    assert "changed since the seal: rubric website-2025@1: changed" in run(site)[2]


def test_a_new_exclusion_and_a_renamed_portal_are_named(site: Path):
    run(site, "seal")
    path = site / "config" / "exclusions" / "2026.yaml"
    path.write_text(path.read_text("utf-8").replace("2026-07-03 06:00", "2026-07-02 06:00"), "utf-8")
    path = site / "config" / "portals.yaml"
    path.write_text(path.read_text("utf-8").replace("en: Hue", "en: City of Hue"), "utf-8")
    assert changed(site) == ["exclusion power-cut: added", "portal hue: changed"], "it touches the period now"
    more = "  - {id: later, portals: all, since: 2026-08-01 00:00, until: 2026-08-02 00:00, reason: R, approver: A,"
    path = site / "config" / "exclusions" / "later.yaml"
    path.write_text(f"exclusions:\n{more} approved: 2026-08-03}}\n")
    assert len(changed(site)) == 2, "what does not touch the period changes nothing of it"


def test_a_row_that_came_late_is_named_also_once_it_is_sealed(site: Path):
    run(site, "seal")
    writer = JournalWriter(site / "data" / JOURNAL_FILE, PROBE_KINDS)
    late = Measurement(
        portal="hue", check="mobile", location="hn-1", slot=quarter.FIRST + 1, kind="mobile", outcome=Outcome.UP,
        duration=9.0, started=quarter.FIRST + 1,
    )  # fmt: skip
    writer.write([late])
    writer.close()
    (line,) = changed(site)
    assert line.startswith("history mobile ")
    assert line.endswith("not sealed: added")
    archive(site / "data")
    assert changed(site) == ["history mobile/2026/2026-07-01.1.parquet: added"]
    code, _, err = run(site, "seal")
    assert code == 1
    assert "was sealed" in err
    assert run(site, "seal", "--replace")[0] == 0
    assert json.loads((site / "data" / f"{NAME}.manifest.json").read_text("utf-8"))["replaces"]
    assert run(site, "verify")[0] == 0


def test_a_period_that_goes_on_cannot_be_sealed_and_only_a_sealed_one_verified(site: Path):
    today = datetime.now(UTC).date()
    assert "has not ended" in run(site, "seal", period=f"{today}..{today + timedelta(2)}")[2]
    assert "was not sealed" in run(site, "verify")[2]


def test_a_replacement_that_was_killed_between_its_two_files_is_the_new_seal(site: Path):
    run(site, "seal")
    path = site / "data" / f"{NAME}.manifest.json"
    before, old = (site / "data" / f"{NAME}.json").read_bytes(), path.read_bytes()
    rubric = site / "config" / "rubrics" / "website-2025.yaml"
    rubric.write_text(rubric.read_text("utf-8").replace("limit: 0.6", "limit: 0.7"), "utf-8")
    assert run(site, "seal", "--replace")[0] == 0
    draft = path.with_name(f".{path.name}.part")
    path.replace(draft)
    path.write_bytes(old)
    assert run(site, "verify")[0] == 0, "the draft fits the scores"
    (site / "data" / f"{NAME}.json").write_bytes(before)
    assert changed(site) == ["rubric website-2025@1: changed"], "it does not: the old seal stands"
    assert run(site, "seal", "--replace")[0] == 0
    assert not draft.exists()
