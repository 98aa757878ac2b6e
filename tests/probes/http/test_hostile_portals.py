"""The catalogue of hostile portals, one probe each; ``make chaos`` also measures what they cost other probes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from probes.http import client
from probes.net import sockets
from probes.sanitize import sanitize
from tests.chaos.portals import GROUPS
from tests.hostile_portals.case import OUTSIDE, OUTSIDE_NAME, Case, Scene
from tests.hostile_portals.observer import stood
from tests.hostile_portals.results import check_outputs
from tests.hostile_portals.texts import WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.dns import NameServer
    from tests.servers.tls import Authority

ProbeUrl = Any
AT_ONCE = 8


@pytest.fixture
def place(authority: Authority, names: NameServer, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """One address of loopback stands for a public one."""
    names.add(OUTSIDE_NAME, a=OUTSIDE)
    for module in (sockets, client):
        monkeypatch.setattr(module, "address_scope", stood)
    return Scene(authority, names)


@pytest.mark.parametrize("group", GROUPS)
async def test_probes_of_hostile_portals_end_with_their_faults(probe_url: ProbeUrl, place: Scene, group: str) -> None:
    limit = asyncio.Semaphore(AT_ONCE)

    async def try_case(case: Case) -> str:
        async with limit, case.serve(place) as url:
            result = await probe_url(url, **case.keys)
        texts = [result.detail, *(value for value in result.values.values() if isinstance(value, str))]
        texts += [text for hop in result.hops for text in (hop.url, hop.location or "")]
        good = result.fault in case.faults and all(text == sanitize(text) for text in texts)
        return "" if good else f"{case.name}: {result.fault}, {texts}"

    wrong = await asyncio.gather(*(try_case(case) for case in GROUPS[group][1]))
    assert not list(filter(None, wrong))


@pytest.mark.slow
async def test_texts_of_portals_pass_through_a_daemon_sanitized(tmp_path: Path) -> None:
    """The short form; ``make chaos`` runs all of them."""
    count, wrong = await check_outputs(tmp_path, [*WORDS[:-6:6], *WORDS[-6::2]])
    assert count > 0
    assert not wrong
