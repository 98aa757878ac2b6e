"""Define the models of ``monitor.yaml``: settings of the whole daemon, with the default of every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from monitor import __version__
from monitor.config.alerting import AlertingSettings
from monitor.config.browser import BrowserBlock
from monitor.config.portals import Block, CheckBlocks
from monitor.config.states import ConfirmBlock, MaintenanceBlock, ServiceHoursBlock, StatesBlock
from monitor.config.value_types import (
    Duration,
    Endpoint,
    HttpUrl,
    Location,
    NameServer,
    RemoteEndpoint,
    Slug,
    TimeZone,
    unique_names,
)
from monitor.config.web import WebBlock
from monitor.sinks.base import SinkSettings
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.states.maintenance import MaintenanceCalendar
from monitor.storage.archive.layout import MIN_RETENTION_DAYS
from probes.resources import HttpSettings

_HOUR = 3600.0


def _contact(value: str) -> str:
    good = value.isascii() and not re.search(r"[\s()]", value)
    if not good or not re.fullmatch(r"https?://[^/@]+(/\S*)?|mailto:[^@\s]+@[^@\s]+", value):
        raise ValueError(f"{value!r} is not a contact: write an http(s) URL or mailto:you@example.org")
    return value


Contact = Annotated[str, AfterValidator(_contact)]
SAMPLE_CONTACT = "https://example.org/portal-monitor"
"""The shipped contact. It reaches no operator, so using it gives a warning."""


class HttpBlock(Block):
    """Settings of every HTTP probe. ``ca_file`` is absolute once loaded."""

    name_servers: tuple[NameServer, ...] = Field(
        (), description="Name servers to query instead of the system's: ip or ip:port."
    )
    ca_file: Path | None = Field(None, description="PEM file of further authorities to trust, beside the system's.")


class GroupBlock(Block):
    """Overrides for the portals of one group."""

    checks: CheckBlocks = Field(default_factory=dict, description="Overrides by probe kind.")


class ConcurrencyBlock(Block):
    """How many probes may run at the same time, by pool."""

    http: int = Field(64, ge=1, le=1024, description="Probes without a browser that may run at the same time.")
    browser: int = Field(1, ge=1, le=64, description="Probes with a browser that may run at the same time.")


class ReferenceBlock(Block):
    """An endpoint probed by the self-check, to know whether the prober's own network works."""

    name: Slug = Field(description="Short name for logs and metrics.")
    connect: RemoteEndpoint | None = Field(None, description="host:port to open a TCP connection to.")
    url: HttpUrl | None = Field(None, description="URL to fetch.")

    @model_validator(mode="after")
    def _check_connect_or_url(self) -> ReferenceBlock:
        if (self.connect is None) == (self.url is None):
            raise ValueError("a reference needs either 'connect' or 'url'")
        return self


class FleetBreakerBlock(Block):
    """When so many probes fail together that the problem is the prober's own; ``window`` in seconds."""

    share: float = Field(0.5, gt=0, le=1, description="Share of the portals that must fail together.")
    minimum: int = Field(5, ge=1, description="Number of portals that must fail together.")
    window: Duration = Field(60.0, description="Time within which they fail.")
    burst: Duration = Field(10.0, description="Shorter time, with the same share and number.")


class HostBlock(Block):
    """Limits of this host; beyond one of them, failed and slow probes are recorded as unknown."""

    max_loop_lag: Duration = Field(1.0, description="Delay of the monitor's own timers, in seconds.")
    max_load_per_cpu: float = Field(8.0, gt=0, description="Load average of the last minute, per CPU.")
    max_clock_step: Duration = Field(2.0, description="Step of the clock, in seconds.")


class SelfCheckBlock(Block):
    """How the prober checks its own network and host."""

    references: Annotated[tuple[ReferenceBlock, ...], unique_names("references")] = Field(
        (), description="Endpoints probed when checks fail."
    )
    fleet_breaker: FleetBreakerBlock = FleetBreakerBlock()
    host: HostBlock = HostBlock()


class JournalBlock(Block):
    """The journal; times in seconds."""

    commit_interval: Duration = Field(0.25, le=0.5, description="Longest time a measurement waits to be durable.")
    max_size: int = Field(
        20_000_000_000, ge=100_000_000, lt=2**63, description="Bytes on disk at which the daemon stops."
    )


class ArchiveBlock(Block):
    """The archive: one sealed file a closed day; times in seconds."""

    enabled: bool = Field(default=True, description="Whether closed days are sealed and their rows leave the journal.")
    grace: Duration = Field(6 * _HOUR, ge=0.25 * _HOUR, description="A day is sealed so long after its end.")
    keep_in_journal: Duration = Field(
        48 * _HOUR, ge=36 * _HOUR, description="Rows stay in the journal at least so long."
    )
    retention: Duration | None = Field(
        None, ge=MIN_RETENTION_DAYS * 24 * _HOUR, description="Age at which sealed days are removed; null is never."
    )


class ScoresBlock(Block):
    """Live scores; times in seconds."""

    enabled: bool = Field(default=True, description="Whether scores are kept up to date while the daemon runs.")
    interval: Duration = Field(300.0, ge=10.0, description="Time between two runs; costly ones wait longer.")


class SinksBlock(Block):
    """Sinks of measurements, by kind; one that is left out is not used."""

    influxdb: InfluxDBSettings | None = Field(None, description="An InfluxDB 1.8, 2.x or 3.x.")

    def configured(self) -> dict[str, SinkSettings]:
        """Return the sinks in use, by name."""
        every: dict[str, SinkSettings | None] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: sink for name, sink in every.items() if sink is not None}


class HistoryBlock(Block):
    """Source of history, unless an option of the command gives another."""

    source: Literal["archive", "influxdb"] = Field(
        "archive", description="archive: sealed files and journal of this machine; influxdb: sinks.influxdb."
    )


class MonitorSettings(AlertingSettings):
    """``monitor.yaml``. Durations in seconds; ``checks`` and ``groups`` as written, see ``Config.checks``."""

    location: Location = Field("local", description="Name of this vantage point.")
    language: Literal["vi", "en"] = Field("vi", description="Language of pages, exports and alerts.")
    report_zone: TimeZone = Field(
        "Asia/Ho_Chi_Minh", validate_default=True, description="IANA time zone of days in reports."
    )
    contact: Contact = Field(
        SAMPLE_CONTACT, description="Where the operators of portals reach you; sent in every request."
    )
    listen: Endpoint = Field("127.0.0.1:9797", description="host:port of the web server; port 0 takes a free one.")
    web: WebBlock = WebBlock()
    http: HttpBlock = HttpBlock()
    checks: CheckBlocks = Field(default_factory=dict, description="Checks of every portal, by probe kind.")
    groups: dict[Slug, GroupBlock] = Field(default_factory=dict, description="Overrides by group of portals.")
    concurrency: ConcurrencyBlock = ConcurrencyBlock()
    browser: BrowserBlock = BrowserBlock()
    misfire_grace_time: Duration = Field(
        30.0, description="A probe that could not start this long after its slot is recorded as late."
    )
    self_check: SelfCheckBlock = SelfCheckBlock()
    confirm: ConfirmBlock = ConfirmBlock()
    states: StatesBlock = StatesBlock()
    maintenance: tuple[MaintenanceBlock, ...] = Field((), description="Announced work, during which no page is sent.")
    service_hours: ServiceHoursBlock | None = Field(None, description="Hours of service; default: always.")
    sinks: SinksBlock = SinksBlock()
    journal: JournalBlock = JournalBlock()
    archive: ArchiveBlock = ArchiveBlock()
    history: HistoryBlock = HistoryBlock()
    scores: ScoresBlock = ScoresBlock()

    @model_validator(mode="after")
    def _check_history_source(self) -> MonitorSettings:
        if self.history.source == "influxdb" and self.sinks.influxdb is None:
            raise ValueError("history.source is influxdb, and there is no sinks.influxdb to read from")
        return self

    @property
    def calendar(self) -> MaintenanceCalendar:
        """Return the maintenance windows as a calendar."""
        return MaintenanceCalendar(tuple(one.window() for one in self.maintenance))

    @property
    def http_settings(self) -> HttpSettings:
        """Return the settings of :class:`probes.resources.ProbeResources`, with the user agent that identifies us."""
        agent = f"portal-monitor/{__version__} (+{self.contact})"
        return HttpSettings(user_agent=agent, name_servers=self.http.name_servers, ca_file=self.http.ca_file)


RESTART_SETTINGS = (
    *("location", "listen", "http", "concurrency", "journal", "language", "report_zone", "web", "sinks", "archive"),
    *("scores", "notify", "heartbeat", "alertmanager", "browser"),
)
"""Settings that a reload does not apply; of ``web`` it applies the accounts."""


def settings_requiring_restart(before: MonitorSettings, after: MonitorSettings) -> list[str]:
    """Return the names of changed settings that apply only after a restart."""

    def restart_value(settings: MonitorSettings, name: str) -> object:
        return settings.web.without_accounts if name == "web" else getattr(settings, name)

    return [name for name in RESTART_SETTINGS if restart_value(before, name) != restart_value(after, name)]
