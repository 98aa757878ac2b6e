"""Portals that a browser must survive: pages without end, without mercy, or without a page, on loopback."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from monitor.tools.demo.certificate_authority import CertificateAuthority

HEAD = '<!doctype html><html lang="vi"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
GOOD = (
    f"{HEAD}<title>Cổng</title><style>p {{ font-size: 16px }} .small {{ font-size: 9px }}</style>"
    "<h1>Cổng dịch vụ công</h1><p>Nộp hồ sơ trực tuyến, tra cứu kết quả.</p>"
)
PAGES = {
    "/good": GOOD,
    "/wide": f"{GOOD}<div style='width:600px;height:40px;background:#cde'>rộng</div>",
    "/never": f"{GOOD}<iframe src='/endless'></iframe>",
    "/dialogs": f"{GOOD}<script>alert(1);confirm(2);prompt(3)</script>",
    "/dialogs-for-ever": f"{GOOD}<script>for(;;)alert(1)</script>",
    "/popups": f"{GOOD}<script>for(let i=0;i<5;i++)window.open('/good?'+i)</script>",
    "/moves-on": f"{HEAD}<p>1</p><script>location='/moves-on?'+Math.random()</script>",
    "/memory": f"{GOOD}<iframe src='/endless'></iframe>"
    "<script>const kept=[];function more(){kept.push(new Array(2e6).fill(kept.length+0.5));"
    "setTimeout(more,0)}setTimeout(more,100)</script>",
    "/busy": f"{GOOD}<script>setTimeout(()=>{{for(;;);}},50)</script>",
    "/blank": f"{HEAD}<body></body>",
    "/form": f"{GOOD}<form action='/sent' method='post'><button>x</button></form>"
    "<script>document.forms[0].submit();document.forms[0].requestSubmit();document.querySelector('button').click()</script>",
    "/tracked": f"{GOOD}<script>fetch('http://stats.localhost:'+location.port+'/count',{{mode:'no-cors'}}).catch(()=>0);"
    "new Image().src='http://stats.localhost:'+location.port+'/pixel'</script>"
    "<iframe srcdoc=\"<img src='http://stats.localhost:PORT/frame'>\"></iframe>",
    "/errors": f"{GOOD}<script>console.error('x')</script><script>throw new Error('y')</script><img src='/gone'>",
    "/noisy": f"{GOOD}<script>setInterval(()=>{{for(let i=0;i<200;i++)console.error(i)}},1)</script>",
}
"""The page of each path."""

LARGE = 200_000_000


class Hostile:
    """The sites' URLs, and how often each path was requested."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.port = 0
        self.agent = ""
        self.cookies = 0

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests[request.path] += 1
        self.agent = request.headers.get("User-Agent", "")
        self.cookies += "Cookie" in request.headers and request.path != "/favicon.ico"
        if request.path in PAGES:
            return web.Response(text=PAGES[request.path].replace("PORT", str(self.port)), content_type="text/html")
        if request.path in SLOW:
            return await SLOW[request.path](request)
        status, headers, body = PLAIN.get(request.path, (404, {}, ""))
        return web.Response(status=status, headers={"Content-Type": "text/html"} | headers, text=body)


PLAIN: dict[str, tuple[int, dict[str, str], str]] = {
    "/loop": (302, {"Location": "/loop"}, ""),
    "/download": (200, {"Content-Disposition": "attachment; filename=x.bin"}, "x" * 1000),
    "/broken": (503, {}, f"{GOOD}503"),
    "/favicon.ico": (204, {}, ""),
    "/remembers": (200, {"Set-Cookie": "visited=1; Path=/", "Cache-Control": "max-age=9999"}, GOOD),
}
"""Answers that are no plain pages: status, headers, body."""


async def _drip(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    await response.prepare(request)
    while True:
        await response.write(b"<p>")
        await asyncio.sleep(0.2)


async def _large(request: web.BaseRequest, *, announced: bool) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/html"})
    if announced:
        response.content_length = LARGE
    await response.prepare(request)
    await response.write(GOOD.encode())
    for _ in range(LARGE // 1_000_000):
        await response.write(b"<p>" + b"x" * 999_997)
    return response


async def _silent(_request: web.BaseRequest) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


SLOW: dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]] = {
    "/endless": _drip,
    "/silent": _silent,
    "/large": partial(_large, announced=True),
    "/larger": partial(_large, announced=False),
}
"""Answers that take their time, or all time."""


@asynccontextmanager
async def hostile() -> AsyncIterator[Hostile]:
    """The sites, listening."""
    site = Hostile()
    runner = web.ServerRunner(web.Server(site.answer, handler_cancellation=True, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        yield site
    finally:
        await runner.cleanup()


@asynccontextmanager
async def guarded(context: ssl.SSLContext) -> AsyncIterator[str]:
    """A good page behind the given TLS; its address."""
    site = Hostile()
    runner = web.ServerRunner(web.Server(site.answer, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/good"
    finally:
        await runner.cleanup()


def contexts(directory: Path) -> dict[str, ssl.SSLContext]:
    """TLS as bad as portals have it; ``client`` requires a client certificate."""
    authority = CertificateAuthority(directory)
    client = authority.issue(["localhost"])
    client.verify_mode = ssl.CERT_REQUIRED
    client.load_verify_locations(authority.ca_file)
    return {
        "expired": authority.expired(["localhost"]),
        "name": authority.wrong_name(),
        "self-signed": authority.self_signed(["localhost"]),
        "client": client,
        "good": authority.issue(["localhost"]),
    }
