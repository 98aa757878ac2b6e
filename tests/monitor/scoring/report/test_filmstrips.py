"""Filmstrips of a report: the newest successful load of the period, and nothing that is not its screenshot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.scoring.report.filmstrips import MAX_FRAMES, filmstrips
from tests.monitor.scoring.parts import FIRST, HOUR, PERIOD


def write_set(data: Path, slot: int, outcome: str = "up", check: str = "mobile", **frame: object) -> Path:
    """Write a screenshot set: two frames of the filmstrip, and the whole screen at the end."""
    place = data / "screenshots" / "hue" / check / str(FIRST + slot)
    place.mkdir(parents=True)
    frames = [{"file": f"0{at}.webp", "type": "image/webp", "at": at, **frame} for at in (1, 0)]
    frames.append({"file": "02.webp", "type": "image/webp", "at": None})
    for number in range(3):
        place.joinpath(f"0{number}.webp").write_bytes(f"{slot} {number}".encode())
    place.joinpath("about.json").write_text(json.dumps({"outcome": outcome, "frames": frames}))
    return place


def found(data: Path) -> dict:
    return filmstrips(data, ["hue", "ha-noi"], PERIOD, PERIOD.until_ms)


def test_the_newest_good_load_of_the_period_is_shown_in_order_of_time(tmp_path: Path):
    for slot, outcome in ((HOUR, "up"), (2 * HOUR, "up"), (3 * HOUR, "down")):
        write_set(tmp_path, slot, outcome)
    write_set(tmp_path, PERIOD.until_ms - FIRST)
    write_set(tmp_path, -1)
    filmstrip = found(tmp_path)["hue"]
    assert filmstrip.slot == FIRST + 2 * HOUR
    assert [(frame.at_seconds, frame.body) for frame in filmstrip.frames] == [(0.0, b"7200000 0"), (1.0, b"7200000 1")]
    assert found(tmp_path).keys() == {"hue"}


def test_without_a_good_load_the_newest_one_is_shown(tmp_path: Path):
    write_set(tmp_path, HOUR, "down")
    assert found(tmp_path)["hue"].slot == FIRST + HOUR


@pytest.mark.parametrize(
    "frame", [{"file": "../../secret"}, {"type": "image/svg+xml"}, {"file": "gone.webp"}, {"at": "soon"}, {"file": 7}]
)
def test_what_is_no_screenshot_of_the_load_is_skipped(tmp_path: Path, frame: dict[str, object]):
    tmp_path.joinpath("screenshots", "hue").mkdir(parents=True)
    tmp_path.joinpath("screenshots", "hue", "secret").write_text("x")
    write_set(tmp_path, HOUR, **frame)
    assert found(tmp_path) == {}


def test_a_damaged_set_gives_way_to_the_previous_one(tmp_path: Path):
    write_set(tmp_path, HOUR)
    write_set(tmp_path, 2 * HOUR).joinpath("about.json").write_text("{")
    write_set(tmp_path, 3 * HOUR).joinpath("01.webp").unlink()
    assert found(tmp_path)["hue"].slot == FIRST + HOUR
    assert MAX_FRAMES >= 1
    assert filmstrips(tmp_path / "nowhere", ["hue"], PERIOD, PERIOD.until_ms) == {}
