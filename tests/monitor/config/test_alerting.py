"""Notification URLs are secrets, from the environment or a file, and are shown nowhere."""

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
  repeat_interval: 1h
heartbeat: {url: "https://beat.example.org/${WORD}", interval: 30s}
alertmanager: {urls: ["http://127.0.0.1:9093"], resend_delay: 45}
"""


def test_urls_come_from_environment_and_files_and_are_shown_nowhere(tmp_path: Path):
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


@pytest.mark.parametrize("url", [f"nothing://{SECRET}", f"tgram://{SECRET}/"])
def test_a_bad_url_is_reported_without_being_shown(tmp_path: Path, url: str):
    (tmp_path / "mail.txt").write_text(url)
    monitor = "notify: {targets: [{name: mail, url_file: mail.txt}, {name: chat, url: '" + url + "'}]}\n"
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, monitor), {})
    messages = "\n".join(map(str, caught.value.errors))
    assert messages.count("not a valid Apprise URL") >= 1
    assert SECRET not in messages


def test_no_target_by_default(tmp_path: Path):
    settings = load(write(tmp_path, "checks: {}\n"), {}).settings
    assert (settings.notify.targets, settings.heartbeat, settings.alertmanager) == ((), None, None)
