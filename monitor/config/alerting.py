"""The blocks about telling people: targets, quiet hours, the heartbeat, Alertmanagers; with their secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from monitor.config.diagnostics import ErrorCollector
from monitor.config.portals import Block
from monitor.config.secret_files import SecretFileError, read_secret
from monitor.config.value_types import Duration, HttpUrl, Slug, TimeZone, http_url
from monitor.config.yaml_document import YamlDocument
from monitor.model.incidents import Severity

ResendDelay = Annotated[float, Field(ge=30, le=180)]
_HOUR, _MINUTE = 24, 60


def _clock_time(value: str) -> str:
    hour, _, minute = value.partition(":")
    good = hour.isdigit() and minute.isdigit() and len(minute) == len("00")
    if not good or int(hour) >= _HOUR or int(minute) >= _MINUTE:
        raise ValueError(f"{value!r} is not an hour of the day such as 22:00")
    return value


ClockTime = Annotated[str, AfterValidator(_clock_time)]


def clock_minutes(value: str) -> int:
    """Minutes after midnight of ``22:00``."""
    hour, _, minute = value.partition(":")
    return int(hour) * _MINUTE + int(minute)


class QuietHoursBlock(Block):
    """When nobody wants to hear of what can wait."""

    start: ClockTime = Field(description="Hour of the day at which they begin, such as 22:00.")
    end: ClockTime = Field(description="Hour of the day at which they end; what was held is told then.")
    zone: TimeZone = Field(default="Asia/Ho_Chi_Minh", description="IANA time zone of these hours.")
    hold: tuple[Severity, ...] = Field(default=(Severity.NOTICE,), description="What is held: notice, page or both.")


class TargetBlock(Block):
    """Somebody who is told: an Apprise address, such as mailto://, tgram://, slack:// or json:// (a webhook)."""

    name: Slug = Field(description="Unique and lasting: what was sent is kept under it.")
    url: SecretStr | None = Field(default=None, description='Its Apprise address, best as "${NAME}".')
    url_file: Path | None = Field(default=None, description="File with that address, below this directory.")
    severities: tuple[Severity, ...] = Field(
        default=(Severity.PAGE, Severity.NOTICE), description="What it is told: page, notice or both."
    )
    language: Literal["vi", "en"] | None = Field(default=None, description="Language; default: that of notify.")
    reminders: bool = Field(default=True, description="Whether it is reminded of what goes on.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_apprise_url(value.get_secret_value())
        return value

    @property
    def apprise_url(self) -> str:
        """The Apprise address in clear."""
        return self.url.get_secret_value() if self.url is not None else ""


def check_apprise_url(url: str) -> None:
    """Raise ValueError, without the address in its words, when Apprise can make nothing of ``url``."""
    import apprise  # noqa: PLC0415 - a second's work that only those pay for who have targets

    apprise.logger.disabled = True  # it would name the address
    try:
        made = apprise.Apprise.instantiate(url)
    except Exception:  # noqa: BLE001 - its hundred plugins raise what they like at what they do not understand
        made = None
    finally:
        apprise.logger.disabled = False
    if made is None:
        raise ValueError("Apprise can make nothing of this address")


class NotifyBlock(Block):
    """The built-in notifier; without targets nobody is told. Times in seconds."""

    targets: tuple[TargetBlock, ...] = Field(default=(), description="Who is told.")
    language: Literal["vi", "en"] | None = Field(default=None, description="Language; default: that of the pages.")
    group_within: Duration = Field(default=1.0, description="What happens within this time is one message.")
    reminders: Duration | None = Field(default=None, description="How often to remind of what nobody acknowledged.")
    expire: Duration = Field(default=86400.0, description="A message that nobody took for so long is given up.")
    timeout: Duration = Field(default=30.0, description="Longest time for one try to send.")
    shared_within: Duration = Field(default=120.0, description="Portals that fall so close may have one cause.")
    quiet_hours: QuietHoursBlock | None = Field(default=None, description="When what can wait is held.")
    page_url: HttpUrl | None = Field(default=None, description="Address of these status pages, for links.")

    @field_validator("targets")
    @classmethod
    def _check_unique_names(cls, value: tuple[TargetBlock, ...]) -> tuple[TargetBlock, ...]:
        names = [target.name for target in value]
        if len(set(names)) < len(names):
            raise ValueError("two targets have the same name")
        return value

    @model_validator(mode="after")
    def _check_repeat_interval(self) -> NotifyBlock:
        if self.reminders is not None and self.reminders < _MINUTE:
            raise ValueError("'reminders' is a minute at least")
        return self


class HeartbeatBlock(Block):
    """A dead-man's switch: an address that is called as long as looks are completed, and never otherwise."""

    url: SecretStr | None = Field(default=None, description='The address, best as "${NAME}".')
    url_file: Path | None = Field(default=None, description="File with that address, below this directory.")
    every: Duration = Field(default=60.0, description="Time from one call to the next, in seconds.")
    timeout: Duration = Field(default=10.0, description="Longest time for one call, in seconds.")

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                http_url(value.get_secret_value())
            except ValueError:
                raise ValueError("this is not an http or https address") from None
        return value


class AlertmanagerBlock(Block):
    """Alertmanagers that are told directly (API v2); each instance of a cluster by itself, never a balancer."""

    urls: tuple[HttpUrl, ...] = Field(min_length=1, description="Every instance, such as http://am-1:9093.")
    resend: ResendDelay = Field(default=60.0, description="Seconds between repetitions, 30 to 180.")
    timeout: Duration = Field(default=10.0, description="Longest time for one post, in seconds.")


class AlertingSettings(Block):
    """The three blocks together, as settings inherit them."""

    notify: NotifyBlock = NotifyBlock()
    heartbeat: HeartbeatBlock | None = Field(default=None, description="Dead-man's switch.")
    alertmanager: AlertmanagerBlock | None = Field(
        default=None, description="Alertmanagers to tell without Prometheus."
    )


def alerting_with_secrets(
    settings: AlertingSettings, document: YamlDocument, directory: Path, collector: ErrorCollector
) -> dict[str, object]:
    """The blocks whose addresses came from files; what is wrong with those goes to the ledger."""
    targets = []
    for number, target in enumerate(settings.notify.targets):
        steps = ("notify", "targets", number)
        url = _resolve_url(target, steps, document, directory, collector)
        if target.url_file is not None and url is not None:
            try:
                check_apprise_url(url.get_secret_value())
            except ValueError as error:
                collector.add(document.locate((*steps, "url_file")), str(error))
        targets.append(target.model_copy(update={"url": url}))
    found: dict[str, object] = {"notify": settings.notify.model_copy(update={"targets": tuple(targets)})}
    if settings.heartbeat is not None:
        url = _resolve_url(settings.heartbeat, ("heartbeat",), document, directory, collector)
        found["heartbeat"] = settings.heartbeat.model_copy(update={"url": url})
    return found


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
    spot = document.locate((*key_path, "url_file"))
    try:
        text = read_secret(directory / block.url_file)
    except SecretFileError as error:
        collector.add(spot, f"{spot.display_value()} cannot be read: {error}")
        return None
    if not text:
        collector.add(spot, f"{spot.display_value()} is empty")
    return SecretStr(text)
