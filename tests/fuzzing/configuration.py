"""Mutated configurations: accepted and usable, or rejected with errors at places, and no file changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from monitor.config import Config, ConfigError, estimate, load, redacted
from monitor.prober.schedule import Schedule
from monitor.scoring import engine
from monitor.states.maintenance import describe_upcoming
from monitor.states.state_machine import StateMachine
from tests.fuzzing import mutate
from tests.fuzzing.surface import Case, Draw, Surface, fresh, held
from tests.monitor.config.test_config import ENVIRONMENT, SHIPPED
from tests.monitor.scoring.parts import NOW, PERIOD, Memory, attempt

BAD_AND_GOOD = Path(__file__).parents[1] / "monitor" / "config"
ODD = (*mutate.ODD, *mutate.DATES)
VARIABLES = ENVIRONMENT | {"BYTES": "\udcff", "EMPTY": "", "LINES": "a\nb", "MARK": mutate.MARK}
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_PORTALS = 4

VALUES = (
    *(
        b"!!int ''",
        b"!!float ''",
        b"!!bool x",
        b"!!timestamp x",
        b"!!null x",
        b"!!map x",
        b"!!seq x",
        b"!!str [a]",
        b"!!binary x",
    ),
    *(
        b"!!binary aGVsbG8=",
        b"!!set {a, b}",
        b"!!omap [a: 1]",
        b"!!python/object:os.system x",
        b"!x y",
        b"&a *a",
        b"*missing",
    ),
    *(
        b"{? !!str [a] : b}",
        b"{? [a] : b}",
        b"{? {a: b} : c}",
        b"{<<: 5}",
        b"{<<: [5]}",
        b"{<<: &a {<<: *a}}",
        b"{=: 1}",
    ),
    *(
        b"0b",
        b"0x_",
        b"0o9",
        b"190:20:30",
        b"1_000",
        b".inf",
        b"-.INF",
        b".nan",
        b"2026-02-30",
        b"2026-08-01T00:00:00+99:00",
    ),
    *(
        b'"\\ud800"',
        b'"\\0"',
        b'"\\x7f"',
        b'"\\u202e"',
        b"${BYTES}",
        b"${LINES}",
        b"${EMPTY}",
        b"${MARK}",
        b"|",
        b">-\n\n x",
    ),
    *(
        b"[" * 2000,
        b"[" * 900 + b"]" * 900,
        b"{a: " * 900 + b"}" * 900,
        b"9" * 5000,
        b"0." + b"1" * 5000,
        b"a" * 100_000,
    ),
    *(b"/dev/zero", b"/dev/stdin", b"/proc/self/mem", b"/", b".", b"x\n  y: z"),
    b"{" + b", ".join(b"k%d: 1" % number for number in range(5000)) + b"}",
    b"[" + b", ".join(b"x%d" % number for number in range(5000)) + b"]",
    b"[" + b", ".join([b"{<<: *missing}"] * 10) + b"]",
)
"""Input that YAML reads in a strange way, or expands."""

NOTIFY = """
notify:
  targets: [{name: desk, url: 'json://127.0.0.1:9/', severities: [page], language: en}]
  quiet_hours: {start: '22:00', end: '06:00', hold: [notice]}
  repeat_interval: 1h
heartbeat: {url: 'http://127.0.0.1:9/'}
alertmanager: {urls: ['http://127.0.0.1:9/']}
maintenance:
  - {portals: all, zone: Asia/Ho_Chi_Minh, reason: r, approved_by: a, weekdays: [sun], start_time: '22:00',
     duration: 2h}
  - {portals: all, zone: UTC, reason: r, approved_by: a, start: '2026-08-01 22:00', end: '2026-08-02 02:00'}
service_hours: {windows: [{weekdays: [mon, tue], start: '07:30', end: '17:00'}]}
sinks: {influxdb: {url: 'http://127.0.0.1:9', token: x, retention: {raw: 100d}}}
browser: {screenshots: {retention: 10d}}
states:
  down_attempts: 3
  degraded: {latency: 5s, certificate_days: 14, consecutive: 3}
  flapping: {changes: 5, window: 30m}
confirm: {delays: [2s, 5s]}
misfire_grace_time: 30s
self_check:
  references: [{name: here, connect: '127.0.0.1:9'}, {name: there, url: 'http://127.0.0.1:9/'}]
  fleet_breaker: {share: 0.5, minimum: 5, window: 60s, burst: 10s}
  host: {max_loop_lag: 1s, max_load_per_cpu: 8, max_clock_step: 2s}
concurrency: {http: 8, browser: 1}
journal: {commit_interval: 0.25, max_size: 20000000000}
archive: {grace: 6h, keep_in_journal: 48h, retention: 1000d}
scores: {interval: 5m}
http: {name_servers: ['127.0.0.1:53']}
checks:
  uptime: {interval: 60s, timeout: 5s, status: [200], body_not_matches: [x], headers: {a: b}}
  latency: {interval: 5m, timeout: 5s, pages: all}
  mobile: {interval: 6h}
history: {source: archive}
"""
"""What no folder of the tests has, and what few have."""


def folders() -> list[dict[str, bytes]]:
    """The configurations that are mutated, good ones and bad ones: path to content."""
    paths = [path for kind in ("good", "bad") for path in sorted((BAD_AND_GOOD / kind).iterdir()) if path.is_dir()]
    found = [held(path) for path in paths]
    return [one for one in found if "monitor.yaml" in one and "portals.yaml" in one] + [_shipped(), _whole()]


def _shipped() -> dict[str, bytes]:
    """The shipped configuration with a few of its portals."""
    portals = yaml.safe_load((SHIPPED / "portals.yaml").read_bytes())
    portals["portals"] = portals["portals"][:_PORTALS]
    files = {
        name: body for name, body in held(SHIPPED).items() if name == "monitor.yaml" or name.startswith("rubrics/")
    }
    return files | {"portals.yaml": _dumped(portals)}


def _whole() -> dict[str, bytes]:
    """A small one in which every block stands."""
    good = BAD_AND_GOOD / "good"
    portals = (good / "anchors" / "portals.yaml").read_bytes()
    return {"monitor.yaml": NOTIFY.encode(), "portals.yaml": portals}


def _dumped(data: Any) -> bytes:  # noqa: ANN401 - plain data
    text: bytes = yaml.dump(data, Dumper=_DUMPER, allow_unicode=True, encoding="utf-8", sort_keys=False)
    return text


def mutated(draw: Draw, body: bytes) -> bytes:
    """A YAML file mutated as data where it is YAML, or as text, or as bytes."""
    way = draw.random()
    if way < 0.2:
        return mutate.value_of(draw, body, VALUES)
    if way < 0.7:
        try:
            return _dumped(mutate.data_of(draw, yaml.load(body, Loader=yaml.CSafeLoader), ODD))
        except (yaml.YAMLError, ValueError, TypeError, RecursionError):
            pass  # no YAML to begin with, or nothing that can be written
    return mutate.bytes_of(draw, body)


def validate(directory: Path) -> Config | None:
    """Load as the daemon does; None when rejected. Raises AssertionError for an error without place or message."""
    try:
        return load(directory, VARIABLES)
    except ConfigError as error:
        errors = error.errors
    assert errors, "rejected without an error"
    for one in errors:
        assert one.line >= 1, one
        assert one.column >= 1, one
        assert one.message, one
        str(one).encode()
    return None


def use(config: Config, *, scores: bool) -> None:
    """Whatever was accepted must be usable for all that is made of it later."""
    yaml.safe_dump(redacted(config), allow_unicode=True, sort_keys=False).encode()
    estimate(config)
    describe_upcoming(config.settings.calendar.windows, NOW)
    Schedule(config.checks, NOW).due(NOW + 120_000)
    StateMachine(config.portals, config.settings.states.rules(), config.settings.calendar)
    if config.settings.service_hours is not None:
        list(config.settings.service_hours.hours().intervals(NOW, NOW + 7 * 86_400_000))
    if scores and config.rules.rubrics and config.portals:
        rows = [attempt(hour * 3_600_000, 1.0 + hour % 3, portal=config.portals[0].id) for hour in range(240)]
        engine.score(config.rules, config.portals[:1], PERIOD, Memory(rows), NOW, intervals=False)


def _case(scratch: Path, chosen: list[dict[str, bytes]], prefix: tuple[str, ...], draw: Draw) -> None:
    files = dict(draw.choice((draw.choice(chosen), chosen[-1])))
    names = [name for name in files if name.endswith(".yaml") and name.startswith(prefix) and name != "expected.yaml"]
    for name in draw.sample(names, min(len(names), draw.choice((1, 1, 1, 2)))):
        files[name] = mutated(draw, files[name])
    fresh(scratch, files)
    config = validate(scratch)
    if config is not None:
        use(config, scores=draw.random() < 0.3)
    assert held(scratch) == files, "files changed"


@contextmanager
def _settings(scratch: Path) -> Iterator[Case]:
    yield partial(_case, scratch, folders(), ("monitor.yaml", "portals"))


@contextmanager
def _rubrics(scratch: Path) -> Iterator[Case]:
    prefix = ("rubrics/", "exclusions/", "entries/")
    chosen = [one for one in folders() if any(name.startswith(prefix) for name in one)]
    yield partial(_case, scratch, chosen, prefix)


SURFACES = (
    Surface(
        name="configuration",
        contract="Mutated settings, portals, checks, targets: taken whole and usable, or refused with places",
        cases=5000,
        open=_settings,
    ),
    Surface(
        name="rubrics",
        contract="Mutated rubrics, exclusions and entries: taken and able to score, or refused with places",
        cases=2500,
        open=_rubrics,
    ),
)
