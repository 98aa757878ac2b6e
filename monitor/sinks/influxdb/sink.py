"""InfluxDB as a sink: writes points through influxdb-client to ``/api/v2/write``, which 1.8, 2.x and 3.x all speak.

Lines are built and packed on another thread. Failures of the client, of aiohttp and of the server become the sink's own
few; the client itself does not retry, and does not wrap a connection that could not be made.
"""

from __future__ import annotations

import asyncio
import email.utils
import gzip
import json
import ssl
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from yarl import URL

from monitor.model.rollups import Tier
from monitor.sinks.base import BatchTooLarge, RecordRejected, SinkSettings, SinkUnavailable, TemporaryError, WriteResult
from monitor.sinks.influxdb.line_protocol import LineProtocolEncoder
from probes.probe import Seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
    from influxdb_client.rest import ApiException

    from monitor.sinks.base import LabelLookup, SinkRecord

DAY_SECONDS = 86_400.0
MAX_REASON_CHARS = 500
"""So much of what a server says is kept."""

STORED_STATUS = 204
"""The status of a write that was stored, in every version."""

EXPIRED_MESSAGE = "points beyond retention policy"
"""The server's words for points that are older than it keeps; those beside them in the batch are written."""


class TierRetention(BaseModel):
    """How long each tier is kept, in seconds; null is for ever. Used by ``influx init`` alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw: Seconds | None = Field(default=100 * DAY_SECONDS, description="Every look and every state change.")
    hourly: Seconds | None = Field(default=730 * DAY_SECONDS, description="Sums of closed hours.")
    daily: Seconds | None = Field(default=None, description="Sums of closed days.")


class InfluxDBSettings(SinkSettings):
    """An InfluxDB 1.8, 2.x or 3.x. On 1.x a bucket is a database, and the token is ``user:password``."""

    kind: ClassVar[str] = "influxdb"

    url: str = Field(description="Address of the server, such as https://influxdb.example.gov.vn:8086.")
    org: str = Field(default="", description="Organisation on 2.x; 1.x and 3.x do not ask for it.")
    bucket: str = Field(default="portal_monitor", min_length=1, description="Where every look goes.")
    bucket_hourly: str = Field(default="portal_monitor_hourly", min_length=1, description="Where sums of hours go.")
    bucket_daily: str = Field(default="portal_monitor_daily", min_length=1, description="Where sums of days go.")
    token: SecretStr | None = Field(default=None, description='Token, best as "${NAME}"; user:password on 1.x.')
    token_file: Path | None = Field(default=None, description="File with that token, read again for every write.")
    ca_file: Path | None = Field(default=None, description="PEM file of the authority that the server's name needs.")
    timeout: Seconds = Field(default=10.0, description="Longest time for one write, in seconds.")
    keep: TierRetention = TierRetention()

    @field_validator("url")
    @classmethod
    def _valid_url(cls, value: str) -> str:
        url = URL(value)
        if url.scheme not in {"http", "https"} or not url.host:
            raise ValueError(f"{value!r} is not an address such as http://127.0.0.1:8086")
        if url.user or url.password or url.query_string or url.fragment:
            raise ValueError("the address of an InfluxDB holds no user, password, query or fragment")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _one_token(self) -> InfluxDBSettings:
        if self.token is not None and self.token_file is not None:
            raise ValueError("either 'token' or 'token_file', not both")
        return self

    def read_token(self) -> str:
        """The token as it is now, empty when there is none. Raises :class:`Refused` for one that cannot be sent."""
        try:
            text = self.token.get_secret_value() if self.token else ""
            text = (self.token_file.read_text() if self.token_file else text).strip()
        except (OSError, UnicodeError) as error:
            raise SinkUnavailable(f"token file {self.token_file} cannot be read: {error}") from error
        if not (text.isascii() and text.isprintable()):
            raise SinkUnavailable("the token holds characters that a header cannot hold")
        return text

    def open(self, name: str, label_lookup: LabelLookup) -> InfluxDBSink:
        """A sink that writes to the raw bucket."""
        return InfluxDBSink(name, self, self.bucket, label_lookup)

    def open_tiers(self, name: str, label_lookup: LabelLookup) -> dict[Tier, InfluxDBSink]:
        """A sink for the figures of each tier, into a bucket of its own."""
        buckets = {Tier.HOUR: self.bucket_hourly, Tier.DAY: self.bucket_daily}
        return {
            tier: InfluxDBSink(f"{name}-{tier.value}", self, bucket, label_lookup) for tier, bucket in buckets.items()
        }


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
        """Write the batch as it stands; see the promise for what this raises."""
        dropped = 0
        try:
            body, dropped, secret = await asyncio.to_thread(self._encode_batch, records)
            await self._post(body, secret)
        except TimeoutError as error:
            raise TemporaryError(f"no answer within {self._settings.timeout:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise TemporaryError(f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS]) from error
        except RecordRejected as error:
            if EXPIRED_MESSAGE not in error.reason:
                raise
            return WriteResult(dropped_values=dropped, expired_records=_expired_count(error.reason, len(records)))
        return WriteResult(dropped_values=dropped)

    def _encode_batch(self, records: Sequence[SinkRecord]) -> tuple[bytes, int, str]:
        """On a worker thread: the ready body, the number of values that it leaves out, and the token of the hour."""
        _client_library()
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context(cafile=self._settings.ca_file)
        lines = LineProtocolEncoder(self._label_lookup)
        body = gzip.compress(lines.encode_all(records), compresslevel=1)
        return body, lines.dropped_values, self._settings.read_token()

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
        if status != STORED_STATUS:  # a gate that wants a log-in first says 200 to everything
            raise TemporaryError(f"{status} is not what an InfluxDB says when it has stored something")

    def _connect(self) -> InfluxDBClientAsync:
        chosen = self._settings
        self._client = _client_library().client.influxdb_client_async.InfluxDBClientAsync(
            url=chosen.url,
            org=chosen.org,
            timeout=int(chosen.timeout * 1000),
            ssl_context=self._ssl_context,
            allow_redirects=False,
        )
        return self._client

    async def close(self) -> None:
        """Let connections go; a later write connects again."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _client_library() -> Any:  # noqa: ANN401 - a module whose types say nothing
    """The client. Loading it takes a quarter of a second, which only writers spend, and not on the event loop."""
    import influxdb_client.client.influxdb_client_async  # noqa: PLC0415 - see above
    import influxdb_client.rest  # noqa: PLC0415 - the same

    return influxdb_client


def translate_error(error: ApiException) -> Exception:
    """An answer that is not a success, as one of the sink's failures."""
    status, reason = (
        error.status or 0,
        f"{error.status}: {error_message(error.body) or error.reason}"[:MAX_REASON_CHARS],
    )
    if status == 413:  # noqa: PLR2004 - statuses are best known by their numbers
        return BatchTooLarge(reason)
    if status in {400, 422}:
        return RecordRejected(reason)
    if status in {408, 425, 429} or status >= 500:  # noqa: PLR2004 - the same
        return TemporaryError(reason, parse_retry_after((error.headers or {}).get("Retry-After")))
    return SinkUnavailable(reason)


def error_message(body: bytes | str | None) -> str:
    """What a server says in an error body: 2.x under ``message``, 1.x and 3.x under ``error``, proxies as they like."""
    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    if text.lstrip().startswith("<"):  # a proxy's page says no more than its status
        return ""
    try:
        told = json.loads(text)
    except ValueError:
        return " ".join(text.split())
    if isinstance(told, dict):
        text = " ".join(str(told[key]) for key in ("message", "error", "data") if told.get(key)) or text
    return " ".join(text.split())


def parse_retry_after(value: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks for, as a number or as a date (RFC 9110, 10.2.3); None without one."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _expired_count(reason: str, max_count: int) -> int:
    """How many points the server says that it did not keep."""
    count = reason.rpartition("dropped=")[2].split(" ")[0].strip('"}')
    return min(int(count), max_count) if count.isdigit() else max_count
