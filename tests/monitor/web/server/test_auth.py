"""Who may enter: accounts over the real door, wrong guesses, and what a storm of them costs everybody else."""

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
    {}, basic("truc", "wrong"), basic("nobody", PASSWORD), basic("", PASSWORD), bearer("wrong"), bearer(PASSWORD),
    {"Authorization": "Basic !!!"}, {"Authorization": "Basic"}, {"Authorization": f"Digest {TOKEN}"},
    {"Authorization": TOKEN}, {"Authorization": "Bearer " + "x" * 5000}, basic("truc:" + PASSWORD, ""),
)  # fmt: skip
CLOSED = ("/", "/portals/da-nang", "/incidents", "/metrics", "/config", "/probe", "/api/v1/portals",
          "/api/v1/measurements", "/api/v1/incidents", "/static/style.css", "/evidence/a/b/1/0.jpg", "/no")  # fmt: skip


def keeper(clock: Clock) -> Authenticator:
    return Authenticator(
        clock, {"truc": ScryptHash.parse(USERS["trực"])}, {"p": ScryptHash.parse(TOKENS["prometheus"])}
    )


async def test_without_an_account_there_is_nothing_but_health(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS) as door, aiohttp.ClientSession(door.url) as visitor:
        for path in CLOSED:
            async with visitor.get(path) as answer:
                assert answer.status == 401
                assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
                asked = [one.split(" ")[0] for one in answer.headers.getall("WWW-Authenticate")]
                assert asked == ["Basic", "Bearer"]
                assert "gov.vn" not in await answer.text()
        for health in ("/-/healthy", "/-/ready"):
            async with visitor.get(health) as answer:
                assert answer.status == 200


async def test_who_has_an_account_enters_and_who_guesses_does_not(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS) as door, aiohttp.ClientSession(door.url) as visitor:
        for headers in GOOD:
            async with visitor.get("/metrics", headers=headers) as answer:
                assert answer.status == 200
        refused = []
        for headers in BAD:
            stage.clock.turn(FAILURE_WINDOW_SECONDS + 1)  # each is judged by itself
            async with visitor.get("/metrics", headers=headers) as answer:
                refused.append(answer.status)
        assert refused == [401] * len(BAD)


async def test_reloading_asks_for_its_own_token_whatever_accounts_there_are(stage: Stage):
    async with opened(stage, accounts=ACCOUNTS, token="sesame") as door, aiohttp.ClientSession(door.url) as visitor:
        for headers, status in [*((one, 401) for one in GOOD), ({}, 401), (bearer("sesame"), 200)]:
            async with visitor.post("/-/reload", headers=headers) as answer:
                assert answer.status == status
    assert stage.calls == 1


async def test_what_was_right_once_costs_nothing_and_is_forgotten_when_accounts_change(monkeypatch: pytest.MonkeyPatch):
    asked = []
    fits = ScryptHash.matches
    monkeypatch.setattr(ScryptHash, "matches", lambda self, secret: asked.append(secret) or fits(self, secret))
    one = keeper(Clock())
    for _ in range(100):
        assert await one.authenticate(GOOD[0]["Authorization"], "a") is AuthResult.AUTHENTICATED
        assert await one.authenticate(GOOD[1]["Authorization"], "a") is AuthResult.AUTHENTICATED
    assert asked == [PASSWORD, TOKEN]
    one.update({"truc": ScryptHash.parse(secret_hash.make_hash("another"))}, {})
    assert await one.authenticate(GOOD[0]["Authorization"], "a") is AuthResult.UNAUTHORIZED
    assert await one.authenticate(GOOD[1]["Authorization"], "a") is AuthResult.UNAUTHORIZED
    one.close()


async def test_a_storm_of_guesses_is_not_worked_for(monkeypatch: pytest.MonkeyPatch):
    """Five guesses of one address in a minute, eight at a time of all; the others hear «later», at no cost."""
    tried = []
    monkeypatch.setattr(ScryptHash, "matches", lambda _self, secret: bool(tried.append(secret)))
    clock = Clock()
    one = keeper(clock)
    said = [await one.authenticate(basic("truc", f"{n}")["Authorization"], "attacker") for n in range(50)]
    assert said == [AuthResult.UNAUTHORIZED] * MAX_FAILURES + [AuthResult.THROTTLED] * (50 - MAX_FAILURES)
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


async def test_while_others_guess_the_loop_is_free_and_the_known_are_served(stage: Stage):
    """Real hashes, from many addresses at once: the wait is on a thread, and Prometheus goes on scraping."""
    one = keeper(stage.clock)
    assert await one.authenticate(GOOD[1]["Authorization"], "prometheus") is AuthResult.AUTHENTICATED
    late: list[float] = []

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            late.append(loop.time() - due)

    beating = asyncio.create_task(beat())
    storm = [
        asyncio.create_task(one.authenticate(bearer(f"guess {n}")["Authorization"], f"from {n}")) for n in range(200)
    ]
    while not all(task.done() for task in storm):
        assert await one.authenticate(GOOD[1]["Authorization"], "prometheus") is AuthResult.AUTHENTICATED
        await asyncio.sleep(0.005)
    beating.cancel()
    assert sorted(late)[len(late) // 2] < 0.05
    one.close()


@pytest.mark.parametrize(
    "text",
    ["", "hunter2", "scrypt:1:8:1:00:00", USERS["trực"].upper(), USERS["trực"] + "0",
     USERS["trực"].replace(":15:", ":30:"), USERS["trực"].replace(":15:", ":14:"), USERS["trực"].replace(":8:", ":9:")],
)  # fmt: skip
def test_what_is_no_hash_is_refused_without_being_told(text: str):
    with pytest.raises(ValueError, match="hash") as caught:
        ScryptHash.parse(text)
    assert not text or text not in str(caught.value)


def test_a_hash_fits_its_secret_alone_and_no_two_are_alike():
    assert ScryptHash.parse(USERS["trực"]).matches(PASSWORD)
    assert not ScryptHash.parse(USERS["trực"]).matches(PASSWORD + " ")
    assert secret_hash.make_hash(PASSWORD) != USERS["trực"]
    assert not set(" \"'$\\{}") & set(USERS["trực"])
