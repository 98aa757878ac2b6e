"""Work that is killed without a daemon: sealing and export of scores, and the storage of screenshots."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import xlsxwriter  # noqa: F401 - loaded once for all children
from structlog.testing import capture_logs

from monitor.cli.main import app
from monitor.scoring import engine, periods, seal
from monitor.scoring.periods import Period
from monitor.scoring.report import collect, manifest, output
from monitor.storage import screenshots
from monitor.storage.screenshots import METADATA_FILE, ScreenshotStore
from tests.crash.invariants import leftovers
from tests.crash.sealing import Sealing
from tests.crash.stages import Page, watch
from tests.crash.tally import Rule
from tests.crash.work import Work
from tests.factories import DAY
from tests.monitor.scoring import quarter, test_seal
from tests.monitor.storage import test_screenshots


@dataclass
class Scoring(Work):
    """``score seal --replace`` and ``score verify`` of a period whose rubric or portal changes meanwhile."""

    stages = ("scores: compute", "scores: inputs", "scores: write", "scores: verify")
    good: set[tuple[str, str]] = field(default_factory=set)

    def prepare(self) -> None:
        quarter.write_config(self.root / "config")
        for name in ("qd473-2024", "lighthouse-mobile"):
            self.root.joinpath("config", "rubrics", f"{name}.yaml").unlink()
        self.root.joinpath("config", "entries", "2026.yaml").unlink()
        with capture_logs():
            test_seal.archive(quarter.fill(self.data, days=test_seal.DAYS))
        self.run_once()

    def add_work(self) -> None:
        self.good = {self._sealed()}
        rubric, portals = self.root / "config" / "rubrics" / "website-2025.yaml", self.root / "config" / "portals.yaml"
        if self.number % 2:
            limits = ("limit: 0.6", "limit: 0.7")
            _swap(rubric, *(limits if limits[0] in rubric.read_text("utf-8") else limits[::-1]))
        else:
            _swap(portals, quarter.PORTALS, quarter.PORTALS.replace("en: Hue", f"en: Hue {self.number}"))
        self.number += 1

    def watch_stages(self, page: Page) -> None:
        watch(page, engine, "score", "scores: compute")
        watch(page, seal, "input_digests", "scores: inputs")
        watch(page, seal, "seal", "scores: write")
        watch(page, Scoring, "_verify", "scores: verify")

    def run_once(self) -> None:
        self._command("seal", "--replace", "--by", f"Number {self.number}")
        self._verify()

    def _verify(self) -> int:
        return self._command("verify")

    def _command(self, *words: str) -> int:
        where = ["--config", str(self.root / "config"), "--data", str(self.data), "--period", test_seal.PERIOD]
        return command("score", *words, *where)

    def _sealed(self) -> tuple[str, str]:
        """Return (the scores, their inputs) as a reader of the seal finds them. Raises when they do not match."""
        data = collect._read_sealed_scores(self.data, self._period())  # noqa: SLF001 - how an export reads a seal
        assert data is not None, "a seal exists from the start"
        return json.dumps(data[1], sort_keys=True), json.dumps(data[0]["inputs"], sort_keys=True)

    def _period(self) -> Period:
        return periods.parse(test_seal.PERIOD, ZoneInfo("Asia/Ho_Chi_Minh"), 0)

    def check(self) -> None:
        try:
            left = self._sealed()
        except (AssertionError, seal.SealError) as error:
            left = (str(error), "")
        self.run_once()
        after = self._sealed()
        self.tally.hold(Rule.SEALS, left in self.good | {after}, left[0][:200])
        self.tally.hold(Rule.SEALS, self._verify() == 0, "the next seal is not good")
        self.tally.hold(Rule.LEFTOVERS, not leftovers(self.data), f"{leftovers(self.data)}")


def command(*words: str) -> int:
    """The exit code of ``portal-monitor`` with these words, in this process, without its output."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            app(list(words), standalone_mode=False)
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def _swap(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8") if old in path.read_text("utf-8") else old
    path.write_text(text.replace(old, new), "utf-8")


@dataclass
class Exporting(Scoring):
    """``export`` in all formats, by turns into a free place and over an older export."""

    stages = ("export: collect", "export: write", "export: replace")
    wanted: dict[str, bytes] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        return self.data / "exports" / "handed-over"

    def prepare(self) -> None:
        super().prepare()
        Exporting.run_once(self)
        self.wanted = self._content()

    def add_work(self) -> None:
        self.number += 1
        if self.number % 2 and self.out.exists():
            shutil.rmtree(self.out)

    def watch_stages(self, page: Page) -> None:
        watch(page, collect, "collect_report", "export: collect")
        watch(page, output, "_write_file", "export: write")
        watch(page, output, "_replace_target", "export: replace")

    def run_once(self) -> None:
        if not self.wanted and not (self.data / "scores").exists():
            super().run_once()
            return
        where = ["--config", str(self.root / "config"), "--data", str(self.data), "--out", str(self.out)]
        command("export", "--quarter", test_seal.PERIOD, *where)

    def _content(self) -> dict[str, bytes]:
        paths = (path for path in self.out.rglob("*") if path.is_file())
        return {path.relative_to(self.out).as_posix(): path.read_bytes() for path in paths}

    def check(self) -> None:
        whole = not self.out.exists() or (manifest.verify(self.out) == [] and self._content() == self.wanted)
        self.tally.hold(Rule.EXPORTS, whole, f"{sorted(self._content())[:5]}")
        self.run_once()
        self.tally.hold(Rule.EXPORTS, self._content() == self.wanted, "the next export is another one")
        self.tally.hold(Rule.LEFTOVERS, not leftovers(self.data), f"{leftovers(self.data)}")


@dataclass
class Screenshotting(Work):
    """Screenshot sets stored one after the other in a small limit, so that the oldest are removed meanwhile."""

    stages = ("screenshots: save", "screenshots: remove")

    def prepare(self) -> None:
        self.data.mkdir(parents=True)

    def add_work(self) -> None:
        self.number += 1

    def watch_stages(self, page: Page) -> None:
        watch(page, ScreenshotStore, "_write_set", "screenshots: save")
        watch(page, screenshots, "_remove_set", "screenshots: remove")

    def run_once(self) -> None:
        kept = self._kept()

        async def live() -> None:
            for one in itertools.islice(itertools.count(self.number * 10), 8):
                measurement = test_screenshots.one(test_screenshots.SLOT + one * DAY)
                await kept.save(test_screenshots.CHECK, measurement, test_screenshots.screenshots(size=40_000))

        asyncio.run(live())

    def _kept(self) -> ScreenshotStore:
        return test_screenshots.opened(self.data, max_bytes=500_000)

    def check(self) -> None:
        self._check_sets("before")
        self._kept()
        self._check_sets("after")
        self.tally.hold(Rule.LEFTOVERS, not leftovers(self.data), f"{leftovers(self.data)}")

    def _check_sets(self, when: str) -> None:
        for directory in (self.data / "screenshots").glob("*/*/*"):
            if directory.suffix == ".part" and when == "before":
                continue
            try:
                data = json.loads((directory / METADATA_FILE).read_text("utf-8"))
                size = sum((directory / one["file"]).stat().st_size for one in data["frames"])
                good = size == data["size"] and len(list(directory.iterdir())) == len(data["frames"]) + 1
            except (OSError, ValueError, KeyError):
                good = False
            self.tally.hold(
                Rule.SCREENSHOTS, good, f"{directory.name}: {sorted(one.name for one in directory.iterdir())}"
            )


WORKS: dict[str, tuple[type[Work], float]] = {
    "days": (Sealing, 0.3),
    "scores": (Scoring, 0.25),
    "export": (Exporting, 0.25),
    "screenshots": (Screenshotting, 0.2),
}
"""The works, and which part of the kills that are not the whole daemon's each gets."""
