"""A server that refuses everything and echoes all that it received, secrets included, as careless ones do."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Echo:
    """``bodies`` holds the bodies that came, ``paths`` the requested paths."""

    port: int = 0
    bodies: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextlib.contextmanager
def echo(status: int = 500) -> Iterator[Echo]:
    """Listening on loopback, on a thread, until the block ends."""
    one, lock = Echo(), threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                one.bodies.append(body.decode(errors="replace"))
                one.paths.append(self.path)
            echoed = f"refused: {self.requestline}\n{self.headers}\n".encode() + body
            self.send_response(status, "no")
            self.send_header("Content-Length", str(len(echoed)))
            self.end_headers()
            self.wfile.write(echoed)

        do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = answer  # noqa: N815 - http.server's names

        def log_message(self, *_words: object) -> None:
            """The test's output is not for this."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
