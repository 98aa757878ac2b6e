"""Before/after proof of a pure renaming: record what a checkout produces, and compare two recordings under a mapping.

  cd CHECKOUT && GOLDEN_DRIVERS=drivers_before .venv/bin/python before_after.py record DIR [--only REGEX]
  python3 before_after.py compare OLD NEW MAPPING.json [--out DIR] [--max N] [--only REGEX] [--show-prose]

Nothing of the project is named here: all of that is in the module that GOLDEN_DRIVERS names (default drivers_before).
Recorded files hold one fact a line.  Line forms: plain lines are strict; ``~ CONTEXT<TAB>TEXT`` is prose (its words may
differ, CONTEXT may not); ``~# CONTEXT<TAB>TEXT`` is prose whose numbers must stay.  ``*.loose`` files never fail.
"""

from __future__ import annotations

import argparse
import ast
import csv
import importlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

HERE = Path(__file__).parent
ENVIRONMENT = {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C.UTF-8", "COLUMNS": "100", "LINES": "40", "TERM": "dumb",
               "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
NUMBER = re.compile(r"\d+(?:[.,:/T-]\d+)*")
LETTER = re.compile(r"[^\W\d_]")

# --------------------------------------------------------------------- forms -> lines


def normal(text: str) -> str:
    """Digests say nothing about behaviour once a name in what they digest has changed."""
    text = re.sub(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", "<sha256>", text)
    text = re.sub(r"\b(\d+\.\d+\.\d+) [0-9a-f]{16}\b", r"\1 <code>", text)
    text = re.sub(r"\((?=[a-f]*\d)[0-9a-f]{12}\)", "(<digest>)", text)
    return re.sub(r"\?v=[0-9a-f]{12}\b", "?v=<digest>", text)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def prose(context: str, text: str, *, numbers: bool = True) -> str:
    return f"~{'#' if numbers else ''} {context}\t{plain(text)}"


def words(context: str, text: str) -> str:
    """A strict line for what has no letters, else prose with numbers."""
    return prose(context, text) if LETTER.search(text) else f"{context}\t{plain(text)}"


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(", ", ": "), default=str)


def expanded(value: Any) -> Any:
    """JSON in texts becomes data, so that rules reach its keys; bytes become their length."""
    if isinstance(value, dict):
        return {str(key): expanded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [expanded(inner) for inner in value]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str) and value[:1] in "{[" and value[-1:] in "}]":
        try:
            return {"<json>": expanded(json.loads(value))}
        except ValueError:
            return value
    return value


def of_rows(rows: Any) -> list[str]:
    return [dump(expanded(row)) for row in rows]


def segment(key: Any) -> str:
    return str(key).replace("/", "~1").replace("\n", "\\n")


SETS = {"required", "enum"}


def flatten(value: Any, path: str = "", sets: bool = False) -> list[str]:
    if isinstance(value, dict) and value:
        return [line for key, inner in value.items() for line in flatten(inner, f"{path}/{segment(key)}", sets)]
    if isinstance(value, list | tuple) and value:
        as_set = sets and path.rsplit("/", 1)[-1] in SETS
        return [
            line
            for number, inner in enumerate(value)
            for line in flatten(inner, f"{path}/{'-' if as_set else number}", sets)
        ]
    return [f"{path or '/'} = {dump(value)}"]


def of_flat(value: Any) -> list[str]:
    return flatten(expanded(value))


def of_schema(document: Any) -> list[str]:
    """References are put in place, so that names of models (classes) do not matter; they stand as prose at the end."""
    definitions = {f"#/$defs/{name}": one for name, one in document.get("$defs", {}).items()}
    components = document.get("components", {}).get("schemas", {})
    definitions |= {f"#/components/schemas/{name}": one for name, one in components.items()}

    def inline(node: Any, above: tuple[str, ...] = ()) -> Any:
        if isinstance(node, list):
            return [inline(one, above) for one in node]
        if not isinstance(node, dict):
            return node
        ref = node.get("$ref")
        if isinstance(ref, str) and ref in definitions:
            rest = {key: inline(one, above) for key, one in node.items() if key != "$ref"}
            if ref in above:
                return {**rest, "$recursive": above[::-1].index(ref)}
            return {**inline(definitions[ref], (*above, ref)), **rest}
        return {key: inline(one, above) for key, one in node.items() if key != "$defs"}

    kept = {key: one for key, one in document.items() if key not in {"$defs", "components"}}
    return flatten(inline(kept), sets=True) + [prose("model", name.rsplit("/", 1)[-1], numbers=False) for name in sorted(definitions)]


PROM = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: (\S+))?")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
MACHINE = re.compile(r"(# (HELP|TYPE) )?(process|python)_")


def sample(line: str) -> str:
    """A sample with its labels sorted."""
    found = PROM.fullmatch(line)
    if found is None:
        return line
    pairs = sorted(LABEL.findall(found[2] or ""))
    return f"{found[1]}{{{','.join(f'{name}={json.dumps(text, ensure_ascii=False)}' for name, text in pairs)}}} {found[3]}"


def of_prom(text: str) -> list[str]:
    found = []
    for line in text.split("\n"):
        if not line or MACHINE.match(line) or re.match(r"(# (HELP|TYPE) )?\w+_created\b", line):
            continue
        if line.startswith("# HELP "):
            _, _, name, help_ = (line + " ").split(" ", 3)
            found.append(prose(f"# HELP {name}", help_, numbers=False))
        elif line.startswith("#"):
            found.append(line)
        else:
            found.append(sample(line.replace("\\\\", "\\\\")))
    return found


def of_csv(body: bytes) -> list[str]:
    """Cells one by one: headers and texts are in the reader's language."""
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return [words(f"{number}:{place}", cell) for number, row in enumerate(rows) for place, cell in enumerate(row)]


def of_kcsv(body: bytes) -> list[str]:
    """Rows under a header that is a contract."""
    rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    head = rows[0]
    return [*(dump({"#column": number, "name": name}) for number, name in enumerate(head)),
            *(dump(expanded(dict(zip(head, row, strict=True)))) for row in rows[1:])]  # fmt: skip


class Page(HTMLParser):
    PROSE = {"title", "aria-label", "alt", "placeholder", "content", "label"}

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside.append(tag)
        self.lines.append(f"<{tag}>")
        for name, value in sorted(attrs):
            head = f"  {tag}@{name}"
            if name not in self.PROSE and not name.startswith("data-"):
                self.lines.append(f"{head}={plain(value or '')}")
            else:
                self.lines.append(words(head, value or ""))

    def handle_endtag(self, tag: str) -> None:
        self.lines.append(f"</{tag}>")
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag = self.inside[-1] if self.inside else ""
        if tag in {"style", "script"}:
            self.lines += [f"{tag}: {line.strip()}" for line in data.splitlines() if line.strip()]
        elif plain(data):
            self.lines.append(words("text", data))


def of_html(body: bytes) -> list[str]:
    page = Page()
    page.feed(body.decode())
    page.close()
    return page.lines


def of_xlsx(body: bytes) -> list[str]:
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    found: list[str] = []
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            for one in ET.fromstring(archive.read("xl/sharedStrings.xml")).iter(f"{main}si"):
                shared.append("".join(text.text or "" for text in one.iter(f"{main}t")))
        for entry in sorted(archive.infolist(), key=lambda one: one.filename):
            found.append(f"### {entry.filename} {entry.date_time}")
            if not entry.filename.endswith((".xml", ".rels")):
                found.append(f"{entry.file_size} bytes")
            elif entry.filename != "xl/sharedStrings.xml":
                _xml(ET.fromstring(archive.read(entry)), found, shared, main)
    return found


def _xml(node: ET.Element, found: list[str], shared: list[str], main: str) -> None:
    tag = node.tag.rpartition("}")[2]
    if node.tag == f"{main}c" and node.get("t") == "s":
        value = node.find(f"{main}v")
        cell = f"cell {node.get('r')} s={node.get('s')}"
        found.append(words(cell, shared[int(value.text)] if value is not None and value.text else ""))
        return
    found.append(f"<{tag}>")
    for name, value in sorted(node.attrib.items()):
        key = f"  {tag}@{name.rpartition('}')[2]}"
        named = (tag, name) in {("sheet", "name"), ("tableColumn", "name"), ("c:v", "val")}
        found.append(words(key, value) if named else f"{key}={value}")
    if node.text and node.text.strip():
        found.append(words(f"{tag} text", node.text))
    for one in node:
        _xml(one, found, shared, main)


def of_sqlite(data: dict[str, Any]) -> list[str]:
    """Schema and rows of every table.  ``drop``: table (regex) -> columns left out; ``resolve``: columns that hold the
    running number of a measurement, replaced by its identity."""
    path, drop, resolve = data["path"], data.get("drop", {}), data.get("resolve", ())
    found = []
    with sqlite3.connect(path) as db:
        found += [dump({"#pragma": name, "value": db.execute(f"PRAGMA {name}").fetchone()[0]}) for name in ("application_id", "user_version", "journal_mode")]
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        known: dict[int, str] = {}
        for table in tables:
            for number, name, kind, notnull, default, key in db.execute(f'PRAGMA table_info("{table}")'):
                found.append(dump({"#table": table, "column": name, "place": number, "type": kind, "notnull": notnull, "default": default, "key": key}))
            for _, name, unique, origin, partial in db.execute(f'PRAGMA index_list("{table}")'):
                columns = [one[2] for one in db.execute(f'PRAGMA index_info("{name}")')]
                where = re.search(r"WHERE .*", (db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone() or ("",))[0] or "")
                found.append(dump({"#table": table, "index": name, "columns": columns, "unique": unique, "origin": origin, "partial": where[0] if where else None}))
            names = [one[1] for one in db.execute(f'PRAGMA table_info("{table}")')]
            if {"seq", "portal", "check", "slot", "attempt"} <= set(names):
                for seq, *identity in db.execute(f'SELECT seq, portal, "check", slot, attempt FROM "{table}"'):
                    known[seq] = "{}/{}@{}#{}".format(*identity)
        for table in tables:
            gone = {column for pattern, columns in drop.items() if re.fullmatch(pattern, table) for column in columns}
            cursor = db.execute(f'SELECT * FROM "{table}"')
            names = [one[0] for one in cursor.description]
            for row in cursor:
                told = {name: value for name, value in zip(names, row, strict=True) if name not in gone and value is not None}
                for column in resolve:
                    if column in told:
                        told[column] = known.get(told[column], "?")
                found.append(dump({"#": table, **expanded(told)}))
    return found


def of_parquet(data: tuple[Path, int]) -> list[str]:
    """Every sealed file: its place, columns, metadata, rows; the rows of the first files of every folder above."""
    import duckdb

    root, whole = data
    found, seen = [], Counter()
    db = duckdb.connect()
    for path in sorted(root.rglob("*.parquet")):
        name = path.relative_to(root).as_posix()
        columns = {one[0]: one[1] for one in db.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()}
        count = db.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()[0]
        told = {"#file": name, "count": count, "columns": [f"{one} {kind}" for one, kind in columns.items()]}
        meta = {key.decode(): value.decode(errors="replace") for key, value in db.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(path)]).fetchall()}
        found.append(dump(told))
        found += [dump({"#file": name, "meta": key, "value": expanded(value)}) for key, value in sorted(meta.items()) if not key.startswith(("ARROW", "pandas", "created"))]
        kind = path.relative_to(root).parts[:2]
        seen[kind] += 1
        if seen[kind] <= whole:
            cursor = db.execute("SELECT * FROM read_parquet(?) ORDER BY ALL", [str(path)])
            names = [one[0] for one in cursor.description]
            found += [dump({"#": name, **expanded({n: v for n, v in zip(names, row, strict=True) if v is not None})}) for row in cursor.fetchall()]
    others = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file() and path.suffix != ".parquet")
    return found + [dump({"#other": name}) for name in others]


LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def of_logsource(folders: list[Path]) -> list[str]:
    """Every log call in the source: event, level, keys; wherever it stands.  Events that are put together: a pattern."""
    found = []
    for path in sorted(path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        aliases: dict[str, set[str]] = {}
        texts: dict[str, list[str]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                levels = {one.attr for one in ast.walk(node.value) if isinstance(one, ast.Attribute) and one.attr in LEVELS}
                texts.setdefault(node.targets[0].id, []).extend(_events(node.value, {}))
                if levels:
                    aliases.setdefault(node.targets[0].id, set()).update(levels)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                levels = {node.func.attr}
            elif isinstance(node.func, ast.Name) and node.func.id in aliases:
                levels = aliases[node.func.id]
            else:
                continue
            keys = sorted(one.arg or "**" for one in node.keywords)
            found += [dump({"event": event, "levels": sorted(levels), "keys": keys}) for event in _events(node.args[0], texts)]
    return found


def _events(node: ast.expr, texts: dict[str, list[str]]) -> list[str]:
    if isinstance(node, ast.Name):
        return texts.get(node.id, [])
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_events(node.body, texts), *_events(node.orelse, texts)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(one.value if isinstance(one, ast.Constant) else "{}" for one in node.values)]
    return []


def of_cli(name: str, app: Any) -> dict[str, list[str]]:
    import enum

    import typer

    rows, texts = [], []

    def kind(one: Any) -> Any:
        found = getattr(getattr(one, "type_descriptor", None), "annotation", None) or getattr(one, "type", None)
        if isinstance(found, type) and issubclass(found, enum.Enum):
            return [str(each.value) for each in found]
        return getattr(found, "__name__", None) or getattr(found, "name", None) or str(found)

    def walk(command: Any, path: str, parent: Any) -> None:
        context = command.context_class(command, info_name=path.rsplit(" ", 1)[-1], parent=parent)
        texts.extend([f"=== {path}", *command.get_help(context).splitlines()])
        rows.append(prose(f"{path} help", command.help or "", numbers=False))
        for one in command.params:
            argument = one.param_type_name == "argument"
            who = (one.metavar or one.name or "").upper() if argument else " ".join(sorted([*one.opts, *one.secondary_opts]))
            told = {"command": path, "what": who, "argument": argument, "type": kind(one), "required": one.required,
                    "multiple": bool(getattr(one, "multiple", False)), "nargs": one.nargs, "flag": bool(getattr(one, "is_flag", False)),
                    "hidden": bool(getattr(one, "hidden", False)), "envvar": one.envvar, "default": str(getattr(one.default, "value", one.default))}  # fmt: skip
            rows.append(dump(told))
            rows.append(prose(f"{path} {who}", getattr(one, "help", "") or "", numbers=False))
        for each, inner in sorted(getattr(command, "commands", {}).items()):
            walk(inner, f"{path} {each}", context)

    command = typer.main.get_command(app)
    walk(command, "portal-monitor", None)
    return {f"{name}.rows": rows, f"{name}.loose": [line.rstrip() for line in texts]}


FORMS = {
    "prom": ("", of_prom), "rows": ("", of_rows), "flat": ("", of_flat), "schema": ("", of_schema),
    "csv": (".cells", of_csv), "kcsv": ("", of_kcsv), "html": (".tokens", of_html), "xlsx": (".xml", of_xlsx),
    "sqlite": ("", of_sqlite), "parquet": ("", of_parquet), "logsource": ("", of_logsource),
    "lines": ("", lambda text: text.splitlines()),
    "prose": ("", lambda text: [words("line", line) for line in text.splitlines()]),
    "loose": ("", lambda text: text.splitlines()),
    "raw": ("", list),
}  # fmt: skip
UNORDERED = (".prom", ".rows", ".flat", ".lines")

# ------------------------------------------------------------------------- record


def record(directory: Path, only: str) -> int:
    """Each driver in a process of its own, so that none sees what another has patched or cached."""
    sys.path[:0] = [str(HERE), str(Path.cwd())]
    drivers = importlib.import_module(os.environ.get("GOLDEN_DRIVERS", "drivers_before")).DRIVERS
    chosen = [name for name in drivers if re.search(only, name)]
    if not only and directory.exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in chosen:
        command = [sys.executable, str(Path(__file__).resolve()), "_driver", name, str(directory.resolve())]
        done = subprocess.run(command, env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True, check=False)
        print(f"{name:20} {'ok' if done.returncode == 0 else 'FAILED'} {done.stdout.strip().rpartition(chr(10))[2]}", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr[-3000:], flush=True)
    if failed:
        print(f"{len(failed)} drivers failed: {', '.join(failed)}")
    return int(bool(failed))


def driver(name: str, directory: Path) -> int:
    import time

    sys.path[:0] = [str(HERE), str(Path.cwd())]
    drivers = importlib.import_module(os.environ.get("GOLDEN_DRIVERS", "drivers_before"))
    began, count, size = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory(prefix="golden-") as folder:
        for file, (form, data) in drivers.DRIVERS[name](Path(folder)).items():
            written = of_cli(file, data) if form == "cli" else {file + FORMS[form][0]: FORMS[form][1](data)}
            for path, lines in written.items():
                if path.endswith(UNORDERED):
                    lines = sorted(lines)
                body = "".join(f"{normal(line)}\n" for line in lines).replace(folder, "<tmp>")
                target = directory / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(body, "utf-8", errors="backslashreplace", newline="\n")
                count, size = count + len(lines), size + len(body)
    print(f"{count} lines, {size / 1e6:.2f} MB, {time.monotonic() - began:.0f} s")
    return 0


# ------------------------------------------------------------------------ compare


class Rule:
    """One rule of the mapping.

    [regex, replacement]                        on the whole line
    {"key": old, "to": new, "where": regex}     exact key: of JSON rows at any depth, of a path segment in flat files
    {"value": old, "to": new, "key": [keys]}    exact text under these keys (as they are called by then)
    {"invert": regex}                           sample or row whose value is 0 or 1 and becomes the other
    {"drop": regex, "side": "old"|"new"|"both"} the line is not compared
    """

    def __init__(self, spec: Any) -> None:
        self.spec, self.hits = spec, 0
        self.kind = "regex" if isinstance(spec, list) else "value" if "value" in spec else "key" if "key" in spec else next(iter(spec))
        if self.kind == "regex":
            self.pattern, self.to = re.compile(spec[0]), spec[1]
        elif self.kind in {"invert", "drop"}:
            self.pattern = re.compile(spec[self.kind])
        elif spec.get("where"):
            self.where = re.compile(spec["where"])
        if self.kind == "value":
            self.keys = {spec["key"]} if isinstance(spec.get("key"), str) else set(spec.get("key", ()))

    def __str__(self) -> str:
        return json.dumps(self.spec, ensure_ascii=False)


Step = list[Rule] | Rule


def steps(rules: list[Rule]) -> list[Step]:
    """Key rules in a row are one step, so that a line is walked once for them; likewise values."""
    found: list[Step] = []
    for rule in rules:
        if rule.kind in {"key", "value"} and found and isinstance(found[-1], list) and found[-1][0].kind == rule.kind:
            found[-1].append(rule)
        else:
            found.append([rule] if rule.kind in {"key", "value"} else rule)
    return found


def holding(batch: list[Rule], line: str) -> list[Rule]:
    return [rule for rule in batch if not rule.spec.get("where") or rule.where.search(line)]


def keyed(value: Any, names: dict[str, Rule]) -> Any:
    if isinstance(value, dict):
        fresh = {}
        for key, inner in value.items():
            if (rule := names.get(key)) is not None:
                rule.hits += 1
                key = rule.spec["to"]
            fresh[key] = keyed(inner, names)
        return fresh
    return [keyed(inner, names) for inner in value] if isinstance(value, list) else value


def valued(value: Any, key: str, texts: dict[str, list[Rule]]) -> Any:
    if isinstance(value, dict):
        return {name: valued(inner, name, texts) for name, inner in value.items()}
    if isinstance(value, list):
        return [valued(inner, key, texts) for inner in value]
    if isinstance(value, str):
        for rule in texts.get(value, ()):
            if not rule.keys or key in rule.keys:
                rule.hits += 1
                return rule.spec["to"]
    return value


def apply(line: str, form: str, plan: list[Step], side: str = "old") -> str | None:
    for step in plan:
        if isinstance(step, Rule):
            if step.kind == "drop":
                if step.pattern.search(line) and step.spec.get("side", "old") in {side, "both"}:
                    step.hits += 1
                    return None
            elif side == "new":
                continue
            elif step.kind == "regex":
                line, count = step.pattern.subn(step.to, line)
                step.hits += count
            elif step.pattern.search(line):
                step.hits += 1
                line = re.sub(r"([01])(\.0)?$", lambda found: f"{1 - int(found[1])}{found[2] or ''}", line)
        elif side == "old":
            batch = holding(step, line)
            if batch and form == ".rows" and line.startswith("{"):
                value = json.loads(line)
                if step[0].kind == "key":
                    value = keyed(value, {rule.spec["key"]: rule for rule in batch})
                else:
                    value = valued(value, "", by_text(batch))
                line = dump(value)
            elif batch and form == ".flat" and line.startswith("/"):
                path, _, text = line.partition(" = ")
                parts = path.split("/")
                if step[0].kind == "key":
                    names = {rule.spec["key"]: rule for rule in batch}
                    for number, part in enumerate(parts):
                        if (rule := names.get(part)) is not None:
                            rule.hits += 1
                            parts[number] = rule.spec["to"]
                elif text.startswith('"'):
                    key = next((part for part in reversed(parts) if not part.isdigit() and part != "-"), "")
                    text = dump(valued(json.loads(text), key, by_text(batch)))
                line = f"{'/'.join(parts)} = {text}"
    return line


def by_text(batch: list[Rule]) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in batch:
        found.setdefault(rule.spec["value"], []).append(rule)
    return found


class Mapping:
    def __init__(self, path: Path | None) -> None:
        told = json.loads(path.read_text("utf-8")) if path else {}
        self.paths = [Rule(one) for one in told.get("paths", ())]
        self.groups = {name: [Rule(one) for one in rules if not isinstance(one, str)] for name, rules in told.get("groups", {}).items()}
        self.uses = [(re.compile(one["match"]), one["groups"]) for one in told.get("recordings", ())]
        prose_ = told.get("prose", ())
        self.prose = [(re.compile(one["match"]), re.compile(one["lines"]), one.get("numbers", False)) for one in prose_ if "lines" in one]
        self.keys = [(re.compile(one["match"]), set(one["keys"])) for one in prose_ if "keys" in one]
        self.inline = [(re.compile(one["match"]), re.compile(one["inline"])) for one in prose_ if "inline" in one]

    def path(self, name: str) -> str:
        for rule in self.paths:
            name, count = rule.pattern.subn(rule.to, name)
            rule.hits += count
        return name

    def rules(self, name: str) -> list[Rule]:
        return [rule for match, groups in self.uses if match.search(name) for group in groups for rule in self.groups[group]]

    def split(self, name: str, lines: list[str]) -> tuple[list[str], dict[str, list[str]]]:
        """Strict lines, with a mark in the place of prose; and the prose by its mark."""
        patterns = [(lines_, numbers) for match, lines_, numbers in self.prose if match.search(name)]
        strict, texts = [], {}
        keys = {key for match, some in self.keys if match.search(name) for key in some}
        inline = [pattern for match, pattern in self.inline if match.search(name)]
        for line in lines:
            said: list[str] = []
            if keys and line.startswith("{"):
                line = dump(without(json.loads(line), keys, "", said))
            for pattern in inline:
                line = pattern.sub(lambda found: taken(found, said), line)
            if said:
                texts.setdefault(line, []).append(" | ".join(said))
                strict.append(line)
                continue
            if line.startswith(("~ ", "~# ")):
                head, _, text = line.partition("\t")
                numbers = head.startswith("~#")
            else:
                for pattern, numbers in patterns:
                    if pattern.search(line):
                        head, _, text = line.partition(" = ")
                        head = f"~{'#' if numbers else ''} {head}"
                        break
                else:
                    strict.append(line)
                    continue
            mark = f"{head} <prose{''.join(' ' + one for one in NUMBER.findall(text)) if numbers else ''}>"
            strict.append(mark)
            texts.setdefault(mark, []).append(text)
        return strict, texts


def marked(text: str) -> str:
    return f"<prose{''.join(' ' + one for one in NUMBER.findall(text))}>"


def without(value: Any, keys: set[str], key: str, said: list[str]) -> Any:
    """The value with marks in the place of texts under ``keys``; the texts go to ``said``."""
    if isinstance(value, dict):
        return {name: without(inner, keys, name, said) for name, inner in value.items()}
    if isinstance(value, list):
        return [without(inner, keys, key, said) for inner in value]
    if isinstance(value, str) and key in keys and value:
        said.append(value)
        return marked(value)
    return value


def taken(found: re.Match[str], said: list[str]) -> str:
    said.append(found[1])
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + marked(found[1]) + found[0][end:]


def compare(old: Path, new: Path, mapping: Mapping, out: Path | None, most: int, only: str, show_prose: bool) -> int:
    olds = {mapping.path(path.relative_to(old).as_posix()): path for path in sorted(old.rglob("*")) if path.is_file()}
    news = {path.relative_to(new).as_posix(): path for path in sorted(new.rglob("*")) if path.is_file()}
    olds = {name: path for name, path in olds.items() if re.search(only, name)}
    news = {name: path for name, path in news.items() if re.search(only, name)}
    bad, totals, groups = [], Counter(), {}
    missing = [*(f"only in OLD: {name}" for name in olds.keys() - news.keys()), *(f"only in NEW: {name}" for name in news.keys() - olds.keys())]
    for line in sorted(missing):
        print(line)
    shown = 0
    for name in sorted(olds.keys() & news.keys()):
        rules = mapping.rules(olds[name].relative_to(old).as_posix())
        before = [rule.hits for rule in rules]
        plan, form = steps(rules), Path(name).suffix
        mine = [line for one in read(olds[name]) if (line := apply(one, form, plan)) is not None]
        theirs = [line for one in read(news[name]) if (line := apply(one, form, plan, "new")) is not None]
        if form == ".prom":
            mine = [line if line.startswith(("#", "~")) else resorted(line) for line in mine]
        (left, left_texts), (right, right_texts) = mapping.split(name, mine), mapping.split(name, theirs)
        if form in UNORDERED:
            left, right = sorted(left), sorted(right)
        used = sum(rule.hits > hits for rule, hits in zip(rules, before, strict=True))
        different_prose = [
            (mark, one, other)
            for mark in left_texts.keys() & right_texts.keys()
            for one, other in unequal(left_texts.get(mark, []), right_texts.get(mark, []))
        ]
        number_of_prose = sum(len(some) for mark, some in left_texts.items() if mark.startswith("~"))
        spoken = sum(map(len, left_texts.values()))
        if form == ".loose":
            gone = list((Counter(left) - Counter(right)).elements())
            different_prose += [("", line, "") for line in gone]
            number_of_prose = spoken = len(left)
            left, right = [], []
        changed, diff = differences(left, right, name)
        strict = len(left) - number_of_prose if form != ".loose" else 0
        counts = {"files": 1, "lines": strict, "equal": max(0, strict - changed), "prose": spoken, "prose differing": len(different_prose),
                  "differing files": int(changed > 0 or len(left) != len(right)), "used": used}  # fmt: skip
        group = groups.setdefault("/".join(name.split("/")[:1]), Counter())
        group.update(counts)
        totals.update(counts)
        if out:
            for folder, lines in (("mapped-old", mine), ("new", theirs), ("diff", diff), ("prose", [f"{m}\n- {a}\n+ {b}" for m, a, b in sorted(different_prose)])):
                if lines:
                    target = out / folder / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text("\n".join(lines) + "\n", "utf-8")
        if diff:
            bad.append(name)
            print(f"\n!! {name}: {changed} of {strict} strict lines differ ({len(left)} | {len(right)} lines); {used} rules used")
            room = max(0, most - shown)
            print("\n".join(short(diff[: min(room, 40)])))
            shown += min(len(diff), room, 40)
            if len(diff) > min(room, 40):
                print(f"   ... {len(diff) - min(room, 40)} more lines of diff")
        if show_prose and different_prose:
            print(f"\n~~ {name}: prose")
            for mark, one, other in sorted(different_prose)[:40]:
                print(f"  {mark}\n  - {one[:300]}\n  + {other[:300]}")
    print(f"\n{'recording':12} {'files':>6} {'differ':>6} {'strict':>8} {'equal':>8} {'prose':>7} {'differ':>7} {'rules used':>10}")
    for name, one in [*sorted(groups.items()), ("all", totals)]:
        print(f"{name:12} {one['files']:>6} {one['differing files']:>6} {one['lines']:>8} {one['equal']:>8} {one['prose']:>7} {one['prose differing']:>7} {one['used'] if name != 'all' else '':>10}")
    every = [("paths", rule) for rule in mapping.paths] + [(group, rule) for group, rules in mapping.groups.items() for rule in rules]
    unused = [(group, rule) for group, rule in every if not rule.hits]
    print(f"\nmapping rules: {len(every)}, used: {len(every) - len(unused)}, unused: {len(unused)}")
    for group, rule in unused:
        print(f"  unused in {group}: {rule}")
    good = not bad and not missing
    print("\nEQUAL after mapping" if good else f"\nNOT EQUAL: {len(bad)} recordings differ, {len(missing)} are on one side only")
    return int(not good)


def short(diff: list[str]) -> list[str]:
    """Lines of a diff to read: of long ones the part where the pair differs."""
    found = []
    for number, line in enumerate(diff):
        start = 0
        for other in (diff[number + 1 : number + 2] if line[:1] == "-" else diff[number - 1 : number]):
            if {line[:1], other[:1]} == {"-", "+"} and len(line) > 200:
                same = len(os.path.commonprefix([line[1:], other[1:]]))
                start = max(0, same - 60)
        found.append(line[:220] if not start else f"{line[:60]} ... {line[1:][start : start + 160]}")
    return found


def resorted(line: str) -> str:
    found = PROM.fullmatch(line)
    if found is None:
        return line
    pairs = sorted(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*")', found[2] or ""))
    return f"{found[1]}{{{','.join(f'{name}={text}' for name, text in pairs)}}} {found[3]}"


def unequal(left: list[str], right: list[str]) -> list[tuple[str, str]]:
    """Pairs that differ; what only moved is equal."""
    mine, theirs = list((Counter(left) - Counter(right)).elements()), list((Counter(right) - Counter(left)).elements())
    longest = max(len(mine), len(theirs))
    return list(zip(mine + [""] * (longest - len(mine)), theirs + [""] * (longest - len(theirs)), strict=True))


def differences(left: list[str], right: list[str], name: str) -> tuple[int, list[str]]:
    """Lines of ``left`` that are not in ``right`` in their place, or the other way round; and the unified diff."""
    if left == right:
        return 0, []
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / side for side in ("old", "new")]
        for path, lines in zip(paths, (left, right), strict=True):
            path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        command = ["diff", "-U1", "--label", f"old/{name}", "--label", f"new/{name}", *map(str, paths)]
        found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    gone = sum(line.startswith("-") for line in found[2:])
    come = sum(line.startswith("+") for line in found[2:])
    return max(gone, come), found


def read(path: Path) -> list[str]:
    return path.read_text("utf-8").split("\n")[:-1]


def main() -> int:
    if sys.argv[1:2] == ["_driver"]:
        return driver(sys.argv[2], Path(sys.argv[3]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("record")
    one.add_argument("directory", type=Path)
    one.add_argument("--only", default="", help="regex over drivers")
    two = commands.add_parser("compare")
    two.add_argument("old", type=Path)
    two.add_argument("new", type=Path)
    two.add_argument("mapping", type=Path, nargs="?")
    two.add_argument("--out", type=Path, help="write mapped OLD, NEW, diffs and differing prose here")
    two.add_argument("--max", type=int, default=400, help="lines of diff printed at most")
    two.add_argument("--only", default="", help="regex over files of recordings")
    two.add_argument("--show-prose", action="store_true")
    asked = parser.parse_args()
    if asked.command == "record":
        return record(asked.directory, asked.only)
    return compare(asked.old, asked.new, Mapping(asked.mapping), asked.out, asked.max, asked.only, asked.show_prose)


if __name__ == "__main__":
    raise SystemExit(main())
