"""Find the Chromium executable and its command line; ``pool`` and ``worker`` start and stop it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

EXECUTABLE_VARIABLE = "PORTAL_MONITOR_CHROMIUM"
"""Environment variable with the path of the browser."""

INSTALLED_EXECUTABLES = ("/usr/bin/chromium", "google-chrome", "google-chrome-stable", "chromium-browser")

NO_PLAYWRIGHT = "Playwright for Python is missing; pip install 'portal-monitor[render]' brings it"
NO_CHROMIUM = (
    "no Chromium was found; install one (apt-get install chromium), "
    f"or name it in 'browser: executable' or in {EXECUTABLE_VARIABLE}"
)

_MAX_HEAP_MB = 1024
_SWITCHES = (
    "--disable-gpu",
    "--disable-quic",  # the official criteria assume TCP; and a first visit has no QUIC either
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--no-first-run",
    "--no-pings",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--mute-audio",
    "--hide-scrollbars",
    "--password-store=basic",
    f"--js-flags=--max-old-space-size={_MAX_HEAP_MB}",
)


class BrowserNotFound(Exception):
    """Report that no browser is available; the message names what is missing and how to install it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchOptions:
    """Hold the options of a browser's start: hosts never to request, and hashes of trusted public keys."""

    blocked_hosts: tuple[str, ...] = ()
    trusted_key_hashes: tuple[str, ...] = ()


def find_executable(configured: Path | None = None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the executable: as configured, else from the environment, else Playwright's own, else an installed one.

    Raises :class:`BrowserNotFound`; a configured browser that does not exist is never replaced by another one.
    """
    if importlib.util.find_spec("playwright") is None:
        raise BrowserNotFound(NO_PLAYWRIGHT)
    choices = {"browser: executable": configured, EXECUTABLE_VARIABLE: environment.get(EXECUTABLE_VARIABLE)}
    for where, named in choices.items():
        if named:
            if (found := shutil.which(named)) is None:
                raise BrowserNotFound(f"{named}, named in {where}, is not an executable file")
            return Path(found)
    for candidate in (*map(str, _playwright_executables(environment)), *INSTALLED_EXECUTABLES):
        if (found := shutil.which(candidate)) is not None:
            return Path(found)
    raise BrowserNotFound(NO_CHROMIUM)


def _playwright_executables(environment: Mapping[str, str]) -> Iterable[Path]:
    """Yield the browsers that ``playwright install chromium`` installed, the newest first."""
    home = Path(environment.get("HOME", "/nonexistent"))
    cache = Path(environment.get("PLAYWRIGHT_BROWSERS_PATH") or home / ".cache" / "ms-playwright")
    found = [(int(match[1]), path) for path in cache.glob("chromium-*") if (match := re.search(r"-(\d+)$", path.name))]
    for _, path in sorted(found, reverse=True):
        yield from sorted(path.glob("chrome-linux*/chrome"))


def uses_sandbox() -> bool:
    """Return whether Chromium's sandbox is used: always, except for root, where Chromium refuses it."""
    return os.geteuid() != 0


def command_line_switches(options: LaunchOptions) -> list[str]:
    """Return the command-line arguments. Blocked hosts do not resolve in this browser, for page, frame and worker."""
    rules = ", ".join(f"MAP {host} ^NOTFOUND" for name in options.blocked_hosts for host in (name, f"*.{name}"))
    switches = [*_SWITCHES]
    if rules:
        switches.append(f"--host-resolver-rules={rules}")
    if options.trusted_key_hashes:
        switches.append(f"--ignore-certificate-errors-spki-list={','.join(options.trusted_key_hashes)}")
    return switches if uses_sandbox() else [*switches, "--no-sandbox"]
