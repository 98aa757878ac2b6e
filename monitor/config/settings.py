"""Define the models of ``monitor.yaml``: settings of the whole daemon, with the default of every key."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from monitor import __version__
from monitor.config.alerting import AlertingSettings
from monitor.config.browser import BrowserBlock
from monitor.config.portals import Block, CheckBlocks
from monitor.config.states import ConfirmBlock, MaintenanceBlock, ServiceHoursBlock, StatesBlock
from monitor.config.value_types import (
    CommitInterval,
    Contact,
    Duration,
    Endpoint,
    HttpUrl,
    Location,
    NameServer,
    RemoteEndpoint,
    Slug,
    TimeZone,
)
from monitor.config.web import WebBlock
from monitor.sinks.base import SinkSettings
from monitor.sinks.influxdb.sink import InfluxDBSettings
from monitor.states.maintenance import MaintenanceCalendar
from monitor.storage.archive.layout import MIN_RETENTION_DAYS
from probes.resources import HttpSettings

HOUR_SECONDS = 3600.0

SAMPLE_CONTACT = "https://example.org/portal-monitor"
"""The shipped contact. It reaches no operator, so using it gives a warning."""


class HttpBlock(Block):
    """Settings of every HTTP probe. ``ca_file`` is absolute once loaded."""

    name_servers: tuple[NameServer, ...] = Field(
        default=(), description="Name servers to query instead of the system's: ip or ip:port."
    )
    ca_file: Path | None = Field(
        default=None, description="PEM file of further authorities to trust, beside the system's."
    )


class GroupBlock(Block):
    """Overrides for the portals of one group."""

    checks: CheckBlocks = Field(default_factory=dict, description="Overrides by probe kind.")


class ConcurrencyBlock(Block):
    """How many probes may run at the same time, by pool."""

    http: int = Field(default=64, ge=1, le=1024, description="Probes without a browser that may run at the same time.")
    browser: int = Field(default=1, ge=1, le=64, description="Probes with a browser that may run at the same time.")


class ReferenceBlock(Block):
    """An endpoint probed by the self-check, to know whether the prober's own network works."""

    name: Slug = Field(description="Short name for logs and metrics.")
    connect: RemoteEndpoint | None = Field(default=None, description="host:port to open a TCP connection to.")
    url: HttpUrl | None = Field(default=None, description="URL to fetch.")

    @model_validator(mode="after")
    def _check_connect_or_url(self) -> ReferenceBlock:
        if (self.connect is None) == (self.url is None):
            raise ValueError("a reference needs either 'connect' or 'url'")
        return self


class FleetBreakerBlock(Block):
    """When so many probes fail together that the problem is the prober's own; ``window`` in seconds."""

    share: float = Field(default=0.5, gt=0, le=1, description="Share of the portals that must fail together.")
    minimum: int = Field(default=5, ge=1, description="Number of portals that must fail together.")
    window: Duration = Field(default=60.0, description="Time within which they fail.")
    burst: Duration = Field(default=10.0, description="Shorter time, with the same share and number.")


class HostBlock(Block):
    """Limits of this host; beyond one of them, failed and slow probes are recorded as unknown."""

    max_loop_lag: Duration = Field(default=1.0, description="Delay of the monitor's own timers, in seconds.")
    max_load_per_cpu: float = Field(default=8.0, gt=0, description="Load average of the last minute, per CPU.")
    max_clock_step: Duration = Field(default=2.0, description="Step of the clock, in seconds.")


class SelfCheckBlock(Block):
    """How the prober checks its own network and host."""

    references: tuple[ReferenceBlock, ...] = Field(default=(), description="Endpoints probed when checks fail.")
    fleet_breaker: FleetBreakerBlock = FleetBreakerBlock()
    host: HostBlock = HostBlock()

    @field_validator("references")
    @classmethod
    def _check_unique_names(cls, value: tuple[ReferenceBlock, ...]) -> tuple[ReferenceBlock, ...]:
        names = [reference.name for reference in value]
        if len(set(names)) < len(names):
            raise ValueError("two references have the same name")
        return value


class JournalBlock(Block):
    """The journal; times in seconds."""

    commit_interval: CommitInterval = Field(default=0.25, description="Longest time a measurement waits to be durable.")
    max_size: int = Field(
        default=20_000_000_000, ge=100_000_000, lt=2**63, description="Bytes on disk at which the daemon stops."
    )


class ArchiveBlock(Block):
    """The archive: one sealed file a closed day; times in seconds."""

    enabled: bool = Field(default=True, description="Whether closed days are sealed and their rows leave the journal.")
    grace: Duration = Field(
        default=6 * HOUR_SECONDS, ge=0.25 * HOUR_SECONDS, description="A day is sealed so long after its end."
    )
    keep_in_journal: Duration = Field(
        default=48 * HOUR_SECONDS, ge=36 * HOUR_SECONDS, description="Rows stay in the journal at least so long."
    )
    retention: Duration | None = Field(
        default=None,
        ge=MIN_RETENTION_DAYS * 24 * HOUR_SECONDS,
        description="Age at which sealed days are removed; null is never.",
    )


class ScoresBlock(Block):
    """Live scores; times in seconds."""

    enabled: bool = Field(default=True, description="Whether scores are kept up to date while the daemon runs.")
    interval: Duration = Field(default=300.0, ge=10.0, description="Time between two runs; costly ones wait longer.")


class SinksBlock(Block):
    """Sinks of measurements, by kind; one that is left out is not used."""

    influxdb: InfluxDBSettings | None = Field(default=None, description="An InfluxDB 1.8, 2.x or 3.x.")

    def configured(self) -> dict[str, SinkSettings]:
        """Return the sinks in use, by name."""
        every: dict[str, SinkSettings | None] = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: sink for name, sink in every.items() if sink is not None}


class HistoryBlock(Block):
    """Source of history, unless an option of the command gives another."""

    source: Literal["archive", "influxdb"] = Field(
        default="archive", description="archive: sealed files and journal of this machine; influxdb: sinks.influxdb."
    )


class MonitorSettings(AlertingSettings):
    """``monitor.yaml``. Durations in seconds; ``checks`` and ``groups`` as written, see ``Config.checks``."""

    location: Location = Field(default="local", description="Name of this vantage point.")
    language: Literal["vi", "en"] = Field(default="vi", description="Language of pages, exports and alerts.")
    report_zone: TimeZone = Field(
        default="Asia/Ho_Chi_Minh", validate_default=True, description="IANA time zone of days in reports."
    )
    contact: Contact = Field(
        default=SAMPLE_CONTACT, description="Where the operators of portals reach you; sent in every request."
    )
    listen: Endpoint = Field(
        default="127.0.0.1:9797", description="host:port of the web server; port 0 takes a free one."
    )
    web: WebBlock = WebBlock()
    http: HttpBlock = HttpBlock()
    checks: CheckBlocks = Field(default_factory=dict, description="Checks of every portal, by probe kind.")
    groups: dict[Slug, GroupBlock] = Field(default_factory=dict, description="Overrides by group of portals.")
    concurrency: ConcurrencyBlock = ConcurrencyBlock()
    browser: BrowserBlock = BrowserBlock()
    misfire_grace_time: Duration = Field(
        default=30.0, description="A probe that could not start this long after its slot is recorded as late."
    )
    self_check: SelfCheckBlock = SelfCheckBlock()
    confirm: ConfirmBlock = ConfirmBlock()
    states: StatesBlock = StatesBlock()
    maintenance: tuple[MaintenanceBlock, ...] = Field(
        default=(), description="Announced work, during which no page is sent."
    )
    service_hours: ServiceHoursBlock | None = Field(default=None, description="Hours of service; default: always.")
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
