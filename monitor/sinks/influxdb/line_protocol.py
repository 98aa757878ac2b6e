"""Encodes records as InfluxDB line protocol and parses points; the fields follow the metric declarations."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

from monitor.model.records import Measurement, State, StateChange, UnknownReason
from monitor.model.rollups import Rollup, rollup_fields
from monitor.model.scores import ScorePoint
from monitor.sinks.base import RecordRejected
from probes.registry import PROBE_KINDS
from probes.result import Fault, Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.sinks.base import LabelLookup, SinkRecord
    from probes.result import Scalar

STATE_CHANGE = "state_change"
"""The InfluxDB measurement of state changes; every other one is named after its probe kind."""

SCORE = "score"
"""The InfluxDB measurement of live scores."""

TAGS = ("check", "group", "kind", "location", "portal")
"""All tags, sorted as InfluxDB recommends. ``kind`` is the portal's; the probe kind is the measurement."""

FieldType = type[bool | int | float | str]

MEASUREMENT_FIELDS: dict[str, tuple[FieldType, str]] = {
    "slot": (int, "Scheduled time of the probe, in ms since 1970-01-01 UTC."),
    "attempt": (int, "1 for the scheduled attempt, 2 and up for confirmation attempts; for page loads, the run."),
    "outcome": (str, "Outcome: `up`, `down`, or `unknown`."),
    "fault": (str, "Why the probe failed, from a closed set."),
    "unknown_reason": (str, "Why the outcome is unknown, from a closed set."),
    "phase": (str, "Phase in which the probe failed."),
    "detail": (str, "The failure in one sentence."),
    "started": (int, "When the probe began, in ms since 1970-01-01 UTC."),
    "duration": (float, "Duration of the probe, in seconds."),
    "start_delay": (float, "Start of the probe after its slot, in seconds."),
    "config": (str, "Fingerprint of the configuration in force."),
    "hops": (str, "Requests of the probe as JSON; absent for a successful probe with one request."),
}
"""Fields of every probe kind: type and meaning. All but the first three are absent where they do not apply."""

STATE_CHANGE_FIELDS: dict[str, tuple[FieldType, str]] = {
    "state": (str, "The state that began."),
    "previous": (str, "The state that ended."),
    "flapping": (bool, "Whether the portal is flapping."),
    "fault": (str, "Fault of the measurement that caused it."),
    "detail": (str, "That failure in one sentence."),
    "cause": (int, "Journal number of that measurement, at the location."),
}
"""Fields of a state change."""

_TEXT_FIELDS = ("fault", "unknown_reason", "phase", "detail", "config")
_NUMBER_FIELDS = ("started", "duration", "start_delay")
_INT64 = 2**63
_MAX_DOUBLE = sys.float_info.max
_FORBIDDEN_IN_TAG = ("\\", "\n", "\r", "\0")
"""Line protocol cannot represent these in a tag: a backslash cannot be escaped there."""


def point_fields(kind: str) -> dict[str, tuple[FieldType, str]]:
    """Return all fields of a probe kind, or of :data:`STATE_CHANGE`: type and meaning."""
    if kind == STATE_CHANGE:
        return STATE_CHANGE_FIELDS
    measured = (metric for metric in PROBE_KINDS[kind].metrics if not metric.sum_of)
    return MEASUREMENT_FIELDS | {metric.name: (metric.type, metric.help) for metric in measured}


def _field_types(kind: str) -> dict[str, FieldType]:
    return {name: field_type for name, (field_type, _) in point_fields(kind).items()}


def point_time_ms(measurement: Measurement) -> int:
    """Return the time of a point in UTC ms: the slot; further attempts follow a millisecond apart, as own points."""
    return measurement.slot + measurement.attempt - 1


class LineProtocolEncoder:
    """Encodes line protocol with millisecond times; ``dropped_values`` counts the values that it cannot represent."""

    def __init__(self, label_lookup: LabelLookup) -> None:
        self.dropped_values = 0
        self._label_lookup = label_lookup
        self._series_keys: dict[tuple[str, ...], str] = {}
        self._field_types = {kind: _field_types(kind) for kind in PROBE_KINDS}

    def encode_all(self, records: Sequence[SinkRecord]) -> bytes:
        """Encode *records* as lines. Raises :class:`RecordRejected` when one of them cannot be encoded."""
        return "\n".join([self.encode(record) for record in records]).encode(errors="replace")

    def encode(self, record: SinkRecord) -> str:
        """Encode one record as one line."""
        if isinstance(record, Measurement):
            return self._encode_measurement(record)
        if isinstance(record, ScorePoint):
            return self._encode_score(record)
        return self._encode_state_change(record) if isinstance(record, StateChange) else self._encode_rollup(record)

    def _encode_score(self, score: ScorePoint) -> str:
        """Encode a live score. Its identity has to be a tag, and ``check`` is the tag for what is measured."""
        check = f"{score.rubric}/{score.criterion}/{score.window}"
        texts = {"rubric": score.rubric, "criterion": score.criterion, "window": score.window}
        found = [f"version={score.version}i", *(f"{name}={_quote_string(text)}" for name, text in texts.items())]
        for name, value in score.values.items():
            self._add_field(found, name, float, value)
        return f"{self._series_key(SCORE, check, '', score.portal)} {','.join(found)} {score.at}"

    def _encode_rollup(self, rollup: Rollup) -> str:
        """Encode a rollup. The bucket implies the length of its period, so the measurement is the probe kind."""
        types = rollup_fields(rollup.kind) if rollup.kind in PROBE_KINDS else None
        if types is None:
            raise RecordRejected(f"unknown probe kind {rollup.kind!r}")
        found = [f"end={rollup.end}i"]
        for name, value in rollup.values.items():
            self._add_field(found, name, types.get(name), value)
        series = self._series_key(rollup.kind, rollup.check, rollup.location, rollup.portal)
        return f"{series} {','.join(found)} {rollup.start}"

    def _encode_measurement(self, measurement: Measurement) -> str:
        types = self._field_types.get(measurement.kind)
        if types is None:
            raise RecordRejected(f"unknown probe kind {measurement.kind!r}")
        found = [f'slot={measurement.slot}i,attempt={measurement.attempt}i,outcome="{measurement.outcome.value}"']
        found += [f"{name}={_quote_string(text)}" for name in _TEXT_FIELDS if (text := getattr(measurement, name))]
        for name in _NUMBER_FIELDS:
            if (number := getattr(measurement, name)) is not None:
                self._add_field(found, name, types[name], number)
        if measurement.hops:
            found.append(f"hops={_quote_string(_hops_json(measurement.hops))}")
        for name, value in measurement.values.items():
            field_type = types.get(name)
            # Most values take this branch, which saves a call.
            if field_type is float and type(value) is float and -_MAX_DOUBLE <= value <= _MAX_DOUBLE:
                found.append(f"{name}={value!r}")
            else:
                self._add_field(found, name, field_type, value)
        series = self._series_key(measurement.kind, measurement.check, measurement.location, measurement.portal)
        return f"{series} {','.join(found)} {point_time_ms(measurement)}"

    def _add_field(self, encoded: list[str], name: str, field_type: FieldType | None, value: Scalar) -> None:
        """Add a field in its declared type; a value that does not fit is dropped and counted."""
        text = _encode_field(field_type, value)
        if text is None:
            self.dropped_values += 1
        else:
            encoded.append(f"{name}={text}")

    def _encode_state_change(self, change: StateChange) -> str:
        found = [f'state="{change.state.value}",previous="{change.previous.value}",cause={change.cause}i']
        found.append(f"flapping={'true' if change.flapping else 'false'}")
        if change.fault is not None:
            found.append(f'fault="{change.fault.value}"')
        if change.detail:
            found.append(f"detail={_quote_string(change.detail)}")
        return f"{self._series_key(STATE_CHANGE, '', change.location, change.portal)} {','.join(found)} {change.at}"

    def _series_key(self, measurement: str, check: str, location: str, portal: str) -> str:
        """Return measurement and sorted tags, cached, since a series has many points. InfluxDB has no empty tags."""
        labels = self._label_lookup(portal)
        group, kind = (labels.group, labels.portal_kind) if labels else ("", "")
        key = (measurement, check, location, portal, group, kind)
        if (known := self._series_keys.get(key)) is None:
            tags = zip(TAGS, (check, group, kind, location, portal), strict=True)
            encoded = (f"{tag}={_encode_tag(tag, value)}" for tag, value in tags if value)
            known = self._series_keys[key] = ",".join([measurement, *encoded])
        return known


def _encode_field(field_type: FieldType | None, value: Scalar) -> str | None:
    """Encode a value as *field_type*; None for one that InfluxDB cannot hold or that is of another type."""
    if field_type is str and isinstance(value, str):
        return _quote_string(value)
    if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if field_type is float:
        return repr(float(value)) if abs(value) <= _MAX_DOUBLE else None
    if field_type is int:
        return f"{int(value)}i" if abs(value) < _INT64 else None
    return ("true" if value else "false") if field_type is bool else None


def _encode_tag(tag: str, value: str) -> str:
    if any(character in value for character in _FORBIDDEN_IN_TAG):
        raise RecordRejected(f"{tag} {value!r} cannot be a tag")
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _quote_string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _hops_json(hops: Sequence[Hop]) -> str:
    names = ("family", "address", "status", "location")
    found = [{"url": hop.url, "phases": dict(hop.phases)} | {one: getattr(hop, one) for one in names} for hop in hops]
    return json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def parse_measurement(kind: str, tags: Mapping[str, str], field_values: Mapping[str, Any]) -> Measurement:
    """Parse a point into its measurement, without ``seq``.

    *kind* is the InfluxDB measurement; *field_values* maps fields to their values in JSON (a whole float is an integer
    there), None where a field is absent. Undeclared fields are ignored.
    """
    types = _field_types(kind)
    typed = {name: types[name](value) for name, value in field_values.items() if value is not None and name in types}
    base: dict[str, Any] = {name: typed.pop(name) for name in MEASUREMENT_FIELDS if name in typed}
    base["outcome"] = Outcome(base["outcome"])
    for name, make in (("fault", Fault), ("unknown_reason", UnknownReason)):
        if name in base:
            base[name] = make(base[name])
    if "hops" in base:
        base["hops"] = tuple(Hop(**hop) for hop in json.loads(base["hops"]))
    base |= {name: tags[name] for name in ("portal", "check", "location")}
    return Measurement(kind=kind, **base, values=typed)


def parse_state_change(tags: Mapping[str, str], at_ms: int, field_values: Mapping[str, Any]) -> StateChange:
    """Parse the point at *at_ms* (UTC ms) into its state change, without ``seq``."""
    return StateChange(
        portal=tags["portal"],
        location=tags["location"],
        at=at_ms,
        state=State(field_values["state"]),
        previous=State(field_values["previous"]),
        flapping=bool(field_values.get("flapping")),
        fault=Fault(field_values["fault"]) if field_values.get("fault") else None,
        detail=field_values.get("detail") or "",
        cause=int(field_values["cause"]),
    )
