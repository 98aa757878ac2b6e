"""What the probe tests share: a trusted throw-away CA, a scripted name server, a probe whose result is checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from probes.resources import HttpSettings, ProbeResources
from probes.runner import run_probe
from probes.uptime import Uptime
from tests.servers.dns import NameServer
from tests.servers.tls import Authority

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from probes.probe import Probe
    from probes.result import ProbeResult

USER_AGENT = "portal-monitor-test (+https://monitor.test/about)"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest_asyncio.fixture
async def names() -> AsyncIterator[NameServer]:
    """Knows portal.test at 127.0.0.1 and nothing else."""
    async with NameServer() as server:
        server.add("portal.test", a="127.0.0.1")
        yield server


@pytest_asyncio.fixture
async def resources(authority: Authority, names: NameServer) -> AsyncIterator[ProbeResources]:
    settings = HttpSettings(user_agent=USER_AGENT, name_servers=(names.address,), ca_file=authority.ca_file)
    async with ProbeResources(settings) as resources:
        yield resources


@pytest.fixture
def probe_url(resources: ProbeResources) -> Callable[..., Any]:
    """Run one ``uptime`` probe over IPv4 with a timeout of two seconds, unless the keys differ."""

    async def run(url: str, kind: type[Probe] = Uptime, **keys: Any) -> ProbeResult:  # noqa: ANN401 - any key
        probe = kind(url=url, **({"family": "4", "timeout": 2.0} | keys))
        result = await run_probe(probe, resources)
        check(result, kind)
        return result

    return run


def check(result: ProbeResult, kind: type[Probe]) -> None:
    """Check what holds for every result: declared metrics of declared types, phases that sum up, none negative."""
    declared = {metric.name: metric.type for metric in kind.metrics if not metric.sum_of}
    for name, value in result.values.items():
        assert type(value) is declared[name], f"{name} is {value!r}"
        assert not isinstance(value, float) or math.isfinite(value)
    for hop in result.hops:
        assert all(seconds >= 0.0 for seconds in hop.phases.values()), hop
    stored = {name: value for name, value in result.values.items() if name in PHASE_METRICS}
    if stored:
        assert math.isclose(sum(stored.values()), result.duration, abs_tol=0.001)
    family = result.values.get("ip_family")
    if family is not None:
        fetched = sum(sum(hop.phases.values()) for hop in result.hops)
        both = result.values.get("ipv4_seconds", 0.0) + result.values.get("ipv6_seconds", 0.0)
        assert math.isclose(fetched, both, abs_tol=0.001)


PHASE_METRICS = {f"{phase}_seconds" for phase in ("resolve", "connect", "tls", "send", "wait", "transfer")}
