"""The channel to one target: an Apprise URL; its blocking calls run on a separate thread with a time limit."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from monitor.alerting.notification import Notification, TextFormat
from monitor.model.incidents import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from apprise.plugins import NotifyBase


INCIDENT_ID_HEADER = "X-Incident-Id"
"""Header with the incident ids of a notification, separated by commas, in channels that have headers."""

_MAX_REASON_LENGTH = 300
_MIN_SECRET_LENGTH = 4  # shorter parts of a URL are not treated as secrets


class DeliveryError(Exception):
    """The target did not accept the notification; the message holds the reason without the URL."""


class Channel(Protocol):
    """Delivers notifications, at least once: a repetition has the same incident ids."""

    @property
    def text_format(self) -> TextFormat:
        """Return the format that the target reads."""

    async def send(self, notification: Notification) -> None:
        """Return when the notification was accepted. Raises :class:`DeliveryError`."""


class AppriseChannel:
    """A target of Apprise. A notification that takes longer than the timeout counts as failed but may still arrive."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self.text_format = TextFormat(self._create_plugin().resolve_format(None))

    def _create_plugin(self) -> NotifyBase:
        """Return a new plugin: a reused one throttles by its last use, which would delay a page."""
        import apprise  # noqa: PLC0415 - loaded only when targets are configured

        # A redirected POST becomes a GET: the target would accept a notification that it never received.
        app = "portal-monitor"
        asset = apprise.AppriseAsset(app_id=app, app_desc=app, app_url="", http_redirects=False)
        plugin = apprise.Apprise.instantiate(self._url, asset=asset)
        if plugin is None:
            raise DeliveryError("invalid Apprise URL")
        return plugin

    async def send(self, notification: Notification) -> None:
        """Send it and wait for the response."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                failure = await _run_in_thread(lambda: self._send(notification))
        except TimeoutError:
            raise DeliveryError(f"no response within {self._timeout_seconds:g} s") from None
        if failure:
            raise DeliveryError(failure)

    def _send(self, notification: Notification) -> str:
        """Return the reason of a failure, empty on success. Runs on a thread."""
        import apprise  # noqa: PLC0415 - as above

        plugin = self._create_plugin()
        _add_incident_ids(plugin, notification)
        sender = apprise.Apprise()
        sender.add(plugin)
        kind = apprise.NotifyType.FAILURE if notification.severity is Severity.PAGE else apprise.NotifyType.WARNING
        if notification.resolved:
            kind = apprise.NotifyType.SUCCESS
        body, body_format = notification.body, notification.text_format.value
        result = sender.notify(body=body, title=notification.title, notify_type=kind, body_format=body_format)
        if result:
            return ""
        reason = "; ".join(str(entry.message) for entry in result.logs())
        return _redact(reason, self._url)[:_MAX_REASON_LENGTH] or "not accepted"


def _add_incident_ids(plugin: NotifyBase, notification: Notification) -> None:
    """Add the incident ids, by which a receiver detects repetitions, to the headers and to a webhook's JSON."""
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers[INCIDENT_ID_HEADER] = ", ".join(notification.incidents)
        if hasattr(plugin, "smtp_host"):  # mail clients group a thread by it
            headers["References"] = " ".join(f"<{incident}@portal-monitor>" for incident in notification.incidents)
    extras = getattr(plugin, "payload_extras", None)
    if isinstance(extras, dict):
        extras["incidents"] = ",".join(notification.incidents)


def _redact(text: str, url: str) -> str:
    """Remove every part of the URL that may be secret."""
    parts = urlsplit(url)
    secrets = {parts.password, parts.username, *parts.path.split("/"), *parts.query.replace("&", "=").split("=")}
    for secret in sorted((one for one in secrets if one and len(one) >= _MIN_SECRET_LENGTH), key=len, reverse=True):
        text = text.replace(secret, "•••").replace(unquote(secret), "•••")
    return text


async def _run_in_thread(work: Callable[[], str]) -> str:
    """Run ``work`` on a new daemon thread, for which a stop of the program does not wait."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def complete(reason: str) -> None:
        if not done.done():
            done.set_result(reason)

    def run() -> None:
        try:
            failure = work()
        except DeliveryError as error:
            failure = str(error)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and its message may hold secrets
            failure = f"{type(error).__name__} in the channel"
        try:
            loop.call_soon_threadsafe(complete, failure)
        except RuntimeError:
            return  # the loop is closed, so no task waits

    threading.Thread(target=run, name="notify", daemon=True).start()
    return await done
