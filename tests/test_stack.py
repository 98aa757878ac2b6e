"""The stack of one command: compose accepts it, nothing is missing, no service is root, and no secret has a default."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import load
from monitor.config.package_data import FOLDERS

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
AGENT = ROOT / "config" / "compose" / "agent.yml"
BROWSER = ROOT / "config" / "compose" / "browser.yml"
EXAMPLE = ROOT / ".env.example"

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
NEEDED = ("PORTAL_MONITOR_CONTACT", "INFLUXDB_TOKEN", "INFLUXDB_PASSWORD", "GRAFANA_PASSWORD")
PUBLISHED = {"daemon", "grafana"}
CHECKERS = {"prometheus": "tests/test_rules.py", "alertmanager": "tests/test_alertmanager.py"}
"""Components with an available checker of their configuration, and where it is called."""

SECRET = re.compile(r"TOKEN|PASSWORD|SECRET")


def example() -> dict[str, str]:
    lines = (line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def filled(tmp_path: Path, **more: str) -> Path:
    path = tmp_path / "env"
    chosen = {**example(), **dict.fromkeys(NEEDED, "https://example.vn/contact"), **more}
    path.write_text("".join(f"{name}={value}\n" for name, value in chosen.items()))
    return path


def compose(*words: str | Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in example()}
    return subprocess.run(
        ["docker-compose", *map(str, words)],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_compose_takes_the_file(tmp_path: Path):
    done = compose("--env-file", filled(tmp_path), "config")
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(SERVICES)


@pytest.mark.parametrize("name", NEEDED)
def test_without_a_secret_nothing_starts(tmp_path: Path, name: str):
    done = compose("--env-file", filled(tmp_path, **{name: ""}), "config")
    assert done.returncode != 0
    assert "Missing mandatory value" in done.stderr


def test_compose_takes_the_override_for_agents(tmp_path: Path):
    words = ("--env-file", filled(tmp_path, PORTAL_MONITOR_LOCATION="hcm-1"), "-f", COMPOSE, "-f", AGENT, "config")
    done = compose(*words)
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)["services"]
    assert {name for name, one in found.items() if not one.get("profiles")} == {"daemon"}, "only the daemon starts"
    assert found["daemon"]["environment"]["PORTAL_MONITOR_LOCATION"] == "hcm-1"


def test_compose_takes_the_override_for_mobile_checks(tmp_path: Path):
    done = compose("--env-file", filled(tmp_path), "-f", COMPOSE, "-f", BROWSER, "config")
    assert done.returncode == 0, done.stderr
    daemon = yaml.safe_load(done.stdout)["services"]["daemon"]
    assert daemon["build"]["target"] == "browser"
    assert daemon["user"] == "10001:10001"
    assert daemon["read_only"] is True
    assert "no-new-privileges:true" in daemon["security_opt"]


def test_every_variable_is_in_the_example_and_none_there_is_for_nothing():
    used = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text() + AGENT.read_text()))
    assert used == example().keys()


def test_no_secret_has_a_default():
    assert not [name for name, value in example().items() if SECRET.search(name) and value]
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE.read_text()):
        assert not (SECRET.search(name) and default), name
    for name, service in SERVICES.items():
        for key, value in service["environment"].items():
            assert not SECRET.search(key) or str(value).startswith("${"), f"{name}: {key}"


def test_defaults_are_the_same_in_both_files():
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", COMPOSE.read_text()):
        assert example()[name] == default, name


def mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(source, target, mode) of every volume."""
    return [(*one.split(":"), "rw")[:3] for one in service["volumes"]]


@pytest.mark.parametrize("name", SERVICES)
def test_everything_that_is_mounted_exists(name: str):
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for source, _, mode in mounts(SERVICES[name]):
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == "ro", f"{name} may not write into the repository"
        else:
            assert source in volumes, source


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined_and_watched(name: str):
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert {"mem_limit", "cpus", "pids_limit"} <= service.keys()
    tag = service["image"].rpartition(":")[2]
    assert re.fullmatch(r"v?\d+\.\d+\.\d+(-\w+)?", tag) or name == "daemon", "images are pinned"


def test_only_people_s_pages_are_published_and_on_loopback():
    for name, service in SERVICES.items():
        assert ("ports" in service) == (name in PUBLISHED), name
        for port in service.get("ports", []):
            assert re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:\d+\}:\d+", port), port


def test_the_database_has_no_way_out():
    networks = yaml.safe_load(COMPOSE.read_text())["networks"]
    assert networks["inside"]["internal"] is True
    assert {name for name, one in SERVICES.items() if one["networks"] == ["inside"]} == {"influxdb"}


def test_each_configuration_has_its_checker():
    for name, where in CHECKERS.items():
        folder = next(Path(source) for source, target, _ in mounts(SERVICES[name]) if target == f"/etc/{name}")
        assert (ROOT / folder / f"{name}.yml").is_file()
        assert (ROOT / where).is_file()


@pytest.mark.parametrize("mobile", ["false", "true"])
def test_the_daemon_takes_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mobile: str):
    """As the container sees it: the folder, and the stack's own settings over it, filled from the environment."""
    for name, value in {**example(), **dict.fromkeys(NEEDED, "https://example.vn/contact")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PORTAL_MONITOR_MOBILE", mobile)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    shutil.copy(ROOT / "config" / "compose" / "monitor.yaml", tmp_path / "config" / "monitor.yaml")
    config = load(tmp_path / "config")
    assert config.settings.sinks.influxdb is not None
    assert config.settings.sinks.influxdb.url == "http://influxdb:8086"
    plain = load(ROOT / "config").checks
    wanted = {check.key for check in plain if mobile == "true" or check.kind != "mobile"}
    assert {check.key for check in config.checks} == wanted, "the same checks, except those that need a browser"


def test_variables_of_the_daemon_s_settings_reach_it():
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "config" / "compose" / "monitor.yaml").read_text()))
    assert used <= SERVICES["daemon"]["environment"].keys()


@pytest.mark.parametrize("path", sorted((ROOT / "grafana" / "provisioning").rglob("*.yml")), ids=lambda path: path.name)
def test_grafana_s_variables_reach_it_and_folders_are_mounted(path: Path):
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    assert set(re.findall(r"\$(\w+)", text)) <= SERVICES["grafana"]["environment"].keys()
    targets = {target: source for source, target, _ in mounts(SERVICES["grafana"])}
    for provider in yaml.safe_load(text).get("providers", []):
        folder = Path(provider["options"]["path"])
        assert (ROOT / targets[str(folder.parent)] / folder.name).is_dir()
        assert provider["allowUiUpdates"] is False
        assert len(provider["folderUid"]) <= 40


def test_data_sources_have_fixed_uids_and_no_secret():
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/portal-monitor.yml").read_text())["datasources"]
    assert {"portal-monitor-prometheus", "portal-monitor-influxdb"} <= {one["uid"] for one in sources}
    for one in sources:
        assert one["url"].startswith("$")
        assert all("$" in value for value in one.get("secureJsonData", {}).values())


def test_alert_texts_get_their_addresses():
    """Prometheus expands them only with the flag, and only what it is given."""
    prometheus = SERVICES["prometheus"]
    assert "--enable-feature=expand-external-labels" in prometheus["command"]
    used = set(re.findall(r"\$\{(\w+)\}", (ROOT / "config/prometheus/prometheus.yml").read_text()))
    assert used == prometheus["environment"].keys()


# The image.


def stages() -> dict[str, list[str]]:
    """Stage -> its instructions, lines joined."""
    found: dict[str, list[str]] = {}
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("FROM"):
            found[line.split()[-1]] = [line]
        elif found:
            found[next(reversed(found))].append(line)
    return found


def test_the_image_runs_without_root_and_checks_itself():
    slim, browser = stages()["slim"], stages()["browser"]
    for stage in (slim, browser):
        assert [line for line in stage if line.startswith("USER")][-1] == "USER 10001:10001"
    assert SERVICES["daemon"]["user"] == "10001:10001"
    health = next(line for line in slim if line.startswith("HEALTHCHECK"))
    assert health.endswith('CMD ["portal-monitor", "healthcheck"]')
    assert next(line for line in slim if line.startswith("ENTRYPOINT")) == 'ENTRYPOINT ["tini", "--", "portal-monitor"]'
    assert browser[0] == "FROM slim AS browser"


def test_wherever_packages_come_in_no_setuid_stays():
    for name in ("slim", "browser"):
        for line in stages()[name]:
            if "apt-get install" in line:
                assert line.index("apt-get install") < line.index("-perm /6000 -exec chmod a-s")


def test_what_the_image_copies_exists_and_reaches_the_builder():
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word
        for lines in stages().values()
        for line in lines
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
    assert set(FOLDERS) <= copied, "the wheel carries these"
    assert next(line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")) == "*"


# The unit.


def test_systemd_takes_the_unit(tmp_path: Path):
    """Beside what systemd itself finds wrong, a path that is only there once it is installed must not disturb it."""
    text = (ROOT / "config" / "systemd" / "portal-monitor.service").read_text()
    unit = tmp_path / "portal-monitor.service"
    unit.write_text(text.replace("/opt/portal-monitor/bin/portal-monitor", shutil.which("true") or "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for line in ("Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="):
        assert line in text.splitlines()
    assert re.search(r"^WatchdogSec=\d+$", text, re.MULTILINE)
