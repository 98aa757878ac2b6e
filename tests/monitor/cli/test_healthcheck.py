"""The health command against the pages of a daemon over a real socket, and without a server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from typer.testing import CliRunner, Result

from monitor.cli.healthcheck import HEALTHY, READY, request_health
from monitor.cli.main import app
from monitor.web import Readiness
from tests.monitor.web import conftest
from tests.monitor.web.conftest import Open
from tests.monitor.web.scene import Stage
from tests.servers.ports import free_port

stage, open_client = conftest.stage, conftest.open_client


def port(client: TestClient[Any, Any]) -> int:
    assert client.port is not None
    return client.port


async def command(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, ["healthcheck", *words])


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", ""])
async def test_a_daemon_that_is_ready(open_client: Open, host: str):
    client = await open_client()
    assert await asyncio.to_thread(request_health, f"{host}:{port(client)}", READY, 5.0) == (True, "ready")
    done = await command("--listen", f"{host}:{port(client)}")
    assert (done.exit_code, done.stdout) == (0, "ready\n")


async def test_a_daemon_that_completes_no_probe_is_alive_and_not_ready(open_client: Open, stage: Stage):
    stage.readiness = Readiness(ok=False, reason="no probe has completed for 99 s")
    client = await open_client()
    listen = f"127.0.0.1:{port(client)}"
    assert await asyncio.to_thread(request_health, listen, READY, 5.0) == (False, "no probe has completed for 99 s")
    assert (await asyncio.to_thread(request_health, listen, HEALTHY, 5.0))[0]
    assert (await command("--listen", listen)).exit_code == 1
    assert (await command("--listen", listen, "--live")).exit_code == 0


async def test_without_a_server_the_check_fails():
    done = await command("--listen", f"127.0.0.1:{free_port()}")
    assert done.exit_code == 1
    assert "no response from" in done.output


async def test_an_address_without_a_port_is_wrong_usage():
    assert (await command("--listen", "localhost")).exit_code == 2
