"""The way to one target: an Apprise address; its blocking calls run on a thread of their own, with a time limit."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from monitor.alerting.notification import TextFormat
from monitor.model.incidents import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from apprise.plugins import NotifyBase

    from monitor.alerting.notification import Notification

INCIDENT_ID_HEADER = "X-Incident-Id"
"""Carries the ids of the incidents of a message, separated by commas, wherever a channel has headers."""

_MAX_REASON_LENGTH = 300
_MIN_SECRET_LENGTH = 4
"""Parts of an address that are shorter keep nothing secret."""


class DeliveryError(Exception):
    """The target did not take the letter; the message says why, without its address."""


class Channel(Protocol):
    """Takes letters. A letter that was taken may come again, with the same ids, and is then a repetition."""

    @property
    def text_format(self) -> TextFormat:
        """The format that it reads."""

    async def send(self, notification: Notification) -> None:
        """Return when the letter was accepted. Raises :class:`NotAccepted`."""


class AppriseChannel:
    """A target of Apprise. ``timeout`` in seconds; what lasts longer counts as not accepted, and may arrive anyway."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self.text_format = TextFormat(self._create_plugin().resolve_format(None))

    def _create_plugin(self) -> NotifyBase:
        """A fresh one each time: it remembers when it was used last and would make a page wait for that."""
        import apprise  # noqa: PLC0415 - loaded by those who have targets

        # A redirected post becomes a get: its target would thank for a letter that it never saw.
        who = "portal-monitor"
        asset = apprise.AppriseAsset(app_id=who, app_desc=who, app_url="", http_redirects=False)
        plugin = apprise.Apprise.instantiate(self._url, asset=asset)
        if plugin is None:
            raise DeliveryError("Apprise can make nothing of the address")
        return plugin

    async def send(self, notification: Notification) -> None:
        """Hand it over and wait for the answer."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                words = await _run_in_thread(lambda: self._send(notification))
        except TimeoutError:
            raise DeliveryError(f"no answer within {self._timeout_seconds:g} s") from None
        if words:
            raise DeliveryError(words)

    def _send(self, notification: Notification) -> str:
        """Why it was not accepted; empty when it was. Runs on a thread."""
        import apprise  # noqa: PLC0415 - the same

        plugin = self._create_plugin()
        _add_incident_ids(plugin, notification)
        sender = apprise.Apprise()
        sender.add(plugin)
        kind = apprise.NotifyType.FAILURE if notification.severity is Severity.PAGE else apprise.NotifyType.WARNING
        if notification.resolved:
            kind = apprise.NotifyType.SUCCESS
        result = sender.notify(
            body=notification.body,
            title=notification.title,
            notify_type=kind,
            body_format=notification.text_format.value,
        )
        if result:
            return ""
        said = "; ".join(str(entry.message) for entry in result.logs())
        return _redact(said, self._url)[:_MAX_REASON_LENGTH] or "it was not accepted"


def _add_incident_ids(plugin: NotifyBase, notification: Notification) -> None:
    """The incident ids, by which a receiver knows repetitions: in a header, and in a webhook's JSON by themselves."""
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers[INCIDENT_ID_HEADER] = ", ".join(notification.incidents)
        if hasattr(plugin, "smtp_host"):  # mail clients put a thread together by it
            headers["References"] = " ".join(f"<{one}@portal-monitor>" for one in notification.incidents)
    extras = getattr(plugin, "payload_extras", None)
    if isinstance(extras, dict):
        extras["incidents"] = ",".join(notification.incidents)


def _redact(text: str, url: str) -> str:
    """Without anything that stands in the address."""
    parts = urlsplit(url)
    secrets = {parts.password, parts.username, *parts.path.split("/"), *parts.query.replace("&", "=").split("=")}
    for secret in sorted((one for one in secrets if one and len(one) >= _MIN_SECRET_LENGTH), key=len, reverse=True):
        text = text.replace(secret, "•••").replace(unquote(secret), "•••")
    return text


async def _run_in_thread(work: Callable[[], str]) -> str:
    """Run ``work`` on a thread of its own, which a stop of the program does not wait for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def complete(reason: str) -> None:
        if not done.done():
            done.set_result(reason)

    def run() -> None:
        try:
            words = work()
        except DeliveryError as error:
            words = str(error)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and what it says may hold secrets
            words = f"{type(error).__name__} in the channel"
        try:
            loop.call_soon_threadsafe(complete, words)
        except RuntimeError:
            return  # the loop is gone, and everybody who waited with it

    threading.Thread(target=run, name="notify", daemon=True).start()
    return await done
