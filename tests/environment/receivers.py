"""Receivers fail: InfluxDB, a webhook, a mail server and Alertmanager answer wrongly in every known way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor.model.incidents import MessageStatus
from monitor.model.records import Measurement
from tests.environment.bad_responses import BEHAVIOURS, MAIL_BEHAVIOURS, FaultyMailServer, FaultyServer
from tests.environment.harness import DaemonHarness
from tests.environment.invariants import Result, check_journal, check_rows, check_slots
from tests.environment.network import SimulatedNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POINT = re.compile(r"^uptime,.*?portal=(\w+).* (\d+)$")

SHORT = ("500", "a log-in page", "reset")


def database_scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """InfluxDB alone; the last result is about the whole scenario."""
    influx = FaultyServer("204 No Content")
    with SimulatedNetwork(scratch) as network:
        network.do(influx.open())
        sink = {"url": f"http://127.0.0.1:{influx.port}", "bucket": "b", "timeout": "2s"}
        harness = DaemonHarness(scratch, sinks={"influxdb": sink})
        try:
            harness.start()
            yield database(harness, network, influx, [one for one in BEHAVIOURS if long or one in SHORT])
            yield after_all(harness, influx)
        finally:
            harness.kill()


def targets_scenario(scratch: Path, *, long: bool) -> Iterator[Result]:
    """All notification targets and Alertmanager at once."""
    hook, mail, manager = FaultyServer("200 OK"), FaultyMailServer(""), FaultyServer("200 OK")
    with SimulatedNetwork(scratch) as network:
        for one in (hook, mail, manager):
            network.do(one.open())
        targets = [
            {"name": "hook", "url": f"json://127.0.0.1:{hook.port}/take"},
            {"name": "mail", "url": f"mailto://127.0.0.1:{mail.port}/?from=a@example.org&to=b@example.org"},
        ]
        harness = DaemonHarness(
            scratch,
            notify={"timeout": "3s", "targets": targets},
            alertmanager={"urls": [f"http://127.0.0.1:{manager.port}"], "resend_delay": 30, "timeout": "2s"},
        )
        try:
            harness.start()
            yield targets_and_alertmanager(harness, network, {"hook": hook, "mail": mail}, manager, long=long)
        finally:
            harness.kill()


def database(harness: DaemonHarness, network: SimulatedNetwork, influx: FaultyServer, behaviours: list[str]) -> Result:
    """Each wrong answer is noticed, and every measurement arrives in the end."""
    result, since, slowest = Result(fault="InfluxDB answers wrongly"), harness.last, (0.0, "")
    for behaviour in behaviours:
        result.cases += 1
        harness.until(lambda: harness.metric("portal_monitor_sink_up", sink="influxdb") == 1, "the database is good")
        before = influx.attempts
        network.do(influx.change(behaviour))
        up = harness.until(
            lambda: harness.metric("portal_monitor_sink_up", sink="influxdb") == 0, f"{behaviour}: noticed"
        )
        harness.until(
            lambda m=behaviour, n=before: m == "refuses" or influx.attempts >= n + 1, f"{behaviour}: it was called"
        )
        result.check(up < 60, f"{behaviour}: noticed after {up:.0f} s only")
        network.do(influx.change("good"))
        missing = _missing(harness, influx, harness.last)
        took = harness.until(
            lambda n=harness.last: not _missing(harness, influx, n), f"{behaviour}: all measurements arrive", 150
        )
        slowest = max(slowest, (took, behaviour))
        result.check(harness.get("/-/ready")[0] == 200, f"{behaviour}: not ready, although probes go on")
        result.check(missing, f"{behaviour}: nothing was pending, so nothing was tested")
    check_rows(result, harness, since, "")
    result.measured = f"all delivered at most {slowest[0]:.1f} s after the fault ended ({slowest[1]})"
    return result


def _missing(harness: DaemonHarness, influx: FaultyServer, until: int) -> set[tuple[str, int]]:
    """Return measurements up to the journal number ``until`` that the database does not have."""
    lines = (_POINT.match(line) for body in list(influx.kept) for line in body.decode().splitlines())
    there = {(found[1], int(found[2])) for found in lines if found}
    return {(one.portal, one.slot) for one in harness.measurements() if one.seq <= until} - there


def targets_and_alertmanager(
    harness: DaemonHarness,
    network: SimulatedNetwork,
    targets: dict[str, FaultyServer],
    manager: FaultyServer,
    *,
    long: bool,
) -> Result:
    """An outage while no target accepts: every target is notified once it accepts again, and nothing is lost."""
    result, waits = Result(fault="webhook, mail server and Alertmanager answer wrongly"), [0.0]
    hook_behaviours = (
        [one for one in BEHAVIOURS if one != "a log-in page"] if long else ["500", "redirected to a log-in page"]
    )
    mail_behaviours = list(MAIL_BEHAVIOURS) if long else ["451", "a log-in page"]
    portals = iter(harness.portals)
    for number in range(0, max(len(hook_behaviours), len(mail_behaviours)), 2):
        portal = next(portals)
        behaviours = {"hook": hook_behaviours[number : number + 2], "mail": mail_behaviours[number : number + 2]}
        result.cases += sum(map(len, behaviours.values()))
        for name, server in targets.items():
            network.do(server.change((behaviours[name] or ["500"])[0]))
        behaviour = "a log-in page" if number % 4 == 0 else "redirected to a log-in page"
        network.do(manager.change(behaviour))
        result.cases += 1
        before = harness.logged("alertmanager_post_failed")
        network.broken.add(portal)
        harness.until(lambda p=portal: harness.states().get(p) == "down", "the outage is found")
        noticed = f"Alertmanager, {behaviour}: noticed"
        harness.until(lambda n=before: harness.logged("alertmanager_post_failed") > n, noticed)
        network.do(manager.change("good"))
        for name, server in targets.items():
            _try_behaviours(harness, network, name, server, behaviours[name])
        waiting = [one for one in harness.messages() if one.status is MessageStatus.WAITING]
        result.check(len(waiting) >= len(targets), f"a target accepted a notification in {behaviours}: {waiting}")
        for server in targets.values():
            network.do(server.change("good"))
        waits.append(
            harness.until(lambda p=portal: _notified(targets, p), f"{behaviours}: every target is notified", 200)
        )
        network.broken.clear()
        harness.until(lambda p=portal: harness.states().get(p) == "up", "the end of the outage is found")
        word = portal.encode()
        harness.until(
            lambda w=word: any(w in body and b"endsAt" in body for body in manager.kept), "its end is notified"
        )
    broken = {one.incident.split("-")[0] for one in harness.messages()}
    check_rows(result, harness, 0, "", broken=broken)
    check_slots(result, harness)
    check_journal(result, harness)
    result.measured = f"every target was notified at most {max(waits):.1f} s after the last fault"
    return result


def _try_behaviours(
    harness: DaemonHarness, network: SimulatedNetwork, target: str, server: FaultyServer, behaviours: list[str]
) -> None:
    """Set one behaviour after the other, each until it made a delivery fail."""
    for behaviour in behaviours:
        before = _failures(harness, target)
        network.do(server.change(behaviour))
        harness.until(lambda n=before: _failures(harness, target) > n, f"{target}, {behaviour}: noticed", 150)


def _failures(harness: DaemonHarness, target: str) -> float:
    return harness.metric("portal_monitor_notification_failures_total", target=target) or 0.0


def _notified(targets: dict[str, FaultyServer], portal: str) -> bool:
    return all(any(f"{portal}-".encode() in body for body in list(server.kept)) for server in targets.values())


def after_all(harness: DaemonHarness, influx: FaultyServer) -> Result:
    """The daemon is killed: everything is there, in the journal and in the database."""
    result = Result(fault="every fault of the database, one after the other", cases=1)
    harness.until(lambda n=harness.last: not _missing(harness, influx, n), "the database has everything")
    check_rows(result, harness, 0, "")
    result.check(
        harness.metric("portal_monitor_sink_quarantined_total", sink="influxdb") == 0, "measurements were quarantined"
    )
    slots = check_slots(result, harness)
    records = check_journal(result, harness)
    measurements = sum(isinstance(one, Measurement) for one in harness.seen.values())
    result.measured = f"{slots} slots, {records} records, {measurements} measurements, none missing in the database"
    return result
