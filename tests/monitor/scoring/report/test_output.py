"""An export on disk: complete or absent after a kill, the same bytes again, and a manifest that finds changes."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.scoring.report import manifest
from monitor.scoring.report.output import ExportError, write_report
from monitor.scoring.report.registry import REPORT_FORMATS
from tests.monitor.scoring.report import parts

CHILD = """
import pickle, sys
from pathlib import Path
from monitor.scoring.report.output import write_report
report = pickle.loads(Path(sys.argv[1]).read_bytes())
print("ready", flush=True)
while True:
    write_report(report, Path(sys.argv[2]), ["xlsx", "csv", "json", "html"])
"""


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    assert write_report(parts.report(), folder, list(REPORT_FORMATS)) == folder / "manifest.json"
    return folder


def test_twice_is_the_same_and_leaves_nothing_beside(out: Path):
    before = content(out)
    write_report(parts.report(), out, list(REPORT_FORMATS))
    assert content(out) == before
    assert list(out.parent.iterdir()) == [out]


def test_the_manifest_names_every_file_and_no_moment_of_its_own(out: Path):
    data = json.loads((out / "manifest.json").read_text("utf-8"))
    files = content(out)
    assert [one["path"] for one in data["files"]] == sorted(files.keys() - {"manifest.json"})
    assert (data["period"], data["language"], data["seal"]) == (parts.PERIOD.name, "vi", None)
    assert not any("time" in key or "created" in key for key in data)
    assert manifest.verify(out) == []


def _edit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"Hu", b"Ho", 1))


def _link(path: Path) -> None:
    path.with_name("link.csv").symlink_to(path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_edit, "csv/summary.csv has changed"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\n"), "csv/summary.csv has changed: "),
        (Path.unlink, "csv/summary.csv is missing"),
        (lambda path: path.with_name("more.csv").touch(), "csv/more.csv is not in the manifest"),
        (_link, "csv/link.csv is not in the manifest"),
    ],
    ids=["other bytes", "longer", "gone", "added", "link"],
)
def test_verify_names_what_is_not_as_it_was_written(out: Path, damage: Callable[[Path], object], message: str):
    damage(out / "csv" / "summary.csv")
    (line,) = manifest.verify(out)
    assert line.startswith(message)


def test_a_manifest_that_points_out_of_the_export_is_not_followed(out: Path):
    path = out / "manifest.json"
    data = json.loads(path.read_text("utf-8"))
    data["files"][0]["path"] = "../other"
    path.write_text(json.dumps(data))
    assert "../other points outside the export (path traversal)" in manifest.verify(out)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "portal-monitor export", "schema": 99}'])
def test_an_invalid_manifest_is_reported_in_a_sentence(tmp_path: Path, text: str):
    tmp_path.joinpath("manifest.json").write_text(text)
    with pytest.raises(manifest.ManifestError, match=r"manifest\.json"):
        manifest.verify(tmp_path)
    with pytest.raises(manifest.ManifestError, match="cannot be read"):
        manifest.verify(tmp_path / "nowhere")


def test_a_directory_of_others_is_left_alone(tmp_path: Path):
    tmp_path.joinpath("note.txt").write_text("dear")
    with pytest.raises(ExportError, match="no export"):
        write_report(parts.empty(), tmp_path, ["json"])
    with pytest.raises(ExportError, match="is a file"):
        write_report(parts.empty(), tmp_path / "note.txt", ["json"])
    assert content(tmp_path) == {"note.txt": b"dear"}


def test_a_failure_in_the_middle_leaves_the_old_export(out: Path, monkeypatch: pytest.MonkeyPatch):
    def burst(_report: object) -> Iterator[tuple[str, bytes]]:
        yield "html/index.html", b"half"
        raise RuntimeError

    before = content(out)
    monkeypatch.setattr("monitor.scoring.report.output.REPORT_FORMATS", {**REPORT_FORMATS, "html": burst})
    with pytest.raises(RuntimeError):
        write_report(parts.empty(), out, ["json", "html"])
    assert content(out) == before
    assert list(out.parent.iterdir()) == [out]


STAGES = {
    "first file": lambda here: any(here.glob(".export.*.part/scores.xlsx")),
    "tables": lambda here: any(here.glob(".export.*.part/csv/method.csv")),
    "pages": lambda here: any(here.glob(".export.*.part/html/portals/*.html")),
    "manifest": lambda here: any(here.glob(".export.*.part/manifest.json")),
    "in place": lambda here: (here / "export").exists(),
    "the next one": lambda here: (here / "export").exists() and any(here.glob(".export.*.part/csv")),
}


@pytest.mark.slow
def test_killed_at_any_moment_it_is_complete_or_absent(tmp_path: Path):
    stored, here = tmp_path / "report", tmp_path / "place"
    stored.write_bytes(pickle.dumps(parts.report()))
    here.mkdir()
    for stage, reached in STAGES.items():
        command = [sys.executable, "-c", CHILD, str(stored), str(here / "export")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            limit = time.monotonic() + 120
            while not reached(here) and time.monotonic() < limit:
                os.sched_yield()
            assert child.poll() is None, stage
            child.kill()
        if (here / "export").exists():
            assert manifest.verify(here / "export") == [], stage
    write_report(parts.report(), here / "export", list(REPORT_FORMATS))
    assert [path.name for path in here.iterdir()] == ["export"], "what killed runs left is gone"
