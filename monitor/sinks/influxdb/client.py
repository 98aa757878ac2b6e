"""Synchronous InfluxDB client for commands: every failure is one sentence that an operator can act on."""

from __future__ import annotations

import base64
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.sinks.base import SinkUnavailable
from monitor.sinks.influxdb import responses
from monitor.sinks.influxdb.queries import quote_identifier
from monitor.sinks.influxdb.responses import AdminError, query_parameters
from monitor.sinks.influxdb.sink import error_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from influxdb_client import InfluxDBClient

    from monitor.sinks.influxdb.sink import InfluxDBSettings

__all__ = ["TEST_MEASUREMENT", "AdminError", "InfluxDBConnection"]

TEST_MEASUREMENT = "portal_monitor_check"
"""The InfluxDB measurement of the point that ``influx check`` writes."""

STREAM_TIMEOUT_SECONDS = 120.0
"""Seconds to wait for the next part of a long response, or the configured timeout if that is longer."""

_HOUR_SECONDS = 3600
_NOT_FOUND = 404


class InfluxDBConnection:
    """Synchronous connection to one InfluxDB; every failure is an :class:`AdminError`."""

    def __init__(self, settings: InfluxDBSettings, client: InfluxDBClient, token: str) -> None:
        self._settings = settings
        self._client = client
        self._token = token

    @classmethod
    @contextmanager
    def connect(cls, settings: InfluxDBSettings) -> Iterator[InfluxDBConnection]:
        """Connect for the duration of a block."""
        from influxdb_client import InfluxDBClient  # noqa: PLC0415 - a quarter of a second that other commands save

        try:
            token = settings.read_token()
        except SinkUnavailable as error:
            raise AdminError(error.reason) from error
        ca_file = str(settings.ca_file) if settings.ca_file else None
        timeout = int(settings.timeout * 1000)
        with InfluxDBClient(settings.url, token or None, org=settings.org, timeout=timeout, ssl_ca_cert=ca_file) as one:
            yield cls(settings, one, token)

    def version(self) -> str:
        """Return the version of ``/ping``; ``unknown`` without one."""
        with _translate_errors(self._settings):
            return str(self._client.version())

    def write(self, line: str) -> None:
        """Write a line to the raw bucket, as the daemon does."""
        from influxdb_client import WriteService  # noqa: PLC0415 - the same

        with _translate_errors(self._settings):
            WriteService(self._client.api_client).post_write(
                org=self._settings.org,
                bucket=self._settings.bucket,
                body=line.encode(),
                precision="ms",
                content_type="text/plain; charset=utf-8",
            )

    def query(self, statement: str, database: str = "") -> list[list[Any]]:
        """Return the rows of an InfluxQL query."""
        # 1.x changes data only by POST, 3.x guarantees reading by GET.
        method = "GET" if statement.startswith(("SELECT ", "SHOW ")) else "POST"
        with self._query_call() as call:
            response = call(method, query_parameters(statement, database), response_type="object")
        return responses.parse_rows(response)

    def stream(self, statement: str, database: str, chunk_size: int) -> Iterator[tuple[list[str], list[list[Any]]]]:
        """Yield (columns, rows) of an InfluxQL query, *chunk_size* rows at a time as the server sends them.

        A truncated response is an error: it would be taken for a shorter result.
        """
        parameters = [*query_parameters(statement, database), ("chunked", "true"), ("chunk_size", str(chunk_size))]
        wait = (int(self._settings.timeout * 1000), int(max(self._settings.timeout, STREAM_TIMEOUT_SECONDS) * 1000))
        with self._query_call() as call:
            response = call("GET", parameters, _preload_content=False, _request_timeout=wait)
            try:
                lines = responses.split_lines(response.stream(responses.READ_CHUNK_BYTES))
                yield from responses.parse_chunked(lines)
            finally:
                response.close()

    @contextmanager
    def _query_call(self) -> Iterator[Callable[..., Any]]:
        """Provide a function that calls ``/query``; translate its failures inside the block."""
        api = self._client.api_client

        def call(method: str, parameters: list[tuple[str, str]], **options: object) -> Any:  # noqa: ANN401 - as the client returns it
            if ":" in self._token:  # user and password of 1.x: its /query accepts them as Basic before 1.8 too
                api.set_default_header("Authorization", "Basic " + base64.b64encode(self._token.encode()).decode())
            try:
                return api.call_api(
                    "/query", method, query_params=parameters, auth_settings=[], _return_http_data_only=True, **options
                )
            finally:
                if self._token:
                    api.set_default_header("Authorization", f"Token {self._token}")

        with _translate_errors(self._settings):
            yield call

    def read_back(self, value: int, at_ms: int) -> None:
        """Read the point back; a server may need a moment until it is visible."""
        statement = f'SELECT "value" FROM "{TEST_MEASUREMENT}" WHERE time = {at_ms}ms'  # noqa: S608 - our own words
        for _ in range(10):
            if any(row[1] == value for row in self.query(statement, self._settings.bucket)):
                return
            time.sleep(0.2)
        raise AdminError(
            f"the point was written to {self._settings.bucket} but InfluxQL does not find it there; on InfluxDB 2.x "
            f"before 2.4 the bucket needs a mapping: influx v1 dbrp create --db {self._settings.bucket} --rp autogen "
            "--default --bucket-id ..."
        )

    def delete_test_point(self, version: str, at_ms: int) -> str:
        """Delete the point where the server can; return the result as a sentence."""
        generation = version.removeprefix("v").partition(".")[0]
        try:
            if generation == "1":
                self.query(f'DROP MEASUREMENT "{TEST_MEASUREMENT}"', self._settings.bucket)
            elif generation == "2":
                self._delete_around(at_ms)
            else:
                return f"the point stays in the measurement {TEST_MEASUREMENT}: this server cannot delete it"
        except AdminError as error:
            return f"the point stays in the measurement {TEST_MEASUREMENT}, since deleting it was not allowed ({error})"
        return "the point was deleted"

    def _delete_around(self, at_ms: int) -> None:
        settings, predicate = self._settings, f'_measurement="{TEST_MEASUREMENT}"'
        times = (time.gmtime(at_ms / 1000 + offset) for offset in (-_HOUR_SECONDS, _HOUR_SECONDS))
        start, stop = (time.strftime("%Y-%m-%dT%H:%M:%SZ", one) for one in times)
        with _translate_errors(settings):
            self._client.delete_api().delete(start, stop, predicate, bucket=settings.bucket, org=settings.org)

    def create_database(self, name: str, retention_seconds: float | None) -> str:
        """Create a database of 1.x whose default retention policy keeps points for *retention_seconds*."""
        span = f"{int(retention_seconds)}s" if retention_seconds else "INF"
        if [name] not in self.query("SHOW DATABASES"):
            self.query(f"CREATE DATABASE {quote_identifier(name)} WITH DURATION {span} NAME {quote_identifier('kept')}")
            return f"database {name} created, retention {_format_retention(retention_seconds)}"
        for row in self.query(f"SHOW RETENTION POLICIES ON {quote_identifier(name)}"):
            if row[-1] is True:
                return _describe_existing("database", name, _parse_duration(row[1]), retention_seconds)
        return f"database {name} exists without a default retention policy: create one"

    def create_bucket(self, name: str, retention_seconds: float | None) -> str:
        """Create a bucket of 2.x that keeps points for *retention_seconds*."""
        from influxdb_client import BucketRetentionRules  # noqa: PLC0415 - as above
        from influxdb_client.rest import ApiException  # noqa: PLC0415 - as above

        api = self._client.buckets_api()
        with _translate_errors(self._settings):
            try:
                found = next(iter(api.find_buckets(name=name, org=self._settings.org).buckets or ()), None)
            except ApiException as error:
                if error.status != _NOT_FOUND:  # some versions respond 404 for an unknown name
                    raise
                found = None
            if found is None:
                seconds = int(retention_seconds or 0)
                rules = [BucketRetentionRules(type="expire", every_seconds=seconds)] if retention_seconds else []
                api.create_bucket(bucket_name=name, retention_rules=rules, org=self._settings.org)
                return f"bucket {name} created, retention {_format_retention(retention_seconds)}"
            actual = sum(rule.every_seconds or 0 for rule in found.retention_rules or ())
        return _describe_existing("bucket", name, float(actual) or None, retention_seconds)


@contextmanager
def _translate_errors(settings: InfluxDBSettings) -> Iterator[None]:
    """Translate all errors of the client into :class:`AdminError`."""
    from influxdb_client.client.exceptions import InfluxDBError  # noqa: PLC0415 - as above
    from influxdb_client.rest import ApiException  # noqa: PLC0415 - as above
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above

    try:
        yield
    except ApiException as error:
        message = error_message(error.body) or error_message(str(error.reason))
        raise AdminError(_describe_error(settings, error.status or 0, message)) from error
    except InfluxDBError as error:
        raise AdminError(str(error)) from error
    except HTTPError as error:
        raise AdminError(f"{settings.url} cannot be reached: {error}") from error
    except UnicodeDecodeError as error:
        raise AdminError(f"{settings.url} sent a response that is not UTF-8 text") from error


def _describe_error(settings: InfluxDBSettings, status: int, server_message: str) -> str:
    """Describe an error response for the operator."""
    if status == 0:
        advice = "set 'ca_file' for a private certificate authority"
        return f"{settings.url} cannot be reached over TLS, {advice}: {server_message}"
    meanings = {
        401: f"the token is wrong or missing for {settings.url}",
        403: f"the token has no permission for this on {settings.bucket}",
        404: f"there is no bucket or database {settings.bucket} on {settings.url}, or it is not a supported "
        "InfluxDB (1.8, 2.x, 3.x)",
    }
    return f"{meanings.get(status, f'{settings.url} responded with status {status}')}: {server_message}"


def _parse_duration(text: str) -> float | None:
    """Return the seconds of a duration such as 2400h0m0s; None for 0s, which means forever."""
    parts = re.findall(r"(\d+)(\D)", text)
    return sum(int(number) * {"h": 3600.0, "m": 60.0, "s": 1.0}[unit] for number, unit in parts) or None


def _format_retention(retention_seconds: float | None) -> str:
    return f"{retention_seconds / 86_400:g} days" if retention_seconds else "unlimited"


def _describe_existing(resource: str, name: str, actual_seconds: float | None, configured_seconds: float | None) -> str:
    if actual_seconds == configured_seconds:
        return f"{resource} {name} exists, retention {_format_retention(actual_seconds)}"
    return (
        f"{resource} {name} exists, retention {_format_retention(actual_seconds)}, "
        f"not {_format_retention(configured_seconds)} as configured; "
        "it was not changed, since a shorter retention deletes data"
    )
