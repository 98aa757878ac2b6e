"""What people are told with: addresses are secrets, from the environment or a file, and are shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from monitor.config import ConfigError, load, redacted
from tests.monitor.config.test_config import write

SECRET = "zq7-secret-zq7"
MONITOR = """
notify:
  targets:
    - {name: chat, url: "json://user:${WORD}@127.0.0.1/hook"}
    - {name: mail, url_file: mail.txt, severities: [page], language: en}
  reminders: 1h
heartbeat: {url: "https://beat.example.org/${WORD}", every: 30s}
alertmanager: {urls: ["http://127.0.0.1:9093"], resend: 45}
"""


def test_addresses_come_from_environment_and_files_and_are_shown_nowhere(tmp_path: Path):
    (tmp_path / "mail.txt").write_text(f"mailto://on-call:{SECRET}@mail.example.org\n")
    config = load(write(tmp_path, MONITOR), {"WORD": SECRET})
    chat, mail = config.settings.notify.targets
    assert chat.apprise_url == f"json://user:{SECRET}@127.0.0.1/hook"
    assert mail.apprise_url == f"mailto://on-call:{SECRET}@mail.example.org"
    assert config.settings.heartbeat is not None
    assert config.settings.heartbeat.url is not None
    assert config.settings.heartbeat.url.get_secret_value().endswith(SECRET)
    shown = json.dumps(redacted(config)) + yaml.safe_dump(redacted(config)) + repr(config) + repr(config.settings)
    assert SECRET not in shown
    assert "mail.example.org" not in shown


@pytest.mark.parametrize("address", [f"nothing://{SECRET}", f"tgram://{SECRET}/"])
def test_a_bad_address_is_complained_about_without_being_said(tmp_path: Path, address: str):
    (tmp_path / "mail.txt").write_text(address)
    told = "notify: {targets: [{name: mail, url_file: mail.txt}, {name: chat, url: '" + address + "'}]}\n"
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, told), {})
    words = "\n".join(map(str, caught.value.errors))
    assert words.count("Apprise can make nothing of this address") >= 1
    assert SECRET not in words


def test_nobody_is_told_by_default(tmp_path: Path):
    settings = load(write(tmp_path, "checks: {}\n"), {}).settings
    assert (settings.notify.targets, settings.heartbeat, settings.alertmanager) == ((), None, None)
