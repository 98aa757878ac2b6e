"""Film strips for a report: the newest good load of the period, and never anything that is no picture of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from monitor.scoring.report.filmstrips import MAX_FRAMES, filmstrips
from tests.monitor.scoring.parts import FIRST, HOUR, PERIOD


def exhibit(data: Path, slot: int, outcome: str = "up", check: str = "mobile", **frame: object) -> Path:
    """As rendering keeps it: two frames of the film, and the whole screen in the end."""
    place = data / "evidence" / "hue" / check / str(FIRST + slot)
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
        exhibit(tmp_path, slot, outcome)
    exhibit(tmp_path, PERIOD.until_ms - FIRST)
    exhibit(tmp_path, -1)
    film = found(tmp_path)["hue"]
    assert film.slot == FIRST + 2 * HOUR
    assert [(frame.at, frame.body) for frame in film.frames] == [(0.0, b"7200000 0"), (1.0, b"7200000 1")]
    assert found(tmp_path).keys() == {"hue"}


def test_without_a_good_load_the_newest_one_is_shown(tmp_path: Path):
    exhibit(tmp_path, HOUR, "down")
    assert found(tmp_path)["hue"].slot == FIRST + HOUR


@pytest.mark.parametrize(
    "frame", [{"file": "../../secret"}, {"type": "image/svg+xml"}, {"file": "gone.webp"}, {"at": "soon"}, {"file": 7}]
)
def test_what_is_no_picture_of_the_load_is_left_out(tmp_path: Path, frame: dict[str, object]):
    tmp_path.joinpath("evidence", "hue").mkdir(parents=True)
    tmp_path.joinpath("evidence", "hue", "secret").write_text("x")
    exhibit(tmp_path, HOUR, **frame)
    assert found(tmp_path) == {}


def test_a_damaged_exhibit_gives_way_to_the_one_before(tmp_path: Path):
    exhibit(tmp_path, HOUR)
    exhibit(tmp_path, 2 * HOUR).joinpath("about.json").write_text("{")
    exhibit(tmp_path, 3 * HOUR).joinpath("01.webp").unlink()
    assert found(tmp_path)["hue"].slot == FIRST + HOUR
    assert MAX_FRAMES >= 1
    assert filmstrips(tmp_path / "nowhere", ["hue"], PERIOD, PERIOD.until_ms) == {}
