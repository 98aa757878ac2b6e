"""The layers of the code: which package imports which, and no circle between packages, folders or files."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LAYERS: Mapping[str, int] = {
    "monitor.cli": 9,
    "monitor.daemon": 8,
    "monitor.tools": 8,
    "monitor.web": 7,
    "monitor.alerting": 7,
    "monitor.config": 6,
    "monitor.scoring": 5,
    "monitor.sinks": 4,
    "monitor.states": 4,
    "monitor.prober": 4,
    "monitor.storage": 3,
    "monitor.i18n": 3,
    "monitor.model": 2,
    "probes": 1,
}
"""Package to layer. A package imports only from layers below its own."""

ALLOWED: Mapping[str, frozenset[str]] = {
    package: frozenset(f"monitor.{name}" for name in names.split())
    for package, names in {
        "monitor.daemon": "web alerting config scoring sinks states prober storage",
        "monitor.tools": "web config scoring states",
        "monitor.web": "config states storage i18n",
        "monitor.alerting": "config states storage i18n",
        "monitor.config": "scoring sinks states storage",
        "monitor.scoring": "states storage",
        "monitor.sinks": "storage",
        "monitor.states": "storage",
        "monitor.prober": "storage",
        "monitor.storage": "",
        "monitor.i18n": "",
        "monitor.model": "",
        "probes": "",
    }.items()
}
"""Package to the packages that it may import besides ``monitor.model`` and ``probes``; ``monitor.cli`` imports all."""

OPEN = frozenset({"monitor.model", "probes", "monitor"})
"""What every package of ``monitor`` may import; ``monitor`` itself holds the version alone."""

FOLDERS_OF_PROBES = (
    "probes.registry",
    ("probes.runner", "probes.uptime", "probes.latency", "probes.mobile"),
    "probes.http",
    "probes.probe",
    "probes.resources",
    "probes.browser",
    "probes.net",
    "probes.trace",
    ("probes.result", "probes.metric", "probes.sanitize"),
)
"""The order inside ``probes``, from the top."""

TOP_LEVEL = frozenset({"__init__.py", "__main__.py"})
"""The only files directly in ``monitor/``."""

JOURNAL_WRITER = "monitor.prober"
JOURNAL_CONSUMERS = frozenset(f"monitor.{name}" for name in ("states", "alerting", "web", "sinks", "scoring"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    module_name(path): path
    for top in ("monitor", "probes")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "_data" not in path.parts
}


def package_of(module: str) -> str:
    """Return the package of the table that *module* belongs to; ``monitor`` for the two files above all packages."""
    parts = module.split(".")
    return "probes" if parts[0] == "probes" else ".".join(parts[:2]) if len(parts) > 1 else "monitor"


def folder_of(module: str) -> str:
    """Return the folder of *module* as a dotted name."""
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def imports(module: str) -> Iterator[str]:
    """Yield each module of this repository that *module* imports, inside functions and for types alone too."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        yield from _names(node, package)


def _names(node: ast.AST, package: str) -> Iterator[str]:
    """Yield modules of this repository; a name imported from a package is the module behind it where there is one."""
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
            assert name in MODULES, f"{name} is imported and does not exist"
            yield name


def circle(edges: Iterable[tuple[str, str]]) -> list[str]:
    """Return one circle of a graph as the names along it; empty if there is none."""
    graph: dict[str, set[str]] = {}
    for start, end in edges:
        if start != end:
            graph.setdefault(start, set()).add(end)
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        for following in sorted(graph.get(node, ())):
            if found := visit(following, [*path, node]):
                return found
        done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := visit(node, []))), [])


EDGES = [(module, imported) for module in MODULES for imported in imports(module)]


def test_every_package_has_a_layer_and_every_layer_a_package():
    packages = {package_of(module) for module in MODULES} - {"monitor"}
    packages.discard("monitor.__main__")
    assert packages == set(LAYERS)
    assert set(ALLOWED) == set(LAYERS) - {"monitor.cli"}
    entries = {
        path.relative_to(ROOT / "monitor").parts[0] for path in MODULES.values() if ROOT / "monitor" in path.parents
    }
    assert entries == {name.partition(".")[2] for name in LAYERS if name != "probes"} | TOP_LEVEL


@pytest.mark.parametrize("module", [module for module in MODULES if package_of(module) in LAYERS])
def test_a_module_imports_from_lower_layers_that_its_package_may_import(module: str):
    here = package_of(module)
    for imported in imports(module):
        there = package_of(imported)
        if there in {here, "monitor"}:
            continue
        assert LAYERS[there] < LAYERS[here], f"{module} imports {imported}, which is no lower layer"
        allowed = OPEN | ALLOWED.get(here, frozenset(LAYERS)) if here != "probes" else {"probes"}
        if here == "monitor.model":
            allowed = {"probes"}
        assert there in allowed, f"{module} imports {imported}: {here} may import {sorted(allowed)}"


@pytest.mark.parametrize("module", [name for name in MODULES if package_of(name) == "probes"])
def test_probes_never_import_the_monitor(module: str):
    assert not [imported for imported in imports(module) if imported.partition(".")[0] == "monitor"]


def test_probes_import_from_the_top_to_the_bottom():
    order = {
        name: row
        for row, names in enumerate(FOLDERS_OF_PROBES)
        for name in ([names] if isinstance(names, str) else names)
    }

    def row(module: str) -> int:
        return order.get(module) if module in order else order[module.rpartition(".")[0]]  # type: ignore[return-value]

    for module, imported in EDGES:
        if (
            package_of(module) == "probes"
            and "probes" not in {module, imported}
            and folder_of(module) != folder_of(imported)
        ):
            assert row(module) < row(imported), f"{module} imports {imported}, which stands above or beside it"


@pytest.mark.parametrize("module", MODULES)
def test_writers_and_consumers_of_the_journal_do_not_know_each_other(module: str):
    here = package_of(module)
    unknown = JOURNAL_CONSUMERS if here == JOURNAL_WRITER else {JOURNAL_WRITER} if here in JOURNAL_CONSUMERS else set()
    assert not [imported for imported in imports(module) if package_of(imported) in unknown]


def test_there_is_no_circle_between_files():
    assert not circle(EDGES)


def test_there_is_no_circle_between_packages():
    assert not circle(
        (package_of(module), package_of(imported)) for module, imported in EDGES if package_of(imported) != "monitor"
    )


def test_there_is_no_circle_between_the_folders_of_a_package():
    for package in LAYERS:
        inside = [edge for edge in EDGES if package_of(edge[0]) == package_of(edge[1]) == package]
        folders = [
            (folder_of(module), folder_of(imported))
            for module, imported in inside
            if package not in {folder_of(module), folder_of(imported)}
        ]
        assert not circle(folders), package


def test_a_class_name_stands_for_one_thing():
    names = Counter(
        node.name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("folder", ["config", "grafana"])
def test_folders_of_data_hold_no_code(folder: str):
    assert not list((ROOT / folder).rglob("*.py"))


def test_a_circle_is_found():
    assert circle([("a", "b"), ("b", "c"), ("c", "a"), ("x", "a")]) == ["a", "b", "c", "a"]
    assert not circle([("a", "b"), ("a", "c"), ("b", "c"), ("a", "a")])


def test_imports_are_found_inside_functions_for_types_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "new.py"
    path.write_text(
        "from typing import TYPE_CHECKING\nfrom monitor.model import records\nfrom . import store\n"
        "if TYPE_CHECKING:\n    import monitor.states.status_cache\nelse:\n    import probes.probe\n"
        "def late():\n    from probes.trace import Trace\n"
    )
    monkeypatch.setitem(MODULES, "monitor.storage.journal.new", path)
    assert sorted(imports("monitor.storage.journal.new")) == [
        "monitor.model.records",
        "monitor.states.status_cache",
        "monitor.storage.journal.store",
        "probes.probe",
        "probes.trace",
    ]
