"""A fetch follows the redirects that a browser would follow, and refuses the others with a named fault."""
# ruff: noqa: FBT001 - parametrize passes by name

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from probes.net import sockets
from probes.net.address_scope import AddressScope
from probes.net.sockets import RedirectToPrivateAddress, open_socket
from probes.result import Fault, Outcome
from probes.trace import HopTrace
from tests.servers.raw import RawServer, answer, redirect

if TYPE_CHECKING:
    from tests.servers.dns import NameServer
    from tests.servers.tls import Authority

ProbeUrl = Any


@pytest.mark.parametrize(
    ("location", "requested"),
    [
        ("/there", "/there"),
        ("there", "/a/there"),
        ("?q=1&r=%2F+%41", "/a/b?q=1&r=%2F+%41"),
        ("/tìm kiếm?từ=công", "/t%C3%ACm%20ki%E1%BA%BFm?t%E1%BB%AB=c%C3%B4ng"),
        ("/\udce9\udcff", "/%E9%FF"),
        ("/there#part", "/there"),
        ("//portal.test:{port}/there", "/there"),
        ("HTTP://PORTAL.TEST:{port}/there", "/there"),
        ("http://someone:secret@portal.test:{port}/there", "/there"),
        ("http://portal.test.:{port}/there", "/there"),
        ("http://công.test:{port}/there", "/there"),
        ("  /there  ", "/there"),
    ],
)
async def test_odd_targets_are_requested_as_a_browser_would(
    probe_url: ProbeUrl, names: NameServer, location: str, requested: str
) -> None:
    names.add("xn--cng-kna.test", a="127.0.0.1")

    async with RawServer(lambda _request: []) as server:
        first = location.replace("{port}", str(server.port))
        server._script = lambda request: [answer() if b" /a/b HTTP" not in request else redirect(first)]  # noqa: SLF001
        result = await probe_url(server.url("/a/b", host="portal.test"))
    assert result.outcome is Outcome.UP, result.detail
    assert server.paths == ["/a/b", requested]
    assert b"authorization" not in server.requests[1].lower(), "credentials in a redirect are not sent"
    assert "secret" not in repr(result)


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/html,hello",
        "ftp://portal.test/",
        "mailto:someone@portal.test",
        "http://",
        "http://[::1",
        "http://portal.test:99999/",
        "http://portal.test:0/",
        "http://127.1/",
        "http://2130706433/",
        "http://exa mple/",
    ],
)
async def test_a_redirect_to_an_invalid_url_is_a_redirect_target(probe_url: ProbeUrl, location: str) -> None:
    async with RawServer([redirect(location)]) as server:
        result = await probe_url(server.url(host="portal.test"))
    if location == "http://":  # an empty reference leads back to the same page
        assert result.fault is Fault.REDIRECT_LOOP
    else:
        assert (result.fault, result.phase) == (Fault.REDIRECT_TARGET, None), result.detail
        assert len(result.hops) == 1
        assert result.values["status"] == 302


async def test_a_page_that_redirects_to_itself_is_a_loop_at_once(probe_url: ProbeUrl) -> None:
    async with RawServer([redirect("/")]) as server:
        result = await probe_url(server.url())
    assert result.fault is Fault.REDIRECT_LOOP
    assert len(result.hops) == 2


async def test_two_pages_that_redirect_to_each_other_are_a_loop(probe_url: ProbeUrl) -> None:
    async with RawServer(lambda request: [redirect("/a" if b" /b " in request else "/b")]) as server:
        result = await probe_url(server.url("/a"))
    assert result.fault is Fault.REDIRECT_LOOP
    assert len(result.hops) == 3


async def test_a_chain_without_end_stops_at_the_limit(probe_url: ProbeUrl) -> None:
    async with RawServer(lambda request: [redirect(request.split()[1].decode() + "x")]) as server:
        result = await probe_url(server.url(), max_redirects=4)
    assert result.fault is Fault.REDIRECT_LOOP
    assert len(result.hops) == 5
    assert result.values["redirects"] == 4


async def test_without_redirects_allowed_the_redirect_is_checked(probe_url: ProbeUrl) -> None:
    async with RawServer([redirect("/there", status="301 Moved")]) as server:
        refused = await probe_url(server.url(), max_redirects=0)
        accepted = await probe_url(server.url(), max_redirects=0, status=["301"])
    assert (refused.fault, accepted.fault) == (Fault.HTTP_STATUS, None)
    assert accepted.hops[0].location == accepted.hops[0].url + "there"
    assert server.paths == ["/", "/"]


async def test_a_page_behind_a_cookie_of_its_own_is_reached_and_the_cookie_is_forgotten(probe_url: ProbeUrl) -> None:
    def script(request: bytes) -> list[bytes]:
        known = b"gate=open" in request
        return [answer(b"in") if known else redirect("/", headers=["Set-Cookie: gate=open; Path=/"])]

    async with RawServer(script) as server:
        for _ in range(2):
            result = await probe_url(server.url(), body_matches=["^in$"])
            assert result.outcome is Outcome.UP, result.detail
            assert len(result.hops) == 2
    assert [b"gate=open" in request for request in server.requests] == [False, True, False, True]


async def test_a_cookie_that_changes_nothing_is_still_a_loop(probe_url: ProbeUrl) -> None:
    async with RawServer([redirect("/", headers=["Set-Cookie: gate=open"])]) as server:
        result = await probe_url(server.url())
    assert result.fault is Fault.REDIRECT_LOOP


@pytest.mark.parametrize(("status", "method"), [("303 See Other", "HEAD"), ("307 Temporary", "HEAD"), ("302 F", "GET")])
async def test_the_method_survives_a_redirect(probe_url: ProbeUrl, status: str, method: str) -> None:
    async with RawServer(
        lambda request: [answer(b"") if b"/there" in request else redirect("/there", status=status)]
    ) as server:
        result = await probe_url(server.url(), method=method)
    assert result.fault is None
    assert [request.split()[0] for request in server.requests] == [method.encode()] * 2


async def test_credentials_stay_with_the_host_that_they_were_written_for(
    probe_url: ProbeUrl, names: NameServer
) -> None:
    names.add("other.test", a="127.0.0.1")
    headers = {"Authorization": "Bearer s3cret", "Cookie": "id=s3cret", "Accept-Language": "vi"}
    async with (
        RawServer([answer()]) as other,
        RawServer([redirect(other.url(host="other.test"))]) as server,
    ):
        await probe_url(server.url(host="portal.test"), headers=headers)
    (own,), (foreign,) = server.requests, other.requests
    assert b"s3cret" in own
    assert b"s3cret" not in foreign
    assert b"Accept-Language: vi" in foreign


async def test_user_and_password_of_the_address_are_sent_and_kept_within_the_site(probe_url: ProbeUrl) -> None:
    async with RawServer(lambda r: [redirect("/in") if b" / " in r else answer()]) as server:
        url = server.url().replace("//", "//user:pa%20ss@")
        result = await probe_url(url)
    assert result.fault is None
    assert all(b"Authorization: Basic dXNlcjpwYSBzcw==" in request for request in server.requests)


async def test_a_step_down_from_https_takes_no_credentials_along(probe_url: ProbeUrl, authority: Authority) -> None:
    async with (
        RawServer([answer()]) as plain,
        RawServer([redirect(plain.url(host="portal.test"))], tls=authority.valid()) as server,
    ):
        await probe_url(server.url(host="portal.test"), headers={"Authorization": "Bearer s3cret"})
    assert b"s3cret" not in plain.requests[0]


async def test_each_hop_is_a_connection_of_its_own(probe_url: ProbeUrl) -> None:
    async with RawServer(lambda r: [redirect("/in") if b" / " in r else answer()]) as server:
        result = await probe_url(server.url())
    assert server.connections == len(result.hops) == 2
    assert all(b"Connection: close" in request for request in server.requests)


@pytest.mark.parametrize(
    ("within", "address", "refused"),
    [
        (None, "127.0.0.1", False),
        (None, "169.254.169.254", False),
        (AddressScope.PUBLIC, "203.113.131.1", False),
        (AddressScope.PUBLIC, "127.0.0.1", True),
        (AddressScope.PUBLIC, "10.0.0.1", True),
        (AddressScope.PRIVATE, "192.168.0.1", False),
        (AddressScope.PRIVATE, "127.0.0.1", True),
        (AddressScope.PRIVATE, "169.254.169.254", True),
        (AddressScope.LOOPBACK, "127.0.0.2", False),
        (AddressScope.LOOPBACK, "169.254.169.254", True),
    ],
)
def test_a_redirect_leads_to_public_addresses_or_stays_in_its_scope(
    monkeypatch: pytest.MonkeyPatch, within: AddressScope | None, address: str, refused: bool
) -> None:
    """The inventory may name any address; a portal may not redirect into a narrower scope than its own."""
    monkeypatch.setattr(sockets, "has_route", lambda _family, _target: True)
    hop = HopTrace(url="x", previous_scope=within)
    with pytest.raises(RedirectToPrivateAddress, match=address) if refused else contextlib.nullcontext():
        open_socket(hop, address, 80).close()
    assert hop.address == address
