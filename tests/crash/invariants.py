"""The rules that the parent of a killed daemon checks in the data directory after each kill."""

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
from tests.crash.world import PAST_PORTALS, World
from tests.servers.influxdb import InfluxServer

UNKNOWN = "not in the catalog"
"""The error of ``archive verify`` for a file between its rename and its entry; the next sweep recovers it."""

Identity = tuple[str, str, str, str, int, int]


def identity(one: Measurement) -> Identity:
    return (one.kind, one.portal, one.check, one.location, one.slot, one.attempt)


@dataclass
class Invariants:
    """``rows`` holds every measurement that was ever found in the journal, by sequence number."""

    data: Path
    config: Config
    world: World
    influx: InfluxServer
    tally: Tally
    rows: dict[int, Identity] = field(default_factory=dict)
    old: Counter[Identity] = field(default_factory=Counter)

    def wrote(self, records: list[Record]) -> None:
        """Add what the parent itself has written to the journal, of past days."""
        measurements = [one for one in records if isinstance(one, Measurement)]
        self.rows |= {one.seq: identity(one) for one in measurements}
        self.old.update(identity(one) for one in measurements)

    def check(self, *, at_rest: bool = False) -> None:
        """Check every rule from another process. ``at_rest``: the daemon had time to complete its work."""
        with closing(open_journal(self.data / JOURNAL_FILE, write=False)) as db:
            integrity = db.execute("PRAGMA quick_check").fetchone()[0]
        self.tally.hold(Rule.OPENS, integrity == "ok", integrity)
        reader = JournalReader(self.data / JOURNAL_FILE, PROBE_KINDS)
        try:
            records = reader.records_after(0, 10_000_000)
            checkpoints = {name: reader.checkpoint(name) for name in self._consumers()}
            messages = [one for event in reader.incidents() for one in reader.messages(event.incident.id)]
        finally:
            reader.close()
        self._rows(records)
        self._state_machines(records, checkpoints)
        self._sink(checkpoints[consumer_name("influxdb")][0])
        self._rollups(*checkpoints[Tier.HOUR.consumer_name])
        self._alerts(records, messages, at_rest=at_rest)
        self._archive(at_rest=at_rest)

    @staticmethod
    def _consumers() -> tuple[str, ...]:
        return (STATES_CONSUMER, INCIDENTS_CONSUMER, consumer_name("influxdb"), Tier.HOUR.consumer_name)

    def _rows(self, records: list[Record]) -> None:
        """Check that live rows are in the journal under their number, and old ones once, in journal or archive."""
        measurements = {one.seq: identity(one) for one in records if isinstance(one, Measurement)}
        live = {seq: one for seq, one in self.rows.items() if one[1] not in PAST_PORTALS}
        lost = [one for seq, one in live.items() if measurements.get(seq) != one]
        self.tally.hold(Rule.ROWS, not lost, f"lost or changed: {lost[:3]}")
        self.rows |= {seq: one for seq, one in measurements.items() if one[1] not in PAST_PORTALS}
        present = Counter(one for one in measurements.values() if one[1] not in PAST_PORTALS)
        missing = [one for one in self._recorded("committed") if one not in present]
        self.tally.hold(Rule.ROWS, not missing, f"reported as committed, but missing: {missing[:3]}")
        self.tally.hold(Rule.ROWS, set(present.values()) <= {1}, "a measurement is stored twice")
        slots = Counter(one[:5] for one in present if one[5] == 1)
        self.tally.hold(Rule.ROWS, set(slots.values()) <= {1}, "a slot has two outcomes")
        found: Counter[Identity] = Counter()
        for kind in PROBE_KINDS:
            for batch in history.measurements(self.data, HistoryWindow(kind=kind, portals=frozenset(PAST_PORTALS))):
                found.update(
                    (kind, *row) for row in zip(*(batch[name] for name in history.IDENTITY_COLUMNS), strict=True)
                )
        wrong = (found - self.old) + (self.old - found)
        self.tally.hold(Rule.ROWS, not wrong, f"of the days to seal: {list(wrong.items())[:3]}")

    def _recorded(self, word: str) -> list[Any]:
        """Return what the children recorded, by its first word; a line that the kill cut off is ignored."""
        messages = self.data.with_name("progress")
        text = messages.read_text() if messages.exists() else ""
        lines = [line.split() for line in text.splitlines(keepends=True) if line.endswith("\n")]
        if word == "committed":
            return [(*line[2:6], int(line[6]), int(line[7])) for line in lines if line[1] == word]
        return [(int(line[0]), name) for line in lines if line[1] == word for name in line[2:]]

    def _state_machines(self, records: list[Record], checkpoints: dict[str, tuple[int, str]]) -> None:
        """Check that states and incidents equal a replay up to the checkpoint."""
        seq, state = checkpoints[STATES_CONSUMER]
        states = self.config.settings.states
        state_machine = StateMachine(self.config.portals, states.rules(), self.config.settings.calendar)
        changes = state_machine.process_all(one for one in records if isinstance(one, Measurement) and one.seq <= seq)
        kept = [one for one in records if isinstance(one, StateChange)]
        same = [_change(one) for one in kept] == [_change(one) for one in changes]
        self.tally.hold(
            Rule.CHECKPOINTS, same and (state_machine.serialize() == state or seq == 0), f"{len(kept)} changes, {seq=}"
        )
        seq, state = checkpoints[INCIDENTS_CONSUMER]
        again = IncidentTracker(
            self.config.portals, "crash", correlation_window_seconds=self.config.settings.notify.correlation_window
        )
        events = again.process_all(one for one in records if one.seq <= seq)
        present = [one for one in records if isinstance(one, IncidentEvent)]
        same = [_event(one) for one in present] == [_event(one) for one in events]
        self.tally.hold(Rule.INCIDENTS, same, f"{[_event(one) for one in present][-3:]}, {seq=}")
        opened = Counter(one.incident.id for one in present if one.type is EventType.OPENED)
        self.tally.hold(Rule.INCIDENTS, set(opened.values()) <= {1}, f"{opened.most_common(1)}")
        last = max((one.seq for one in records), default=0)
        self.tally.hold(
            Rule.CHECKPOINTS, all(mark <= last for mark, _ in checkpoints.values()), f"{checkpoints} past {last}"
        )

    def _sink(self, seq: int) -> None:
        """Check that all measurements up to the sink's checkpoint are points."""
        points = set()
        for kind in PROBE_KINDS:
            points |= {(kind, one["portal"], one["check"], one["location"], one["time"]) for one in self._points(kind)}
        wanted = {(*one[:4], one[4] + one[5] - 1) for number, one in self.rows.items() if number <= seq}
        missing = wanted - points
        self.tally.hold(
            Rule.CHECKPOINTS, not missing, f"InfluxDB has not {len(missing)}: {sorted(missing)[:3]}, {seq=}"
        )

    def _points(self, kind: str, bucket: str = "raw", fields: str = "slot") -> list[dict[str, Any]]:
        found = self.influx.query(f'SELECT {fields}, portal, "check", location FROM "{kind}"', bucket)
        return [dict(zip(series["columns"], row, strict=True)) for series in found for row in series["values"]]

    def _rollups(self, seq: int, state: str) -> None:
        """Check that the hours before the checkpoint are written, and count all rows up to its number."""
        until = json.loads(state)["until"] if state else 0
        least: Counter[tuple[str, str, str, str, int]] = Counter()
        most: Counter[tuple[str, str, str, str, int]] = Counter()
        for number, one in self.rows.items():
            if one[4] < until:
                hour = (*one[:4], one[4] - one[4] % HOUR_MS)
                most[hour] += 1
                least[hour] += number <= seq
        points = {
            (kind, one["portal"], one["check"], one["location"], one["time"]): one["slots"]
            + one["confirmation_attempts"]
            for kind in PROBE_KINDS
            for one in self._points(kind, "hourly", "slots, confirmation_attempts")
        }
        wrong = [hour for hour in most if not least[hour] <= points.get(hour, 0) <= most[hour]]
        self.tally.hold(Rule.CHECKPOINTS, not wrong, f"rolled up otherwise: {wrong[:3]}, {until=}, {seq=}")

    def _alerts(self, records: list[Record], messages: list[Any], *, at_rest: bool) -> None:
        """Check that every event with targets has its message, and that completed ones were sent, and never again."""
        events = [one for one in records if isinstance(one, IncidentEvent)]
        wanted = {(one.incident, one.number) for one in event_messages(events, self.config.settings.notify, 0)}
        present = Counter((one.incident, one.number) for one in messages)
        self.tally.hold(Rule.ALERTS, present == Counter(wanted), f"outbox {len(present)}, events {len(wanted)}")
        accepted = {f"{one.incident}#{one.number}" for one in messages if one.status is MessageStatus.ACCEPTED}
        received = {name for body in list(self.world.hook.got) for name in body["incidents"].split(",")}
        missing = [name for name in accepted if name.partition("#")[0] not in received]
        self.tally.hold(Rule.ALERTS, not missing, f"completed and never sent: {missing[:3]}")
        sends, completed = self._recorded("sends"), dict(map(reversed, self._recorded("completed")))
        twice = [one for one, count in Counter(sends).items() if count > 1]
        again = [name for life, name in sends if name in completed and life > completed[name]]
        self.tally.hold(Rule.ALERTS, not twice and not again, f"in one life {twice[:3]}, after completion {again[:3]}")
        if at_rest:
            waiting = [one for one in messages if one.status is not MessageStatus.ACCEPTED]
            self.tally.hold(Rule.ALERTS, not waiting, f"never sent: {waiting[:3]}")

    def _archive(self, *, at_rest: bool) -> None:
        """Check that no sealed file is missing or changed; the next sweep adds one without an entry."""
        errors = verify(self.data).errors
        if not at_rest:
            errors = tuple(one for one in errors if UNKNOWN not in one)
        self.tally.hold(Rule.ARCHIVE, not errors, "; ".join(errors))
        if at_rest:
            self.tally.hold(Rule.LEFTOVERS, not leftovers(self.data), f"{leftovers(self.data)}")


def leftovers(data: Path) -> list[str]:
    """Return what should not stay in a data directory: drafts, incomplete files, temporary directories."""
    present = list(data.rglob("*"))
    found = [path for path in present if path.suffix == ".part" or path.name.startswith(TEMP_DIR_PREFIX)]
    known = {data / ARCHIVE_FOLDER / one for one in list_files(data)} | {
        data / ARCHIVE_FOLDER / "lock",
        data / ARCHIVE_FOLDER / "manifest.json",
    }
    found += [
        path for path in present if data / ARCHIVE_FOLDER in path.parents and path.is_file() and path not in known
    ]
    return sorted({path.relative_to(data).as_posix() for path in found})


def _change(one: StateChange) -> tuple[object, ...]:
    return (one.portal, one.at, one.state, one.previous, one.cause)


def _event(one: IncidentEvent) -> tuple[object, ...]:
    return (one.incident.id, one.number, one.type.value, one.portal, one.at, one.notify)
