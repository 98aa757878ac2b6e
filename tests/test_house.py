"""The house keeps its one-way street: a room imports only from lower floors, and probes never import the monitor."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    # Promise, records and small helpers that know nothing of the house.
    ("0 ground", ("probes", "probes.base", "probes.trace", "probes.stamps", "probes.text", "monitor", "monitor.clock")),
    (
        "0 helpers",
        (
            *("monitor.shipped", "monitor.systemd", "monitor.healthcheck", "monitor.progress", "monitor.terminal"),
            *("monitor.delivery_metrics", "monitor.draw_render", "monitor.hashed", "monitor.tls"),
        ),
    ),
    ("0 drawing", ("monitor.draw",)),
    ("0 questions to name servers, and how far an address reaches", ("probes.cares", "probes.zones")),
    ("0 instruments, lower", ("probes.address", "probes.certificates", "probes.resolver", "probes.http_metrics")),
    (
        "0 rendering, lower",
        (
            *("probes.processes", "probes.profiles", "probes.chromium", "probes.net_errors", "probes.fence"),
            *("probes.rendering", "probes.render_metrics"),
        ),
    ),
    ("0 throttling", ("probes.throttling",)),
    ("0 connector, browser", ("probes.connector", "probes.browser", "probes.cookies", "probes.request", "probes.wire")),
    ("0 a recorded load", ("probes.trace_events", "probes.exchanges", "probes.fitness", "probes.quiet")),
    ("0 its figures", ("probes.speed_index", "probes.network", "probes.film")),
    ("0 vitals", ("probes.vitals", "probes.watching")),
    ("0 load", ("probes.loading",)),
    ("0 canary", ("probes.canary",)),
    ("0 renderer", ("probes.renderer",)),
    ("0 instruments", ("probes.instruments", "probes.faults")),
    # One look.
    ("1 walk", ("probes.walk",)),
    ("1 http", ("probes.http",)),
    ("1 kinds", ("probes.uptime", "probes.latency", "probes.mobile")),
    ("2 roll", ("probes.kinds", "probes.observe")),
    # What travels, and where it rests.
    ("3 records", ("monitor.model",)),
    ("3 records of trouble", ("monitor.incident",)),
    ("4 words about ourselves", ("monitor.telemetry",)),
    ("4 rows, figures", ("monitor.rows", "monitor.figures", "monitor.walltime", "monitor.score_point")),
    ("4 time in states, maintenance", ("monitor.availability", "monitor.maintenance")),
    ("4 directory", ("monitor.datadir", "monitor.evidence")),
    ("4 incidents as rows", ("monitor.incident_rows",)),
    ("4 questions, sorts", ("monitor.incident_queries", "monitor.sorts")),
    ("5 store", ("monitor.store",)),
    ("5 sinks", ("monitor.sinks",)),
    ("6 made-up portals", ("monitor.demo",)),
    ("6 how looks are judged", ("monitor.judging",)),
    ("6 scores", ("monitor.scoring",)),
    ("6 exports", ("monitor.export",)),
    # The rooms of the daemon.
    ("7 hot store, columns", ("monitor.journal", "monitor.columns")),
    ("7 archive", ("monitor.archive",)),
    ("7 first", ("monitor.config", "monitor.schedule", "monitor.machine", "monitor.confirm", "monitor.history")),
    ("7 history from InfluxDB, question", ("monitor.influx_question",)),
    ("7 history from InfluxDB", ("monitor.influx_history",)),
    ("7 sources of history", ("monitor.source",)),
    ("7 second", ("monitor.sight", "monitor.states", "monitor.carrier", "monitor.space", "monitor.rollup")),
    ("7 second, scores", ("monitor.score_source", "monitor.seal_scores", "monitor.score_live")),
    ("7 what is said to scores' process", ("monitor.score_order",)),
    ("7 scores' process", ("monitor.score_worker",)),
    ("7 second, asked by people", ("monitor.formats", "monitor.status", "monitor.once")),
    ("7 rollups' process", ("monitor.rollup_worker",)),
    ("7 third, one look", ("monitor.measure",)),
    (
        "7 third",
        (
            "monitor.deliver",
            "monitor.rollup_keeper",
            "monitor.score_keeper",
            "monitor.pulse",
            "monitor.gaps",
            "monitor.board",
            "monitor.intake",
        ),
    ),
    ("7 what storage and looks say", ("monitor.storage_metrics", "monitor.hops")),
    ("7 fourth", ("monitor.storage", "monitor.vigil", "monitor.readers", "monitor.exposition", "monitor.exchange")),
    ("7 cause", ("monitor.cause", "monitor.witness")),
    ("7 incidents", ("monitor.incidents",)),
    ("7 fifth", ("monitor.web", "monitor.inbox")),
    ("7 sixth", ("monitor.alerting", "monitor.liveness")),
    ("7 live scores", ("monitor.live_scores",)),
    ("7 films", ("monitor.films",)),
    ("7 handed over", ("monitor.handover",)),
    ("7 backup", ("monitor.backup",)),
    ("8 daemon", ("monitor.daemon",)),
    ("8 drill", ("monitor.drill",)),
    (
        "9 storage commands",
        (
            *("monitor.cli_storage", "monitor.cli_archive", "monitor.cli_incidents", "monitor.cli_score"),
            *("monitor.cli_health", "monitor.cli_backup", "monitor.cli_doors"),
        ),
    ),
    ("9 commands of exports", ("monitor.cli_export",)),
    ("8 dashboards", ("monitor.dashboards",)),
    ("9 commands", ("monitor.cli",)),
    ("9 door", ("monitor.__main__",)),
)
"""From the ground to the roof. A package that is named here as a whole is one room; inside it imports are its own."""

LEFT = (
    "monitor.schedule",
    "monitor.pulse",
    "monitor.machine",
    "monitor.sight",
    "monitor.confirm",
    "monitor.measure",
    "monitor.gaps",
)
RIGHT = (
    *("monitor.incidents", "monitor.witness", "monitor.cause", "monitor.alerting"),
    *(
        "monitor.states",
        "monitor.readers",
        "monitor.board",
        "monitor.exposition",
        "monitor.hops",
        "monitor.web",
        "monitor.history",
    ),
    *("monitor.influx_question", "monitor.influx_history", "monitor.source"),
    *("monitor.deliver", "monitor.carrier", "monitor.sinks", "monitor.columns", "monitor.archive", "monitor.storage"),
    *("monitor.rollup", "monitor.rollup_worker", "monitor.rollup_keeper", "monitor.judging"),
    *("monitor.scoring", "monitor.score_source", "monitor.score_live", "monitor.score_order"),
    *("monitor.score_worker", "monitor.score_keeper"),
    "monitor.live_scores",
)
"""The two sides of the journal: those who write it and those who read it know nothing of each other."""

KNOWN = {
    # The slate carries the tools of the look, and the tools open connections that write on the slate.
    ("probes.trace", "probes.instruments"),
}
"""Imports for types alone that go up, each with its reason."""

HEIGHT = {room: height for height, (_, rooms) in enumerate(FLOORS) for room in rooms}
PACKAGES = tuple(
    f"monitor.{name}"
    for name in ("alerting", "config", "web", "demo", "sinks", "archive", "judging", "scoring", "export", "dashboards")
)


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for top in ("monitor", "probes")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "_data" not in path.parts
}


def room_of(module: str) -> str:
    return next((package for package in PACKAGES if module == package or module.startswith(f"{package}.")), module)


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """(imported module of this house, whether only for types) of every import, inside functions too."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    yield from _imports(ast.parse(path.read_text(), str(path)), package, typing_only=False)


def _imports(node: ast.AST, package: str, *, typing_only: bool) -> Iterator[tuple[str, bool]]:
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for child in node.body:
            yield from _imports(child, package, typing_only=True)
        for child in node.orelse:
            yield from _imports(child, package, typing_only=typing_only)
        return
    for name in _names(node, package):
        yield name, typing_only
    for child in ast.iter_child_nodes(node):
        yield from _imports(child, package, typing_only=typing_only)


def _names(node: ast.AST, package: str) -> Iterator[str]:
    """Modules of this house; a name out of a package is the module behind it where there is one."""
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        found = [full if (full := f"{base}.{alias.name}") in MODULES else base for alias in node.names]
    else:
        return
    for name in found:
        if name.partition(".")[0] in {"monitor", "probes"}:
            assert name in MODULES, f"{name} is imported and is not there"
            yield name


def test_every_module_has_a_floor():
    """A new file is a decision about where it stands."""
    homeless = [module for module in MODULES if room_of(module) not in HEIGHT]
    assert not homeless, (
        f"{', '.join(homeless)}: say in FLOORS of tests/test_house.py on which floor each stands: above every room "
        "that it imports from, below every room that imports it"
    )


def test_every_room_of_the_table_is_there():
    rooms = {room_of(module) for module in MODULES}
    assert not HEIGHT.keys() - rooms, "FLOORS names rooms that are gone"
    assert len(HEIGHT) == sum(len(rooms) for _, rooms in FLOORS), "a room stands on two floors"


@pytest.mark.parametrize("module", [module for module in MODULES if room_of(module) in HEIGHT])
def test_a_room_imports_only_from_lower_floors(module: str):
    """Imports inside functions count. An import for types alone is knowledge too: it may stay level, never go up."""
    here = room_of(module)
    for imported, typing_only in imports(module):
        there = room_of(imported)
        if there == here or there not in HEIGHT or (typing_only and (module, imported) in KNOWN):
            continue
        low = HEIGHT[there] <= HEIGHT[here] if typing_only else HEIGHT[there] < HEIGHT[here]
        assert low, (
            f"{module} (floor {FLOORS[HEIGHT[here]][0]}) imports {imported} (floor {FLOORS[HEIGHT[there]][0]})"
            f"{' for types' if typing_only else ''}: imports go down only"
        )


@pytest.mark.parametrize("module", [name for name in MODULES if name.partition(".")[0] == "probes"])
def test_probes_never_import_the_monitor(module: str):
    assert not [imported for imported, _ in imports(module) if imported.partition(".")[0] == "monitor"]


@pytest.mark.parametrize("module", MODULES)
def test_the_two_sides_of_the_journal_know_nothing_of_each_other(module: str):
    sides = [side for side in (LEFT, RIGHT) if room_of(module) in side]
    for side in sides:
        other = RIGHT if side is LEFT else LEFT
        assert not [imported for imported, _ in imports(module) if room_of(imported) in other]


def test_no_import_is_known_for_nothing():
    for module, imported in KNOWN:
        assert (imported, True) in set(imports(module)), f"{module} no longer imports {imported}: take it out of KNOWN"


@pytest.mark.parametrize("folder", ["config", "grafana"])
def test_folders_of_files_hold_no_code(folder: str):
    assert not list((ROOT / folder).rglob("*.py"))


def test_the_reading_of_imports_sees_them_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The rule is as good as the eye that reads: inside functions, relative, for types, a module out of a package."""
    path = tmp_path / "new.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nfrom monitor import model\nfrom . import rows\n"
        "if TYPE_CHECKING:\n    import monitor.board\nelse:\n    import probes.base\n"
        "def late():\n    from probes.trace import Trace\n"
    )
    monkeypatch.setitem(MODULES, "monitor.new", path)
    assert list(imports("monitor.new")) == [
        ("monitor.model", False),
        ("monitor.rows", False),
        ("monitor.board", True),
        ("probes.base", False),
        ("probes.trace", False),
    ]
