"""A real InfluxDB 1.6.7 behind a real nginx, which gives it the write path of 1.8 and later, and moods on demand.

The database can be stopped, killed, halted and started again on its files; nginx answers 401, 404, 413, 429 or 503 as
long as the test sets it, by the presence of a file, so that a mood holds from one request to the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.nginx import nginx
from tests.servers.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

TOKEN = "test-token"
MOODS = ("401", "404", "413", "429", "503", "400")
SMALL_BODY = "8k"
RETRY_AFTER = 2

_DATABASE = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{d}/meta"
[data]
  dir = "{d}/data"
  wal-dir = "{d}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[logging]
  level = "error"
"""

_FRONT = """
log_format timed '$msec $status $request_length $request_method $uri';
map $arg_precision $v1p {{ default n; ns n; us u; ms ms; s s; }}
map $http_authorization $bad {{ default 1; "Token {token}" 0; }}
server {{
  listen 127.0.0.1:{front};
  access_log {d}/timed.log timed;
  client_max_body_size 64m;
  client_body_buffer_size 4m;
  default_type application/json;
  location = /ping {{ proxy_pass http://127.0.0.1:{port}; }}
  location = /api/v2/write {{
    if (-f {d}/401) {{ return 401 '{{"code":"unauthorized","message":"unauthorized access"}}'; }}
    if ($bad) {{ return 401 '{{"code":"unauthorized","message":"unauthorized access"}}'; }}
    if (-f {d}/404) {{ return 404 '{{"code":"not found","message":"bucket not found"}}'; }}
    if (-f {d}/400) {{ return 400 '{{"code":"invalid","message":"nothing is good enough"}}'; }}
    if (-f {d}/429) {{ add_header Retry-After {retry_after} always; return 429 '{{"message":"too many requests"}}'; }}
    if (-f {d}/503) {{ add_header Retry-After {retry_after} always; return 503 '{{"message":"unavailable"}}'; }}
    if (-f {d}/413) {{ rewrite ^ /small last; }}
    proxy_set_header Authorization "";
    proxy_pass http://127.0.0.1:{port}/write?db=$arg_bucket&precision=$v1p;
  }}
  location = /small {{
    internal;
    client_max_body_size {small};
    proxy_set_header Authorization "";
    proxy_pass http://127.0.0.1:{port}/write?db=$arg_bucket&precision=$v1p;
  }}
  location = /query {{
    if ($bad) {{ return 401 '{{"code":"unauthorized","message":"unauthorized access"}}'; }}
    proxy_set_header Authorization "";
    proxy_pass http://127.0.0.1:{port};
  }}
  location / {{ return 404; }}
}}
"""


class InfluxServer:
    """The pair of them. ``url`` is nginx, ``direct`` the database itself, which :meth:`query` asks."""

    def __init__(self, directory: Path) -> None:
        self._d = directory
        self._port, self._front = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._front}"
        self.direct = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._d.mkdir(parents=True, exist_ok=True)
        (self._d / "influxd.conf").write_text(_DATABASE.format(d=self._d, port=self._port, rpc=free_port()))
        self.start()
        self._stack.callback(self.kill)
        values = {"d": self._d, "port": self._port, "front": self._front, "token": TOKEN}
        blocks = _FRONT.format(**values, small=SMALL_BODY, retry_after=RETRY_AFTER)
        self._stack.enter_context(nginx(self._d / "nginx", blocks, self._front))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Start the database on its files and wait until it answers."""
        with (self._d / "influxd.log").open("ab") as log:
            command = ["influxd", "-config", str(self._d / "influxd.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + 30.0
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ping", timeout=1.0).close()
                return
            assert self._process.poll() is None, (self._d / "influxd.log").read_text()
            assert time.monotonic() < until, "influxd does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        """End the database without a word: SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def guard(self, user: str, password: str) -> None:
        """Start the database again, so that it asks for a user; :meth:`query` is not let in any more."""
        self.query(f"CREATE USER \"{user}\" WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        self.kill()
        config = self._d / "influxd.conf"
        config.write_text(config.read_text().replace("[http]", "[http]\n  auth-enabled = true"))
        self.start()

    def halt(self) -> None:
        """Let the database hang: it takes connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End of the halt."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def mood(self, name: str) -> Iterator[None]:
        """Let nginx answer every write like this for the length of the block."""
        assert name in MOODS
        flag = self._d / name
        flag.touch()
        try:
            yield
        finally:
            flag.unlink()

    def create(self, database: str, *, days: int | None = None) -> str:
        self.query(f'CREATE DATABASE "{database}"' + (f" WITH DURATION {days}d" if days else ""))
        return database

    def query(self, text: str, database: str = "") -> list[dict[str, Any]]:
        """The series of an InfluxQL answer, with times in ms."""
        data = urllib.parse.urlencode({"q": text, "db": database, "epoch": "ms"}).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/query", data, timeout=120.0) as answer:
            result = json.load(answer)["results"][0]
        assert "error" not in result, result["error"]
        return result.get("series", [])

    def rows(self, measurement: str, database: str) -> list[dict[str, Any]]:
        """All points of a measurement with tags and fields; a point without a value for one has None."""
        found = self.query(f'SELECT * FROM "{measurement}"', database)
        return [dict(zip(series["columns"], row, strict=True)) for series in found for row in series["values"]]

    def count(self, measurement: str, database: str) -> int:
        field = "state" if measurement == "state_change" else "slot"
        found = self.query(f'SELECT COUNT("{field}") FROM "{measurement}"', database)
        return int(found[0]["values"][0][1]) if found else 0

    def write_raw(self, lines: str, database: str) -> None:
        """Write lines past nginx, as another client would."""
        url = f"http://127.0.0.1:{self._port}/write?db={database}&precision=ms"
        urllib.request.urlopen(url, lines.encode(), timeout=10.0).close()

    def cpu(self) -> float:
        """CPU seconds that the database has spent since its last start."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def log(self) -> list[tuple[float, int]]:
        """Time and status of every write that nginx answered."""
        lines = (line.split() for line in (self._d / "timed.log").read_text().splitlines())
        return [(float(line[0]), int(line[1])) for line in lines if line[4] in {"/api/v2/write", "/small"}]
