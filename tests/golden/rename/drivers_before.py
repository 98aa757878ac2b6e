"""Drivers for the tree BEFORE the renaming: every import and every use of a name of the project is in this file.

A driver takes an empty temporary directory and returns {file of the recording: (form, data)}.  Forms (see before_after.py):
  prom text | rows [dict] | flat plain-data | csv bytes | kcsv bytes (header = contract) | html bytes | xlsx bytes |
  lines text | prose text
The names of recordings are the same for both trees; only the inside of this file changes for another tree.
Imports stand inside the functions, so that one broken driver does not stop the others, and a rename script can rewrite it.
"""
# ruff: noqa
from __future__ import annotations

import asyncio
import json
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

HERE = Path.cwd()

_REAL, _CLOCK = time.perf_counter, []
time.perf_counter = lambda: _CLOCK[-1]() if _CLOCK else _REAL()
"""Put in place before anything of the project is imported, for some of it binds the name; see ``_steady``."""

CONTACT = {"PORTAL_MONITOR_CONTACT": "mailto:me@example.org"}


# 1 ---------------------------------------------------------------- exposition


def exposition_fleet(tmp):
    """/metrics of the whole shipped inventory (uptime, latency, search, mobile, desktop), self metrics, scores."""
    from tests.bench import seeded

    return {"exposition/fleet.prom": ("prom", seeded.page(seeded.inventory()))}


def exposition_scene(tmp):
    """/metrics of the small fleet of the exposition's own tests: every state, void, hops, every declared metric."""
    from monitor.model import PROBER, State
    from probes.base import Fault, Outcome
    from probes.kinds import KINDS
    from tests import factories
    from tests.factories import MINUTE, SLOT
    from tests.monitor import test_exposition as scene

    board, page = scene.shown()
    scene.a_day_in_the_life(board)
    board.take(factories.measurement(portal="down", attempt=2, outcome=Outcome.DOWN, slot=SLOT + MINUTE))
    board.take(factories.change(portal="moved", flapping=True, seq=1))
    board.take(factories.change(portal=PROBER, state=State.UNKNOWN, previous=State.UP, seq=2))
    first = asyncio.run(scene.text(page))
    samples = {bool: True, int: 7, float: 0.5, str: "words"}
    board, page = scene.shown()
    for kind, probe in KINDS.items():
        values = {metric.name: samples[metric.type] for metric in probe.metrics if not metric.sum_of}
        board.take(factories.measurement(portal="up", check=kind, kind=kind, values=values, fault=Fault.DNS))
    return {
        "exposition/scene.prom": ("prom", first),
        "exposition/every_metric.prom": ("prom", asyncio.run(scene.text(page))),
    }


def exposition_daemon(tmp):
    """Metrics of the daemon about itself: core, sinks, notifications, archive, rollups, scoring."""
    from prometheus_client.exposition import generate_latest

    from monitor.alerting.metrics import AlertingMetrics
    from monitor.archive.keeper import ArchiveStatistics
    from monitor.delivery_metrics import DeliveryMetrics
    from monitor.figures import Tier
    from monitor.rollup_keeper import RollupStatistics
    from monitor.storage_metrics import watch_archive, watch_rollups, watch_scores
    from monitor.telemetry import SelfMetrics
    from probes.kinds import KINDS

    own = SelfMetrics(list(KINDS))
    own.looks.labels("uptime", "void").inc(3)
    own.voids.labels("blind").inc(3)
    own.lateness.observe(0.02)
    own.loop_lag.observe(0.003)
    own.commit.observe(0.02)
    own.blind.set(1)
    own.running_looks.set(2)
    own.planned_checks.set(530)
    own.journal_share.set(0.12)
    own.journal_waiting.set(4)
    own.last_look.set(1_785_542_400)
    delivery = DeliveryMetrics(own.registry, ["influxdb"])
    delivery.watch("influxdb", lambda: 12.0, lambda: 2.0)
    delivery.points.labels("influxdb").inc(100)
    alerting = AlertingMetrics(own.registry, ["mail"])
    alerting.delivery.labels("mail").observe(1.0)
    counted = ArchiveStatistics()
    counted.held_back = "sink"
    watch_archive(own.registry, counted)
    watch_rollups(own.registry, {tier: RollupStatistics() for tier in Tier})
    keeper = SimpleNamespace(statistics=SimpleNamespace(at=1_785_542_400_000, cost=1.5), failing="")
    watch_scores(own.registry, keeper)
    return {"exposition/daemon.prom": ("prom", generate_latest(own.registry).decode())}


# 2, 7 ------------------------------------------- journal of simulated days, log


@contextmanager
def _steady(clock):
    """Durations come from the clock in the hand, not from the machine's."""
    _CLOCK.append(clock)
    try:
        yield
    finally:
        _CLOCK.pop()


def journal_day(tmp):
    """The day of tests/test_day.py (crash, stop, outages) through a real Journal; the page of its end; log events."""
    from structlog.testing import capture_logs

    from monitor.board import Board
    from monitor.exposition import Exposition
    from monitor.judging.rules import Rules
    from monitor.model import Measurement, StateChange
    from monitor.store import FILE
    from monitor.telemetry import SelfMetrics
    from tests import test_day as day
    from tests.monitor.parts import HandClock, on_disk

    with _steady(lambda: day.CLOCK.steady), capture_logs() as logged:
        asyncio.run(day.play(tmp))
    records = on_disk(tmp, day.PLAYING)
    board = Board(clock=HandClock(day.END), location="hn-1")
    board.show(day.PORTALS, day.CHECKS)
    page = Exposition(board, day.PLAYING, SelfMetrics(list(day.PLAYING)).registry)
    order = lambda one: (one.slot, one.key, one.attempt) if isinstance(one, Measurement) else (one.at, one.portal, 0)
    measured = sorted((one for one in records if isinstance(one, Measurement)), key=order)
    changes = sorted((one for one in records if isinstance(one, StateChange)), key=order)
    for one in [*measured, *changes]:
        board.take(one)
    text = b"".join(asyncio.run(page.render())).decode()
    folded = day.fold()
    folded.feed_all(replace(one, seq=number) for number, one in enumerate(measured, 1))
    events = {(one["event"], one["log_level"], tuple(sorted(one))) for one in logged}
    return {
        "journal/day.rows": ("sqlite", DAY | {"path": tmp / FILE}),
        "journal/day_fold.flat": ("flat", json.loads(folded.memo())),
        "exposition/day.prom": ("prom", text),
        "log/day.rows": ("rows", [{"event": e, "level": l, "keys": list(k)} for e, l, k in sorted(events)]),
    }


DAY = {"drop": {"look_.*|state_change": ["seq"], "sequence": ["last"], "bookmark": ["seq", "memo"]}, "resolve": ["cause"]}
"""Numbers of the day's records depend on how threads took turns; what they point to does not."""


def _portal_names(portals):
    return {one.id: one for one in portals}


def journal_troubles(tmp):
    """Two days of tests/faults (confirmations, blind, overload, kills, stops) as a journal with states, incidents,
    outbox, notes; the letters and alerts about them; the same as InfluxDB lines; what the API's module says of them."""
    from structlog.testing import capture_logs

    from monitor.alerting import plan
    from monitor.alerting.alertmanager import alerts
    from monitor.alerting.letter import Form, Item, Writer as LetterWriter
    from monitor.config.notify import Notify, QuietHours, Target
    from monitor.incident import Fate, IncidentNote, NoteKind, Post, Severity
    from monitor.incidents import IncidentFold
    from monitor.judging.rules import Rules
    from monitor.rows import Quarantined
    from monitor.sinks.base import Label
    from monitor.sinks.points import Lines
    from monitor.states import Fold
    from monitor.store import FILE, Advance, Reader, Remark, Writer
    from monitor.web.incident_json import whole_json
    from monitor.web.speak import Tongue
    from monitor.web.telling import Teller
    from pydantic import SecretStr
    from tests.faults.month import Actor, Month
    from tests.faults.world import World
    from zoneinfo import ZoneInfo

    world = World(days=2, count=6)
    world.portals[:3] = [replace(one, platform="egov-4") for one in world.portals[:3]]
    month = Month.of(world, keep=True)
    with _steady(month.clock.monotonic), capture_logs() as logged:
        month.play()
    measured = month.memory.looks
    fold, incidents = Fold(world.portals, Rules()), IncidentFold(world.portals, "hn-1")
    changes, events, last = [], [], len(measured)
    for one in measured:
        events += incidents.feed(one)
        for change in fold.feed(one):
            changes.append(change)
            events += incidents.feed(replace(change, seq=last + len(changes)))
    notify = Notify(
        targets=(
            Target(name="on-call", url=SecretStr("json://127.0.0.1:9/"), severities=(Severity.PAGE,)),
            Target(name="team", url=SecretStr("json://127.0.0.1:9/"), reminders=False),
        ),
        page_url="https://monitor.example.org/",
        quiet_hours=QuietHours(zone="Asia/Ho_Chi_Minh", start="22:00", end="06:30", hold=(Severity.NOTICE,)),
    )
    messages = [plan.messages([event], notify, event.confirmed + 300) for event in events]
    flat = tuple(one for some in messages for one in some)
    lasting = {event.incident.id: event for event in events}
    reminders = plan.reminders(
        [event for event in lasting.values() if event.incident.resolved is None], (), notify, world.end + 3_600_000 * 5
    )
    notes = tuple(
        IncidentNote(id=f"n{number}", incident=events[number].incident.id, kind=kind, by="Lan", text="đang xử lý", at=events[number].at + 900)
        for number, kind in enumerate(NoteKind)
    )
    writer = Writer(tmp / FILE, {"uptime": Actor})
    for first in range(0, len(measured), 2000):
        writer.write([replace(one, seq=0) for one in measured[first : first + 2000]])
    writer.write([
        Advance(reader="states", seq=last, memo=fold.memo(), changes=tuple(changes)),
        Advance(reader="incidents", seq=last, memo=incidents.memo(), events=tuple(events), messages=(*flat, *reminders)),
        Post(notes=notes, settled=tuple((one, fate) for one, fate in zip(flat, [Fate.ACCEPTED, Fate.EXPIRED, Fate.SUPERSEDED])), at=world.end),
        Advance(reader="influxdb", seq=7, quarantined=(Quarantined("influxdb", 3, "x", "why", world.end),)),
        Remark(key="test", value="1"),
    ])  # fmt: skip
    writer.close()

    # Routing: what is ready, held and expired at moments of the day, for each target.
    routed = []
    for target in notify.targets:
        waiting = [one for one in flat if one.target == target.name]
        for at in range(world.end - 2 * 86_400_000, world.end, 3_600_000):
            open_ = [one for one in waiting if one.created <= at][-30:]
            batch = plan.sort_out(open_, notify, at)
            told = [[(one.incident, one.number) for one in some] for some in (batch.ready, batch.expired, batch.stale)]
            routed.append({"target": target.name, "at": at, "ready": told[0], "expired": told[1], "stale": told[2], "wake": batch.wake})

    names, letters, alerted = _portal_names(world.portals), [], {}
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    for language in ("vi", "en"):
        writing = LetterWriter(Tongue(language, zone), lambda: names, notify.page_url or "")
        for event, some in zip(events, messages):
            if not some:
                continue
            for form in Form:
                letter = writing.write([Item(some[0], event)], form, event.confirmed + 150_000)
                head = f"{letter.severity.value} over={letter.over} {','.join(letter.incidents)} {letter.title}"
                letters.append(f"=== {language} {form.value} {head}\n{letter.body}")
        together = [Item(some[0], event) for event, some in zip(events, messages) if some][:5]
        letters.append(f"=== {language} together\n{writing.write(together, Form.TEXT, together[-1].event.confirmed).body}")
        teller = Teller(Tongue(language, zone), names)
        alerted[language] = alerts((event.incident for event in lasting.values()), teller, "https://m.example.org", world.end)

    lines = Lines(lambda portal: Label("province", portal))
    points = "\n".join(lines.line(one) for one in [*measured[:: max(1, len(measured) // 3000)], *changes])
    reader = Reader(tmp / FILE, {"uptime": Actor})
    whole = [whole_json(reader, event, world.end) for event in lasting.values()]
    reader.close()
    seen = {(one["event"], one["log_level"], tuple(sorted(one))) for one in logged}
    return {
        "journal/troubles.rows": ("sqlite", {"path": tmp / FILE}),
        "notify/routing.rows": ("rows", routed),
        "notify/letters.txt": ("prose", "\n".join(letters)),
        "notify/alertmanager.flat": ("flat", alerted),
        "influx/troubles.lines": ("lines", points),
        "api/incidents_of_troubles.flat": ("flat", whole),
        "log/troubles.rows": ("rows", [{"event": e, "level": l, "keys": list(k)} for e, l, k in sorted(seen)]),
    }


def journal_schema(tmp):
    """Tables, columns, indices of an empty journal with every probe kind."""
    from monitor.store import FILE, Writer
    from probes.kinds import KINDS

    Writer(tmp / FILE, KINDS).close()
    return {"journal/schema.rows": ("sqlite", {"path": tmp / FILE})}


# 3 ---------------------------------------------------------- export of a quarter


def _cli(*words):
    from typer.testing import CliRunner

    from monitor.cli import app

    found = CliRunner().invoke(app, list(words))
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def _files(folder, prefix):
    """Every file below ``folder`` in the form that its name says."""
    forms = {".json": "flat", ".csv": "csv", ".html": "html", ".xlsx": "xlsx"}
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            form, body = forms.get(path.suffix), path.read_bytes()
            if form is None:
                found[f"{prefix}/{path.relative_to(folder).as_posix()}.loose"] = ("loose", f"{len(body)} bytes")
                continue
            name = f"{prefix}/{path.relative_to(folder).as_posix()}{'.flat' if form == 'flat' else ''}"
            found[name] = (form, json.loads(body) if form == "flat" else body)
    return found


def export_quarter(tmp):
    """The seeded quarter 2026Q3 of tests/scoring/quarter.py: scores, exports in both languages, seal, history, Parquet."""
    from structlog.testing import capture_logs

    from tests.scoring import quarter
    from tests.scoring.test_seal import archive

    config, data = quarter.write_config(tmp / "config"), quarter.fill(tmp / "data", days=92)
    where = ["--config", str(config), "--data", str(data)]
    found, codes = {}, {}
    for language in ("vi", "en"):
        out = tmp / f"out-{language}"
        done = _cli("export", "--quarter", "2026Q3", *where, "--out", str(out), "--lang", language)
        codes[f"export {language}"] = done.exit_code
        found |= _files(out, f"export/quarter-{language}")
    for name, words in {
        "score/quarter": ["score", "--period", "2026Q3", "--json", *where],
        "score/fortnight": ["score", "--period", quarter.PERIOD, "--json", *where],
    }.items():
        done = _cli(*words)
        codes[name] = done.exit_code
        found[f"{name}.flat"] = ("flat", json.loads(done.stdout))
    shown = _cli("score", "--period", quarter.PERIOD, *where)
    codes["score"] = shown.exit_code
    found["score/fortnight.txt"] = ("prose", shown.stdout)
    done = _cli("history", "export", str(tmp / "looks"), "--data", str(data))
    codes["history export"] = done.exit_code
    for path in sorted((tmp / "looks").rglob("*.csv")):
        body = path.read_bytes().splitlines(keepends=True)
        found[f"history/{path.stem}.rows"] = ("kcsv", b"".join(body[:2001]))
    with capture_logs() as logged:
        archive(data, 14)
    events = {(one["event"], one["log_level"], tuple(sorted(one))) for one in logged}
    found["log/archive.rows"] = ("rows", [{"event": e, "level": l, "keys": list(k)} for e, l, k in sorted(events)])
    sealed = _cli("score", "seal", "--period", quarter.PERIOD, "--by", "Vụ Đánh giá", *where)
    codes["score seal"] = sealed.exit_code
    manifest = json.loads((data / "scores" / f"{quarter.PERIOD}.manifest.json").read_text("utf-8"))
    manifest["sealed"] = "<now>"
    manifest["inputs"] = {f"{number:04d}": name.rsplit("@", 1)[0] for number, name in enumerate(sorted(manifest["inputs"]))}
    found["score/seal_manifest.flat"] = ("flat", manifest)
    again = _cli("score", "--period", quarter.PERIOD, "--json", *where)
    found["score/fortnight_from_archive.flat"] = ("flat", json.loads(again.stdout))
    found["archive/parquet.rows"] = ("parquet", (data, 3))
    found["export/exit_codes.flat"] = ("flat", codes)
    return found


def export_report(tmp):
    """The report of tests/export/parts.py (film, exclusions, outages, trend, seal) in both languages; an empty one."""
    from monitor.export.kinds import FORMATS
    from monitor.export.report import Seal
    from monitor.export.writing import write
    from tests.export import parts

    seal = Seal(at="2026-10-02T01:00:00+00:00", by="Ai đó", scores="0" * 64, inputs={"code": "1"}, differing=("hue, a@1",))
    found = {}
    for name, report in {
        "report-vi": parts.report("vi"),
        "report-en": parts.report("en"),
        "report-sealed": parts.report("en", seal=seal),
        "report-empty": parts.empty("en"),
    }.items():
        write(report, tmp / name, list(FORMATS))
        found |= _files(tmp / name, f"export/{name}")
    return found


def influx_points(tmp):
    """InfluxDB line protocol of renderings, scores and rollups; declared fields of every kind."""
    from monitor.figures import Tier
    from monitor.figures import fields as figures
    from monitor.rollup import HOUR, roll
    from monitor.sinks.base import Label
    from monitor.sinks.points import STATE_CHANGE, Lines, fields
    from monitor.store import FILE, Reader
    from probes.kinds import KINDS
    from tests.bench import seeded
    from tests.scoring import quarter

    data = quarter.fill(tmp / "data", days=3)
    lines = Lines(lambda portal: Label("province", portal))
    reader = Reader(data / FILE, KINDS)
    records = reader.after(0, 100_000)
    reader.close()
    rolled = [
        *roll(data, Tier.HOUR, quarter.FIRST, quarter.FIRST + 6 * HOUR),
        *roll(data, Tier.DAY, quarter.FIRST, quarter.FIRST + 24 * HOUR),
    ]
    scored = list(seeded.scores(seeded.inventory()[:3], at=quarter.FIRST))
    declared = {kind: {name: kept.__name__ for name, (kept, _) in fields(kind).items()} for kind in (*KINDS, STATE_CHANGE)}
    declared |= {f"rollup of {kind}": {name: kept.__name__ for name, kept in figures(kind).items()} for kind in KINDS}
    return {
        "influx/points.lines": ("lines", "\n".join(lines.line(one) for one in [*records, *rolled, *scored])),
        "influx/fields.flat": ("flat", declared),
    }


# 4 ------------------------------------------------------------------ dashboards


def dashboards(tmp):
    """Every dashboard as the module generates it."""
    from monitor.dashboards import files

    return {f"dashboards/{name.removesuffix('.json')}.flat": ("flat", json.loads(text)) for name, text in files()}


# 5 -------------------------------------------------------------- OpenAPI and API


def api(tmp):
    """The OpenAPI document, every answer of the API and every page over a real socket, on the scene of the web's tests."""
    from aiohttp.test_utils import TestClient, TestServer

    from monitor.evidence import Evidence
    from monitor.web import make_app
    from probes.base import Outcome, Picture
    from tests import factories
    from tests.factories import SLOT
    from tests.monitor.web.scene import inventory, staged
    from tests.monitor.web.trouble import bring

    found, statuses = {}, {}

    async def ask():
        stage = await staged(tmp)
        incidents = await bring(stage)
        stage.evidence = Evidence(folder=tmp / "evidence", limit=10**9, days=100)
        look = factories.measurement(kind="mobile", portal="da-nang", slot=SLOT, outcome=Outcome.DOWN)
        pictures = [Picture(at=at, type="image/webp", body=b"RIFF", print="00" * 8) for at in (0.5, None)]
        await stage.evidence.keep(factories.check("mobile", portal="da-nang"), look, pictures)
        client = TestClient(TestServer(make_app(stage.site(reload=True, token="sesame"))))
        await client.start_server()

        async def get(path, **more):
            async with client.get(path, **more) as answer:
                wanted = ("Content-Type", "Cache-Control", "Content-Security-Policy", "WWW-Authenticate", "Allow", "X-Frame-Options")
                statuses[path] = {"status": answer.status} | {name: answer.headers[name] for name in wanted if name in answer.headers}
                return await answer.text()

        try:
            found["api/openapi.flat"] = ("schema", json.loads(await get("/api/openapi.json")))
            names = sorted({event.incident.id for event in incidents.events})
            paths = {
                "portals": "/api/v1/portals",
                "measurements": "/api/v1/measurements?limit=300",
                "measurements_by": "/api/v1/measurements?portal=da-nang&check=latency&kind=latency&since=-30m&until=-1m",
                "measurements_bad": "/api/v1/measurements?sinse=1",
                "measurements_bad_limit": "/api/v1/measurements?limit=0",
                "incidents": "/api/v1/incidents",
                "incidents_open": "/api/v1/incidents?open=true&portal=twin-1",
                "incidents_bad": "/api/v1/incidents?open=maybe",
                "incident_unknown": "/api/v1/incidents/nobody",
                "unknown": "/api/v1/nothing",
                **{f"incident_{name}": f"/api/v1/incidents/{name}" for name in names},
            }
            for name, path in paths.items():
                found[f"api/{name}.flat"] = ("flat", json.loads(await get(path)))
            pages = {"fleet": "/", "incidents": "/incidents", "nothing": "/nothing"}
            pages |= {f"portal_{one.id}": f"/portals/{one.id}" for one in inventory()}
            pages |= {f"incident_{name}": f"/incidents/{name}" for name in names}
            for language in ("vi", "en"):
                for name, path in pages.items():
                    found[f"web/{language}/{name}.html"] = ("html", (await get(f"{path}?lang={language}")).encode())
            await get(f"/evidence/da-nang/mobile/{SLOT}/00.webp")
            for name, path in {"probe_good": "/probe?target=da-nang&module=http_2xx", "probe_down": "/probe?target=bo-y-te",
                               "probe_void": "/probe?target=hai-phong", "metrics": "/metrics"}.items():
                found[f"web/{name}.prom"] = ("prom", await get(path))
            operations = [f"{path}\n{await get(path)}" for path in ("/-/healthy", "/-/ready", "/probe", "/probe?target=nobody", "/-/reload")]
            found["web/operations.txt"] = ("prose", "\n".join(operations))
            found["web/statuses.rows"] = ("rows", [{"path": path, **told} for path, told in sorted(statuses.items())])
        finally:
            await client.close()
            await stage.journal.close()

    asyncio.run(ask())
    return found


# 6 ------------------------------------------------- configuration: schemas, files


def config(tmp):
    """JSON Schemas of all configuration files and of the export; the shipped files; what loading makes of the samples."""
    import yaml

    from monitor.config import ConfigError, estimate, load, redacted, schema
    from monitor.config.schemas import FILES
    from monitor.export.schema import schema as export_schema
    from tests.config.test_config import ENVIRONMENT
    from tests.config.test_judging import SETTINGS

    found = {f"schema/{which}.flat": ("schema", schema(which)) for which in FILES}
    found["schema/export.flat"] = ("schema", export_schema())
    shipped = [*HERE.joinpath("config").rglob("*.y*ml"), HERE / "docker-compose.yml", *HERE.joinpath("grafana").rglob("*.y*ml")]
    for path in sorted(shipped):
        documents = list(yaml.load_all(path.read_text("utf-8"), Loader=yaml.BaseLoader))
        found[f"shipped/{path.relative_to(HERE).as_posix()}.flat"] = ("flat", documents[0] if len(documents) == 1 else documents)
    for name in ("config/systemd/portal-monitor.service", ".env.example", "config/alertmanager/templates/portal-monitor.tmpl"):
        lines = HERE.joinpath(name).read_text("utf-8").splitlines()
        found[f"shipped/{name}.lines"] = ("raw", [f"~ comment\t{one}" if one.lstrip().startswith(("#", "{{-/*", "{{/*")) else one for one in lines])

    def loaded(directory, environment):
        told = redacted(load(directory, environment))
        told["directory"] = "<directory>"
        told["digest"] = "<digest>"
        text = json.dumps(told, default=str).replace(str(directory.absolute()), "<directory>").replace(str(directory), "<directory>")
        return json.loads(text.replace(str(HERE), "<here>"))

    whole = load(HERE / "config", CONTACT)
    found["config/shipped.flat"] = ("flat", loaded(HERE / "config", CONTACT))
    about = estimate(whole)
    found["config/estimate.flat"] = ("flat", {"portals": about.portals, "checks": about.checks, "looks": about.looks_per_minute, "series": about.prometheus_series, "points": about.influx_points_per_day})
    folder = tmp / "judging"
    folder.mkdir()
    folder.joinpath("monitor.yaml").write_text(SETTINGS, "utf-8")
    folder.joinpath("portals.yaml").write_text("portals:\n  - {id: alpha, name: {vi: A, en: A}, kind: province, group: alpha, url: 'https://a.example.gov.vn'}\n")
    found["config/judging.flat"] = ("flat", loaded(folder, {}))
    for folder in sorted((HERE / "tests/config/good").iterdir()):
        if folder.is_dir():
            found[f"config/good/{folder.name}.flat"] = ("flat", loaded(folder, ENVIRONMENT))
    complaints = []
    for folder in sorted((HERE / "tests/config/bad").iterdir()):
        if not folder.is_dir():
            continue
        try:
            load(folder, ENVIRONMENT)
        except ConfigError as error:
            for number, one in enumerate(sorted(map(str, error.complaints)), 1):
                place, _, words = one.replace(f"{folder}/", "").replace(str(folder), ".").partition(": ")
                file, line, *_ = [*place.split(":"), ""]
                complaints.append(f"~ {folder.name} {file}:{line}\t{words}")
    found["config/bad.rows"] = ("raw", complaints)
    return found


# 7 ---------------------------------------------- log events (source), demo weather


def log_source(tmp):
    """Where log events are looked for: the packages of the program."""
    return {"log/source.rows": ("logsource", [HERE / "monitor", HERE / "probes"])}


def demo(tmp):
    """What the demo fleet's schedule does to every portal on two days: pure functions of the seed."""
    from monitor.demo import roster, weather

    rows = []
    for one in roster.parts(24, 7):
        name, temper = one.weather, one.temperament
        for event in weather.events(7, name, 0.0, 2 * 86_400.0, temper):
            rows.append({"portal": one.id, "from": event[0], "to": event[1], "what": event[2].value})
        for at in range(0, 2 * 86_400, 1800):
            now = weather.condition(7, name, at, temper)
            told = {"portal": one.id, "at": at, "mode": now.mode.value, "status": now.status}
            rows.append({**told, "factor": now.factor, "delay": now.delay, "first": weather.first_byte(7, name, at // 1800)})
        rows.append({"portal": one.id, "trait": one.trait.value, "temperament": temper.value, "drawn": weather.temperament(7, one.id).value})
    return {"demo/weather.rows": ("rows", rows)}


# 8 ----------------------------------------------------------------------- CLI


def cli(tmp):
    """The help of the program and of every command, and its options as data."""
    from monitor.cli import app

    return {"cli/help": ("cli", app)}


def cli_output(tmp):
    """What commands print about the shipped configuration, a probe's result, status and incidents of a seeded journal."""
    import io

    from rich.console import Console

    from monitor import draw
    from monitor.draw import result_json
    from monitor.export.outages import outages  # noqa: F401
    from probes.base import Fault, Outcome
    from tests import factories
    from tests.monitor.test_draw import CHAIN
    from tests.factories import SLOT

    results = {
        "good": factories.result(values=factories.values(ipv6_success=False, ipv6_seconds=1.2), hops=CHAIN),
        "down": factories.result(outcome=Outcome.DOWN, fault=Fault.TIMEOUT, phase="wait", detail="no end after 10 s"),
    }
    drawn, plain = [], {}
    for name, result in results.items():
        file = io.StringIO()
        draw.draw(result, Console(file=file, width=80), now=SLOT / 1000)
        drawn.append(f"=== {name}\n{file.getvalue()}")
        plain[name] = result_json(result)
    checked = _cli("check-config", str(HERE / "config"))
    return {
        "cli/probe_output.txt": ("prose", "\n".join(drawn)),
        "cli/probe_result.flat": ("flat", plain),
        "cli/check_config.txt": ("prose", checked.stdout.replace(str(HERE), "<here>")),
    }


DRIVERS = {
    one.__name__: one
    for one in (
        exposition_fleet, exposition_scene, exposition_daemon, journal_day, journal_troubles, journal_schema,
        export_quarter, export_report, influx_points, dashboards, api, config, log_source, demo, cli, cli_output,
    )
}  # fmt: skip
