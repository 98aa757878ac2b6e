"""The device profiles, as data: screen, processor, network; ``page_load`` applies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

DeviceProfileName = Literal["mobile", "mobile-real", "desktop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkThrottling:
    """Hold the limits of every request: latency in seconds, throughput in bytes per second."""

    latency_seconds: float
    download_bytes_per_second: float
    upload_bytes_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """Describe one device. ``cpu_slowdown`` divides the processor's speed.

    ``user_agent`` has a placeholder for Chromium's major version; the prober's own user agent is appended.
    """

    name: str
    width: int
    height: int
    device_scale_factor: float
    has_touch: bool
    cpu_slowdown: float
    network: NetworkThrottling | None
    user_agent: str


_PHONE_USER_AGENT = "Mozilla/5.0 (Linux; Android 11; moto g power (2022)) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Mobile Safari/537.36"  # noqa: E501 - one word
_DESKTOP_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
)

SLOW_4G = NetworkThrottling(
    latency_seconds=0.5625, download_bytes_per_second=1474.56 * 1024 / 8, upload_bytes_per_second=675.0 * 1024 / 8
)
"""150 ms round trip, 1.6 and 0.75 Mbit/s, as Lighthouse passes them to DevTools for each request:
latency times 3.75, throughput times 0.9 (github.com/GoogleChrome/lighthouse, core/config/constants.js)."""

DEVICE_PROFILES: Mapping[DeviceProfileName, DeviceProfile] = {
    "mobile": DeviceProfile(
        name="mobile", width=412, height=823, device_scale_factor=1.75, has_touch=True,
        cpu_slowdown=4.0, network=SLOW_4G, user_agent=_PHONE_USER_AGENT,
    ),
    "mobile-real": DeviceProfile(
        name="mobile-real", width=412, height=823, device_scale_factor=1.75, has_touch=True,
        cpu_slowdown=1.0, network=None, user_agent=_PHONE_USER_AGENT,
    ),
    "desktop": DeviceProfile(
        name="desktop", width=1350, height=940, device_scale_factor=1.0, has_touch=False,
        cpu_slowdown=1.0, network=None, user_agent=_DESKTOP_USER_AGENT,
    ),
}  # fmt: skip
"""The profiles: a mid-range phone on slow 4G, the same phone on this host's own network, a desktop computer."""

assert set(DEVICE_PROFILES) == set(get_args(DeviceProfileName))  # noqa: S101 - the type and the mapping name the same devices
