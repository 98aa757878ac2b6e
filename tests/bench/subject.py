"""The subject of a benchmark: the daemon as a separate process, and nginx as the portals that it probes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import yaml

from monitor.storage.journal.store import JOURNAL_FILE
from monitor.tools.demo.certificate_authority import CertificateAuthority
from tests.bench.process_usage import Usage, usage
from tests.servers.ports import free_port

HOSTS = 250
PAGE = "<!doctype html><title>Cổng Dịch vụ công</title>" + "<p>Thủ tục hành chính</p>" * 400


def pinned(core: int, command: list[str]) -> list[str]:
    """On two cores and more, subject and servers keep to a core each."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return command
    return ["taskset", "-c", str(core), *command]


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[tuple[int, Path]]:
    """HTTPS portals on 127.1.*: one port, many addresses, so that the limit per host does not queue them."""
    authority = CertificateAuthority(directory / "tls")
    servers = []
    port = free_port()
    for host in range(HOSTS):
        authority.issue(names=[f"portal-{host}"], ips=[address(host)])
        pem = directory / "tls" / f"{host + 1:04}-portal-{host}.pem"  # key and chain in one file
        servers.append(
            f"server {{ listen {address(host)}:{port} ssl; ssl_certificate {pem}; ssl_certificate_key {pem};"
            f" location / {{ root {directory}; try_files /page.html =404; default_type text/html; }} }}"
        )
    (directory / "page.html").write_text(PAGE)
    config = directory / "nginx.conf"
    config.write_text(f"""
user root; daemon off; pid {directory}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 8192; }}
http {{ access_log off; ssl_protocols TLSv1.2 TLSv1.3;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  {chr(10).join(servers)} }}
""")
    command = pinned(0, ["nginx", "-p", str(directory), "-c", str(config), "-e", "stderr"])
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: socket.create_connection((address(0), port), 0.2).close())
        yield port, authority.ca_file
    finally:
        process.terminate()
        process.wait(10)


def address(host: int) -> str:
    return f"127.1.{host // 250}.{host % 250 + 1}"


def urls(checks: int, port: int) -> list[str]:
    """Return the URLs that ``checks`` checks probe."""
    return [f"https://{address(number % HOSTS)}:{port}/{number}" for number in range(checks)]


def wait_for(attempt, seconds: float = 60.0) -> None:  # noqa: ANN001 - any callable that raises until it succeeds
    """Call ``attempt`` again and again until it no longer raises OSError."""
    end = time.monotonic() + seconds
    while True:
        try:
            attempt()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


class Daemon:
    """A running ``portal-monitor run`` over ``checks`` uptime checks with one interval."""

    def __init__(self, directory: Path, checks: int, interval: float, port: int, ca: Path) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.config = directory / "config"
        self.listen = f"127.0.0.1:{free_port()}"
        self.checks = checks
        self._write(interval, port, ca)

    def _write(self, interval: float, port: int, ca: Path) -> None:
        self.config.mkdir(parents=True)
        settings = {
            "location": "bench",
            "contact": "https://example.org/bench",
            "listen": self.listen,
            "http": {"ca_file": str(ca)},
            "checks": {
                "uptime": {"interval": interval, "timeout": 5, "family": "4"},
                "latency": {"enabled": False},
            },
            "self_check": {"references": []},
        }
        portals = [
            {
                "id": f"bench-{number:05}",
                "name": {"vi": f"Cổng {number}", "en": f"Portal {number}"},
                "kind": "province",
                "group": "bench",
                "url": url,
                "expect": "answers",
                "pages": {"home": f"/{number}"},
            }
            for number, url in enumerate(urls(self.checks, port))
        ]
        (self.config / "monitor.yaml").write_text(yaml.safe_dump(settings))
        (self.config / "portals.yaml").write_text(yaml.dump({"portals": portals}, Dumper=yaml.CSafeDumper))

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "monitor", "run", "--config", str(self.config), "--data", str(self.data)]
        self.log = (self.directory / "daemon.log").open("w")
        self.process = subprocess.Popen(pinned(1, command), stderr=self.log)
        try:
            wait_for(self._alive, 120)
        except (OSError, RuntimeError) as error:
            self.__exit__()
            raise RuntimeError(f"the daemon did not start: {(self.directory / 'daemon.log').read_text()}") from error
        return self

    def _alive(self) -> None:
        if self.process.poll() is not None:
            raise RuntimeError("it ended")
        self.get("/-/healthy")

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://{self.listen}{path}", timeout=30) as response:
            return response.read()

    def usage(self) -> Usage:
        return usage(self.process.pid)

    def probes(self, since: float, until: float) -> tuple[int, int]:
        """Probes stored whose slot lies between two unix times, and how many of them were not up."""
        with contextlib.closing(sqlite3.connect(self.data / JOURNAL_FILE)) as db:
            sql = "SELECT COUNT(*), TOTAL(outcome <> 'up') FROM measurement_uptime WHERE slot > ? AND slot <= ?"
            total, bad = db.execute(sql, (since * 1000, until * 1000)).fetchone()
        return int(total), int(bad)
