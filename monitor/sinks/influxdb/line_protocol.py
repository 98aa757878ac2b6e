"""Records as InfluxDB points and back: line protocol out, fields in; the fields follow the metric declarations."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Any

from monitor.model.records import Measurement, State, StateChange, Void
from monitor.model.rollups import Rollup
from monitor.model.rollups import fields as figures
from monitor.model.scores import ScorePoint
from monitor.sinks.base import Rejected
from probes.registry import KINDS
from probes.result import Fault, Hop, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.sinks.base import Label, Labels, Record
    from probes.result import Scalar

STATE_CHANGE = "state_change"
"""The InfluxDB measurement of state changes; every other one is named after its probe kind."""

SCORE = "score"
"""The InfluxDB measurement of live scores."""

TAGS = ("check", "group", "kind", "location", "portal")
"""All tags there are, sorted as InfluxDB likes them. ``kind`` is the portal's, the probe kind is the measurement."""

Type = type[bool | int | float | str]

BASE: dict[str, tuple[Type, str]] = {
    "slot": (int, "Scheduled time of the look, in ms since 1970-01-01 UTC."),
    "attempt": (int, "1 for the scheduled look, 2 and up for looks confirming it; of a rendering the run."),
    "outcome": (str, "Verdict: `up`, `down`, or `void` when we did not see."),
    "fault": (str, "Why the look failed, from a closed set."),
    "void": (str, "Why we did not see, from a closed set."),
    "phase": (str, "Phase in which the look failed."),
    "detail": (str, "The failure in one sentence."),
    "started": (int, "When the look began, in ms since 1970-01-01 UTC."),
    "duration": (float, "How long the look took, in seconds."),
    "lateness": (float, "How long after its slot the look began, in seconds."),
    "config": (str, "Fingerprint of the configuration in force."),
    "hops": (str, "Requests of the look as JSON; absent for a good look with one request."),
}
"""Fields of every probe kind: type and meaning. All but the first three are absent where they say nothing."""

CHANGE: dict[str, tuple[Type, str]] = {
    "state": (str, "The state that began."),
    "previous": (str, "The state that ended."),
    "flapping": (bool, "Whether the portal changes all the time."),
    "fault": (str, "Fault of the look that tipped it."),
    "detail": (str, "That failure in one sentence."),
    "cause": (int, "Journal number of that look, at the location."),
}
"""Fields of a state change."""

_WORDS = ("fault", "void", "phase", "detail", "config")
_NUMBERS = ("started", "duration", "lateness")
_INT64 = 2**63
_DOUBLE = sys.float_info.max
_NO_TAG = ("\\", "\n", "\r", "\0")
"""Line protocol has no way to write these in a tag: a backslash cannot be escaped there."""


def fields(kind: str) -> dict[str, tuple[Type, str]]:
    """All fields of a probe kind, or of :data:`STATE_CHANGE`: type and meaning."""
    if kind == STATE_CHANGE:
        return CHANGE
    measured = (metric for metric in KINDS[kind].metrics if not metric.sum_of)
    return BASE | {metric.name: (metric.type, metric.help) for metric in measured}


def point_time(one: Measurement) -> int:
    """UTC ms: the slot; looks that confirm follow a millisecond apart, to be points of their own."""
    return one.slot + one.attempt - 1


class Lines:
    """Writes line protocol with millisecond times; ``dropped`` counts the values that found no place in it."""

    def __init__(self, labels: Labels) -> None:
        self.dropped = 0
        self._label = labels
        self._series: dict[tuple[str, ...], str] = {}
        self._types = {kind: {name: kept for name, (kept, _) in fields(kind).items()} for kind in KINDS}

    def all(self, records: Sequence[Record]) -> bytes:
        """The lines of ``records``. Raises :class:`Rejected` when one of them cannot be told as a line."""
        return "\n".join([self.line(record) for record in records]).encode(errors="replace")

    def line(self, one: Record) -> str:
        """One record as one line."""
        if isinstance(one, Measurement):
            return self._measurement(one)
        if isinstance(one, ScorePoint):
            return self._score(one)
        return self._change(one) if isinstance(one, StateChange) else self._rollup(one)

    def _score(self, one: ScorePoint) -> str:
        """A live score. Which one it is has to be a tag, and ``check`` is the tag for what is looked at."""
        check = f"{one.rubric}/{one.criterion}/{one.window}"
        found = [f"version={one.version}i", f"rubric={_quoted(one.rubric)}", f"criterion={_quoted(one.criterion)}"]
        found.append(f"window={_quoted(one.window)}")
        for name, value in one.values.items():
            self._add(found, name, float, value)
        return f"{self._series_of(SCORE, check, '', one.portal)} {','.join(found)} {one.at}"

    def _rollup(self, one: Rollup) -> str:
        """Figures of a period; its bucket says how long the periods are, so the measurement is the probe kind."""
        types = figures(one.kind) if one.kind in KINDS else None
        if types is None:
            raise Rejected(f"nobody declared the probe kind {one.kind!r}")
        found = [f"end={one.end}i"]
        for name, value in one.values.items():
            self._add(found, name, types.get(name), value)
        return f"{self._series_of(one.kind, one.check, one.location, one.portal)} {','.join(found)} {one.start}"

    def _measurement(self, one: Measurement) -> str:
        types = self._types.get(one.kind)
        if types is None:
            raise Rejected(f"nobody declared the probe kind {one.kind!r}")
        found = [f'slot={one.slot}i,attempt={one.attempt}i,outcome="{one.outcome.value}"']
        words = (one.fault, one.void, one.phase, one.detail, one.config)
        found += [f"{name}={_quoted(text)}" for name, text in zip(_WORDS, words, strict=True) if text]
        numbers = (one.started, one.duration, one.lateness)
        for name, number in zip(_NUMBERS, numbers, strict=True):
            if number is not None:
                self._add(found, name, types[name], number)
        if one.hops:
            found.append(f"hops={_quoted(_hops_text(one.hops))}")
        for name, value in one.values.items():
            kept = types.get(name)
            if kept is float and type(value) is float and -_DOUBLE <= value <= _DOUBLE:  # most of them, without a call
                found.append(f"{name}={value!r}")
            else:
                self._add(found, name, kept, value)
        series = self._series_of(one.kind, one.check, one.location, one.portal)
        return f"{series} {','.join(found)} {point_time(one)}"

    def _add(self, found: list[str], name: str, kept: Type | None, value: Scalar) -> None:
        """Add a field in its declared type, whatever the value's own is; what does not fit is dropped and counted."""
        text = _field(kept, value)
        if text is None:
            self.dropped += 1
        else:
            found.append(f"{name}={text}")

    def _change(self, one: StateChange) -> str:
        found = [f'state="{one.state.value}",previous="{one.previous.value}",cause={one.cause}i']
        found.append(f"flapping={'true' if one.flapping else 'false'}")
        if one.fault is not None:
            found.append(f'fault="{one.fault.value}"')
        if one.detail:
            found.append(f"detail={_quoted(one.detail)}")
        return f"{self._series_of(STATE_CHANGE, '', one.location, one.portal)} {','.join(found)} {one.at}"

    def _series_of(self, measurement: str, check: str, location: str, portal: str) -> str:
        """Measurement and tags, sorted; kept, since a series has many points. Empty tags do not exist in InfluxDB."""
        label = self._label(portal)
        key = (measurement, check, location, portal, *_told(label))
        if (known := self._series.get(key)) is None:
            group, kind = _told(label)
            tags = zip(TAGS, (check, group, kind, location, portal), strict=True)
            known = self._series[key] = ",".join(
                [measurement, *(f"{tag}={_tag(tag, value)}" for tag, value in tags if value)]
            )
        return known


def _told(label: Label | None) -> tuple[str, str]:
    return (label.group, label.kind) if label else ("", "")


def _field(kept: Type | None, value: Scalar) -> str | None:
    """A value as a field of type ``kept``; None for one that InfluxDB cannot hold or that is of another type."""
    if kept is str and isinstance(value, str):
        return _quoted(value)
    if isinstance(value, str) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if kept is float:
        return repr(float(value)) if abs(value) <= _DOUBLE else None
    if kept is int:
        return f"{int(value)}i" if abs(value) < _INT64 else None
    return ("true" if value else "false") if kept is bool else None


def _tag(tag: str, value: str) -> str:
    if any(sign in value for sign in _NO_TAG):
        raise Rejected(f"{tag} {value!r} cannot be a tag")
    return value.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")


def _quoted(text: str) -> str:
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'


def _hops_text(hops: Sequence[Hop]) -> str:
    return json.dumps([_hop(hop) for hop in hops], separators=(",", ":"), ensure_ascii=False)


def _hop(hop: Hop) -> dict[str, Any]:
    told: dict[str, Any] = {"url": hop.url, "phases": dict(hop.phases)}
    for name in ("family", "address", "status", "location"):
        told[name] = getattr(hop, name)
    return told


def measurement_from(kind: str, tags: Mapping[str, str], found: Mapping[str, Any]) -> Measurement:
    """The measurement that a point was made of, all but its ``seq``.

    ``kind`` is the InfluxDB measurement; ``found`` maps fields to what a JSON answer holds for them (a whole float
    comes as an integer there), None where a field is absent. Fields that nobody declared are left out.
    """
    types = {name: kept for name, (kept, _) in fields(kind).items()}
    typed: dict[str, Any] = {
        name: types[name](value) for name, value in found.items() if value is not None and name in types
    }
    own: dict[str, Any] = {name: typed.pop(name) for name in BASE if name in typed}
    own["outcome"] = Outcome(own["outcome"])
    if "fault" in own:
        own["fault"] = Fault(own["fault"])
    if "void" in own:
        own["void"] = Void(own["void"])
    if "hops" in own:
        own["hops"] = tuple(Hop(**hop) for hop in json.loads(own["hops"]))
    own |= {name: tags[name] for name in ("portal", "check", "location")}
    return Measurement(kind=kind, **own, values=typed)


def change_from(tags: Mapping[str, str], at: int, found: Mapping[str, Any]) -> StateChange:
    """The state change that the point at ``at`` (UTC ms) was made of, all but its ``seq``."""
    return StateChange(
        portal=tags["portal"],
        location=tags["location"],
        at=at,
        state=State(found["state"]),
        previous=State(found["previous"]),
        flapping=bool(found.get("flapping")),
        fault=Fault(found["fault"]) if found.get("fault") else None,
        detail=found.get("detail") or "",
        cause=int(found["cause"]),
    )
