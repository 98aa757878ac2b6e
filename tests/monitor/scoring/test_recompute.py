"""An independent script recomputes every value, from exported files and docs/scoring.md alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monitor.cli.main import app
from monitor.storage.journal.store import JOURNAL_FILE
from tests.monitor.scoring import quarter

SCRIPT = Path(__file__).with_name("recompute.py")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with ``scores.json``, ``export/`` and the journal of a seeded fortnight."""
    root = tmp_path_factory.mktemp("recompute")
    config, data = quarter.write_config(root / "config"), quarter.fill(root / "data")
    where = ["--config", str(config), "--data", str(data)]
    scores = CliRunner().invoke(app, ["score", "--period", quarter.PERIOD, "--json", *where])
    assert scores.exit_code == 0, scores.output
    root.joinpath("scores.json").write_text(scores.stdout, "utf-8")
    export = CliRunner().invoke(app, ["history", "export", str(root / "export"), "--data", str(data)])
    assert export.exit_code == 0, export.output
    return root


def recompute(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SCRIPT), "scores.json", "export", f"data/{JOURNAL_FILE}"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_every_value_is_recomputed(exported: Path):
    found = recompute(exported)
    assert found.returncode == 0, found.stdout + found.stderr
    compared = int(found.stdout.split()[0])
    score_set = json.loads(exported.joinpath("scores.json").read_text("utf-8"))
    assert compared > 5 * sum(len(one["criteria"]) for one in score_set["scores"])
    assert {one["rubric"] for one in score_set["scores"]} == {"lighthouse-mobile@1", "qd473-2024@1", "website-2025@1"}
    assert {one["status"] for one in score_set["scores"]} == {"complete", "not_scored"}
    assert sum(one["without_exclusions"] is not None for one in score_set["scores"]) == 6


def test_a_changed_value_is_found(exported: Path, tmp_path: Path):
    """The script finds a manipulated point."""
    score_set = json.loads(exported.joinpath("scores.json").read_text("utf-8"))
    line = score_set["scores"][0]["criteria"][0]
    line["points"] += 0.001
    for name in ("export", "data"):
        tmp_path.joinpath(name).symlink_to(exported / name)
    tmp_path.joinpath("scores.json").write_text(json.dumps(score_set), "utf-8")
    found = recompute(tmp_path)
    assert found.returncode == 1
    assert f"{line['criterion']} points" in found.stdout


def test_the_script_uses_nothing_of_ours():
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported <= sys.stdlib_module_names
