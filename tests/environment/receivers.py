"""Whom the daemon tells breaks: InfluxDB, a webhook, a mail server, an Alertmanager lie in every way that they know."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from monitor.model.incidents import MessageStatus
from monitor.model.records import Measurement
from tests.environment.bad_responses import MAIL_MOODS, MOODS, Liar, Mailman
from tests.environment.city import City
from tests.environment.stage import Stage
from tests.environment.verdict import Result, judge_memory, judge_rows, judge_slots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POINT = re.compile(r"^uptime,.*?portal=(\w+).* (\d+)$")

SHORT = ("500", "a log-in page", "reset")


def database_life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """An InfluxDB alone; the last result is about the whole life."""
    influx = Liar("204 No Content")
    with City(scratch) as city:
        city.do(influx.open())
        sink = {"url": f"http://127.0.0.1:{influx.port}", "bucket": "b", "timeout": "2s"}
        stage = Stage(scratch, sinks={"influxdb": sink})
        try:
            stage.start()
            yield database(stage, city, influx, [one for one in MOODS if long or one in SHORT])
            yield whole(stage, influx)
        finally:
            stage.kill()


def people_life(scratch: Path, *, long: bool) -> Iterator[Result]:
    """Everybody who hears of outages, at once."""
    hook, mail, manager = Liar("200 OK"), Mailman(""), Liar("200 OK")
    with City(scratch) as city:
        for one in (hook, mail, manager):
            city.do(one.open())
        targets = [
            {"name": "hook", "url": f"json://127.0.0.1:{hook.port}/take"},
            {"name": "mail", "url": f"mailto://127.0.0.1:{mail.port}/?from=a@example.org&to=b@example.org"},
        ]
        stage = Stage(
            scratch,
            notify={"timeout": "3s", "targets": targets},
            alertmanager={"urls": [f"http://127.0.0.1:{manager.port}"], "resend": 30, "timeout": "2s"},
        )
        try:
            stage.start()
            yield people(stage, city, {"hook": hook, "mail": mail}, manager, long=long)
        finally:
            stage.kill()


def database(stage: Stage, city: City, influx: Liar, moods: list[str]) -> Result:
    """Each lie is noticed, and every look arrives in the end."""
    result, since, slowest = Result(trouble="InfluxDB lies"), stage.last, (0.0, "")
    for mood in moods:
        result.cases += 1
        stage.until(lambda: stage.metric("portal_monitor_sink_up", sink="influxdb") == 1, "the database is good")
        tried = influx.tried
        city.do(influx.change(mood))
        up = stage.until(lambda: stage.metric("portal_monitor_sink_up", sink="influxdb") == 0, f"{mood}: noticed")
        stage.until(lambda m=mood, n=tried: m == "refuses" or influx.tried >= n + 1, f"{mood}: it was asked")
        result.check(up < 60, f"{mood}: noticed after {up:.0f} s only")
        city.do(influx.change("good"))
        missing = _missing(stage, influx, stage.last)
        took = stage.until(lambda n=stage.last: not _missing(stage, influx, n), f"{mood}: all looks arrive", 150)
        slowest = max(slowest, (took, mood))
        result.check(stage.get("/-/ready")[0] == 200, f"{mood}: not ready, although looks go on")
        result.check(missing, f"{mood}: nothing waited, so nothing was tried")
    judge_rows(result, stage, since, "")
    result.measured = f"all delivered at most {slowest[0]:.1f} s after the lie ended ({slowest[1]})"
    return result


def _missing(stage: Stage, influx: Liar, until: int) -> set[tuple[str, int]]:
    """Looks up to the journal number ``until`` that the database does not have."""
    lines = (_POINT.match(line) for body in list(influx.kept) for line in body.decode().splitlines())
    there = {(found[1], int(found[2])) for found in lines if found}
    return {(one.portal, one.slot) for one in stage.looks() if one.seq <= until} - there


def people(stage: Stage, city: City, targets: dict[str, Liar], manager: Liar, *, long: bool) -> Result:
    """An outage while nobody takes letters: told to everybody once somebody listens, and never lost."""
    result, waits = Result(trouble="webhook, mail server and Alertmanager lie"), [0.0]
    hook_moods = [one for one in MOODS if one != "a log-in page"] if long else ["500", "led to a log-in page"]
    mail_moods = list(MAIL_MOODS) if long else ["451", "a log-in page"]
    portals = iter(stage.portals)
    for number in range(0, max(len(hook_moods), len(mail_moods)), 2):
        portal = next(portals)
        moods = {"hook": hook_moods[number : number + 2], "mail": mail_moods[number : number + 2]}
        result.cases += sum(map(len, moods.values()))
        for name, liar in targets.items():
            city.do(liar.change((moods[name] or ["500"])[0]))
        lie = "a log-in page" if number % 4 == 0 else "led to a log-in page"
        city.do(manager.change(lie))
        result.cases += 1
        before = stage.logged("alertmanager_does_not_accept")
        city.broken.add(portal)
        stage.until(lambda p=portal: stage.states().get(p) == "down", "the outage is found")
        stage.until(lambda n=before: stage.logged("alertmanager_does_not_accept") > n, f"Alertmanager, {lie}: noticed")
        city.do(manager.change("good"))
        for name, liar in targets.items():
            for mood in moods[name]:
                tried = _failures(stage, name)
                city.do(liar.change(mood))
                stage.until(lambda n=name, t=tried: _failures(stage, n) > t, f"{name}, {mood}: noticed", 150)
        waiting = [one for one in stage.messages() if one.fate is MessageStatus.WAITING]
        result.check(len(waiting) >= len(targets), f"somebody accepted a letter in {moods}: {waiting}")
        for liar in targets.values():
            city.do(liar.change("good"))
        waits.append(stage.until(lambda p=portal: _heard(targets, p), f"{moods}: everybody hears of it", 200))
        city.broken.clear()
        stage.until(lambda p=portal: stage.states().get(p) == "up", "the end of the outage is found")
        word = portal.encode()
        stage.until(lambda w=word: any(w in body and b"endsAt" in body for body in manager.kept), "its end is told")
    broken = {one.incident.split("-")[0] for one in stage.messages()}
    judge_rows(result, stage, 0, "", broken=broken)
    judge_slots(result, stage)
    judge_memory(result, stage)
    result.measured = f"everybody had heard at most {max(waits):.1f} s after the last lie"
    return result


def _failures(stage: Stage, target: str) -> float:
    return stage.metric("portal_monitor_notification_failures_total", target=target) or 0.0


def _heard(targets: dict[str, Liar], portal: str) -> bool:
    return all(any(f"{portal}-".encode() in body for body in list(liar.kept)) for liar in targets.values())


def whole(stage: Stage, influx: Liar) -> Result:
    """The power goes: all is there, here and in the database."""
    result = Result(trouble="every lie of the database, one after the other", cases=1)
    stage.until(lambda n=stage.last: not _missing(stage, influx, n), "the database has everything")
    judge_rows(result, stage, 0, "")
    result.check(stage.metric("portal_monitor_sink_quarantined_total", sink="influxdb") == 0, "looks were set aside")
    slots = judge_slots(result, stage)
    records = judge_memory(result, stage)
    looks = sum(isinstance(one, Measurement) for one in stage.seen.values())
    result.measured = f"{slots} slots, {records} records, {looks} looks, none missing in the database"
    return result
