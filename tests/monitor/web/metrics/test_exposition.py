"""The exposition: Prometheus' parser and linter accept it, it has what was measured, and it is rendered quickly."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from monitor.daemon.metrics import SelfMetrics
from monitor.model.records import PROBER_PORTAL, Check, Expect, Portal, State, UnknownReason
from monitor.states.status_cache import StatusCache
from monitor.web.metrics.exposition import Exposition, escape
from probes.metric import Metric, Unit
from probes.registry import PROBE_KINDS
from probes.result import Fault, Outcome, Scalar
from tests import factories
from tests.factories import MINUTE, SLOT
from tests.monitor.parts import HandClock

NAMES = ("up", "down", "unknown", "moved", "plain", "closed")
PORTALS = [factories.portal(id=name, expect=Expect.RETIRED if name == "closed" else Expect.ANSWERS) for name in NAMES]
CHECKS = [factories.check(kind, portal=name) for name in NAMES for kind in PROBE_KINDS]

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def shown(portals: Sequence[Portal] = PORTALS, checks: Sequence[Check] = CHECKS) -> tuple[StatusCache, Exposition]:
    cache = StatusCache(clock=HandClock(), location="hn-1")
    cache.set_inventory(portals, checks)
    return cache, Exposition(cache, PROBE_KINDS, SelfMetrics(list(PROBE_KINDS)).registry)


async def text(exposition: Exposition) -> str:
    return b"".join(await exposition.render()).decode()


async def series(exposition: Exposition) -> Series:
    """(name, labels) -> value, as Prometheus would read it; a series that occurs twice is an error."""
    found: Series = {}
    for family in text_string_to_metric_families(await text(exposition)):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{sample.name} {sample.labels} is there twice"
            found[key] = sample.value
    return found


def of(found: Series, name: str, /, **labels: str) -> list[float]:
    return [value for (known, has), value in found.items() if known == name and labels.items() <= set(has)]


def fill_cache(cache: StatusCache) -> None:
    """Up over TLS, down, unknown, moved by a redirect, plain HTTP."""
    cache.update(factories.measurement(portal="up"))
    cache.update(factories.measurement(portal="up", check="latency", kind="latency"))
    cache.update(factories.measurement(portal="down", outcome=Outcome.DOWN))
    cache.update(factories.measurement(portal="unknown", outcome=Outcome.UNKNOWN, unknown_reason=UnknownReason.LATE))
    moved = {"portal": "moved", "values": factories.values(redirects=2, ipv6_success=False, ipv6_seconds=1.5)}
    cache.update(factories.measurement(**moved, hops=(factories.hop(status=302), factories.hop())))
    values = {key: value for key, value in factories.values(ssl=False).items() if not key.startswith(("cert", "tls"))}
    cache.update(factories.measurement(portal="plain", values=values))
    cache.update(factories.change(portal="down", seq=1))
    cache.update(factories.change(portal="up", seq=1, state=State.UP))


async def test_the_exposition_has_what_was_measured():
    cache, exposition = shown()
    fill_cache(cache)
    found = await series(exposition)
    assert of(found, "probe_success", portal="up", check="uptime") == [1]
    assert of(found, "probe_success", portal="down") == [0]
    assert of(found, "probe_success", portal="unknown") == []
    assert of(found, "probe_failure_info", portal="down", reason="connect_timeout") == [1]
    assert of(found, "portal_monitor_unknown_info", portal="unknown", reason="late") == [1]
    assert of(found, "probe_timeout_seconds", portal="unknown") == [10]
    assert of(found, "probe_last_run_timestamp_seconds", portal="down") == [SLOT / 1000 + 0.007]
    assert of(found, "probe_http_status_code", portal="up", check="latency") == [200]
    assert of(found, "probe_http_redirects", portal="moved") == [2]
    assert of(found, "portal_monitor_family_success", portal="moved", family="ipv6") == [0]
    assert of(found, "probe_http_ssl", portal="plain") == [0]
    assert of(found, "probe_ssl_earliest_cert_expiry", portal="plain") == []
    assert of(found, "probe_tls_version_info", portal="up", version="TLSv1.3") == [1, 1]
    phases = {phase: factories.PHASES[phase] for phase in ("resolve", "connect", "tls", "transfer")}
    phases["processing"] = factories.PHASES["send"] + factories.PHASES["wait"]
    for phase, seconds in phases.items():
        assert of(found, "probe_http_duration_seconds", portal="up", check="uptime", phase=phase) == [seconds]
    assert of(found, "probe_http_duration_seconds", portal="down", phase="tls") == []
    assert of(found, "portal_monitor_hop_status_code", portal="moved", check="uptime", hop="1") == [302]
    assert of(found, "portal_monitor_hop_status_code", portal="moved", check="uptime", hop="2") == [200]
    assert of(found, "portal_monitor_hop_info", portal="up", check="uptime", hop="2") == []
    assert of(found, "portal_monitor_hop_phase_seconds", portal="up", check="uptime", hop="1", phase="tls") == [
        factories.PHASES["tls"]
    ]
    assert of(found, "portal_monitor_hop_status_code", portal="down") == []


async def test_the_states_of_a_portal_sum_to_one():
    cache, exposition = shown()
    fill_cache(cache)
    found = await series(exposition)
    for name, state in (("up", "up"), ("down", "down"), ("unknown", "unknown")):
        assert sum(of(found, "portal_monitor_portal_state", portal=name)) == 1
        assert of(found, "portal_monitor_portal_state", portal=name, state=state) == [1]
    assert of(found, "portal_monitor_portal_state", portal="closed") == []
    assert of(found, "portal_monitor_portal_info", portal="closed", expect="retired") == [1]


async def test_promtool_finds_no_problem():
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: it comes with the Debian package prometheus"
    cache, exposition = shown()
    fill_cache(cache)
    page = (await text(exposition)).encode()
    linter = await asyncio.create_subprocess_exec(*(promtool, "check", "metrics"), stdin=PIPE, stdout=PIPE, stderr=PIPE)
    assert await linter.communicate(page) == (b"", b"")
    assert linter.returncode == 0


async def test_every_declared_metric_can_appear():
    """With every value present, every exposed name and every set of constant labels is on the page."""
    cache, exposition = shown()
    samples: dict[type, Scalar] = {bool: True, int: 7, float: 0.5, str: "words"}
    for kind, probe in PROBE_KINDS.items():
        values = {metric.name: samples[metric.type] for metric in probe.metrics if not metric.sum_of}
        cache.update(factories.measurement(portal="up", check=kind, kind=kind, values=values, fault=Fault.DNS))
    found = await series(exposition)
    for kind, probe in PROBE_KINDS.items():
        for metric in probe.metrics:
            if metric.prometheus_name:
                labels = {"check": kind, **metric.labels, **({metric.info_label: "words"} if metric.info_label else {})}
                assert len(of(found, metric.prometheus_name, **labels)) == 1, metric


async def test_metrics_that_share_a_name_agree_on_its_help():
    """One family has one help text; that of a single phase would be wrong for the others."""
    cache, exposition = shown()
    cache.update(factories.measurement(portal="up"))
    page = {family.name: family.documentation for family in text_string_to_metric_families(await text(exposition))}
    helps: dict[str, set[str]] = {}
    for probe in PROBE_KINDS.values():
        for metric in probe.metrics:
            helps.setdefault(metric.prometheus_name, set()).add(metric.help)
    shared = {name for name, texts in helps.items() if name and len(texts) > 1}
    assert shared <= page.keys()
    assert not [name for name in shared if page[name] in helps[name]]


@given(st.text(max_size=30) | st.sampled_from(['Cổng "Dịch vụ" công', "a\nb", "back\\slash", '\\"', "\\n", "😀"]))
def test_any_text_comes_through_as_a_label(text: str):
    line = f'probe_text{{name="{escape(text)}"}} 1\n'
    assume("\r" not in text)  # this parser reads lines as Python does; those of Prometheus end at \n alone
    (family,) = text_string_to_metric_families(line)
    assert family.samples[0].labels["name"] == text


async def test_names_of_portals_and_certificates_come_through():
    name = 'Cổng "Dịch vụ công"\nthành phố \\ Hà Nội'
    portal = factories.portal(id="odd", name_vi=name, group="g\\1")
    cache, exposition = shown([portal], [factories.check(portal="odd")])
    cache.update(factories.measurement(portal="odd", values=factories.values(cert_subject=name, cert_issuer="x" * 500)))
    found = await series(exposition)
    assert of(found, "portal_monitor_portal_info", name=name, group="g\\1") == [1]
    assert of(found, "probe_ssl_last_chain_info", subject=name, issuer="x" * 128) == [1]


async def test_no_secret_of_an_address_becomes_a_label():
    check = factories.check(portal="up", url="https://user:secret@up.example.vn/path?token=secret#secret")
    cache, exposition = shown(checks=[check])
    cache.update(factories.measurement(portal="up"))
    page = await text(exposition)
    assert "secret" not in page
    assert 'instance="https://up.example.vn/path"' in page


async def test_what_no_longer_holds_vanishes():
    cache, exposition = shown()
    cache.update(factories.measurement(portal="up", outcome=Outcome.DOWN))
    assert of(await series(exposition), "probe_failure_info")
    cache.update(factories.measurement(portal="up", slot=SLOT + MINUTE))
    found = await series(exposition)
    assert not of(found, "probe_failure_info")
    assert of(found, "probe_success", portal="up") == [1]
    cache.update(factories.measurement(portal="up", slot=SLOT + 2 * MINUTE, outcome=Outcome.UNKNOWN))
    found = await series(exposition)
    assert not of(found, "probe_success")
    assert not of(found, "probe_http_status_code")


async def test_removed_checks_vanish():
    cache, exposition = shown()
    fill_cache(cache)
    cache.set_inventory(PORTALS[1:], [check for check in CHECKS if check.portal != "up"])
    exposition.retain()
    found = await series(exposition)
    assert not [key for key in found if ("portal", "up") in key[1]]
    assert of(found, "probe_success", portal="down") == [0]


async def test_a_thousand_checks_are_rendered_quickly_and_do_not_block_the_loop():
    """Prints its values under -s. The bounds are generous: machines that run tests are slow, and do other things."""
    names = [f"portal-{number}" for number in range(1000)]
    cache, exposition = shown(
        [factories.portal(id=name) for name in names], [factories.check(portal=name) for name in names]
    )
    measurements = [factories.measurement(portal=name) for name in names]
    began = time.perf_counter()
    for measurement in measurements:
        cache.update(measurement)
    taken = (time.perf_counter() - began) / len(measurements)
    rendered, blocked, size = [], [], 0
    for _ in range(5):
        stop = asyncio.Event()
        ticking = asyncio.create_task(longest_wait(stop))
        await asyncio.sleep(0)
        began = time.perf_counter()
        size = sum(map(len, await exposition.render()))
        rendered.append(time.perf_counter() - began)
        stop.set()
        blocked.append(await ticking)
    sys.stdout.write(
        f"\nexposition: 1,000 checks, {size / 1e6:.1f} MB in {min(rendered) * 1e3:.0f} ms, "
        f"loop held {min(blocked) * 1e3:.1f} ms at most, {taken * 1e6:.0f} us to take a measurement\n"
    )
    assert min(rendered) < 0.2
    assert min(blocked) < 0.02
    assert taken < 0.001


async def longest_wait(stop: asyncio.Event) -> float:
    """The longest time for which another task had the loop, until ``stop``."""
    longest = 0.0
    while not stop.is_set():
        began = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - began)
    return longest


@pytest.mark.parametrize("value", [0.1, 1e-9, 1e22, 2**53, 0, True])
async def test_numbers_come_through_exactly(value: float):
    metric = Metric(name="took", unit=Unit.SECONDS, help="x", prometheus_name="probe_took_seconds")
    probe = type("One", (PROBE_KINDS["uptime"],), {"metrics": (metric,)})
    cache = StatusCache(clock=HandClock(), location="hn-1")
    cache.set_inventory(PORTALS, CHECKS)
    exposition = Exposition(cache, {"uptime": probe}, SelfMetrics([]).registry)
    cache.update(factories.measurement(portal="up", values={"took": value}))
    assert of(await series(exposition), "probe_took_seconds") == [float(value)]


async def test_a_confirmation_attempt_is_counted_and_changes_nothing_else():
    cache, exposition = shown()
    first = factories.measurement(portal="down", outcome=Outcome.DOWN)
    cache.update(first)
    before = await series(exposition)
    cache.update(factories.measurement(portal="down", attempt=2, duration=99.0))
    after = await series(exposition)
    assert of(before, "probe_attempts", portal="down") == [1]
    assert of(after, "probe_attempts", portal="down") == [2]
    moved = {key for key in after if after[key] != before.get(key) and not key[0].startswith(("python_", "process_"))}
    assert {name for name, _ in moved} == {"probe_attempts"}
    assert before.keys() == after.keys()
    cache.update(factories.measurement(portal="down", slot=SLOT + MINUTE))
    assert of(await series(exposition), "probe_attempts", portal="down") == [1]


async def test_flapping_and_the_prober_are_gauges():
    cache, exposition = shown()
    found = await series(exposition)
    assert of(found, "portal_monitor_prober_state", state="up") == [1]
    assert set(of(found, "portal_monitor_portal_flapping")) == {0}
    assert of(found, "portal_monitor_portal_flapping", portal="closed") == []
    cache.update(factories.change(portal="down", flapping=True, seq=1))
    cache.update(factories.change(portal=PROBER_PORTAL, state=State.UNKNOWN, previous=State.UP, seq=2))
    found = await series(exposition)
    assert of(found, "portal_monitor_portal_flapping", portal="down") == [1]
    assert of(found, "portal_monitor_prober_state", state="up") == [0]
    assert of(found, "portal_monitor_prober_state", state="unknown", location="hn-1") == [1]
    assert of(found, "portal_monitor_portal_state", portal=PROBER_PORTAL) == []
