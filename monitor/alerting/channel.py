"""The way to one target: an Apprise address; its blocking calls run on a thread of their own, with a time limit."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from monitor.alerting.notification import Form
from monitor.model.incidents import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from apprise.plugins import NotifyBase

    from monitor.alerting.notification import Letter

HEADER = "X-Incident-Id"
"""Carries the ids of the incidents of a message, separated by commas, wherever a channel has headers."""

_WORDS = 300
_SECRET = 4
"""Parts of an address that are shorter keep nothing secret."""


class NotAccepted(Exception):
    """The target did not take the letter; the message says why, without its address."""


class Channel(Protocol):
    """Takes letters. A letter that was taken may come again, with the same ids, and is then a repetition."""

    @property
    def form(self) -> Form:
        """The format that it reads."""

    async def send(self, letter: Letter) -> None:
        """Return when the letter was accepted. Raises :class:`NotAccepted`."""


class AppriseChannel:
    """A target of Apprise. ``timeout`` in seconds; what lasts longer counts as not accepted, and may arrive anyway."""

    def __init__(self, url: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self.form = Form(self._plugin().resolve_format(None))

    def _plugin(self) -> NotifyBase:
        """A fresh one each time: it remembers when it was used last and would make a page wait for that."""
        import apprise  # noqa: PLC0415 - loaded by those who have targets

        # A redirected post becomes a get: its target would thank for a letter that it never saw.
        who = "portal-monitor"
        asset = apprise.AppriseAsset(app_id=who, app_desc=who, app_url="", http_redirects=False)
        plugin = apprise.Apprise.instantiate(self._url, asset=asset)
        if plugin is None:
            raise NotAccepted("Apprise can make nothing of the address")
        return plugin

    async def send(self, letter: Letter) -> None:
        """Hand it over and wait for the answer."""
        try:
            async with asyncio.timeout(self._timeout):
                words = await _in_thread(lambda: self._send(letter))
        except TimeoutError:
            raise NotAccepted(f"no answer within {self._timeout:g} s") from None
        if words:
            raise NotAccepted(words)

    def _send(self, letter: Letter) -> str:
        """Why it was not accepted; empty when it was. Runs on a thread."""
        import apprise  # noqa: PLC0415 - the same

        plugin = self._plugin()
        _sign(plugin, letter)
        sender = apprise.Apprise()
        sender.add(plugin)
        kind = apprise.NotifyType.FAILURE if letter.severity is Severity.PAGE else apprise.NotifyType.WARNING
        if letter.over:
            kind = apprise.NotifyType.SUCCESS
        result = sender.notify(body=letter.body, title=letter.title, notify_type=kind, body_format=letter.form.value)
        if result:
            return ""
        said = "; ".join(str(entry.message) for entry in result.logs())
        return _veiled(said, self._url)[:_WORDS] or "it was not accepted"


def _sign(plugin: NotifyBase, letter: Letter) -> None:
    """The incident ids, by which a receiver knows repetitions: in a header, and in a webhook's JSON by themselves."""
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers[HEADER] = ", ".join(letter.incidents)
        if hasattr(plugin, "smtp_host"):  # mail clients put a thread together by it
            headers["References"] = " ".join(f"<{one}@portal-monitor>" for one in letter.incidents)
    extras = getattr(plugin, "payload_extras", None)
    if isinstance(extras, dict):
        extras["incidents"] = ",".join(letter.incidents)


def _veiled(words: str, url: str) -> str:
    """Without anything that stands in the address."""
    parts = urlsplit(url)
    secrets = {parts.password, parts.username, *parts.path.split("/"), *parts.query.replace("&", "=").split("=")}
    for secret in sorted((one for one in secrets if one and len(one) >= _SECRET), key=len, reverse=True):
        words = words.replace(secret, "•••").replace(unquote(secret), "•••")
    return words


async def _in_thread(work: Callable[[], str]) -> str:
    """Run ``work`` on a thread of its own, which a stop of the program does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def settle(words: str) -> None:
        if not done.done():
            done.set_result(words)

    def run() -> None:
        try:
            words = work()
        except NotAccepted as error:
            words = str(error)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and what it says may hold secrets
            words = f"{type(error).__name__} in the channel"
        try:
            loop.call_soon_threadsafe(settle, words)
        except RuntimeError:
            return  # the loop is gone, and everybody who waited with it

    threading.Thread(target=run, name="notify", daemon=True).start()
    return await done
