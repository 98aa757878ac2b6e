"""What the parent of a killed daemon knows, and the rules that it holds the data directory to after each kill."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.alerting.incident_consumer import INCIDENTS_CONSUMER
from monitor.alerting.incidents import IncidentTracker
from monitor.alerting.routing import event_messages
from monitor.config import Config
from monitor.model.incidents import EventType, IncidentEvent, MessageStatus
from monitor.model.records import Measurement, StateChange
from monitor.model.rollups import Tier
from monitor.sinks.delivery import consumer_name
from monitor.states.consumers import STATES_CONSUMER
from monitor.states.state_machine import StateMachine
from monitor.storage.archive.layout import ARCHIVE_FOLDER, list_files
from monitor.storage.archive.temp_dirs import TEMP_DIR_PREFIX
from monitor.storage.archive.verify import verify
from monitor.storage.history import reader as history
from monitor.storage.history.reader import HistoryWindow
from monitor.storage.journal.store import JOURNAL_FILE, JournalReader, Record, open_journal
from monitor.storage.rollups.compute import HOUR_MS
from probes.registry import PROBE_KINDS
from tests.crash.tally import Rule, Tally
from tests.crash.world import GONE, World
from tests.servers.influxdb import InfluxServer

UNKNOWN = "the ledger does not know this file"
"""What ``archive verify`` says of a file between its rename and its entry; the next sweep takes it over."""

Identity = tuple[str, str, str, str, int, int]


def identity(one: Measurement) -> Identity:
    return (one.kind, one.portal, one.check, one.location, one.slot, one.attempt)


@dataclass
class Ledger:
    """``rows`` holds every look that was ever seen in the journal, by number; ``told`` what the killed had promised."""

    data: Path
    config: Config
    world: World
    influx: InfluxServer
    tally: Tally
    rows: dict[int, Identity] = field(default_factory=dict)
    old: Counter[Identity] = field(default_factory=Counter)

    def wrote(self, records: list[Record]) -> None:
        """What the parent itself has put into the journal, of days that are over."""
        looks = [one for one in records if isinstance(one, Measurement)]
        self.rows |= {one.seq: identity(one) for one in looks}
        self.old.update(identity(one) for one in looks)

    def judge(self, *, at_rest: bool = False) -> None:
        """Every rule, looked at as another process would. ``at_rest``: the daemon had time to bring all in order."""
        with closing(open_journal(self.data / JOURNAL_FILE, write=False)) as db:
            said = db.execute("PRAGMA quick_check").fetchone()[0]
        self.tally.hold(Rule.OPENS, said == "ok", said)
        reader = JournalReader(self.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            records = reader.records_after(0, 10_000_000)
            marks = {name: reader.checkpoint(name) for name in self._readers()}
            told = [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
        finally:
            reader.close()
        self._rows(records)
        self._folds(records, marks)
        self._sink(marks[consumer_name("influxdb")][0])
        self._rollups(*marks[Tier.HOUR.consumer_name])
        self._alerts(records, told, at_rest=at_rest)
        self._archive(at_rest=at_rest)

    @staticmethod
    def _readers() -> tuple[str, ...]:
        return (STATES_CONSUMER, INCIDENTS_CONSUMER, consumer_name("influxdb"), Tier.HOUR.consumer_name)

    def _rows(self, records: list[Record]) -> None:
        """Live rows are in the journal under their number; old ones once, in the journal or in the archive."""
        looks = {one.seq: identity(one) for one in records if isinstance(one, Measurement)}
        live = {seq: one for seq, one in self.rows.items() if one[1] not in GONE}
        lost = [one for seq, one in live.items() if looks.get(seq) != one]
        self.tally.hold(Rule.ROWS, not lost, f"lost or changed: {lost[:3]}")
        self.rows |= {seq: one for seq, one in looks.items() if one[1] not in GONE}
        there = Counter(one for one in looks.values() if one[1] not in GONE)
        missing = [one for one in self._promised("fact") if one not in there]
        self.tally.hold(Rule.ROWS, not missing, f"told as done, and not there: {missing[:3]}")
        self.tally.hold(Rule.ROWS, set(there.values()) <= {1}, "a look is there twice")
        slots = Counter(one[:5] for one in there if one[5] == 1)
        self.tally.hold(Rule.ROWS, set(slots.values()) <= {1}, "a slot has two outcomes")
        found: Counter[Identity] = Counter()
        for kind in PROBE_KINDS:
            for batch in history.measurements(self.data, HistoryWindow(kind=kind, portals=frozenset(GONE))):
                found.update(
                    (kind, *row) for row in zip(*(batch[name] for name in history.IDENTITY_COLUMNS), strict=True)
                )
        wrong = (found - self.old) + (self.old - found)
        self.tally.hold(Rule.ROWS, not wrong, f"of the days to seal: {list(wrong.items())[:3]}")

    def _promised(self, word: str) -> list[Any]:
        """What the children wrote down, by its first word; a line that the kill cut off counts for nothing."""
        told = self.data.with_name("told")
        text = told.read_text() if told.exists() else ""
        lines = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
        if word == "fact":
            return [(*line[2:6], int(line[6]), int(line[7])) for line in lines if line[1] == word]
        return [(int(line[0]), name) for line in lines if line[1] == word for name in line[2:]]

    def _folds(self, records: list[Record], marks: dict[str, tuple[int, str]]) -> None:
        """States and incidents are what a replay up to the bookmark gives, neither more nor less."""
        seq, memo = marks[STATES_CONSUMER]
        states = self.config.settings.states
        fold = StateMachine(self.config.portals, states.rules(), self.config.settings.calendar)
        changes = fold.process_all(one for one in records if isinstance(one, Measurement) and one.seq <= seq)
        kept = [one for one in records if isinstance(one, StateChange)]
        same = [_change(one) for one in kept] == [_change(one) for one in changes]
        self.tally.hold(Rule.BOOKMARKS, same and (fold.serialize() == memo or seq == 0), f"{len(kept)} changes, {seq=}")
        seq, memo = marks[INCIDENTS_CONSUMER]
        again = IncidentTracker(
            self.config.portals, "crash", correlation_window_seconds=self.config.settings.notify.shared_within
        )
        events = again.process_all(one for one in records if one.seq <= seq)
        there = [one for one in records if isinstance(one, IncidentEvent)]
        same = [_event(one) for one in there] == [_event(one) for one in events]
        self.tally.hold(Rule.INCIDENTS, same, f"{[_event(one) for one in there][-3:]}, {seq=}")
        opened = Counter(one.incident.id for one in there if one.step is EventType.OPENED)
        self.tally.hold(Rule.INCIDENTS, set(opened.values()) <= {1}, f"{opened.most_common(1)}")
        last = max((one.seq for one in records), default=0)
        self.tally.hold(Rule.BOOKMARKS, all(mark <= last for mark, _ in marks.values()), f"{marks} past {last}")

    def _sink(self, seq: int) -> None:
        """All looks up to the courier's bookmark are points."""
        points = set()
        for kind in PROBE_KINDS:
            points |= {(kind, one["portal"], one["check"], one["location"], one["time"]) for one in self._points(kind)}
        wanted = {(*one[:4], one[4] + one[5] - 1) for number, one in self.rows.items() if number <= seq}
        missing = wanted - points
        self.tally.hold(Rule.BOOKMARKS, not missing, f"InfluxDB has not {len(missing)}: {sorted(missing)[:3]}, {seq=}")

    def _points(self, kind: str, bucket: str = "raw", fields: str = "slot") -> list[dict[str, Any]]:
        found = self.influx.query(f'SELECT {fields}, portal, "check", location FROM "{kind}"', bucket)
        return [dict(zip(series["columns"], row, strict=True)) for series in found for row in series["values"]]

    def _rollups(self, seq: int, memo: str) -> None:
        """The hours before the bookmark are written, and count all rows up to its number."""
        until = json.loads(memo)["until"] if memo else 0
        least: Counter[tuple[str, str, str, str, int]] = Counter()
        most: Counter[tuple[str, str, str, str, int]] = Counter()
        for number, one in self.rows.items():
            if one[4] < until:
                hour = (*one[:4], one[4] - one[4] % HOUR_MS)
                most[hour] += 1
                least[hour] += number <= seq
        points = {
            (kind, one["portal"], one["check"], one["location"], one["time"]): one["slots"] + one["attempts"]
            for kind in PROBE_KINDS
            for one in self._points(kind, "hourly", "slots, attempts")
        }
        wrong = [hour for hour in most if not least[hour] <= points.get(hour, 0) <= most[hour]]
        self.tally.hold(Rule.BOOKMARKS, not wrong, f"rolled up otherwise: {wrong[:3]}, {until=}, {seq=}")

    def _alerts(self, records: list[Record], told: list[Any], *, at_rest: bool) -> None:
        """Every event that concerns somebody has its message; what was settled was sent, and never again."""
        events = [one for one in records if isinstance(one, IncidentEvent)]
        wanted = {(one.incident, one.number) for one in event_messages(events, self.config.settings.notify, 0)}
        there = Counter((one.incident, one.number) for one in told)
        self.tally.hold(Rule.ALERTS, there == Counter(wanted), f"outbox {len(there)}, events {len(wanted)}")
        accepted = {f"{one.incident}#{one.number}" for one in told if one.fate is MessageStatus.ACCEPTED}
        heard = {name for body in list(self.world.hook.got) for name in body["incidents"].split(",")}
        deaf = [name for name in accepted if name.partition("#")[0] not in heard]
        self.tally.hold(Rule.ALERTS, not deaf, f"settled and never sent: {deaf[:3]}")
        sends, settled = self._promised("sends"), dict(map(reversed, self._promised("settled")))
        twice = [one for one, count in Counter(sends).items() if count > 1]
        again = [name for life, name in sends if name in settled and life > settled[name]]
        self.tally.hold(Rule.ALERTS, not twice and not again, f"in one life {twice[:3]}, once settled {again[:3]}")
        if at_rest:
            waiting = [one for one in told if one.fate is not MessageStatus.ACCEPTED]
            self.tally.hold(Rule.ALERTS, not waiting, f"never told: {waiting[:3]}")

    def _archive(self, *, at_rest: bool) -> None:
        """No sealed file is missing or changed; one that is not entered yet is the next sweep's."""
        complaints = verify(self.data).errors
        if not at_rest:
            complaints = tuple(one for one in complaints if UNKNOWN not in one)
        self.tally.hold(Rule.ARCHIVE, not complaints, "; ".join(complaints))
        if at_rest:
            self.tally.hold(Rule.RUBBISH, not rubbish(self.data), f"{rubbish(self.data)}")


def rubbish(data: Path) -> list[str]:
    """What should not stay in a data directory: drafts, parts, rooms of unfinished work."""
    there = list(data.rglob("*"))
    found = [path for path in there if path.suffix == ".part" or path.name.startswith(TEMP_DIR_PREFIX)]
    known = {data / ARCHIVE_FOLDER / one for one in list_files(data)} | {
        data / ARCHIVE_FOLDER / "lock",
        data / ARCHIVE_FOLDER / "manifest.json",
    }
    found += [path for path in there if data / ARCHIVE_FOLDER in path.parents and path.is_file() and path not in known]
    return sorted({path.relative_to(data).as_posix() for path in found})


def _change(one: StateChange) -> tuple[object, ...]:
    return (one.portal, one.at, one.state, one.previous, one.cause)


def _event(one: IncidentEvent) -> tuple[object, ...]:
    return (one.incident.id, one.number, one.step.value, one.portal, one.at, one.tell)
