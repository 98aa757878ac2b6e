"""Alertmanager's configuration: accepted with any channels, routes as meant, and inhibition by prober alerts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests import rule_files
from tests.servers.alert_path import CONFIG, Alertmanager, environment_without_alerts, wait_until

HOME = CONFIG / "alertmanager"
TEMPLATE = HOME / "alertmanager.yml"

MAIL = {"ALERT_SMTP": "mail.example.vn:587", "ALERT_MAIL_FROM": "a@example.vn", "ALERT_MAIL_TO": "b@example.vn"}
CHANNELS = {
    "none": {},
    "mail": MAIL,
    "mail with a user": {
        **MAIL,
        "ALERT_SMTP_USER": "u",
        "ALERT_SMTP_PASSWORD": "it's & ${x}\\",
        "ALERT_SMTP_TLS": "false",
    },
    "telegram": {"ALERT_TELEGRAM_TOKEN": "1:secret", "ALERT_TELEGRAM_CHAT": "-100", "ALERT_LANGUAGE": "en"},
    "webhook": {"ALERT_WEBHOOK_URL": "http://127.0.0.1:1/a?b=c&d='e'", "ALERT_HEARTBEAT_URL": "http://127.0.0.1:1/"},
}


def render(
    target: Path, interpreter: tuple[str, ...] = ("sh",), **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*interpreter, HOME / "render.sh", TEMPLATE, target],
        env={**environment_without_alerts(), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def amtool(*arguments: str | Path) -> str:
    done = subprocess.run(["amtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_shipped_is_accepted_as_it_is():
    assert "SUCCESS" in amtool("check-config", TEMPLATE)


@pytest.mark.parametrize("name", CHANNELS)
def test_any_channels_come_alive_by_the_environment(tmp_path: Path, name: str):
    target = tmp_path / "out.yml"
    done = render(target, **CHANNELS[name])
    assert done.returncode == 0, done.stderr
    assert "SUCCESS" in amtool("check-config", target)
    assert target.stat().st_mode & 0o077 == 0, "secrets are for their owner alone"
    found = yaml.safe_load(target.read_text())
    types = {key for one in found["receivers"] for key in one if key != "name"}
    wanted = {"none": set(), "telegram": {"telegram_configs"}, "webhook": {"webhook_configs"}}
    assert types == wanted.get(name, {"email_configs"})
    if name == "mail with a user":
        assert found["global"]["smtp_auth_password"] == CHANNELS[name]["ALERT_SMTP_PASSWORD"]
        assert found["global"]["smtp_require_tls"] is False


def test_a_secret_may_stand_in_a_file(tmp_path: Path):
    (tmp_path / "token").write_text("7:from-a-file\n")
    chosen = {"ALERT_TELEGRAM_TOKEN_FILE": str(tmp_path / "token"), "ALERT_TELEGRAM_CHAT": "5"}
    assert render(tmp_path / "out.yml", **chosen).returncode == 0
    assert "bot_token: '7:from-a-file'" in (tmp_path / "out.yml").read_text()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ALERT_SMTP": "mail.example.vn:25"}, "ALERT_MAIL_FROM is needed"),
        ({"ALERT_TELEGRAM_TOKEN": "x"}, "ALERT_TELEGRAM_CHAT is needed"),
        ({"ALERT_WEBHOOK_URL_FILE": "/nowhere"}, "cannot read /nowhere"),
    ],
)
def test_half_a_channel_is_an_error_that_names_what_is_missing(
    tmp_path: Path, environment: dict[str, str], message: str
):
    done = render(tmp_path / "out.yml", **environment)
    assert done.returncode != 0
    assert message in done.stderr


def test_the_tools_of_the_official_image_suffice(tmp_path: Path):
    """That image has busybox: nothing else may be on the path."""
    busybox = shutil.which("busybox")
    assert busybox, "busybox is missing: `make test` installs it"
    for name in ("awk", "sed", "head", "mv", "dirname"):
        (tmp_path / name).symlink_to(busybox)
    chosen = {**CHANNELS["mail with a user"], **CHANNELS["telegram"], **CHANNELS["webhook"]}
    for name, path in (("theirs", str(tmp_path)), ("ours", os.environ["PATH"])):
        done = render(tmp_path / name, interpreter=(busybox, "sh"), **chosen, PATH=path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "theirs").read_text() == (tmp_path / "ours").read_text()


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "PortalDown", "scope": "portal", "severity": "critical"}, "on-call"),
        ({"alertname": "ErrorBudgetBurnFast", "scope": "portal", "severity": "critical"}, "on-call"),
        ({"alertname": "PortalDegraded", "scope": "portal", "severity": "warning"}, "in-the-morning"),
        (
            {"alertname": "PortalCertificateExpires", "within": "30d", "scope": "portal", "severity": "info"},
            "for-the-record",
        ),
        (
            {"alertname": "PortalCertificateExpires", "within": "1d", "scope": "portal", "severity": "critical"},
            "on-call",
        ),
        ({"alertname": "ProberSelfCheckFailing", "scope": "prober", "severity": "critical"}, "operators"),
        ({"alertname": "SinkLagging", "scope": "prober", "severity": "warning"}, "operators-in-the-morning"),
        ({"alertname": "Watchdog", "scope": "prober", "severity": "none"}, "heartbeat"),
        ({"alertname": "SomethingOfYourOwn"}, "on-call"),
    ],
)
def test_alerts_are_routed_to_the_receiver(labels: dict[str, str], receiver: str):
    arguments = [f"{name}={value}" for name, value in labels.items()]
    amtool("config", "routes", "test", f"--config.file={TEMPLATE}", f"--verify.receivers={receiver}", *arguments)


def test_every_alert_has_a_receiver_that_was_meant_for_it():
    """None falls through to the top by chance."""
    for rule in rule_files.rules("alert"):
        labels = {"alertname": rule["alert"], **rule["labels"]}
        arguments = [f"{name}={value}" for name, value in labels.items()]
        receiver = amtool("config", "routes", "test", f"--config.file={TEMPLATE}", *arguments).split()[-1]
        assert receiver.startswith("operators") == (labels["scope"] == "prober" and rule["alert"] != "Watchdog"), labels


PORTAL = {"scope": "portal", "portal": "dvc-a", "location": "hn-1"}
OWN = {"job": "portal-monitor", "instance": "daemon:9797"}


def alert(name: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, **labels}


def certificate(within: str) -> dict[str, str]:
    return alert("PortalCertificateExpires", within=within, **PORTAL)


@pytest.mark.parametrize(
    ("alerts", "silent"),
    [
        ([alert("ProberSelfCheckFailing", location="hn-1"), alert("PortalDown", **PORTAL), certificate("1d")],
         {"PortalDown", "PortalCertificateExpires1d"}),
        ([alert("ProberSelfCheckFailing", location="hcm-1"), alert("PortalDown", **PORTAL)], set()),
        ([alert("ProberDown", scope="prober", **OWN), alert("PortalDown", **PORTAL, **OWN)], {"PortalDown"}),
        ([alert("PortalDown", **PORTAL), alert("PortalFlapping", **PORTAL), alert("ErrorBudgetBurnFast", **PORTAL)],
         {"PortalFlapping", "ErrorBudgetBurnFast"}),
        ([alert("PortalDown", **PORTAL), alert("PortalFlapping", **{**PORTAL, "portal": "dvc-b"})], set()),
        ([certificate(within) for within in ("30d", "14d", "7d", "3d", "1d")],
         {f"PortalCertificateExpires{within}" for within in ("30d", "14d", "7d", "3d")}),
        ([certificate("30d")], set()),
    ],
)  # fmt: skip
def test_what_silences_what(tmp_path: Path, alerts: list[dict[str, str]], silent: set[str]):
    with Alertmanager(tmp_path / "am", {}) as running:
        running.post(alerts)
        wait_until(lambda: {name for name, quiet in running.inhibited().items() if quiet} == silent)
        assert len(running.inhibited()) == len(alerts)


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["title", "text", "message"])
def test_templates_speak_both_languages(tmp_path: Path, language: str, kind: str):
    data = {
        "receiver": "on-call",
        "status": "firing",
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "PortalDown"},
                "annotations": {
                    "summary": "Cổng A không truy cập được",
                    "summary_en": "Portal A is down",
                    "runbook_url": "http://r/PortalDown.md",
                },
                "startsAt": "2026-11-24T10:00:00Z",
                "endsAt": "2026-11-24T10:05:00Z",
            }
            for status in ("firing", "resolved")
        ],
    }
    (tmp_path / "data.json").write_text(json.dumps(data))
    arguments = [f"--template.glob={HOME}/templates/*.tmpl", f"--template.data={tmp_path / 'data.json'}"]
    wanted = f'{{{{ template "portal_monitor.{kind}.{language}" . }}}}'
    text = amtool("template", "render", *arguments, f"--template.text={wanted}")
    assert ("Cổng A không truy cập được" in text) == (language == "vi")
    assert ("Portal A is down" in text) == (language == "en")
    assert "<no value>" not in text
    if kind != "title":
        assert "http://r/PortalDown.md" in text
