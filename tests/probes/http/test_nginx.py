"""The same probes against nginx, as real portals run it: its own TLS, compression, redirects and error pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from probes.latency import Latency
from probes.result import Fault
from tests.servers.nginx import installed, nginx
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.servers.tls import Authority

ProbeUrl = Any

pytestmark = pytest.mark.skipif(not installed(), reason="nginx is not installed")

PAGE = "<title>Cổng Dịch vụ công</title>" + "x" * 300_000


@pytest_asyncio.fixture
async def site(tmp_path: Path, authority: Authority) -> AsyncIterator[tuple[int, int]]:
    """Ports of a site: plain, which redirects everything to the other, and secure."""
    plain, secure = free_port(), free_port()
    leaf = authority.leaf()
    authority.context(leaf)
    pem = authority.ca_file.parent / f"{leaf.certificate.serial_number:x}.pem"
    blocks = f"""
      server {{ listen 127.0.0.1:{plain}; return 301 https://portal.test:{secure}$request_uri; }}
      server {{
        listen 127.0.0.1:{secure} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};
        gzip on; gzip_types text/html; charset utf-8;
        location /closed {{ return 444; }}
        location /busy {{ return 503; }}
      }}"""
    with nginx(tmp_path, blocks, secure) as root:
        (root / "index.html").write_text(PAGE)
        yield plain, secure


async def test_a_site_behind_a_redirect_to_https(probe_url: ProbeUrl, site: tuple[int, int]) -> None:
    plain, secure = site
    keys = {"redirects_to": f"portal.test:{secure}", "body_matches": ["Cổng Dịch vụ công"], "min_certificate_days": 30}
    result = await probe_url(f"http://portal.test:{plain}/", **keys)
    assert result.fault is None, result.detail
    values = result.values
    assert (values["status"], values["redirects"], values["ssl"]) == (200, 1, True)
    assert values["bytes_body"] == len(PAGE.encode())
    assert values["bytes_wire"] < values["bytes_body"] / 10, "nginx compressed it, since the probe accepts gzip"
    assert [hop.status for hop in result.hops] == [301, 200]
    assert result.hops[0].location == f"https://portal.test:{secure}/"


@pytest.mark.parametrize(
    ("path", "fault"), [("/closed", Fault.RESET), ("/busy", Fault.HTTP_STATUS), ("/none", Fault.HTTP_STATUS)]
)
async def test_its_error_responses(probe_url: ProbeUrl, site: tuple[int, int], path: str, fault: Fault) -> None:
    _, secure = site
    result = await probe_url(f"https://portal.test:{secure}{path}", kind=Latency)
    assert result.fault is fault, result.detail


async def test_head_and_plain_http_to_its_tls_port(probe_url: ProbeUrl, site: tuple[int, int]) -> None:
    _, secure = site
    head = await probe_url(f"https://portal.test:{secure}/", method="HEAD")
    assert head.fault is None
    plain = await probe_url(f"http://portal.test:{secure}/")
    assert (plain.fault, plain.values["status"]) == (Fault.HTTP_STATUS, 400)
