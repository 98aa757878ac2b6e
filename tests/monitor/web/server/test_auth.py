"""Authentication: accounts over a real socket, failed attempts, and what a brute-force attack costs other clients."""

from __future__ import annotations

import asyncio
import base64
import time

import aiohttp
import pytest

from monitor.config import secret_hash
from monitor.config.secret_hash import ScryptHash
from monitor.web.server.auth import FAILURE_WINDOW_SECONDS, MAX_FAILURES, MAX_PENDING, Authenticator, AuthResult
from monitor.web.server.headers import SECURITY_HEADERS
from tests.monitor.web.scene import Clock, Stage
from tests.monitor.web.server.servers import opened

PASSWORD, TOKEN = "mật khẩu dài", "a-token-of-some-length"
USERS, TOKENS = {"trực": secret_hash.make_hash(PASSWORD)}, {"prometheus": secret_hash.make_hash(TOKEN)}
ACCOUNTS = {"users": {"truc": USERS["trực"]}, "tokens": TOKENS}


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


GOOD = (basic("truc", PASSWORD), bearer(TOKEN))
BAD: tuple[dict[str, str], ...] = (
    {}, basic("truc", "wrong"), basic("unknown", PASSWORD), basic("", PASSWORD), bearer("wrong"), bearer(PASSWORD),
    {"Authorization": "Basic !!!"}, {"Authorization": "Basic"}, {"Authorization": f"Digest {TOKEN}"},
    {"Authorization": TOKEN}, {"Authorization": "Bearer " + "x" * 5000}, basic("truc:" + PASSWORD, ""),
)  # fmt: skip
CLOSED = ("/", "/portals/da-nang", "/incidents", "/metrics", "/config", "/probe", "/api/v1/portals",
          "/api/v1/measurements", "/api/v1/incidents", "/static/style.css", "/screenshots/a/b/1/0.jpg",
          "/no")  # fmt: skip


def make_authenticator(clock: Clock) -> Authenticator:
    return Authenticator(
        clock, {"truc": ScryptHash.parse(USERS["trực"])}, {"p": ScryptHash.parse(TOKENS["prometheus"])}
    )


async def test_without_an_account_there_is_nothing_but_health(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS) as server, aiohttp.ClientSession(server.url) as client:
        for path in CLOSED:
            async with client.get(path) as answer:
                assert answer.status == 401
                assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
                challenges = [one.split(" ")[0] for one in answer.headers.getall("WWW-Authenticate")]
                assert challenges == ["Basic", "Bearer"]
                assert "gov.vn" not in await answer.text()
        for health in ("/-/healthy", "/-/ready"):
            async with client.get(health) as answer:
                assert answer.status == 200


async def test_clients_with_an_account_are_authenticated_and_others_are_not(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS) as server, aiohttp.ClientSession(server.url) as client:
        for headers in GOOD:
            async with client.get("/metrics", headers=headers) as answer:
                assert answer.status == 200
        refused = []
        for headers in BAD:
            stage.clock.turn(FAILURE_WINDOW_SECONDS + 1)  # each is verified separately
            async with client.get("/metrics", headers=headers) as answer:
                refused.append(answer.status)
        assert refused == [401] * len(BAD)


async def test_reloading_needs_its_own_token_whatever_accounts_there_are(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS, token="sesame") as server, aiohttp.ClientSession(server.url) as client:
        for headers, status in [*((one, 401) for one in GOOD), ({}, 401), (bearer("sesame"), 200)]:
            async with client.post("/-/reload", headers=headers) as answer:
                assert answer.status == status
    assert stage.calls == 1


async def test_verified_credentials_are_cached_until_accounts_change(monkeypatch: pytest.MonkeyPatch):
    hashed = []
    matches = ScryptHash.matches
    monkeypatch.setattr(ScryptHash, "matches", lambda self, secret: hashed.append(secret) or matches(self, secret))
    one = make_authenticator(Clock())
    for _ in range(100):
        assert await one.authenticate(GOOD[0]["Authorization"], "a") is AuthResult.AUTHENTICATED
        assert await one.authenticate(GOOD[1]["Authorization"], "a") is AuthResult.AUTHENTICATED
    assert hashed == [PASSWORD, TOKEN]
    one.update({"truc": ScryptHash.parse(secret_hash.make_hash("another"))}, {})
    assert await one.authenticate(GOOD[0]["Authorization"], "a") is AuthResult.UNAUTHORIZED
    assert await one.authenticate(GOOD[1]["Authorization"], "a") is AuthResult.UNAUTHORIZED
    one.close()


async def test_a_brute_force_attack_is_throttled(monkeypatch: pytest.MonkeyPatch):
    """Five failures of one client in a minute, eight at a time in total; the others are throttled at no cost."""
    tried = []
    monkeypatch.setattr(ScryptHash, "matches", lambda _self, secret: bool(tried.append(secret)))
    clock = Clock()
    one = make_authenticator(clock)
    results = [await one.authenticate(basic("truc", f"{n}")["Authorization"], "attacker") for n in range(50)]
    assert results == [AuthResult.UNAUTHORIZED] * MAX_FAILURES + [AuthResult.THROTTLED] * (50 - MAX_FAILURES)
    assert len(tried) == MAX_FAILURES
    clock.turn(FAILURE_WINDOW_SECONDS)
    assert await one.authenticate(basic("truc", "again")["Authorization"], "attacker") is AuthResult.UNAUTHORIZED
    monkeypatch.setattr(ScryptHash, "matches", lambda _self, _secret: bool(time.sleep(0.05)))
    many = await asyncio.gather(
        *(one.authenticate(basic("truc", f"{n}")["Authorization"], f"from {n}") for n in range(100))
    )
    assert many.count(AuthResult.UNAUTHORIZED) == MAX_PENDING
    assert many.count(AuthResult.THROTTLED) == 100 - MAX_PENDING
    one.close()


async def test_during_a_brute_force_attack_the_loop_is_free_and_known_clients_are_served(stage: Stage):
    """Real hashes, from many addresses at once: the wait is on a thread, and Prometheus goes on scraping."""
    one = make_authenticator(stage.clock)
    assert await one.authenticate(GOOD[1]["Authorization"], "prometheus") is AuthResult.AUTHENTICATED
    late: list[float] = []

    async def tick() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            late.append(loop.time() - due)

    ticking = asyncio.create_task(tick())
    storm = [
        asyncio.create_task(one.authenticate(bearer(f"guess {n}")["Authorization"], f"from {n}")) for n in range(200)
    ]
    while not all(task.done() for task in storm):
        assert await one.authenticate(GOOD[1]["Authorization"], "prometheus") is AuthResult.AUTHENTICATED
        await asyncio.sleep(0.005)
    ticking.cancel()
    assert sorted(late)[len(late) // 2] < 0.05
    one.close()


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "scrypt:1:8:1:00:00", USERS["trực"].upper(), USERS["trực"] + "0",
     USERS["trực"].replace(":15:", ":30:"), USERS["trực"].replace(":15:", ":14:"), USERS["trực"].replace(":8:", ":9:")],
)  # fmt: skip
def test_what_is_no_hash_is_refused_without_being_shown(text: str):
    with pytest.raises(ValueError, match="hash") as caught:
        ScryptHash.parse(text)
    assert not text or text not in str(caught.value)


def test_a_hash_fits_its_secret_alone_and_no_two_are_alike():
    assert ScryptHash.parse(USERS["trực"]).matches(PASSWORD)
    assert not ScryptHash.parse(USERS["trực"]).matches(PASSWORD + " ")
    assert secret_hash.make_hash(PASSWORD) != USERS["trực"]
    assert not set(" \"'$\\{}") & set(USERS["trực"])
