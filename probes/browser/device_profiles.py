"""The devices that pages are shown on, as data: screen, processor, network; applying them is left to ``loading``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

ProfileName = Literal["mobile", "mobile-real", "desktop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """What every request is slowed down to: ``latency`` in seconds, throughput in bytes per second."""

    latency: float
    down: float
    up: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One device. ``slowdown`` divides the processor's speed.

    ``agent`` is the user agent with a place for Chromium's major version; who we are is added to it.
    """

    name: str
    width: int
    height: int
    scale: float
    touch: bool
    slowdown: float
    network: Network | None
    agent: str


_PHONE = "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Mobile Safari/537.36"  # noqa: E501 - one word
_DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"

SLOW_4G = Network(latency=0.5625, down=1474.56 * 1024 / 8, up=675.0 * 1024 / 8)
"""150 ms round trip, 1.6 and 0.75 Mbit/s, in the figures by which Lighthouse has DevTools apply them to each request:
latency times 3.75, throughput times 0.9 (github.com/GoogleChrome/lighthouse, core/config/constants.js)."""

PROFILES: Mapping[ProfileName, Profile] = {
    "mobile": Profile(
        name="mobile", width=412, height=823, scale=1.75, touch=True,
        slowdown=4.0, network=SLOW_4G, agent=_PHONE,
    ),
    "mobile-real": Profile(
        name="mobile-real", width=412, height=823, scale=1.75, touch=True,
        slowdown=1.0, network=None, agent=_PHONE,
    ),
    "desktop": Profile(
        name="desktop", width=1350, height=940, scale=1.0, touch=False,
        slowdown=1.0, network=None, agent=_DESK,
    ),
}  # fmt: skip
"""The roll: a mid-range phone on slow 4G, the same phone on this machine's own network, a desk."""

assert set(PROFILES) == set(get_args(ProfileName))  # noqa: S101 - the type and the roll name the same devices
