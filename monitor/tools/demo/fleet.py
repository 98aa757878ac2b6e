"""The demo fleet: portals on loopback for a monitor to watch, their certificates, their weather and a control door.

The names are real so that the demo reads true; pages, certificates, speed and failures are invented and say nothing
about the real portals. `python -m monitor.demo.fleet` runs it in the foreground; running that beside a monitor is left
to `child`.
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
from monitor.tools.demo import portals as roster
from monitor.tools.demo.certificate_authority import Authority
from monitor.tools.demo.control_api import Door
from monitor.tools.demo.fault_schedule import Condition, Event
from monitor.tools.demo.fleet_file import Notice
from monitor.tools.demo.portals import FleetPortal, Part, Trait
from monitor.tools.demo.site import Site

EXPIRES_IN_DAYS: Final = 5.0
OWN_CERTIFICATES: Final = 100
"""A larger fleet shares one certificate, so that it starts soon."""
_TICK_S: Final = 0.05
_PARENT_S: Final = 0.5

log = structlog.get_logger()


class Fleet:
    """An async context manager: while it is open, every portal listens but the retired one."""

    def __init__(
        self,
        portals: int = 24,
        seed: int = 7,
        time_scale: float = 60.0,
        *,
        directory: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Say how many portals; in each second of the clock ``time_scale`` fleet seconds pass.

        Raises ValueError for a fleet without portals or whose time does not run.
        """
        if portals < 1 or time_scale <= 0:
            raise ValueError(f"no fleet of {portals} portals with {time_scale} seconds a second")
        self.seed = seed
        self.time_scale = time_scale
        self.portals: tuple[FleetPortal, ...] = ()
        self.control = ""
        self.ca_file = directory / "ca.pem"
        self.started_at = datetime.now(UTC)
        self._parts = roster.parts(portals, seed)
        self._clock = clock
        self._began = clock()
        self._sites: dict[str, Site] = {}
        self._agenda: list[tuple[float, str]] = []  # a heap: fleet second of the next change, portal
        self._door = Door(self._sites, self.seconds)
        self._weather: asyncio.Task[None] | None = None

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

    def seconds(self) -> float:
        """Give the fleet second that it is now."""
        return (self._clock() - self._began) * self.time_scale

    def events(self, portal: str, start: float, end: float) -> list[Event]:
        """List what the weather has for a portal between two fleet seconds; forced conditions are not in it."""
        part = self._sites[portal].part
        return fault_schedule.events(self.seed, part.weather, start, end, part.temperament)

    def site(self, portal: str) -> Site:
        """Give a portal's site: its counters ``paths`` and ``modes``, its ``changes``, its ``condition``."""
        return self._sites[portal]

    async def force(self, portal: str, condition: Condition | None) -> None:
        """Put a condition before the portal's weather, in force on return; None gives it back to the weather."""
        await self._sites[portal].force(condition)

    async def settle(self) -> None:
        """Bring every portal up to the weather of this moment (done by itself within a twentieth of a second)."""
        now = self.seconds()
        while self._agenda and self._agenda[0][0] <= now:
            _, name = heappop(self._agenda)
            site = self._sites[name]
            spell = fault_schedule.spell(self.seed, site.part.weather, now, site.part.temperament)
            heappush(self._agenda, (spell.until, name))
            site.weather = spell.condition
            await site.settle()

    async def broken(self) -> None:
        """Wait until the weather stops following the clock, which it never does in a healthy fleet."""
        if self._weather is not None:
            await asyncio.shield(self._weather)

    def notice(self) -> Notice:
        """Tell what a watcher has to know."""
        return Notice(
            portals=self.portals,
            ca=self.ca_file.resolve(),
            control=self.control,
            pid=os.getpid(),
            started_at=self.started_at,
            seed=self.seed,
            time_scale=self.time_scale,
        )

    async def _start(self) -> None:
        certificate = _certificates(Authority(self.ca_file.parent), len(self._parts))
        for part in self._parts:
            self._sites[part.id] = Site(part, self.seed, certificate(part))
        sites = self._sites.values()
        national = next(iter(sites)).address
        self.portals = tuple(site.portal(national) for site in sites)
        for path in assets.KINDS:  # drawn now, not while somebody measures
            pages.page(self._parts[0].face, path)
        self._began, self.started_at = self._clock(), datetime.now(UTC)
        self._agenda = [(0.0, name) for name in self._sites]
        await self.settle()
        self.control = await self._door.open()
        self._weather = asyncio.create_task(self._follow_weather(), name="demo weather")
        log.info("fleet_listening", portals=len(self.portals), control=self.control)

    async def _stop(self) -> None:
        try:
            if self._weather is not None:
                self._weather.cancel()
                await asyncio.wait([self._weather])
                if not self._weather.cancelled():
                    self._weather.result()  # it broke: say so
        finally:
            await self._door.close()
            await asyncio.gather(*(site.close() for site in self._sites.values()))

    async def _follow_weather(self) -> None:
        while True:
            await self.settle()
            await asyncio.sleep(_TICK_S)


def _certificates(authority: Authority, portals: int) -> Callable[[Part], SSLContext | None]:
    """Choose the certificate that each portal presents: its own in a small fleet, one for all in a large one."""
    shared = authority.issue(["localhost"]) if portals > OWN_CERTIFICATES else None

    def choose(part: Part) -> SSLContext | None:
        if not part.secure:
            return None
        names = [f"{part.id}.localhost", "localhost"]
        if part.trait is Trait.EXPIRING:
            return authority.expiring(names, EXPIRES_IN_DAYS)
        return shared or authority.issue(names)

    return choose


async def _parent_gone(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - nobody rings when a parent dies
        await asyncio.sleep(_PARENT_S)
    log.info("parent_gone", parent=parent)


async def serve(fleet: Fleet, directory: Path) -> None:
    """Run until SIGTERM, SIGINT or the parent's end; the notice lies in the directory meanwhile."""
    parent, told = os.getppid(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    Notice.withdraw(directory)
    async with fleet:
        fleet.notice().write(directory)
        ends = [asyncio.ensure_future(end) for end in (told.wait(), _parent_gone(parent), fleet.broken())]
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in done:
                end.result()
        finally:
            for end in ends:
                end.cancel()
            Notice.withdraw(directory)
    log.info("fleet_closed")


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m monitor.demo.fleet", description="made-up portals on loopback")
    parser.add_argument("--portals", type=int, default=24)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--time-scale", type=float, default=60.0)
    parser.add_argument("--directory", type=Path, required=True)
    wish = parser.parse_args()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a thousand portals need more than the usual 1024
    fleet = Fleet(wish.portals, wish.seed, wish.time_scale, directory=wish.directory)
    asyncio.run(serve(fleet, wish.directory))


if __name__ == "__main__":
    main()
