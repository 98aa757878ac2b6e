"""Health, readiness, metrics, configuration and reloading; and what holds for every answer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestClient

from monitor.web import Readiness, make_app
from monitor.web.app import SECURITY_HEADERS
from monitor.web.metrics.exposition import CONTENT_TYPE
from tests.monitor.web.conftest import Open, text
from tests.monitor.web.scene import Stage, make_config

Client = TestClient[Any, Any]
TOKEN = {"Authorization": "Bearer sesame"}
EVERYWHERE = (
    "/", "/portals/da-nang", "/portals/no", "/metrics", "/-/healthy", "/-/ready", "/config", "/api/v1/portals",
    "/api/v1/measurements", "/static/app.js", "/static/style.css", "/static/icon.svg", "/static/no.css", "/no",
)  # fmt: skip


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_every_response_has_security_headers_and_head_is_the_same_without_a_body(client: Client, path: str):
    async with client.get(path) as answer, client.head(path) as head:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert head.status == answer.status
        assert head.headers["Content-Type"] == answer.headers["Content-Type"]
        assert head.headers["Content-Length"] == answer.headers["Content-Length"]
        assert await head.read() == b""


async def test_health_and_readiness(client: Client, stage: Stage):
    assert await text(client, "/-/healthy") == "healthy\n"
    assert await text(client, "/-/ready") == "ready\n"
    stage.readiness = Readiness(ok=False, reason="no probe has completed for 90 s")
    assert await text(client, "/-/ready", status=503) == "no probe has completed for 90 s\n"
    assert await text(client, "/-/healthy") == "healthy\n"


async def test_metrics_are_what_the_exposition_renders(client: Client, stage: Stage):
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == CONTENT_TYPE
        body = await answer.read()
    assert body == b"".join(await stage.exposition.render())
    assert b'probe_success{instance="https://bo-y-te.example.gov.vn/"' in body


async def test_scrapes_at_the_same_time_share_one_rendering(client: Client, stage: Stage):
    rendered = 0
    render = stage.exposition.render

    async def counted() -> list[bytes]:
        nonlocal rendered
        rendered += 1
        return await render()

    stage.exposition.render = counted  # type: ignore[method-assign] - counted on its way
    await asyncio.gather(*[text(client, "/metrics") for _ in range(5)])
    assert rendered == 1
    stage.clock.turn(0.5)
    await text(client, "/metrics")
    assert rendered == 2


async def test_the_configuration_is_shown_without_its_secrets(client: Client):
    body = await text(client, "/config")
    assert yaml.safe_load(body)["monitor"]["location"] == "hn-1"
    assert "sesame-seeds" not in body


async def test_the_configuration_shown_is_at_once_the_one_that_was_taken(client: Client, stage: Stage):
    for mark in ("1", "2", "1"):
        stage.config = make_config(mark)
        assert yaml.safe_load(await text(client, "/config"))["digest"] == mark


async def test_reloading_is_off_by_default(client: Client, stage: Stage):
    async with client.post("/-/reload") as answer:
        assert answer.status == 403
    assert stage.calls == 0


async def test_reloading_without_a_token_is_off(open_client: Open, stage: Stage):
    for token in (None, ""):
        client = await open_client(reload=True, token=token)
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"}):
            async with client.post("/-/reload", headers=headers) as answer:
                assert answer.status in {401, 403}
    assert stage.calls == 0


async def test_reloading_returns_its_result(open_client: Open, stage: Stage):
    client = await open_client(reload=True, token="sesame")
    async with client.post("/-/reload", headers=TOKEN) as answer:
        assert answer.status == 200
    stage.errors = "config/portals.yaml:3:5: unknown key 'nmae', did you mean 'name'?"
    async with client.post("/-/reload", headers=TOKEN) as answer:
        assert answer.status == 422
        assert await answer.text() == f"{stage.errors}\n"
    assert stage.calls == 2


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sesam"}, {"Authorization": "Basic sesame"}, {"Authorization": "sesame"}]
)
async def test_a_wrong_token_opens_nothing(open_client: Open, stage: Stage, headers: dict[str, str]):
    client = await open_client(reload=True, token="sesame")
    async with client.post("/-/reload", headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert stage.calls == 0


async def test_the_right_token_opens(open_client: Open, stage: Stage):
    client = await open_client(reload=True, token="sesame")
    async with client.post("/-/reload", headers=TOKEN) as answer:
        assert answer.status == 200
    assert stage.calls == 1


async def test_a_cross_origin_request_cannot_reload(open_client: Open, stage: Stage):
    client = await open_client(reload=True, token="sesame")
    for origin in ("https://elsewhere.example", "null"):
        async with client.post("/-/reload", headers=TOKEN | {"Origin": origin}) as answer:
            assert answer.status == 403
    assert stage.calls == 0


async def test_reloading_is_a_post(open_client: Open):
    client = await open_client(reload=True)
    async with client.get("/-/reload") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"


async def test_a_failure_shows_no_traceback(client: Client, stage: Stage):
    stage.readiness = None  # type: ignore[assignment] - what a bug would leave
    for path, expected in (("/", "Trang gặp lỗi"), ("/-/ready", "Internal Server Error")):
        page = await text(client, path, status=500)
        assert expected in page
        assert "Traceback" not in page
        assert "NoneType" not in page


async def test_static_files_may_be_kept_when_their_version_is_named(client: Client):
    page = await text(client, "/")
    link = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    async with client.get(link) as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    async with client.get("/static/style.css?v=old") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
    for path in ("/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/words.py"):
        async with client.get(path) as answer:
            assert answer.status == 404


async def test_making_the_app_starts_no_task(stage: Stage):
    before = asyncio.all_tasks()
    assert isinstance(make_app(stage.context()), web.Application)
    assert asyncio.all_tasks() == before
