"""The bytes of a request, cookies, and TLS with unusual peers."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest
from yarl import URL

from probes.http.request import encode_request, parse_charset
from probes.net.tls import tls_context
from probes.result import Fault, Outcome
from tests.servers.raw import Do, RawServer, answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.tls import Authority

ProbeUrl = Any


def test_a_request_names_host_path_and_what_it_accepts_once() -> None:
    found = encode_request(
        "GET", URL("https://portal.test:8443/a%20b?c=d"), {"User-Agent": "x", "accept": "text/html"}, ""
    )
    assert found == (
        b"GET /a%20b?c=d HTTP/1.1\r\nHost: portal.test:8443\r\naccept: text/html\r\nUser-Agent: x\r\n"
        b"Connection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("headers", "cookies", "line"),
    [
        ({}, "a=b", b"Cookie: a=b\r\n"),
        ({"cookie": "own=1"}, "a=b", b"cookie: own=1; a=b\r\n"),
        ({"Host": "other.test"}, "", b"Host: other.test\r\n"),
        ({"X-Name": "Đà Nẵng"}, "", "X-Name: Đà Nẵng\r\n".encode()),
    ],
)
def test_cookies_and_headers_find_their_place(headers: dict[str, str], cookies: str, line: bytes) -> None:
    found = encode_request("HEAD", URL("http://[::1]:8080/"), headers, cookies)
    assert line in found
    assert found.lower().count(b"\r\nhost: ") == 1


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/html; charset=windows-1258", "windows-1258"),
        ('text/html; charset="UTF-8"', "utf-8"),
        ("text/html", "utf-8"),
        ("", "utf-8"),
        ("nonsense;;charset", "utf-8"),
        ("text/html; charset=\udcff", "?"),
    ],
)
def test_the_character_set_is_read_from_whatever_a_server_writes(content_type: str, expected: str) -> None:
    assert parse_charset(content_type) == expected


async def test_a_body_longer_than_the_kernels_buffers_comes_whole_over_tls(
    probe_url: ProbeUrl, authority: Authority
) -> None:
    """The reader of the body asks for pauses meanwhile, and what TLS holds then must not be forgotten."""
    body = bytes(range(256)) * 12_000
    async with RawServer([answer(body)], tls=authority.valid()) as server:
        result = await probe_url(server.url(), timeout=10.0)
    assert result.outcome is Outcome.UP, result.detail
    assert result.values["bytes_body"] == len(body)


async def test_a_request_longer_than_the_kernels_buffers_is_sent_whole(
    probe_url: ProbeUrl, authority: Authority
) -> None:
    header = "x" * 60_000
    async with RawServer([answer()], tls=authority.valid()) as server:
        result = await probe_url(server.url(), headers={"X-Long": header})
    assert result.outcome is Outcome.UP, result.detail
    assert header.encode() in server.requests[0]


@pytest.mark.parametrize("script", [[Do.CLOSE], [Do.RESET]])
async def test_an_end_instead_of_an_answer_over_tls_is_a_reset(
    probe_url: ProbeUrl, authority: Authority, script: list[Do]
) -> None:
    async with RawServer(script, tls=authority.valid()) as server:
        result = await probe_url(server.url())
    assert (result.fault, result.phase) == (Fault.RESET, "wait"), result.detail


def test_every_authority_of_the_system_is_trusted() -> None:
    system = ssl.create_default_context()
    context = tls_context(verify=True, ca_file=None)
    assert {one["serialNumber"] for one in system.get_ca_certs()} <= {
        one["serialNumber"] for one in context.get_ca_certs()
    }


def test_an_authority_that_stands_in_the_directory_alone_is_trusted(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0a1b2c3d.0").write_bytes(authority.ca_file.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "absent.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    found = tls_context(verify=True, ca_file=None).get_ca_certs()
    assert [one["subject"] for one in found] == [((("commonName", "Test Root"),),)]
