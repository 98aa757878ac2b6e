"""The fleet does over sockets what its portals and its fault schedule define."""

import asyncio
import errno
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from monitor.tools.demo.fault_schedule import FaultCondition, FaultMode
from monitor.tools.demo.fleet import MAX_INDIVIDUAL_CERTIFICATES, DemoFleet
from monitor.tools.demo.listener import HOST
from monitor.tools.demo.portals import FleetPortal, Trait
from tests.monitor.tools.demo.conftest import Clock

pytestmark = pytest.mark.asyncio


def by_trait(fleet: DemoFleet, trait: Trait) -> FleetPortal:
    return next(portal for portal in fleet.portals if portal.trait is trait)


def port(portal: FleetPortal) -> int:
    return int(portal.url.rstrip("/").rpartition(":")[2])


async def observe(client: aiohttp.ClientSession, portal: FleetPortal, role: str = "home") -> tuple[str, str]:
    """Return what a client observes as one word, and the text of the page."""
    url = portal.url.rstrip("/") + portal.pages[role]
    try:
        async with client.get(url, allow_redirects=False) as response:
            return str(response.status), await response.text()
    except aiohttp.ClientConnectorError as error:
        return ("refused" if isinstance(error.os_error, ConnectionRefusedError) else "no connection"), ""
    except TimeoutError:
        return "silence", ""
    except aiohttp.ClientOSError as error:
        return ("reset" if isinstance(error, ConnectionResetError) or error.errno == errno.ECONNRESET else "broken"), ""


OBSERVED = [
    (FaultCondition(), "200", "Dịch vụ công thiết yếu"),
    (FaultCondition(mode=FaultMode.SLOW, delay=0.2), "200", "Dịch vụ công thiết yếu"),
    (FaultCondition(mode=FaultMode.SLOW, delay=0.6), "silence", ""),
    (FaultCondition(mode=FaultMode.REFUSE), "refused", ""),
    (FaultCondition(mode=FaultMode.RESET), "reset", ""),
    (FaultCondition(mode=FaultMode.STALL), "silence", ""),
    (FaultCondition(mode=FaultMode.ERROR, status=500), "500", "Internal Server Error"),
    (FaultCondition(mode=FaultMode.ERROR, status=502), "502", "Bad Gateway"),
    (FaultCondition(mode=FaultMode.MAINTENANCE_PAGE, status=503), "503", "đang bảo trì"),
    (FaultCondition(mode=FaultMode.BLOCKED, status=403), "403", "tường lửa"),
    (FaultCondition(mode=FaultMode.WRONG_BODY), "200", "Đã xảy ra lỗi"),
]


@pytest.mark.parametrize("observed", OBSERVED, ids=lambda row: f"{row[0].mode}-{row[1]}")
@pytest.mark.parametrize("portal_id", ["dvc-quoc-gia", "bo-tu-phap"], ids=["https", "http"])
async def test_every_mode_is_seen_from_outside(
    fleet: DemoFleet, client: aiohttp.ClientSession, portal_id: str, observed: tuple[FaultCondition, str, str]
):
    condition, word, text = observed
    portal = next(one for one in fleet.portals if one.id == portal_id)
    await fleet.force(portal_id, condition)
    seen, body = await observe(client, portal)
    assert seen == word
    assert text in body
    await fleet.force(portal_id, None)
    assert (await observe(client, portal))[0] == "200"


async def test_the_fault_schedule_is_applied_by_itself(fleet: DemoFleet, client: aiohttp.ClientSession, clock: Clock):
    """Advancing the clock is enough, without a call of the fleet."""
    portal = next(one for one in fleet.portals if one.id == "lao-cai")
    begin, end, mode = fleet.fault_events("lao-cai", 0, 4 * 3600)[0]
    assert mode is FaultMode.ERROR
    for moment, word in [(begin - 1, "200"), (begin + 1, "5"), (end - 1, "5"), (end + 1, "200")]:
        clock.now = 1000.0 + moment
        await asyncio.sleep(0.15)
        assert (await observe(client, portal))[0].startswith(word)


async def test_a_stopped_port_stays_reserved(fleet: DemoFleet):
    portal = fleet.portals[0]
    await fleet.force(portal.id, FaultCondition(mode=FaultMode.REFUSE))
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((HOST, port(portal)))


async def test_refusing_aborts_open_connections(fleet: DemoFleet):
    """A kept-alive connection must not outlive the listening socket."""
    portal = fleet.portals[2]
    reader, writer = await asyncio.open_connection(HOST, port(portal))
    writer.write(b"GET /tra-cuu HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    await fleet.force(portal.id, FaultCondition(mode=FaultMode.REFUSE))
    async with asyncio.timeout(1):
        await reader.read()
    writer.close()


async def test_a_stall_that_ends_resets_its_connections(fleet: DemoFleet):
    portal = fleet.portals[2]
    await fleet.force(portal.id, FaultCondition(mode=FaultMode.STALL))
    reader, writer = await asyncio.open_connection(HOST, port(portal))
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.1)
    await fleet.force(portal.id, None)
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_a_maintenance_page_has_a_retry_after_header(fleet: DemoFleet, client: aiohttp.ClientSession):
    portal = fleet.portals[0]
    await fleet.force(portal.id, FaultCondition(mode=FaultMode.MAINTENANCE_PAGE, status=503))
    async with client.get(portal.url) as response:
        assert response.headers["Retry-After"] == "1800"


async def test_every_role_has_a_page(fleet: DemoFleet, client: aiohttp.ClientSession):
    for portal in fleet.portals:
        if portal.expect == "answers" and portal.trait is not Trait.COOKIE:
            for role in portal.pages:
                assert (await observe(client, portal, role))[0] == "200", (portal.id, role)


async def test_a_page_is_gzipped_when_requested(fleet: DemoFleet):
    for accepted, expected in [("gzip, br", "gzip"), ("identity", None)]:
        accept = {"Accept-Encoding": accepted}
        async with (
            aiohttp.ClientSession(auto_decompress=False, headers=accept) as client,
            client.get(fleet.portals[2].url) as response,
        ):
            assert response.headers.get("Content-Encoding") == expected
            assert (len(await response.read()) < 3000) is (expected == "gzip")


async def test_the_redirecting_portal_leads_to_the_national_one(fleet: DemoFleet, client: aiohttp.ClientSession):
    portal = by_trait(fleet, Trait.REDIRECTS)
    national = f"{HOST}:{port(fleet.portals[0])}"
    assert portal.expect == {"redirects_to": national}
    async with client.get(portal.url) as response:
        assert str(response.url) == f"https://{national}/"
        assert response.status == 200


async def test_the_cookie_redirects_end_for_clients_with_cookies(fleet: DemoFleet):
    portal = by_trait(fleet, Trait.COOKIE)
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=fleet.ca_file))
    jar = aiohttp.CookieJar(unsafe=True)  # the portals are addresses, not names
    async with aiohttp.ClientSession(connector=connector, cookie_jar=jar) as client, client.get(portal.url) as response:
        assert [hop.url.scheme for hop in response.history] == ["http", "https"]
        assert (response.url.scheme, response.url.path, response.status) == ("https", "/trang-chu", 200)


async def test_the_cookie_redirects_never_end_for_clients_without(fleet: DemoFleet, client: aiohttp.ClientSession):
    with pytest.raises(aiohttp.TooManyRedirects):
        await client.get(by_trait(fleet, Trait.COOKIE).url, max_redirects=6, timeout=aiohttp.ClientTimeout(5))


async def test_the_retired_portal_refuses_until_a_condition_is_forced(fleet: DemoFleet, client: aiohttp.ClientSession):
    portal = by_trait(fleet, Trait.RETIRED)
    assert portal.expect == "retired"
    assert (await observe(client, portal))[0] == "refused"
    await fleet.force(portal.id, FaultCondition())
    assert (await observe(client, portal))[0] == "200"


async def test_the_expiring_certificate_ends_in_five_days(fleet: DemoFleet):
    trust = ssl.create_default_context(cafile=fleet.ca_file)
    _, writer = await asyncio.open_connection(HOST, port(by_trait(fleet, Trait.EXPIRING)), ssl=trust)
    ends = ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
    writer.close()
    left = datetime.fromtimestamp(ends, UTC) - datetime.now(UTC)
    assert timedelta(days=4.9) < left <= timedelta(days=5)


async def test_the_shared_platform_has_one_fault_schedule(fleet: DemoFleet):
    one, other = (portal for portal in fleet.portals if portal.trait is Trait.SHARED)
    assert one.group == other.group
    assert fleet.fault_events(one.id, 0, 864_000) == fleet.fault_events(other.id, 0, 864_000) != []


async def test_a_fleet_has_the_requested_size_and_every_fourth_has_plain_http(tmp_path: Path):
    async with DemoFleet(MAX_INDIVIDUAL_CERTIFICATES + 20, directory=tmp_path) as fleet:
        assert len({portal.id for portal in fleet.portals}) == MAX_INDIVIDUAL_CERTIFICATES + 20
        assert len({portal.url for portal in fleet.portals}) == MAX_INDIVIDUAL_CERTIFICATES + 20
        assert fleet.portals[60].id == "demo-0061"
        plain = [portal for portal in fleet.portals if portal.url.startswith("http:")]
        assert 0.2 < len(plain) / len(fleet.portals) < 0.3
        assert len([*tmp_path.iterdir()]) == 3  # noqa: ASYNC240 - the root, the shared leaf, the expiring one


async def test_a_closed_fleet_leaves_neither_port_nor_task(tmp_path: Path):
    before = asyncio.all_tasks()
    async with DemoFleet(8, directory=tmp_path) as fleet:
        await fleet.force("bo-tu-phap", FaultCondition(mode=FaultMode.STALL))
        _, writer = await asyncio.open_connection(HOST, port(fleet.portals[2]))
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.05)
    writer.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe_socket.bind((HOST, port(fleet.portals[2])))
        probe_socket.listen()
