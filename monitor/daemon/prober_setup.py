"""Creates the check runner with its self-check from the configuration, and applies a reloaded configuration to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.prober.host_health import HostLimits
from monitor.prober.runner import CheckRunner, ConcurrencyLimiter
from monitor.prober.self_check import FleetBreaker, ReferenceEndpoint, SelfCheck
from probes.probe import Pool

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model.clock import Clock
    from monitor.prober.host_health import HostHealth
    from monitor.storage.journal.journal import Journal
    from probes.resources import ProbeResources


def create_runner(
    config: Config, resources: ProbeResources, journal: Journal, clock: Clock, host_health: HostHealth
) -> CheckRunner:
    """Create the check runner that *config* describes."""
    settings = config.settings
    runner = CheckRunner(
        resources=resources,
        journal=journal,
        self_check=SelfCheck(resources, clock),
        limiter=ConcurrencyLimiter({Pool.HTTP: settings.concurrency.http, Pool.BROWSER: settings.concurrency.browser}),
        clock=clock,
        location=settings.location,
        misfire_grace_time=settings.misfire_grace_time,
        config_digest=config.digest,
        host_health=host_health,
    )
    configure_runner(runner, config)
    return runner


def configure_runner(runner: CheckRunner, config: Config) -> None:
    """Apply the settings of *config* that can change while *runner* works."""
    settings = config.settings
    runner.config_digest = config.digest
    runner.misfire_grace_time = settings.misfire_grace_time
    runner.confirmation.delays_seconds = settings.confirm.delays
    runner.confirmation.excluded_from_evaluation = config.excluded_from_evaluation
    chosen = settings.self_check
    runner.self_check.references = [ReferenceEndpoint(**one.model_dump()) for one in chosen.references]
    runner.self_check.fleet_breaker = FleetBreaker(**chosen.fleet_breaker.model_dump())
    runner.self_check.portal_count = len(config.portals)
    if runner.host_health is not None:
        slow = settings.states.degraded.latency
        runner.host_health.limits = HostLimits(**chosen.host.model_dump(), slow_probe_seconds=slow)
