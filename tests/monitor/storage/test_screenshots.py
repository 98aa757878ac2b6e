"""Pictures are kept when they prove something, within a quota, and nothing but pictures can be got out again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.model.records import Measurement
from monitor.storage.screenshots import DAY_MS, ScreenshotStore
from probes.result import Fault, Outcome, Screenshot
from tests import factories
from tests.factories import SLOT

HOUR = 3_600_000
WHITE, BLACK = "0000000000000000", "ffffffffffffffff"
CHECK = factories.check("mobile")


def pictures(mark: str = WHITE, size: int = 100) -> list[Screenshot]:
    film = [Screenshot(at_seconds=at, content_type="image/jpeg", body=b"\xff\xd8" + bytes(size)) for at in (0.0, 1.5)]
    return [*film, Screenshot(at_seconds=None, content_type="image/webp", body=b"RIFF" + bytes(size), fingerprint=mark)]


def one(slot: int = SLOT, outcome: Outcome = Outcome.UP) -> Measurement:
    fault = {Outcome.DOWN: Fault.TIMEOUT}.get(outcome)
    return factories.measurement(kind="mobile", slot=slot, outcome=outcome, fault=fault, values={"median": True})


def opened(directory: Path, **changes: Any) -> ScreenshotStore:  # noqa: ANN401 - its fields
    evidence = ScreenshotStore(**({"folder": directory / "evidence", "limit": 10**9, "days": 100} | changes))
    evidence.load()
    return evidence


def reasons(evidence: ScreenshotStore) -> list[str]:
    return [exhibit.why for exhibit in reversed(evidence.of_check(CHECK.key))]


@pytest.mark.parametrize(
    ("after", "outcome", "mark", "why"),
    [
        (6 * HOUR, Outcome.UP, WHITE, []),
        (6 * HOUR, Outcome.UP, "00000000000003ff", []),  # ten places differ: a clock, a counter
        (6 * HOUR, Outcome.UP, "0000000000000fff", ["change"]),
        (6 * HOUR, Outcome.UP, "", ["change"]),
        (6 * HOUR, Outcome.DOWN, WHITE, ["failure"]),
        (DAY_MS, Outcome.UP, WHITE, ["daily"]),
        (6 * HOUR, Outcome.VOID, BLACK, []),
    ],
)
async def test_pictures_are_kept_for_a_reason(tmp_path: Path, after: int, outcome: Outcome, mark: str, why: list[str]):
    evidence = opened(tmp_path)
    await evidence.save(CHECK, one(), pictures())
    await evidence.save(CHECK, one(SLOT + after, outcome), pictures(mark))
    assert reasons(evidence) == ["daily", *why]


async def test_a_recovery_is_a_change(tmp_path: Path):
    evidence = opened(tmp_path)
    for hour, outcome in enumerate((Outcome.UP, Outcome.DOWN, Outcome.UP)):
        await evidence.save(CHECK, one(SLOT + hour * HOUR, outcome), pictures())
    assert reasons(evidence) == ["daily", "failure", "change"]


async def test_it_is_there_again_after_a_restart_and_half_of_it_never(tmp_path: Path):
    before = opened(tmp_path)
    await before.save(CHECK, one(), pictures())
    torn = tmp_path / "evidence" / "ha-noi" / "mobile" / "1.part"
    torn.mkdir()
    (tmp_path / "evidence" / "ha-noi" / "mobile" / "2").mkdir()
    (tmp_path / "evidence" / "ha-noi" / "mobile" / "2" / "about.json").write_text('{"portal": ')
    after = opened(tmp_path)
    assert after.of_check(CHECK.key) == before.of_check(CHECK.key)
    assert not torn.exists()
    (exhibit,) = after.of_check(CHECK.key)
    assert [frame.at for frame in exhibit.filmstrip] == [0.0, 1.5]
    assert exhibit.final_screenshot is not None
    assert after.find(CHECK.key, SLOT, exhibit.final_screenshot.file) == (
        tmp_path / "evidence" / "ha-noi" / "mobile" / str(SLOT) / "02.webp",
        "image/webp",
    )


@pytest.mark.parametrize("file", ["about.json", "../02.webp", "/etc/passwd", "", "02.webp/", "..", "03.jpg"])
async def test_only_the_pictures_of_the_index_are_found(tmp_path: Path, file: str):
    evidence = opened(tmp_path)
    await evidence.save(CHECK, one(), pictures())
    assert evidence.find(CHECK.key, SLOT, file) is None
    assert evidence.find("../ha-noi/mobile", SLOT, "02.webp") is None


async def test_the_oldest_gives_way_to_the_quota_and_to_time(tmp_path: Path):
    evidence = opened(tmp_path, limit=10_000, days=30)
    for number in range(12):
        await evidence.save(CHECK, one(SLOT + number * DAY_MS), pictures(size=600))
    kept = evidence.of_check(CHECK.key)
    assert len(kept) == 5, "each takes 1.8 kB"
    assert kept[0].slot == SLOT + 11 * DAY_MS
    assert sum(file.stat().st_size for file in (tmp_path / "evidence").rglob("*.jpg")) <= 10_000
    await evidence.save(CHECK, one(SLOT + 100 * DAY_MS), pictures())
    assert [exhibit.slot for exhibit in evidence.of_check(CHECK.key)] == [SLOT + 100 * DAY_MS]
    assert [path.name for path in (tmp_path / "evidence" / "ha-noi" / "mobile").iterdir()] == [str(SLOT + 100 * DAY_MS)]


async def test_an_exhibit_that_was_killed_while_it_went_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    evidence = opened(tmp_path, days=1)
    await evidence.save(CHECK, one(), pictures())
    with monkeypatch.context() as patch:
        patch.setattr("monitor.storage.screenshots.shutil.rmtree", lambda *_given, **_named: None)
        await evidence.save(CHECK, one(SLOT + 10 * DAY_MS), pictures())
    places = tmp_path / "evidence" / "ha-noi" / "mobile"
    assert not (places / str(SLOT)).exists()
    opened(tmp_path)
    assert [path.name for path in places.iterdir()] == [str(SLOT + 10 * DAY_MS)]


async def test_a_disk_that_refuses_changes_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "evidence").write_text("in the way")
    evidence = ScreenshotStore(folder=tmp_path / "evidence", max_bytes=10**9, retention_days=100)
    await evidence.save(CHECK, one(), pictures())
    assert evidence.of_check(CHECK.key) == []
    assert "evidence_not_kept" in capsys.readouterr().out


async def test_nobody_else_may_look_at_it(tmp_path: Path):
    evidence = opened(tmp_path)
    await evidence.save(CHECK, one(), pictures())
    (exhibit,) = (tmp_path / "evidence" / "ha-noi" / "mobile").iterdir()
    assert exhibit.stat().st_mode & 0o077 == 0
