"""Serves the fixture pages from two loopback hosts, with the delays of real servers, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from aiohttp import web

from tests.pages.site import Answer, answers

HOST, THIRD = "127.0.0.1", "127.0.0.2"


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where the pages are. The second host stands for a third party: another address, so another owner."""

    origin: str
    third: str

    def page(self, name: str) -> str:
        return f"{self.origin}/{name}"


@contextlib.contextmanager
def serve_site() -> Iterator[Site]:
    """Both hosts on free ports, until the block ends."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run, args=(theirs,), daemon=True)
    process.start()
    theirs.close()  # so that a child that dies early is noticed
    try:
        port, third = ours.recv()
        yield Site(origin=f"http://{HOST}:{port}", third=f"http://{THIRD}:{third}")
    finally:
        process.terminate()
        process.join()


def _run(pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)
    files: dict[str, Answer] = {}
    app.router.add_get("/{path:.*}", functools.partial(_answer, files))
    await runner.setup()
    ports = []
    for host in (HOST, THIRD):
        site = web.TCPSite(runner, host, 0)
        await site.start()
        ports.append(runner.addresses[-1][1])
    files |= answers(f"http://{THIRD}:{ports[1]}")
    pipe.send(tuple(ports))
    await asyncio.Event().wait()


async def _answer(files: dict[str, Answer], request: web.Request) -> web.Response:
    answer = files.get(request.path)
    if answer is None:
        raise web.HTTPNotFound
    await asyncio.sleep(answer.late)
    head = {"Content-Type": answer.content_type, "Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"}
    if answer.text:
        return web.Response(body=_packed(answer.body), headers=head | {"Content-Encoding": "gzip"})
    return web.Response(body=answer.body, headers=head)


@functools.cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
