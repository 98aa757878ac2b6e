"""InfluxDB sink: writes points through influxdb-client to ``/api/v2/write``, which 1.8, 2.x and 3.x all support.

Lines are encoded and compressed on another thread. Errors of the client, of aiohttp and of the server are translated to
the errors of a sink; the client itself does not retry, and does not wrap failed connections.
"""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import json
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from yarl import URL

from monitor.model.rollups import Tier
from monitor.sinks import base
from monitor.sinks.base import BatchTooLarge, RecordRejected, SinkSettings, SinkUnavailable, TemporaryError, WriteResult
from monitor.sinks.influxdb.line_protocol import LineProtocolEncoder
from probes.probe import Seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
    from influxdb_client.rest import ApiException

    from monitor.sinks.base import LabelLookup, SinkRecord

DAY_SECONDS = 86_400.0

STORED_STATUS = 204
"""The status of a write that was stored, in every version."""

EXPIRED_MESSAGE = "points beyond retention policy"
"""The server's message for points older than its retention; the other points of the batch are written."""


class TierRetention(BaseModel):
    """Retention of each tier in seconds; null is forever. Only ``influx init`` uses it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw: Seconds | None = Field(default=100 * DAY_SECONDS, description="Every probe result and every state change.")
    hourly: Seconds | None = Field(default=730 * DAY_SECONDS, description="Hourly rollups.")
    daily: Seconds | None = Field(default=None, description="Daily rollups.")


class InfluxDBSettings(SinkSettings):
    """An InfluxDB 1.8, 2.x or 3.x. On 1.x a bucket is a database, and the token is ``user:password``."""

    kind: ClassVar[str] = "influxdb"

    url: str = Field(description="URL of the server, such as https://influxdb.example.gov.vn:8086.")
    org: str = Field(default="", description="Organisation on 2.x; 1.x and 3.x ignore it.")
    bucket: str = Field(default="portal_monitor", min_length=1, description="Bucket of probe results.")
    bucket_hourly: str = Field(default="portal_monitor_hourly", min_length=1, description="Bucket of hourly rollups.")
    bucket_daily: str = Field(default="portal_monitor_daily", min_length=1, description="Bucket of daily rollups.")
    token: SecretStr | None = Field(default=None, description='Token, best as "${NAME}"; user:password on 1.x.')
    token_file: Path | None = Field(default=None, description="File with that token, read again for every write.")
    ca_file: Path | None = Field(
        default=None, description="PEM file of the authority that signed the server's certificate."
    )
    timeout: Seconds = Field(default=10.0, description="Timeout of one write, in seconds.")
    retention: TierRetention = TierRetention()

    @field_validator("url")
    @classmethod
    def _valid_url(cls, value: str) -> str:
        url = URL(value)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError(f"{value!r} is not a URL such as http://127.0.0.1:8086")
        if url.user or url.password or url.query_string or url.fragment:
            raise ValueError("the URL of an InfluxDB must not hold a user, password, query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_token(self) -> InfluxDBSettings:
        if self.token is not None and self.token_file is not None:
            raise ValueError("either 'token' or 'token_file', not both")
        return self

    def read_token(self) -> str:
        """Return the current token, empty without one. Raises :class:`SinkUnavailable` for an unusable token."""
        try:
            text = self.token.get_secret_value() if self.token else ""
            text = (self.token_file.read_text() if self.token_file else text).strip()
        except (OSError, UnicodeError) as error:
            raise SinkUnavailable(f"token file {self.token_file} cannot be read: {error}") from error
        if not (text.isascii() and text.isprintable()):
            raise SinkUnavailable("the token holds characters that are not allowed in a header")
        return text

    def open(self, name: str, label_lookup: LabelLookup) -> InfluxDBSink:
        """Open a sink that writes to the raw bucket."""
        return InfluxDBSink(name, self, self.bucket, label_lookup)

    def open_tiers(self, name: str, label_lookup: LabelLookup) -> dict[Tier, InfluxDBSink]:
        """Open a sink for the rollups of each tier, which has its own bucket."""
        buckets = {Tier.HOUR: self.bucket_hourly, Tier.DAY: self.bucket_daily}
        return {tier: InfluxDBSink(f"{name}-{tier}", self, bucket, label_lookup) for tier, bucket in buckets.items()}


class InfluxDBSink:
    """See :class:`monitor.sinks.base.Sink`."""

    def __init__(self, name: str, settings: InfluxDBSettings, bucket: str, label_lookup: LabelLookup) -> None:
        self.name = name
        self._bucket = bucket
        self._settings = settings
        self._label_lookup = label_lookup
        self._ssl_context: ssl.SSLContext | None = None
        self._client: InfluxDBClientAsync | None = None

    async def write(self, records: Sequence[SinkRecord]) -> WriteResult:
        """Write the batch; see :meth:`monitor.sinks.base.Sink.write` for the errors."""
        dropped = 0
        try:
            body, dropped, token = await asyncio.to_thread(self._encode_batch, records)
            await self._post(body, token)
        except TimeoutError as error:
            raise TemporaryError(f"no response within {self._settings.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TemporaryError(f"{type(error).__name__}: {error}"[: base.MAX_REASON_CHARS]) from error
        except RecordRejected as error:
            if EXPIRED_MESSAGE not in error.reason:
                raise
            return WriteResult(dropped_values=dropped, expired_records=_expired_count(error.reason, len(records)))
        return WriteResult(dropped_values=dropped)

    def _encode_batch(self, records: Sequence[SinkRecord]) -> tuple[bytes, int, str]:
        """Return the request body, the number of dropped values and the current token; runs on a worker thread."""
        _client_library()
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context(cafile=self._settings.ca_file)
        encoder = LineProtocolEncoder(self._label_lookup)
        body = gzip.compress(encoder.encode_all(records), compresslevel=1)
        return body, encoder.dropped_values, self._settings.read_token()

    async def _post(self, body: bytes, token: str) -> None:
        api = (self._client or self._connect()).api_client
        if token:
            api.set_default_header("Authorization", f"Token {token}")
        library = _client_library()
        try:
            _, status, _ = await library.WriteService(api).post_write_async(
                org=self._settings.org,
                bucket=self._bucket,
                body=body,
                precision="ms",
                content_encoding="gzip",
                content_type="text/plain; charset=utf-8",
                _return_http_data_only=False,
            )
        except library.rest.ApiException as error:
            raise translate_error(error) from error
        if status != STORED_STATUS:  # a captive portal responds with 200 to everything
            raise TemporaryError(f"unexpected status {status}: InfluxDB answers a stored write with {STORED_STATUS}")

    def _connect(self) -> InfluxDBClientAsync:
        url, org, timeout = self._settings.url, self._settings.org, int(self._settings.timeout * 1000)
        self._client = _client_library().client.influxdb_client_async.InfluxDBClientAsync(
            url=url, org=org, timeout=timeout, ssl_context=self._ssl_context, allow_redirects=False
        )
        return self._client

    async def close(self) -> None:
        """Close connections; a later write connects again."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _client_library() -> Any:  # noqa: ANN401 - a module without useful types
    """Load the client. That takes a quarter of a second, which only writers spend, and not on the event loop."""
    import influxdb_client.client.influxdb_client_async  # noqa: PLC0415 - see above
    import influxdb_client.rest  # noqa: PLC0415 - the same

    return influxdb_client


def translate_error(error: ApiException) -> Exception:
    """Translate an error response to an error of a sink."""
    status = error.status or 0
    reason = f"{error.status}: {error_message(error.body) or error.reason}"[: base.MAX_REASON_CHARS]
    if status == 413:  # noqa: PLR2004 - statuses are best known by their numbers
        return BatchTooLarge(reason)
    if status in {400, 422}:
        return RecordRejected(reason)
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - the same
        return TemporaryError(reason, parse_retry_after((error.headers or {}).get("Retry-After")))
    return SinkUnavailable(reason)


def error_message(body: bytes | str | None) -> str:
    """Return the message of an error body: 2.x has ``message``, 1.x and 3.x ``error``, proxies anything."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    if text.lstrip().startswith("<"):  # a proxy's error page adds nothing to its status
        return ""
    try:
        data = json.loads(text)
    except ValueError:
        return " ".join(text.split())
    if isinstance(data, dict):
        text = " ".join(str(data[key]) for key in ("message", "error", "data") if data.get(key)) or text
    return " ".join(text.split())


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header, a number or a date (RFC 9110, 10.2.3); None without one."""
    if value is None:
        return None
    with suppress(ValueError):
        return max(0.0, float(value))
    with suppress(ValueError):
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    return None


def _expired_count(reason: str, max_count: int) -> int:
    """Return how many points the server reports as expired."""
    count = reason.rpartition("dropped=")[2].split(" ")[0].strip('"}')
    return min(int(count), max_count) if count.isdigit() else max_count
