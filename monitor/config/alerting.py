"""Define the blocks about notifications: targets, quiet hours, heartbeat, Alertmanagers; read their secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from monitor.config.diagnostics import ErrorCollector
from monitor.config.portals import Block
from monitor.config.secret_files import read_configured_secret
from monitor.config.value_types import Duration, HttpUrl, Slug, TimeZone, http_url, unique_names
from monitor.config.yaml_document import YamlDocument
from monitor.model.incidents import Severity

ResendDelay = Annotated[float, Field(ge=30, le=180)]
_HOUR, _MINUTE = 24, 60


def _clock_time(value: str) -> str:
    hour, _, minute = value.partition(":")
    valid = hour.isdigit() and minute.isdigit() and len(minute) == len("00")
    if not valid or int(hour) >= _HOUR or int(minute) >= _MINUTE:
        raise ValueError(f"{value!r} is not an hour of the day such as 22:00")
    return value


ClockTime = Annotated[str, AfterValidator(_clock_time)]


def clock_minutes(value: str) -> int:
    """Return the minutes after midnight of a time such as ``22:00``."""
    hour, _, minute = value.partition(":")
    return int(hour) * _MINUTE + int(minute)


class QuietHoursBlock(Block):
    """Hours in which notifications of some severities are held."""

    start: ClockTime = Field(description="Time of day at which they begin, such as 22:00.")
    end: ClockTime = Field(description="Time of day at which they end; held messages are sent then.")
    zone: TimeZone = Field("Asia/Ho_Chi_Minh", description="IANA time zone of these hours.")
    hold: tuple[Severity, ...] = Field((Severity.NOTICE,), description="What is held: notice, page or both.")


class TargetBlock(Block):
    """A notification target: an Apprise URL, such as mailto://, tgram://, slack:// or json:// (a webhook)."""

    name: Slug = Field(description="Unique and lasting: sent messages are stored under it.")
    url: SecretStr | None = Field(None, description='Its Apprise URL, best as "${NAME}".')
    url_file: Path | None = Field(None, description="File with that URL, below this directory.")
    severities: tuple[Severity, ...] = Field(
        (Severity.PAGE, Severity.NOTICE), description="Severities that it receives: page, notice or both."
    )
    language: Literal["vi", "en"] | None = Field(None, description="Language; default: that of notify.")
    reminders: bool = Field(default=True, description="Whether it receives reminders of open incidents.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_apprise_url(value.get_secret_value())
        return value

    @property
    def apprise_url(self) -> str:
        """Return the Apprise URL in clear."""
        return self.url.get_secret_value() if self.url is not None else ""


def check_apprise_url(url: str) -> None:
    """Raise ValueError, without the URL in its message, when Apprise does not accept ``url``."""
    import apprise  # noqa: PLC0415 - takes a second, needed only with targets

    apprise.logger.disabled = True  # it would log the URL
    try:
        target = apprise.Apprise.instantiate(url)
    except Exception:  # noqa: BLE001 - its hundred plugins raise any exception for a URL that they cannot parse
        target = None
    finally:
        apprise.logger.disabled = False
    if target is None:
        raise ValueError("not a valid Apprise URL")


class NotifyBlock(Block):
    """The built-in notifier; without targets it sends nothing. Times in seconds."""

    targets: Annotated[tuple[TargetBlock, ...], unique_names("targets")] = Field(
        (), description="Notification targets."
    )
    language: Literal["vi", "en"] | None = Field(None, description="Language; default: that of the pages.")
    group_wait: Duration = Field(1.0, description="Events within this time are one message.")
    repeat_interval: Duration | None = Field(
        None, description="Time between reminders of an incident that is not acknowledged."
    )
    expire: Duration = Field(86400.0, description="Age at which an undelivered message is given up.")
    timeout: Duration = Field(30.0, description="Timeout of one attempt to send.")
    correlation_window: Duration = Field(120.0, description="Portals that fail within this time may be one incident.")
    quiet_hours: QuietHoursBlock | None = Field(None, description="Hours in which messages are held.")
    external_url: HttpUrl | None = Field(None, description="URL of these status pages, for links.")

    @model_validator(mode="after")
    def _check_repeat_interval(self) -> NotifyBlock:
        if self.repeat_interval is not None and self.repeat_interval < _MINUTE:
            raise ValueError("'repeat_interval' must be at least one minute")
        return self


class HeartbeatBlock(Block):
    """A dead-man's switch: a URL that is called as long as probes complete, and never otherwise."""

    url: SecretStr | None = Field(None, description='The URL, best as "${NAME}".')
    url_file: Path | None = Field(None, description="File with that URL, below this directory.")
    interval: Duration = Field(60.0, description="Time from one call to the next, in seconds.")
    timeout: Duration = Field(10.0, description="Timeout of one call, in seconds.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                http_url(value.get_secret_value())
            except ValueError:
                raise ValueError("this is not an http or https URL") from None
        return value


class AlertmanagerBlock(Block):
    """Alertmanagers that receive alerts directly (API v2); each instance of a cluster, never a load balancer."""

    urls: tuple[HttpUrl, ...] = Field(min_length=1, description="Every instance, such as http://am-1:9093.")
    resend_delay: ResendDelay = Field(60.0, description="Seconds between repetitions, 30 to 180.")
    timeout: Duration = Field(10.0, description="Timeout of one request, in seconds.")


class AlertingSettings(Block):
    """The three blocks together, inherited by the settings."""

    notify: NotifyBlock = NotifyBlock()
    heartbeat: HeartbeatBlock | None = Field(None, description="Dead-man's switch.")
    alertmanager: AlertmanagerBlock | None = Field(
        None, description="Alertmanagers to send alerts to without Prometheus."
    )


def alerting_with_secrets(
    settings: AlertingSettings, document: YamlDocument, directory: Path, collector: ErrorCollector
) -> dict[str, object]:
    """Return the blocks with the URLs read from files; report errors of these files to *collector*."""
    targets = []
    for number, target in enumerate(settings.notify.targets):
        key_path = ("notify", "targets", number)
        url = _resolve_url(target, key_path, document, directory, collector)
        if target.url_file is not None and url is not None:
            try:
                check_apprise_url(url.get_secret_value())
            except ValueError as error:
                collector.add(document.locate((*key_path, "url_file")), str(error))
        targets.append(target.model_copy(update={"url": url}))
    blocks: dict[str, object] = {"notify": settings.notify.model_copy(update={"targets": tuple(targets)})}
    if settings.heartbeat is not None:
        url = _resolve_url(settings.heartbeat, ("heartbeat",), document, directory, collector)
        blocks["heartbeat"] = settings.heartbeat.model_copy(update={"url": url})
    return blocks


def _resolve_url(
    block: TargetBlock | HeartbeatBlock,
    key_path: tuple[str | int, ...],
    document: YamlDocument,
    directory: Path,
    collector: ErrorCollector,
) -> SecretStr | None:
    if (block.url is None) == (block.url_file is None):
        collector.add(document.locate(key_path), "give either 'url' or 'url_file'")
        return block.url
    if block.url_file is None:
        return block.url
    text = read_configured_secret(directory / block.url_file, document.locate((*key_path, "url_file")), collector)
    return None if text is None else SecretStr(text)
