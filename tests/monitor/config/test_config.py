"""Files to configurations: a folder for each valid or invalid case, with the expected result beside the files."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitor.config import Config, ConfigError, load
from monitor.model.records import Expect, PortalKind
from probes.metric import Metric, Unit
from probes.probe import Probe
from probes.registry import PROBE_KINDS

HERE = Path(__file__).parent
SHIPPED = HERE.parents[2] / "config"

ENVIRONMENT = {
    "WORD": "hunter2",
    "BROKEN_PATTERN": "(hunter2",
    "LONG": "90s",
    "FOUR": "4",
    "STATUS": "204",
    "YES": "true",
}
"""The variables that the folders' files may name."""

PORTAL = """
  - id: {id}
    name: {{vi: Mẫu, en: Sample}}
    kind: province
    group: {id}
    url: https://{id}.example.gov.vn
"""


def cases(kind: str) -> list[Any]:
    return [pytest.param(folder, id=folder.name) for folder in sorted((HERE / kind).iterdir()) if folder.is_dir()]


def write(directory: Path, monitor: str, portals: str = "portals:" + PORTAL.format(id="alpha")) -> Path:
    directory.joinpath("monitor.yaml").write_text(monitor, "utf-8")
    directory.joinpath("portals.yaml").write_text(portals, "utf-8")
    return directory


def errors_of(directory: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, ENVIRONMENT)
    assert list(caught.value.errors) == sorted(set(caught.value.errors))
    return [str(one).replace(f"{directory}/", "") for one in caught.value.errors]


def summary(config: Config) -> dict[str, dict[str, Any]]:
    checks = {}
    for check in config.checks:
        checks[check.key] = {**check.probe.model_dump(mode="json"), "interval": check.interval, "page": check.page}
    return checks


@pytest.mark.parametrize("folder", cases("bad"))
def test_every_error_of_a_bad_configuration_is_reported(folder: Path) -> None:
    """Each error, at its place, at once; and no secret of the environment or of a file among them."""
    errors = errors_of(folder)
    assert errors == folder.joinpath("expected.txt").read_text("utf-8").splitlines()
    assert "hunter2" not in "".join(errors)


def test_there_is_a_folder_for_every_common_slip() -> None:
    assert len(cases("bad")) >= 30


@pytest.mark.parametrize("folder", cases("good"))
def test_every_good_configuration_gives_the_expected_checks(folder: Path) -> None:
    """The checks are exactly those expected, with at least the expected keys, and nothing else is warned of."""
    expected = yaml.safe_load(folder.joinpath("expected.yaml").read_text("utf-8"))
    config = load(folder, ENVIRONMENT)
    found = summary(config)
    assert list(found) == list(expected["checks"])
    for key, wanted in expected["checks"].items():
        assert {name: found[key][name] for name in wanted} == wanted, key
    assert [text.replace(f"{folder}/", "") for text in config.warnings] == expected.get("warnings", [])
    if "reload_token" in expected:
        assert config.settings.web.reload_token is not None
        assert config.settings.web.reload_token.get_secret_value() == expected["reload_token"]


def test_a_missing_directory_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "nowhere", {})
    assert str(caught.value) == f"{tmp_path}/nowhere:1:1: the directory is missing"


def test_the_shipped_configuration_is_good() -> None:
    config = load(SHIPPED, {})
    assert len(config.portals) == 106
    assert len({check.key for check in config.checks}) == len(config.checks)
    assert [text.partition(": ")[2] for text in config.warnings] == [
        "the contact is the sample value: operators of portals cannot reach you"
    ]


def test_the_shipped_file_has_the_defaults(tmp_path: Path) -> None:
    """As its comments state, except for checks, groups and references, which have none."""
    shutil.copy(SHIPPED / "portals.yaml", tmp_path)
    tmp_path.joinpath("monitor.yaml").write_text("{}\n")
    without = {"checks", "groups", "self_check"}
    shipped, bare = load(SHIPPED, {}).settings, load(tmp_path, {}).settings
    assert shipped.model_dump(exclude=without) == bare.model_dump(exclude=without)
    assert shipped.self_check.fleet_breaker == bare.self_check.fleet_breaker


def test_a_portal_has_the_values_of_its_entry(tmp_path: Path) -> None:
    extra = (
        "    code: H26\n    expect: {redirects_to: dichvucong.gov.vn}\n    verified: false\n    status_2026: active\n"
        "    confidence: seen\n    source: somewhere\n    pages: {list: /list}\n"
    )
    (portal,) = load(write(tmp_path, "{}", "portals:" + PORTAL.format(id="alpha") + extra), {}).portals
    assert (portal.name("vi"), portal.name("en"), portal.kind) == ("Mẫu", "Sample", PortalKind.PROVINCE)
    assert (portal.expect, portal.redirects_to, portal.verified) == (Expect.REDIRECTS, "dichvucong.gov.vn", False)
    assert (portal.code, portal.status_2026, portal.confidence, portal.source) == ("H26", "active", "seen", "somewhere")
    assert portal.pages == {"home": portal.url, "list": "https://alpha.example.gov.vn/list"}


def test_probes_identify_us(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.touch()
    text = "contact: mailto:me@example.org\nhttp: {name_servers: ['1.1.1.1:53'], ca_file: ca.pem}\n"
    http = load(write(tmp_path, text), {}).settings.http_settings
    assert http.user_agent.startswith("portal-monitor/")
    assert http.user_agent.endswith(" (+mailto:me@example.org)")
    assert (http.name_servers, http.ca_file) == (("1.1.1.1:53",), path)


class Strict(Probe):
    """A kind with a key that has no default and with a rule over two of its keys."""

    kind = "strict"
    metrics = (Metric(name="x", unit=Unit.COUNT, help="X.", prometheus_name="x"),)
    level: int
    most: int = 5

    def model_post_init(self, _context: object, /) -> None:
        if self.level > self.most:
            raise ValueError("level is above most")


def test_a_new_kind_needs_nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fields of a kind are its keys: required ones may come from any layer, its own rules are reported in place."""
    monkeypatch.setitem(PROBE_KINDS, "strict", Strict)
    portals = "portals:" + PORTAL.format(id="alpha") + "    checks: {strict: {level: 1}}\n"
    good = load(write(tmp_path, "checks:\n  strict: {interval: 1h}\n", portals), {})
    assert summary(good)["alpha/strict"]["level"] == 1
    portals += PORTAL.format(id="beta") + PORTAL.format(id="gamma") + "    checks: {strict: {levle: 1}}\n"
    portals += PORTAL.format(id="delta") + "    checks: {strict: {level: 6}}\n"
    assert errors_of(write(tmp_path, "checks:\n  strict: {interval: 1h}\n", portals)) == [
        "monitor.yaml:2:11: missing key 'level'",
        "portals.yaml:20:22: missing key 'level'",
        "portals.yaml:20:23: unknown key 'levle'; did you mean 'level'?",
        "portals.yaml:27:22: level is above most",
    ]


@given(text=st.text(alphabet="ab:-[]{}&*!|>'\"#%@,?~$ \n\t0159.<\u00e9", max_size=60))
def test_any_text_is_validated(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Any text is a configuration or gives an error at a place that it has."""
    directory = tmp_path_factory.mktemp("any")
    try:
        load(write(directory, text, text), {})
    except ConfigError as error:
        assert all(one.line <= text.count("\n") + 2 and one.column >= 1 for one in error.errors)  # noqa: PT017
    finally:
        shutil.rmtree(directory)


def test_five_thousand_portals_load_in_time(tmp_path: Path) -> None:
    more = "    checks: {uptime: {interval: 5m}}\n"
    portals = "portals:" + "".join(PORTAL.format(id=f"p-{number}") + more for number in range(5000))
    write(tmp_path, "checks:\n  uptime: {interval: 60s}\n  latency: {interval: 5m}\n", portals)
    began = time.process_time()
    assert len(load(tmp_path, {}).checks) == 10_000
    assert time.process_time() - began < 5.0
