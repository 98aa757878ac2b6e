"""URLs and names: what is an IP literal, what is redacted, and how a name server is queried."""
# ruff: noqa: FBT001 - parametrize passes by name

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest
from yarl import URL

from probes.http.urls import (
    first_location,
    host_forms,
    ip_literal_family,
    is_http_url,
    may_send_credentials,
    redacted_url,
)
from probes.net.address_scope import AddressScope, address_scope
from probes.net.resolver import NameNotResolved, ServerResolver, SystemResolver
from tests.servers.dns import SERVFAIL, Reply

if TYPE_CHECKING:
    from tests.servers.dns import NameServer


@pytest.mark.parametrize(
    ("host", "family"),
    [
        ("127.0.0.1", 4),
        ("::1", 6),
        ("fe80::1%eth0", 6),
        ("portal.test", None),
        ("127.1", None),
        ("1234", None),
        ("", None),
    ],
)
def test_a_host_is_literal_only_when_it_is_an_address(host: str, family: int | None) -> None:
    assert ip_literal_family(host) == family


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://portal.test", True),
        ("http://[::1]:80/", True),
        ("http://a_b.portal.test/", True),
        ("http://công.test/", True),
        ("http://127.1/", False),
        ("http://0/", False),
        ("http://0x7f.1/", False),
        ("http://127.0.0.0x1/", False),
        ("http://0177.0.0.1/", False),
        ("http://portal.1/", False),
        ("http://portal1.test/", True),
        ("http://[::ffff:127.0.0.1]/", True),
        ("http://.../", False),
        ("http://portal.test:0/", False),
        ("/only/a/path", False),
        ("ws://portal.test/", False),
    ],
)
def test_only_an_http_url_with_a_host_is_valid(url: str, good: bool) -> None:
    assert is_http_url(URL(url)) is good


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("203.113.131.1", AddressScope.PUBLIC),
        ("2405:4800::1", AddressScope.PUBLIC),
        ("::ffff:203.113.131.1", AddressScope.PUBLIC),
        ("64:ff9b::cb71:8301", AddressScope.PUBLIC),
        ("127.9.9.9", AddressScope.LOOPBACK),
        ("0.0.0.0", AddressScope.LOOPBACK),
        ("0.1.2.3", AddressScope.LOOPBACK),
        ("::", AddressScope.LOOPBACK),
        ("::1", AddressScope.LOOPBACK),
        ("::127.0.0.1", AddressScope.LOOPBACK),
        ("::ffff:127.0.0.1", AddressScope.LOOPBACK),
        ("64:ff9b::7f00:1", AddressScope.LOOPBACK),
        ("2002:7f00:1::1", AddressScope.LOOPBACK),
        ("169.254.169.254", AddressScope.LINK_LOCAL),
        ("::ffff:169.254.169.254", AddressScope.LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", AddressScope.LINK_LOCAL),
        ("fe80::1%eth0", AddressScope.LINK_LOCAL),
        ("10.0.0.1", AddressScope.PRIVATE),
        ("172.31.0.1", AddressScope.PRIVATE),
        ("192.168.0.1", AddressScope.PRIVATE),
        ("100.64.0.1", AddressScope.PRIVATE),
        ("64:ff9b:1::a00:1", AddressScope.PRIVATE),
        ("2002:a00:1::1", AddressScope.PRIVATE),
        ("2001:0:7f00:1::1", AddressScope.PRIVATE),
        ("fd00:ec2::254", AddressScope.PRIVATE),
        ("fec0::1", AddressScope.PRIVATE),
        ("ff02::1", AddressScope.PRIVATE),
        ("224.0.0.1", AddressScope.PRIVATE),
        ("240.0.0.1", AddressScope.PRIVATE),
        ("2001:db8::1", AddressScope.PRIVATE),
    ],
)
def test_an_address_has_the_scope_of_where_its_packets_end(address: str, scope: AddressScope) -> None:
    assert address_scope(address) is scope


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://u:p@portal.test/a/b?q=1#f", "https://portal.test/a/b"),
        ("https://portal.test:8443/a;jsessionid=1/b;v=2", "https://portal.test:8443/a/b"),
        ("https://portal.test", "https://portal.test/"),
        ("https://portal.test/" + "x" * 900, "https://portal.test/" + "x" * 492),
    ],
)
def test_a_redacted_url_holds_no_secret_and_has_a_limit(url: str, plain: str) -> None:
    assert redacted_url(URL(url)) == plain


def test_a_host_may_be_written_in_several_ways() -> None:
    assert {"công.test", "xn--cng-kna.test", "công.test:443"} <= host_forms(URL("https://CÔNG.test./"))
    assert {"::1", "[::1]", "[::1]:81"} <= host_forms(URL("http://[::1]:81/"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.test/x", "https://a.test/y", True),
        ("http://a.test/", "https://a.test/", True),
        ("https://a.test/", "http://a.test/", False),
        ("https://a.test/", "https://b.a.test/", False),
        ("http://a.test:8080/", "http://a.test:8081/", False),
        ("http://a.test:8080/", "https://a.test/", False),
    ],
)
def test_credentials_go_to_the_same_site_only(one: str, other: str, same: bool) -> None:
    assert may_send_credentials(URL(one), URL(other)) is same


def test_the_first_location_that_is_not_empty_counts() -> None:
    assert first_location(["", " ", "/a", "/b"]) == "/a"
    assert first_location(["", " "]) is None
    assert first_location([]) is None


async def test_addresses_come_in_the_order_of_the_answer(names: NameServer) -> None:
    addresses = tuple(f"10.0.{n // 250}.{n % 250}" for n in range(200, 0, -1))
    names.add("many.test", a=Reply(addresses=addresses))
    found = await ServerResolver([names.address]).resolve("many.test", socket.AF_INET)
    assert tuple(found.addresses) == addresses


async def test_a_question_is_timed_next_to_the_network(names: NameServer) -> None:
    names.add("slow.test", a=Reply(addresses=("127.0.0.1",), delay=0.1))
    found = await ServerResolver([names.address]).resolve("slow.test", socket.AF_INET)
    (question,) = names.log
    assert found.sent_at <= question.came <= found.answered_at
    assert 0.095 <= found.answered_at - found.sent_at <= 2.0


async def test_a_thousand_questions_at_once_are_all_answered(names: NameServer) -> None:
    """No thread and no inotify instance for each: a host has few of those."""
    names.add("busy.test", a=Reply(addresses=("127.0.0.1",), delay=0.05))
    resolver = ServerResolver([names.address])
    found = await asyncio.gather(*(resolver.resolve("busy.test", socket.AF_INET) for _ in range(1000)))
    assert all(one.addresses == ["127.0.0.1"] for one in found)
    assert len(names.log) == 1000


async def test_the_next_name_server_is_queried_when_the_first_is_silent(names: NameServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        resolver = ServerResolver([f"127.0.0.1:{deaf.getsockname()[1]}", names.address], timeout_seconds=0.2)
        found = await resolver.resolve("portal.test", socket.AF_INET)
    assert found.addresses == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("host", "reply", "absent"),
    [
        ("gone.test", None, True),
        ("empty.test", Reply(), True),
        ("sick.test", Reply(rcode=SERVFAIL), False),
        ("deaf.test", Reply(silent=True), False),
        ("junk.test", Reply(junk=True), False),
        ("x" * 64 + ".test", None, True),
        ("a..test", None, True),
    ],
)
async def test_no_address_and_no_answer_are_distinguished(
    names: NameServer, host: str, reply: Reply | None, absent: bool
) -> None:
    if reply is not None:
        names.records[host, "A"] = reply
    begun = time.perf_counter()
    with pytest.raises(NameNotResolved) as caught:
        await ServerResolver([names.address], timeout_seconds=0.3).resolve(host, socket.AF_INET)
    assert caught.value.absent is absent
    assert time.perf_counter() - begun < 5.0, "a limit of 0.3 s, and what a busy machine may add"


async def test_the_hosts_resolver_distinguishes_them_too() -> None:
    resolver = SystemResolver()
    assert (await resolver.resolve("localhost", socket.AF_INET)).addresses == ["127.0.0.1"]
    for host in ("x" * 64 + ".test", "a..test"):
        with pytest.raises(NameNotResolved) as caught:
            await resolver.resolve(host, socket.AF_INET)
        assert caught.value.absent is True
    await resolver.close()
