"""What a configuration shows: digest, estimate, schema, and a copy without any secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Config, ConfigError, estimate, load, redacted, schema
from monitor.config.portals import ScheduleBlock
from probes.registry import PROBE_KINDS

SHIPPED = Path(__file__).parents[3] / "config"
SECRET = "zq7-secret-zq7"

MONITOR = """
location: hanoi
language: vi
report_zone: Asia/Ho_Chi_Minh
contact: mailto:me@example.org
listen: 127.0.0.1:9797
web: {reload: true, reload_token: abc}
http: {name_servers: ["1.1.1.1"]}
checks:
  uptime: {interval: 60s, timeout: 5s, status: [200], headers: {X-Key: abc}, body_matches: [xyz], method: GET}
  latency: {interval: 5m, pages: all, max_redirects: 5, family: auto}
groups:
  alpha: {checks: {uptime: {interval: 30s, headers: {X-More: abc}}}}
concurrency: {http: 8}
misfire_grace_time: 30s
self_check:
  references: [{name: one, connect: "1.1.1.1:443"}, {name: two, url: "https://example.org"}]
  fleet_breaker: {share: 0.5}
journal: {commit_interval: 200ms}
"""
PORTALS = """
portals:
  - id: alpha
    code: H01
    name: {vi: Mẫu, en: Sample}
    kind: province
    group: alpha
    url: https://alpha.example.gov.vn
    expect: answers
    verified: true
    status_2026: merged
    merged_into: beta
    source: somewhere
    pages: {list: /list, search: "https://search.example.gov.vn/"}
    checks: {uptime: {timeout: 4s, headers: {X-Own: abc}, pages: [home, list]}}
  - id: beta
    name: {vi: Mẫu, en: Sample}
    kind: province
    group: beta
    url: https://beta.example.gov.vn
    expect: {redirects_to: dichvucong.gov.vn}
"""


def made(directory: Path, monitor: Any = MONITOR, portals: Any = PORTALS, **environment: str) -> Config:  # noqa: ANN401
    for name, content in (("monitor", monitor), ("portals", portals)):
        text = content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True)
        directory.joinpath(f"{name}.yaml").write_text(text, "utf-8")
    return load(directory, environment)


def leaves(data: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401
    if isinstance(data, dict | list):
        for step, inner in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(inner, (*steps, step))
    else:
        yield steps


def replaced(data: Any, steps: tuple[Any, ...], value: object) -> tuple[Any, str]:  # noqa: ANN401
    """A copy with another value at ``steps``, and the value that stood there as text."""
    copy = json.loads(json.dumps(data))
    parent = copy
    for step in steps[:-1]:
        parent = parent[step]
    before = parent[steps[-1]]
    parent[steps[-1]] = value
    return copy, str(before).lower() if isinstance(before, bool) else str(before)


LEAVES = [
    pytest.param(which, steps, id=".".join(map(str, (which, *steps))))
    for which, text in (("monitor", MONITOR), ("portals", PORTALS))
    for steps in leaves(yaml.safe_load(text))
]


@pytest.mark.parametrize(("which", "steps"), LEAVES)
@pytest.mark.parametrize("secret", [SECRET, f"https://{SECRET}/", f"({SECRET}", f"[{SECRET}]: {{"])
def test_no_value_of_the_environment_is_ever_shown(tmp_path: Path, which: str, steps: Any, secret: str) -> None:  # noqa: ANN401
    """For a variable at any place, neither errors nor repr nor the redacted copy contain its value."""
    files = {"monitor": yaml.safe_load(MONITOR), "portals": yaml.safe_load(PORTALS)}
    files[which], _ = replaced(files[which], steps, "${SECRET}")
    try:
        config = made(tmp_path, **files, SECRET=secret)
    except ConfigError as error:
        assert SECRET not in str(error)  # noqa: PT017
        assert SECRET not in repr(error)  # noqa: PT017
    else:
        assert SECRET not in repr(config) + repr(config.settings) + str(config.settings.web)
        assert SECRET not in json.dumps(redacted(config)) + "".join(config.warnings)


@pytest.mark.parametrize(("which", "steps"), [one for one in LEAVES if not str(one.id).endswith(".id")])
def test_a_good_value_from_the_environment_is_valid_and_redacted(tmp_path: Path, which: str, steps: Any) -> None:  # noqa: ANN401
    """The same value by way of a variable means the same, and is not shown where it would be."""
    files = {"monitor": yaml.safe_load(MONITOR), "portals": yaml.safe_load(PORTALS)}
    plain = made(tmp_path, **files)
    files[which], before = replaced(files[which], steps, "${VALUE}")
    config = made(tmp_path, **files, VALUE=before)
    assert config.digest == plain.digest
    shown, open_ = redacted(config), redacted(plain)
    if steps[0] == "portals":
        steps = ("portals", config.portals[steps[1]].id, *steps[2:])
        if steps[2] in {"checks", "expect"}:
            return  # shown under "checks", or in two fields
    else:
        steps = ("monitor", *steps)
    for step in steps:
        shown, open_ = shown[step], open_[step]
    assert shown == "•••"
    assert open_ is not None


def test_the_redacted_copy_hides_tokens_headers_and_passwords(tmp_path: Path) -> None:
    """These are secrets also when they stand in the file; the rest is shown, defaults filled in."""
    portals = PORTALS.replace("https://beta", "https://me:secret@beta")
    shown = redacted(made(tmp_path, portals=portals))
    assert shown["monitor"]["web"]["reload_token"] == "•••"
    assert shown["monitor"]["checks"]["uptime"]["headers"] == {"X-Key": "•••"}
    assert shown["checks"]["alpha/uptime"]["headers"] == {"X-Key": "•••", "X-More": "•••", "X-Own": "•••"}
    assert shown["checks"]["beta/uptime"]["url"] == "https://•••@beta.example.gov.vn"
    assert shown["portals"]["beta"]["pages"]["home"] == "https://•••@beta.example.gov.vn"
    assert shown["checks"]["alpha/uptime-list"]["interval"] == 30.0
    assert shown["monitor"]["states"]["up_slots"] == 2
    assert shown == json.loads(json.dumps(shown)) == yaml.safe_load(yaml.safe_dump(shown))


def test_what_follows_from_a_redacted_value_is_redacted(tmp_path: Path) -> None:
    """A check shows neither an address made from a variable nor a key that a layer took from one."""
    monitor = MONITOR.replace("timeout: 5s", 'timeout: "${FIVE}"').replace("pages: all, ", "")
    portals = PORTALS.replace("//alpha.example", "//${HOST}.example")
    portals = portals.replace("redirects_to: dichvucong.", "redirects_to: ${HOST}").replace(
        "${HOST}gov.vn}", "'${HOST}.gov.vn'}"
    )
    shown = redacted(made(tmp_path, monitor, portals, FIVE="5", HOST="alpha"))
    assert shown["portals"]["beta"]["redirects_to"] == shown["checks"]["beta/uptime"]["redirects_to"] == "•••"
    assert shown["checks"]["beta/uptime"]["timeout"] == "•••"
    assert shown["checks"]["alpha/uptime"]["url"] == shown["checks"]["alpha/uptime-list"]["url"] == "•••"
    assert shown["portals"]["alpha"]["pages"]["home"] == shown["portals"]["alpha"]["pages"]["list"] == "•••"
    assert "alpha.example" not in json.dumps(shown), "not even in the address of a page without a check"
    assert shown["checks"]["beta/uptime"]["url"] == "https://beta.example.gov.vn"


def test_the_digest_follows_the_meaning(tmp_path: Path) -> None:
    """Not the wording, the order or the place of the files; but every value, secrets as well."""
    first = made(tmp_path).digest
    assert len(first) == 12
    int(first, 16)
    other = tmp_path / "other"
    other.mkdir()
    turned = yaml.safe_load(PORTALS)
    turned["portals"].reverse()
    assert made(other, "# other words\n" + MONITOR.replace("60s", "1m"), turned).digest == first
    for old, new in (("abc}\nhttp", "abd}\nhttp"), ("timeout: 5s", "timeout: 6s"), ("X-Key: abc", "X-Key: abd")):
        assert old in MONITOR
        assert made(tmp_path, MONITOR.replace(old, new)).digest != first
    for old, new in (("Sample", "Other"), ("/list,", "/other,"), ("answers", "retired")):
        assert made(tmp_path, portals=PORTALS.replace(old, new)).digest != first


def test_the_estimate_counts_probes_series_and_points(tmp_path: Path) -> None:
    about = estimate(made(tmp_path))
    # uptime: alpha home and list every 30 s, beta home every 60 s; latency: alpha 3 pages, beta 1, every 300 s
    assert (about.portals, about.checks, about.probes_per_minute) == (2, 7, 5.8)
    assert about.influx_points_per_day == 5.8 * 60 * 24
    series = {(one.prometheus_name, str(one.labels)) for one in PROBE_KINDS["uptime"].metrics if one.prometheus_name}
    assert about.prometheus_series == 7 * (len(series) + 6)


@pytest.mark.parametrize("which", ["monitor", "portals"])
def test_the_schema_holds_the_keys_of_every_kind(which: Any) -> None:  # noqa: ANN401
    """A block may have the schedule's keys and those of its kind, and nothing is required in one layer alone."""
    made = schema(which)
    definitions = made["$defs"]
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(definitions["checks"]["properties"]) == set(PROBE_KINDS)
    for kind, probe in PROBE_KINDS.items():
        block = definitions[f"{kind}-check"]
        assert set(block["properties"]) == {*ScheduleBlock.model_fields, *probe.model_fields} - {"url"}
        assert block["additionalProperties"] is False
        assert "required" not in block
        assert {"string", "number"} == {one["type"] for one in block["properties"]["timeout"]["anyOf"]}
    owner = made if which == "monitor" else definitions["PortalEntry"]
    assert owner["properties"]["checks"]["$ref"] == "#/$defs/checks"
    text = json.dumps(made)
    assert all(f'"#/$defs/{name}"' in text for name in definitions)
    assert '"blocks"' not in text


@pytest.mark.parametrize("which", ["monitor", "portals"])
def test_the_schema_knows_every_key_of_the_shipped_files(which: Any) -> None:  # noqa: ANN401
    """Walks schema and file side by side: no key of the file is unknown, no required one is missing."""
    made = schema(which)

    def check(value: Any, node: Any) -> None:  # noqa: ANN401
        while "$ref" in node:
            node = made["$defs"][node["$ref"].rpartition("/")[2]]
        branches = [one for key in ("anyOf", "oneOf") for one in node.get(key, [])]
        if branches and isinstance(value, dict | list):
            node = next((one for one in branches if "$ref" in one or one.get("type") in {"object", "array"}), {})
            check(value, node)
        elif isinstance(value, dict):
            assert set(node.get("required", [])) <= set(value)
            for key, inner in value.items():
                known = node.get("properties", {}).get(key, node.get("additionalProperties"))
                assert known, key
                check(inner, known if isinstance(known, dict) else {})
        elif isinstance(value, list):
            for inner in value:
                check(inner, node.get("items", {}))

    check(yaml.safe_load(SHIPPED.joinpath(f"{which}.yaml").read_text("utf-8")), made)
