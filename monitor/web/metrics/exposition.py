"""``/metrics``: every check's newest measurement under blackbox_exporter's names, our own beside them.

Portal series are kept as finished text, line by line as measurements arrive, because rendering 25,000 samples through
prometheus-client takes longer than a probe may be delayed. Counters and histograms of the daemon itself are few and
come from prometheus-client.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from prometheus_client.exposition import generate_latest
from yarl import URL

from monitor.model.records import Expect, State
from monitor.web.metrics import hop_series
from probes.http.urls import redacted_url
from probes.result import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import CollectorRegistry

    from monitor.model.records import Check, Measurement, Portal
    from monitor.states.status_cache import StatusCache
    from probes.metric import Metric
    from probes.probe import Probe
    from probes.result import Scalar

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COMMON_HELP = {
    "probe_success": "Whether the last look found the portal as expected (absent when the prober could not see).",
    "probe_duration_seconds": "How long the last look took.",
    "probe_timeout_seconds": "Longest time that a look may take over one address family.",
    "probe_attempts": "Number of looks taken for the last slot.",
    "probe_last_run_timestamp_seconds": "When the last look began, in unix time. Probing follows a timer, not scrapes.",
    "probe_failure_info": "Why the last look failed, from a closed set of reasons; 1 while it holds.",
    "portal_monitor_void_info": "Why the last slot was not seen, from a closed set of reasons; 1 while it holds.",
}
_SHARED_HELP = {
    "probe_http_duration_seconds": "Duration of the last look by phase, summed over all hops.",
    "portal_monitor_http_phase_seconds": "The two halves of phase processing of probe_http_duration_seconds.",
}
"""Help of the families that several metrics with words of their own share."""

_CHUNK_SIZE = 250
"""Checks or portals rendered before others get a turn."""

_STATE = "portal_monitor_portal_state"
_FLAPPING = "portal_monitor_portal_flapping"
_PROBER = "portal_monitor_prober_state"
_PORTAL = "portal_monitor_portal_info"


def escape(value: str) -> str:
    """A label value in the text format."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """A sample value in the text format; stored values are always finite."""
    return repr(float(value))


def labels(pairs: Mapping[str, str]) -> str:
    """Label pairs in the text format, without braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in pairs.items())


@dataclass(frozen=True, slots=True)
class _Family:
    help: str
    lines: dict[str, str]


class Exposition:
    """Renders ``/metrics`` from lines kept per family and check; ``finished`` gives text that others have made."""

    def __init__(
        self, status_cache: StatusCache, kinds: Mapping[str, type[Probe]], registry: CollectorRegistry
    ) -> None:
        self._status_cache = status_cache
        self._registry = registry
        told = _COMMON_HELP | hop_series.FAMILIES
        self._families: dict[str, _Family] = {name: _Family(text, {}) for name, text in told.items()}
        self._hops = hop_series.HopSeries()
        self._metrics = {kind: _exported_metrics(probe.metrics) for kind, probe in kinds.items()}
        for metrics in self._metrics.values():
            for metric, _ in metrics:
                text = _SHARED_HELP.get(metric.prometheus_name, metric.help)
                self._families.setdefault(metric.prometheus_name, _Family(text, {}))
        self._label_cache: dict[str, str] = {}
        self.extra_sections: list[Callable[[], bytes]] = []
        self._exported_names: dict[str, frozenset[str]] = {}
        status_cache.listeners.append(self.update)

    def retain(self) -> None:
        """Drop the series of checks that are gone from the board."""
        keep = self._status_cache.checks.keys()
        self._label_cache.clear()
        self._hops.retain(set(keep))
        for family in self._families.values():
            for key in family.lines.keys() - keep:
                del family.lines[key]
        self._exported_names = {key: names for key, names in self._exported_names.items() if key in keep}

    def update(self, measurement: Measurement) -> None:
        """Replace the lines of one check by its newest measurement; a look that confirms is only counted."""
        check = self._status_cache.checks[measurement.key]
        if not check.probe.is_representative(measurement.attempt, measurement.values):
            counted = f"probe_attempts{{{self._labels(check)}}} {measurement.attempt}\n"
            self._families["probe_attempts"].lines[measurement.key] = counted
            return
        fresh = defaultdict(list)
        base = self._labels(check)
        for name, extra, value in self._samples(check, measurement):
            fresh[name].append(f"{name}{{{base}{extra}}} {value}\n")
        for name, lines in fresh.items():
            self._families[name].lines[measurement.key] = "".join(lines)
        for name in self._exported_names.get(measurement.key, frozenset()) - fresh.keys():
            del self._families[name].lines[measurement.key]
        self._exported_names[measurement.key] = frozenset(fresh)

    def _labels(self, check: Check) -> str:
        if check.key not in self._label_cache:
            portal = self._status_cache.portals[check.portal]
            pairs = {
                "instance": redacted_url(URL(check.probe.url)),
                "portal": portal.id,
                "check": check.name,
                "kind": portal.kind.value,
                "location": self._status_cache.location,
            }
            self._label_cache[check.key] = labels(pairs)
        return self._label_cache[check.key]

    def _samples(self, check: Check, measurement: Measurement) -> Iterable[tuple[str, str, str]]:
        """(name, further labels, value) of every series of a measurement."""
        yield "probe_timeout_seconds", "", number(check.probe.timeout)
        if measurement.void is not None:
            yield "portal_monitor_void_info", f',reason="{measurement.void.value}"', "1"
        if measurement.started is None:
            return
        yield "probe_last_run_timestamp_seconds", "", number(measurement.started / 1000)
        if not check.probe.representative_flag:
            yield "probe_attempts", "", str(measurement.attempt)
        if measurement.outcome is Outcome.VOID:
            return
        yield "probe_success", "", "1" if measurement.outcome is Outcome.UP else "0"
        if measurement.duration is not None:
            yield "probe_duration_seconds", "", number(measurement.duration)
        if measurement.fault is not None:
            yield "probe_failure_info", f',reason="{measurement.fault.value}"', "1"
        yield from _metric_samples(self._metrics[measurement.kind], measurement.values)
        for name, pairs, value in self._hops.samples(measurement):
            yield name, f",{labels(pairs)}", number(value)

    def render_measurement(self, check: Check, measurement: Measurement) -> str:
        """A page of one measurement, as the answer to a request for just this check: nobody's labels, its own only."""
        fresh = defaultdict(list)
        for name, extra, value in self._samples(check, measurement):
            fresh[name].append(f"{name}{{{extra[1:]}}} {value}\n" if extra else f"{name} {value}\n")
        return "".join(f"{_header(name, self._families[name].help)}{''.join(lines)}" for name, lines in fresh.items())

    async def render(self) -> list[bytes]:
        """The page in pieces. Gives way to other work after every one: each takes a few milliseconds."""
        pieces = [generate_latest(self._registry)]
        for name, family in list(self._families.items()):
            if family.lines:
                pieces.append(_header(name, family.help).encode())
                pieces += await _join_in_chunks(list(family.lines.values()))
        for name, text, line in (
            (_STATE, "Confirmed state of a portal: 1 for the state it is in.", self._state_series),
            (
                _FLAPPING,
                "Whether a portal changes all the time, so that its changes are not told.",
                self._flapping_series,
            ),
            (_PORTAL, "Facts of a portal that do not change with looks.", self._info),
        ):
            pieces.append(_header(name, text).encode())
            pieces += await _join_in_chunks(map(line, list(self._status_cache.portals.values())))
        pieces.append(
            f"{_header(_PROBER, 'State of the prober: unknown while it cannot see.')}{self._prober_series()}".encode()
        )
        return pieces + [text() for text in self.extra_sections]

    def _prober_series(self) -> str:
        known = self._status_cache.prober_change
        now = known.state if known is not None else State.UP
        base = labels({"location": self._status_cache.location})
        return "".join(
            f'{_PROBER}{{{base},state="{one.value}"}} {int(one is now)}\n' for one in (State.UP, State.UNKNOWN)
        )

    def _flapping_series(self, portal: Portal) -> str:
        if portal.expect is Expect.RETIRED:
            return ""
        base = labels({"portal": portal.id, "location": self._status_cache.location})
        return f"{_FLAPPING}{{{base}}} {int(self._status_cache.is_flapping(portal.id))}\n"

    def _state_series(self, portal: Portal) -> str:
        """One gauge per state, summing to 1; a retired portal is not judged and has none."""
        if portal.expect is Expect.RETIRED:
            return ""
        now = self._status_cache.state(portal.id)
        base = f"{_STATE}{{{labels({'portal': portal.id, 'location': self._status_cache.location})}"
        return "".join([f'{base},state="{state.value}"}} {int(state is now)}\n' for state in State])

    def _info(self, portal: Portal) -> str:
        pairs = {
            "portal": portal.id,
            "kind": portal.kind.value,
            "group": portal.group,
            "code": portal.code or "",
            "name": portal.name_vi[:128],
            "expect": portal.expect.value,
            "verified": str(portal.verified).lower(),
        }
        return f"{_PORTAL}{{{labels(pairs)}}} 1\n"


async def _join_in_chunks(lines: Iterable[str]) -> list[bytes]:
    """The lines as text, those of some hundred checks or portals at a time."""
    rest, pieces = iter(lines), []
    while some := list(islice(rest, _CHUNK_SIZE)):
        pieces.append("".join(some).encode())
        await asyncio.sleep(0)
    return pieces


def _header(name: str, text: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} gauge\n"


def _exported_metrics(metrics: Iterable[Metric]) -> list[tuple[Metric, str]]:
    """The metrics that are exposed, each with its constant labels as text."""
    return [
        (metric, "".join(f',{name}="{text}"' for name, text in metric.labels.items()))
        for metric in metrics
        if metric.prometheus_name
    ]


def _metric_samples(
    metrics: Iterable[tuple[Metric, str]], values: Mapping[str, Scalar]
) -> Iterable[tuple[str, str, str]]:
    """The declared metrics among ``values``; text metrics that share a name become labels of one info series."""
    infos: dict[str, dict[str, str]] = {}
    for metric, extra in metrics:
        if metric.sum_of:
            present = [float(values[part]) for part in metric.sum_of if part in values]
            value: Scalar | None = sum(present) if present else None
        else:
            value = values.get(metric.name)
        if value is None:
            continue
        if metric.info_label:
            infos.setdefault(metric.prometheus_name, {})[metric.info_label] = str(value)[:128]
        else:
            yield metric.prometheus_name, extra, number(float(value))
    for name, pairs in infos.items():
        yield name, f",{labels(pairs)}", "1"
