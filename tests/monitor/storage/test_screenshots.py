"""Screenshots are kept for a reason, within a limit, and nothing but screenshots can be read back."""

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


def screenshots(fingerprint: str = WHITE, size: int = 100) -> list[Screenshot]:
    filmstrip = [
        Screenshot(at_seconds=at, content_type="image/jpeg", body=b"\xff\xd8" + bytes(size)) for at in (0.0, 1.5)
    ]
    return [
        *filmstrip,
        Screenshot(at_seconds=None, content_type="image/webp", body=b"RIFF" + bytes(size), fingerprint=fingerprint),
    ]


def one(slot: int = SLOT, outcome: Outcome = Outcome.UP) -> Measurement:
    fault = {Outcome.DOWN: Fault.TIMEOUT}.get(outcome)
    return factories.measurement(kind="mobile", slot=slot, outcome=outcome, fault=fault, values={"median": True})


def opened(directory: Path, **changes: Any) -> ScreenshotStore:  # noqa: ANN401 - its fields
    store = ScreenshotStore(
        **({"folder": directory / "screenshots", "max_bytes": 10**9, "retention_days": 100} | changes)
    )
    store.load()
    return store


def reasons(store: ScreenshotStore) -> list[str]:
    return [kept.reason for kept in reversed(store.of_check(CHECK.key))]


@pytest.mark.parametrize(
    ("after", "outcome", "fingerprint", "expected"),
    [
        (6 * HOUR, Outcome.UP, WHITE, []),
        (6 * HOUR, Outcome.UP, "00000000000003ff", []),  # ten places differ: a clock, a counter
        (6 * HOUR, Outcome.UP, "0000000000000fff", ["change"]),
        (6 * HOUR, Outcome.UP, "", ["change"]),
        (6 * HOUR, Outcome.DOWN, WHITE, ["failure"]),
        (DAY_MS, Outcome.UP, WHITE, ["daily"]),
        (6 * HOUR, Outcome.UNKNOWN, BLACK, []),
    ],
)
async def test_screenshots_are_kept_for_a_reason(
    tmp_path: Path, after: int, outcome: Outcome, fingerprint: str, expected: list[str]
):
    store = opened(tmp_path)
    await store.save(CHECK, one(), screenshots())
    await store.save(CHECK, one(SLOT + after, outcome), screenshots(fingerprint))
    assert reasons(store) == ["daily", *expected]


async def test_a_recovery_is_a_change(tmp_path: Path):
    store = opened(tmp_path)
    for hour, outcome in enumerate((Outcome.UP, Outcome.DOWN, Outcome.UP)):
        await store.save(CHECK, one(SLOT + hour * HOUR, outcome), screenshots())
    assert reasons(store) == ["daily", "failure", "change"]


async def test_it_is_there_again_after_a_restart_and_half_of_it_never(tmp_path: Path):
    before = opened(tmp_path)
    await before.save(CHECK, one(), screenshots())
    torn = tmp_path / "screenshots" / "ha-noi" / "mobile" / "1.part"
    torn.mkdir()
    (tmp_path / "screenshots" / "ha-noi" / "mobile" / "2").mkdir()
    (tmp_path / "screenshots" / "ha-noi" / "mobile" / "2" / "about.json").write_text('{"portal": ')
    after = opened(tmp_path)
    assert after.of_check(CHECK.key) == before.of_check(CHECK.key)
    assert not torn.exists()
    (kept,) = after.of_check(CHECK.key)
    assert [frame.at for frame in kept.filmstrip] == [0.0, 1.5]
    assert kept.final_screenshot is not None
    assert after.find(CHECK.key, SLOT, kept.final_screenshot.file) == (
        tmp_path / "screenshots" / "ha-noi" / "mobile" / str(SLOT) / "02.webp",
        "image/webp",
    )


@pytest.mark.parametrize("file", ["about.json", "../02.webp", "/etc/passwd", "", "02.webp/", "..", "03.jpg"])
async def test_only_the_screenshots_of_the_index_are_found(tmp_path: Path, file: str):
    store = opened(tmp_path)
    await store.save(CHECK, one(), screenshots())
    assert store.find(CHECK.key, SLOT, file) is None
    assert store.find("../ha-noi/mobile", SLOT, "02.webp") is None


async def test_the_oldest_gives_way_to_the_quota_and_to_time(tmp_path: Path):
    store = opened(tmp_path, max_bytes=10_000, retention_days=30)
    for number in range(12):
        await store.save(CHECK, one(SLOT + number * DAY_MS), screenshots(size=600))
    sets = store.of_check(CHECK.key)
    assert len(sets) == 5, "each takes 1.8 kB"
    assert sets[0].slot == SLOT + 11 * DAY_MS
    assert sum(file.stat().st_size for file in (tmp_path / "screenshots").rglob("*.jpg")) <= 10_000
    await store.save(CHECK, one(SLOT + 100 * DAY_MS), screenshots())
    assert [kept.slot for kept in store.of_check(CHECK.key)] == [SLOT + 100 * DAY_MS]
    assert [path.name for path in (tmp_path / "screenshots" / "ha-noi" / "mobile").iterdir()] == [
        str(SLOT + 100 * DAY_MS)
    ]


async def test_a_set_whose_removal_was_killed_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = opened(tmp_path, retention_days=1)
    await store.save(CHECK, one(), screenshots())
    with monkeypatch.context() as patch:
        patch.setattr("monitor.storage.screenshots.shutil.rmtree", lambda *_given, **_named: None)
        await store.save(CHECK, one(SLOT + 10 * DAY_MS), screenshots())
    places = tmp_path / "screenshots" / "ha-noi" / "mobile"
    assert not (places / str(SLOT)).exists()
    opened(tmp_path)
    assert [path.name for path in places.iterdir()] == [str(SLOT + 10 * DAY_MS)]


async def test_a_disk_that_refuses_changes_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "screenshots").write_text("in the way")
    store = ScreenshotStore(folder=tmp_path / "screenshots", max_bytes=10**9, retention_days=100)
    await store.save(CHECK, one(), screenshots())
    assert store.of_check(CHECK.key) == []
    assert "screenshots_not_saved" in capsys.readouterr().out


async def test_other_users_cannot_read_it(tmp_path: Path):
    store = opened(tmp_path)
    await store.save(CHECK, one(), screenshots())
    (kept,) = (tmp_path / "screenshots" / "ha-noi" / "mobile").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
