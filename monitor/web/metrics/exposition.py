"""``/metrics``: the newest measurement of each check under blackbox_exporter's names, with further series beside them.

Portal series are stored as finished text lines as measurements arrive, because rendering 25,000 samples through
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

from monitor.model.records import Check, Expect, Measurement, Portal, State
from monitor.web.metrics import hop_series
from probes.http.urls import redacted_url
from probes.result import Outcome, Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import CollectorRegistry

    from monitor.states.status_cache import StatusCache
    from probes.metric import Metric
    from probes.probe import Probe

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COMMON_HELP = {
    "probe_success": "Whether the last probe found the portal as expected (absent when the outcome is unknown).",
    "probe_duration_seconds": "How long the last probe took.",
    "probe_timeout_seconds": "Longest time that a probe may take over one address family.",
    "probe_attempts": "Number of attempts made for the last slot.",
    "probe_last_run_timestamp_seconds": "When the last probe began, in unix time. Probes follow a timer, not scrapes.",
    "probe_failure_info": "Why the last probe failed, from a closed set of reasons; 1 while it holds.",
    "portal_monitor_unknown_info": "Why the last slot has no result, from a closed set; 1 while it holds.",
}
_SHARED_HELP = {
    "probe_http_duration_seconds": "Duration of the last probe by phase, summed over all hops.",
    "portal_monitor_http_phase_seconds": "The two halves of phase processing of probe_http_duration_seconds.",
}
"""Help of the families that several metrics share."""

Sample = tuple[str, str, str]  # (name, further labels, value)
_CHUNK_SIZE = 250  # checks or portals rendered before other tasks run

_STATE = "portal_monitor_portal_state"
_FLAPPING = "portal_monitor_portal_flapping"
_FLAPPING_HELP = "Whether a portal changes all the time, so that its changes are not notified."
_PROBER = "portal_monitor_prober_state"
_PORTAL = "portal_monitor_portal_info"


def escape(value: str) -> str:
    """Escape a label value for the text format."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Format a sample value; stored values are always finite."""
    return repr(float(value))


def labels(pairs: Mapping[str, str]) -> str:
    """Format label pairs, without braces."""
    return ",".join(f'{name}="{escape(value)}"' for name, value in pairs.items())


@dataclass(frozen=True, slots=True)
class _Family:
    help: str
    lines: dict[str, str]


class Exposition:
    """Renders ``/metrics`` from lines stored per family and check; ``extra_sections`` add text of other modules."""

    def __init__(self, cache: StatusCache, kinds: Mapping[str, type[Probe]], registry: CollectorRegistry) -> None:
        self._status_cache = cache
        self._registry = registry
        help_texts = _COMMON_HELP | hop_series.FAMILIES
        self._families: dict[str, _Family] = {name: _Family(text, {}) for name, text in help_texts.items()}
        self._hops = hop_series.HopSeries()
        self._metrics = {kind: _exported_metrics(probe.metrics) for kind, probe in kinds.items()}
        for metrics in self._metrics.values():
            for metric, _ in metrics:
                text = _SHARED_HELP.get(metric.prometheus_name, metric.help)
                self._families.setdefault(metric.prometheus_name, _Family(text, {}))
        self._label_cache: dict[str, str] = {}
        self.extra_sections: list[Callable[[], bytes]] = []
        self._exported_names: dict[str, frozenset[str]] = {}
        cache.listeners.append(self.update)

    def retain(self) -> None:
        """Drop the series of checks that are no longer in the status cache."""
        keep = self._status_cache.checks.keys()
        self._label_cache.clear()
        self._hops.retain(set(keep))
        for family in self._families.values():
            for key in family.lines.keys() - keep:
                del family.lines[key]
        self._exported_names = {key: names for key, names in self._exported_names.items() if key in keep}

    def update(self, measurement: Measurement) -> None:
        """Replace the lines of one check by its newest measurement; a confirmation attempt is only counted."""
        check = self._status_cache.checks[measurement.key]
        if not check.probe.is_representative(measurement.attempt, measurement.values):
            count = f"probe_attempts{{{self._labels(check)}}} {measurement.attempt}\n"
            self._families["probe_attempts"].lines[measurement.key] = count
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

    def _samples(self, check: Check, measurement: Measurement) -> Iterable[Sample]:
        """Yield (name, further labels, value) of every series of a measurement."""
        yield "probe_timeout_seconds", "", number(check.probe.timeout)
        if measurement.unknown_reason is not None:
            yield "portal_monitor_unknown_info", f',reason="{measurement.unknown_reason.value}"', "1"
        if measurement.started is None:
            return
        yield "probe_last_run_timestamp_seconds", "", number(measurement.started / 1000)
        if not check.probe.representative_flag:
            yield "probe_attempts", "", str(measurement.attempt)
        if measurement.outcome is Outcome.UNKNOWN:
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
        """Render one measurement for a request for this check: without the labels that identify the check."""
        fresh = defaultdict(list)
        for name, extra, value in self._samples(check, measurement):
            fresh[name].append(f"{name}{{{extra[1:]}}} {value}\n" if extra else f"{name} {value}\n")
        return "".join(f"{_header(name, self._families[name].help)}{''.join(lines)}" for name, lines in fresh.items())

    async def render(self) -> list[bytes]:
        """Render the exposition in pieces of a few milliseconds, yielding to other tasks after each."""
        pieces = [generate_latest(self._registry)]
        for name, family in list(self._families.items()):
            if family.lines:
                pieces.append(_header(name, family.help).encode())
                pieces += await _join_in_chunks(list(family.lines.values()))
        for name, text, line in (
            (_STATE, "Confirmed state of a portal: 1 for the state it is in.", self._state_series),
            (_FLAPPING, _FLAPPING_HELP, self._flapping_series),
            (_PORTAL, "Facts of a portal that do not change with probes.", self._info),
        ):
            pieces.append(_header(name, text).encode())
            pieces += await _join_in_chunks(map(line, list(self._status_cache.portals.values())))
        header = _header(_PROBER, "State of the prober: unknown while its self-check fails.")
        pieces.append(f"{header}{self._prober_series()}".encode())
        return pieces + [text() for text in self.extra_sections]

    def _prober_series(self) -> str:
        change = self._status_cache.prober_change
        now = change.state if change is not None else State.UP
        base = labels({"location": self._status_cache.location})
        states = (State.UP, State.UNKNOWN)
        return "".join(f'{_PROBER}{{{base},state="{one.value}"}} {int(one is now)}\n' for one in states)

    def _flapping_series(self, portal: Portal) -> str:
        if portal.expect is Expect.RETIRED:
            return ""
        base = labels({"portal": portal.id, "location": self._status_cache.location})
        return f"{_FLAPPING}{{{base}}} {int(self._status_cache.is_flapping(portal.id))}\n"

    def _state_series(self, portal: Portal) -> str:
        """Return one gauge per state, summing to 1; a retired portal is not evaluated and has none."""
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
    """Join the lines in chunks of some hundred checks or portals."""
    remaining, pieces = iter(lines), []
    while chunk := list(islice(remaining, _CHUNK_SIZE)):
        pieces.append("".join(chunk).encode())
        await asyncio.sleep(0)
    return pieces


def _header(name: str, text: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} gauge\n"


def _exported_metrics(metrics: Iterable[Metric]) -> list[tuple[Metric, str]]:
    """Return the metrics that are exported, each with its constant labels as text."""
    exported = [metric for metric in metrics if metric.prometheus_name]
    return [(metric, "".join(f',{name}="{text}"' for name, text in metric.labels.items())) for metric in exported]


def _metric_samples(metrics: Iterable[tuple[Metric, str]], values: Mapping[str, Scalar]) -> Iterable[Sample]:
    """Yield the declared metrics among ``values``; text metrics that share a name become labels of one info series."""
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
