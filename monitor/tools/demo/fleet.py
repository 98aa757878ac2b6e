"""The demo fleet: portals on loopback for a monitor, their certificates, their fault schedule and a control API.

The names are real so that the demo looks realistic; pages, certificates, speed and failures are invented and imply
nothing about the real portals. `python -m monitor.tools.demo.fleet` runs it in the foreground; `process` runs it beside
a monitor.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from heapq import heappop, heappush
from pathlib import Path
from ssl import SSLContext
from types import TracebackType
from typing import Final, Self

import structlog

from monitor.tools.demo import assets, fault_schedule, pages
from monitor.tools.demo.certificate_authority import CertificateAuthority
from monitor.tools.demo.control_api import ControlApi
from monitor.tools.demo.fault_schedule import FaultCondition, FaultEvent
from monitor.tools.demo.fleet_file import FleetFile
from monitor.tools.demo.portals import FleetPortal, PortalSpec, Trait, portal_specs
from monitor.tools.demo.site import DemoSite

EXPIRES_IN_DAYS: Final = 5.0
MAX_INDIVIDUAL_CERTIFICATES: Final = 100
"""A larger fleet shares one certificate, so that it starts quickly."""
_TICK_SECONDS: Final = 0.05
_PARENT_POLL_SECONDS: Final = 0.5

log = structlog.get_logger()


class DemoFleet:
    """An async context manager: while it is open, every portal but the retired one listens."""

    def __init__(
        self,
        portals: int = 24,
        seed: int = 7,
        time_scale: float = 60.0,
        *,
        directory: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create a fleet; in each second of the clock *time_scale* fleet seconds pass.

        Raises ValueError unless both numbers are positive.
        """
        if portals < 1 or time_scale <= 0:
            raise ValueError("portals and time_scale must be positive")
        self.seed = seed
        self.time_scale = time_scale
        self.portals: tuple[FleetPortal, ...] = ()
        self.control = ""
        self.ca_file = directory / "ca.pem"
        self.started_at = datetime.now(UTC)
        self._specs = portal_specs(portals, seed)
        self._clock = clock
        self._start_clock_seconds = clock()
        self._sites: dict[str, DemoSite] = {}
        self._next_changes: list[tuple[float, str]] = []  # a heap: fleet second of the next change, portal
        self._control_api = ControlApi(self._sites, self.fleet_seconds)
        self._schedule_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def fleet_seconds(self) -> float:
        """Return the current fleet second."""
        return (self._clock() - self._start_clock_seconds) * self.time_scale

    def fault_events(self, portal: str, start_seconds: float, end_seconds: float) -> list[FaultEvent]:
        """List the scheduled faults of a portal between two fleet seconds; forced conditions are not included."""
        spec = self._sites[portal].spec
        key, profile = spec.fault_schedule_key, spec.fault_profile
        return fault_schedule.fault_events(self.seed, key, start_seconds, end_seconds, profile)

    def site(self, portal: str) -> DemoSite:
        """Return a portal's site: its counters ``paths`` and ``modes``, its ``changes``, its ``condition``."""
        return self._sites[portal]

    async def force(self, portal: str, condition: FaultCondition | None) -> None:
        """Force a condition on a portal, in effect on return; None returns to the fault schedule."""
        await self._sites[portal].force(condition)

    async def apply_due_faults(self) -> None:
        """Apply the scheduled conditions of now to every portal (also runs every twentieth of a second)."""
        now = self.fleet_seconds()
        while self._next_changes and self._next_changes[0][0] <= now:
            _, name = heappop(self._next_changes)
            site = self._sites[name]
            key, profile = site.spec.fault_schedule_key, site.spec.fault_profile
            interval = fault_schedule.fault_interval_at(self.seed, key, now, profile)
            heappush(self._next_changes, (interval.until_seconds, name))
            site.scheduled_condition = interval.condition
            await site.apply_condition()

    async def wait_schedule_failed(self) -> None:
        """Wait until the task of the fault schedule fails, which never happens in a healthy fleet."""
        if self._schedule_task is not None:
            await asyncio.shield(self._schedule_task)

    def fleet_file(self) -> FleetFile:
        """Return what a monitor has to know about the fleet."""
        return FleetFile(
            portals=self.portals,
            ca=self.ca_file.resolve(),
            control=self.control,
            pid=os.getpid(),
            started_at=self.started_at,
            seed=self.seed,
            time_scale=self.time_scale,
        )

    async def _start(self) -> None:
        certificate = _certificate_selector(CertificateAuthority(self.ca_file.parent), len(self._specs))
        for spec in self._specs:
            self._sites[spec.id] = DemoSite(spec, self.seed, certificate(spec))
        sites = self._sites.values()
        national = next(iter(sites)).url
        self.portals = tuple(site.fleet_portal(national) for site in sites)
        for path in assets.CONTENT_TYPES:  # generated now, not during a measurement
            pages.page(self._specs[0].page_settings, path)
        self._start_clock_seconds, self.started_at = self._clock(), datetime.now(UTC)
        self._next_changes = [(0.0, name) for name in self._sites]
        await self.apply_due_faults()
        self.control = await self._control_api.start()
        self._schedule_task = asyncio.create_task(self._run_fault_schedule(), name="demo fault schedule")
        log.info("fleet_listening", portals=len(self.portals), control=self.control)

    async def _stop(self) -> None:
        try:
            if self._schedule_task is not None:
                self._schedule_task.cancel()
                await asyncio.wait([self._schedule_task])
                if not self._schedule_task.cancelled():
                    self._schedule_task.result()  # raise its error
        finally:
            await self._control_api.stop()
            await asyncio.gather(*(site.close() for site in self._sites.values()))

    async def _run_fault_schedule(self) -> None:
        while True:
            await self.apply_due_faults()
            await asyncio.sleep(_TICK_SECONDS)


def _certificate_selector(authority: CertificateAuthority, portals: int) -> Callable[[PortalSpec], SSLContext | None]:
    """Return the function that selects a portal's certificate; a large fleet shares one."""
    shared = authority.issue(["localhost"]) if portals > MAX_INDIVIDUAL_CERTIFICATES else None

    def select(spec: PortalSpec) -> SSLContext | None:
        if not spec.secure:
            return None
        names = [f"{spec.id}.localhost", "localhost"]
        if spec.trait is Trait.EXPIRING:
            return authority.expiring(names, EXPIRES_IN_DAYS)
        return shared or authority.issue(names)

    return select


async def _wait_parent_exit(parent_pid: int) -> None:
    while os.getppid() == parent_pid:  # noqa: ASYNC110 - no signal is sent when a parent dies
        await asyncio.sleep(_PARENT_POLL_SECONDS)
    log.info("parent_exited", parent=parent_pid)


async def serve(fleet: DemoFleet, directory: Path) -> None:
    """Run until SIGTERM, SIGINT or the parent's end; the fleet file is in the directory meanwhile."""
    parent, stop = os.getppid(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    FleetFile.remove(directory)
    async with fleet:
        fleet.fleet_file().write(directory)
        waits = (stop.wait(), _wait_parent_exit(parent), fleet.wait_schedule_failed())
        ends = [asyncio.ensure_future(wait) for wait in waits]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in done:
                end.result()
        finally:
            for end in ends:
                end.cancel()
            FleetFile.remove(directory)
    log.info("fleet_closed")


def main() -> None:
    """Parse the command line and serve."""
    program = "python -m monitor.tools.demo.fleet"
    parser = argparse.ArgumentParser(prog=program, description="invented portals on loopback")
    parser.add_argument("--portals", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--time-scale", type=float, default=60.0)
    parser.add_argument("--directory", type=Path, required=True)
    options = parser.parse_args()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A thousand portals need more than the usual 1024.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    fleet = DemoFleet(options.portals, options.seed, options.time_scale, directory=options.directory)
    asyncio.run(serve(fleet, options.directory))


if __name__ == "__main__":
    main()
