"""The egress filter: what counts as the Internet, what the kernel blocks, what a page cannot reach."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import web

from probes.browser import egress_filter
from probes.browser.egress_filter import Peer, is_allowed, parse_sockaddr
from probes.browser.pool import BrowserPoolSettings
from probes.browser.process_tree import PROC, descendants
from probes.browser.protocol import LoadRequest
from probes.browser.worker_process import TEMP_DIR_PREFIX
from probes.mobile import Mobile
from probes.net.address_scope import AddressScope, address_scope
from probes.resources import HttpSettings, ProbeResources
from probes.result import Fault, Outcome, ProbeResult
from probes.runner import run_probe
from tests.servers.hostile import GOOD

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.251", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::1",
    "::127.0.0.1", "::10.0.0.1", "64:ff9b:1::7f00:1", "4000::1",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "203.162.0.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1", "172.32.0.1")


def test_what_counts_as_the_internet():
    """The egress filter and the HTTP probes use one rule."""
    assert [one for one in PRIVATE if is_allowed(peer(one), "") or address_scope(one) is AddressScope.PUBLIC] == []
    assert [
        one for one in PUBLIC if not is_allowed(peer(one), "") or address_scope(one) is not AddressScope.PUBLIC
    ] == []


def peer(host: str, port: int = 80) -> Peer:
    return Peer(ipaddress.ip_address(host), port)


def test_what_else_may_be_reached_is_configured_by_network_and_port():
    allowed = "10.0.0.0/8\n127.0.0.1 8080\nfd00::/8 443\n\n"
    assert is_allowed(peer("10.9.9.9", 1), allowed)
    assert is_allowed(peer("127.0.0.1", 8080), allowed)
    assert is_allowed(peer("fd00::1", 443), allowed)
    for host, port in (("127.0.0.1", 8081), ("127.0.0.2", 8080), ("fd00::1", 80), ("192.168.0.1", 80), ("::1", 8080)):
        assert not is_allowed(peer(host, port), allowed)
    resolver = "# nameserver 9.9.9.9\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\noptions edns0\n"
    assert is_allowed(peer("127.0.0.53", 53), "", resolver)
    assert is_allowed(peer("fe80::1", 53), "", resolver)
    assert not is_allowed(peer("127.0.0.53", 80), "", resolver)
    assert not is_allowed(peer("127.0.0.1", 53), "", resolver)


def test_addresses_are_read_as_the_kernel_reads_them():
    four = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", 80, bytes((127, 0, 0, 1)))
    six = struct.pack("=H", socket.AF_INET6) + struct.pack(
        "!H4x16s4x", 443, ipaddress.ip_address("::ffff:10.0.0.1").packed
    )
    assert parse_sockaddr(four) == peer("127.0.0.1")
    assert parse_sockaddr(six) == peer("10.0.0.1", 443)
    assert parse_sockaddr(struct.pack("=H", socket.AF_UNIX) + b"/run/x") is None
    for bad in (struct.pack("=H", 40) + bytes(14), struct.pack("=H", socket.AF_INET), b""):
        with pytest.raises((ValueError, struct.error)):
            parse_sockaddr(bad)


@pytest.mark.parametrize(
    ("url", "exceptions"),
    [("http://10.0.0.5:8080/x", {"10.0.0.5 8080", "10.0.0.5 80", "10.0.0.5 443"}),
     ("https://[fd00::1]/", {"fd00::1 443", "fd00::1 80"}),
     ("https://portal.example.gov.vn/", set()),
     ("http://127.0.0.1.nip.example/", set()),
     ("http://localhost:81/", {f"{host} {port}" for host in ("127.0.0.1", "::1") for port in (81, 80, 443)})],
)  # fmt: skip
def test_only_a_host_that_is_an_ip_address_is_an_exception(url: str, exceptions: set[str]):
    load_request = LoadRequest(url=url, profile="mobile", timeout_seconds=1.0, user_agent="x")
    assert set(load_request.egress_exceptions().split("\n")) - {""} == exceptions


TRY = """
import os, socket, sys
print(os.environ.get("PORTAL_MONITOR_EGRESS_FILTERED"))
for target in sys.argv[1:]:
    kind, host, port = target.split(",")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, getattr(socket, "SOCK_" + kind)) as one:
        try:
            one.connect((host, int(port))) if kind == "STREAM" else one.sendto(b"x", (host, int(port)))
        except OSError as error:
            print(error.errno)
        else:
            print(0)
"""


def behind(allowed: Path, *targets: str) -> list[str]:
    """The result of each connection of a process under the filter."""
    words = (
        sys.executable,
        "-E",
        "-s",
        "-S",
        "-m",
        egress_filter.__name__,
        str(allowed),
        sys.executable,
        "-c",
        TRY,
        *targets,
    )
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


def test_the_kernel_blocks_what_is_not_listed(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as ours, socket.create_server(("127.0.0.1", 0)) as theirs:
        port, other = ours.getsockname()[1], theirs.getsockname()[1]
        (tmp_path / "allowed_networks").write_text(f"127.0.0.1 {port}\n")
        targets = (f"STREAM,127.0.0.1,{port}", f"STREAM,127.0.0.1,{other}", f"STREAM,::ffff:127.0.0.1,{other}",
                "STREAM,10.255.255.1,80", "STREAM,169.254.169.254,80", f"DGRAM,127.0.0.1,{other}")  # fmt: skip
        held = behind(tmp_path / "allowed_networks", *targets)
        assert held == ["1", "0", "13", "13", "13", "13", "13"]
        assert behind(tmp_path / "nothing", targets[0])[1:] == ["13"], "without the file nothing is listed"


def test_the_filter_ends_as_its_command_does_and_the_command_with_the_filter(tmp_path: Path):
    words = [
        sys.executable,
        "-E",
        "-s",
        "-S",
        "-m",
        egress_filter.__name__,
        str(tmp_path / "allowed_networks"),
        sys.executable,
        "-c",
    ]
    assert subprocess.run([*words, "raise SystemExit(7)"], timeout=60, check=False).returncode == 7
    with subprocess.Popen([*words, "print(1, flush=True); import time; time.sleep(600)"], stdout=-1) as one:
        assert one.stdout is not None
        one.stdout.readline()
        (child,) = descendants(one.pid)
        one.kill()
        assert one.stdout.read() == b"", "the pipe ends when the last that holds it is gone"
    assert not (PROC / str(child)).exists() or (PROC / str(child) / "cmdline").read_bytes() == b""


class Inside:
    """A server on loopback that a page wants to reach, and how often anybody connected to it."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0

    def met(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nAccess-Control-Allow-Origin: *\r\n\r\nsecret")
        writer.close()


GREEDY = (
    GOOD
    + """
<link rel=preconnect href="http://HOST:PORT"><link rel=prefetch href="http://HOST:PORT/prefetch">
<img src="http://HOST:PORT/img"><script src="http://HOST:PORT/script"></script><iframe src="http://HOST:PORT/frame"></iframe>
<link rel=stylesheet href="http://HOST:PORT/style"><object data="http://HOST:PORT/object"></object>
<video src="http://HOST:PORT/video"></video><img src="http://[::1]:PORT/six"><img src="http://localhost:PORT/name">
<img src="http://0.0.0.0:PORT/zero"><img src="http://2130706433:PORT/number"><img src="/away">
<script>
fetch('http://HOST:PORT/fetch', {mode: 'no-cors'}).catch(() => 0);
navigator.sendBeacon('http://HOST:PORT/beacon', 'x');
try { new WebSocket('ws://HOST:PORT/socket'); } catch {}
try { new EventSource('http://HOST:PORT/events'); } catch {}
new Worker(URL.createObjectURL(new Blob(["fetch('http://HOST:PORT/worker', {mode: 'no-cors'}).catch(() => 0)"])));
try {
  const turn = {urls: 'turn:HOST:PORT?transport=tcp', username: 'a', credential: 'b'};
  const call = new RTCPeerConnection({iceServers: [turn, {urls: 'stun:HOST:PORT'}]});
  call.createDataChannel('x'); call.createOffer().then((offer) => call.setLocalDescription(offer));
} catch {}
</script>"""
)
"""Every way in which a page can ask for something."""


@asynccontextmanager
async def greedy(inside: Inside) -> AsyncIterator[str]:
    """A page that wants to get inside, served from another loopback address; its own."""

    async def answer(request: web.BaseRequest) -> web.Response:
        target = f"http://127.0.0.1:{inside.port}/redirected"
        if request.path in {"/away", "/gone"}:
            return web.Response(status=302, headers={"Location": target})
        text = GREEDY.replace("HOST", "127.0.0.1").replace("PORT", str(inside.port))
        return web.Response(text=text, content_type="text/html")

    runner = web.ServerRunner(web.Server(answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    server = await asyncio.start_server(inside.met, "127.0.0.1", 0)
    inside.port = server.sockets[0].getsockname()[1]
    try:
        await web.TCPSite(runner, "127.0.0.9", 0).start()
        yield f"http://127.0.0.9:{runner.addresses[0][1]}"
    finally:
        server.close()
        await runner.cleanup()


@contextmanager
def temp_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


async def probe_page(resources: ProbeResources, url: str) -> ProbeResult:
    return await run_probe(Mobile(url=url, timeout=20.0, profiles=("mobile-real",)), resources)


@pytest.mark.slow
async def test_a_page_reaches_nothing_inside_in_whatever_way_it_tries(monkeypatch: pytest.MonkeyPatch):
    """The page is measured, blocked requests are not its failure, and a redirect to a private address is unknown.

    With the network allowed the same page reaches everything, so it was the filter. The browser's files are removed.
    """
    monkeypatch.setenv("SECRET_OF_OURS", "token-in-the-environment")
    inside = Inside()
    with temp_dir(monkeypatch) as place:
        async with greedy(inside) as url:
            async with ProbeResources(
                HttpSettings(user_agent="x"), BrowserPoolSettings(min_speed_ratio=0.0)
            ) as resources:
                found = await probe_page(resources, f"{url}/page")
                assert (found.outcome, found.detail) == (Outcome.UP, "")
                assert inside.connections == 0
                assert found.values["requests_failed"] == 0
                gone = await probe_page(resources, f"{url}/gone")
                assert (gone.outcome, gone.fault) == (Outcome.UNKNOWN, Fault.INTERNAL_ERROR)
                assert "private address" in gone.detail
                assert inside.connections == 0
                for process in descendants(os.getpid()):
                    environment = (PROC / str(process) / "environ").read_bytes()
                    assert b"token-in-the-environment" not in environment
            open_ = BrowserPoolSettings(min_speed_ratio=0.0, allowed_networks=("127.0.0.0/8",))
            async with ProbeResources(HttpSettings(user_agent="x"), open_) as resources:
                assert (await probe_page(resources, f"{url}/page")).outcome is Outcome.UP
                assert inside.connections >= 8
        assert not list(place.glob(f"{TEMP_DIR_PREFIX}*")), "profile, cache and temp_dir are gone"
