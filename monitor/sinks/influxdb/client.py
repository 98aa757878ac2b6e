"""One InfluxDB asked synchronously, for commands: every failure is one sentence that an operator can act on."""

from __future__ import annotations

import base64
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from monitor.sinks.base import SinkUnavailable
from monitor.sinks.influxdb.responses import (
    READ_CHUNK_BYTES,
    AdminError,
    parse_chunked,
    parse_rows,
    query_parameters,
    split_lines,
)
from monitor.sinks.influxdb.sink import error_message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from influxdb_client import InfluxDBClient

    from monitor.sinks.influxdb.sink import InfluxDBSettings

__all__ = ["TEST_MEASUREMENT", "AdminError", "InfluxDBConnection"]

TEST_MEASUREMENT = "portal_monitor_check"
"""The measurement of the point that a check writes."""

STREAM_TIMEOUT_SECONDS = 120.0
"""Seconds to wait for the next piece of a long answer, or the configured timeout if that is longer."""

_HOUR_SECONDS = 3600
_NOT_FOUND = 404


class InfluxDBConnection:
    """One InfluxDB, asked synchronously; every failure is an :class:`AdminError` in plain words."""

    def __init__(self, settings: InfluxDBSettings, client: InfluxDBClient, token: str) -> None:
        self._settings = settings
        self._client = client
        self._token = token

    @classmethod
    @contextmanager
    def connect(cls, settings: InfluxDBSettings) -> Iterator[InfluxDBConnection]:
        """Connect for the length of a block."""
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
        """What ``/ping`` says; ``unknown`` when it does not say."""
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
        """The rows of an InfluxQL query."""
        with self._query_call() as call:
            answer = call(_http_method(statement), query_parameters(statement, database), response_type="object")
        return parse_rows(answer)

    def stream(self, statement: str, database: str, chunk_size: int) -> Iterator[tuple[list[str], list[list[Any]]]]:
        """(columns, rows) of an InfluxQL query, ``chunk`` rows at a time as the server sends them.

        An answer that ends early is an error: it would look like a shorter one.
        """
        asked = [*query_parameters(statement, database), ("chunked", "true"), ("chunk_size", str(chunk_size))]
        wait = (int(self._settings.timeout * 1000), int(max(self._settings.timeout, STREAM_TIMEOUT_SECONDS) * 1000))
        with self._query_call() as call:
            answer = call("GET", asked, _preload_content=False, _request_timeout=wait)
            try:
                yield from parse_chunked(split_lines(answer.stream(READ_CHUNK_BYTES)))
            finally:
                answer.close()

    @contextmanager
    def _query_call(self) -> Iterator[Callable[..., Any]]:
        """How to call ``/query``; its failures inside of the block come in plain words."""
        api = self._client.api_client

        def call(method: str, query_params: list[tuple[str, str]], **options: object) -> Any:  # noqa: ANN401 - whatever the client gives
            if ":" in self._token:  # user and password of 1.x, which its /query takes as such before 1.8 as well
                api.set_default_header("Authorization", "Basic " + base64.b64encode(self._token.encode()).decode())
            try:
                return api.call_api(
                    "/query",
                    method,
                    query_params=query_params,
                    auth_settings=[],
                    _return_http_data_only=True,
                    **options,
                )
            finally:
                if self._token:
                    api.set_default_header("Authorization", f"Token {self._token}")

        with _translate_errors(self._settings):
            yield call

    def read_back(self, value: int, at_ms: int) -> None:
        """Find the point again; a server may take a moment to show it."""
        for _ in range(10):
            found = self.query(
                f'SELECT "value" FROM "{TEST_MEASUREMENT}" WHERE time = {at_ms}ms', self._settings.bucket
            )
            if any(row[1] == value for row in found):
                return
            time.sleep(0.2)
        raise AdminError(
            f"the point was written to {self._settings.bucket} and InfluxQL does not find it there; on InfluxDB 2.x "
            f"before 2.4 the bucket needs a mapping: influx v1 dbrp create --db {self._settings.bucket} --rp autogen "
            "--default --bucket-id ..."
        )

    def delete_test_point(self, version: str, at_ms: int) -> str:
        """Remove the point where that can be done; says what became of it."""
        generation = version.removeprefix("v").partition(".")[0]
        try:
            if generation == "1":
                self.query(f'DROP MEASUREMENT "{TEST_MEASUREMENT}"', self._settings.bucket)
            elif generation == "2":
                self._delete_around(at_ms)
            else:
                return f"the point stays in the measurement {TEST_MEASUREMENT}: this server has no way to remove it"
        except AdminError as error:
            return f"the point stays in the measurement {TEST_MEASUREMENT}, since removing it was not allowed ({error})"
        return "the point was removed"

    def _delete_around(self, at_ms: int) -> None:
        stop, start = (
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1000 + more))
            for more in (_HOUR_SECONDS, -_HOUR_SECONDS)
        )
        with _translate_errors(self._settings):
            self._client.delete_api().delete(
                start, stop, f'_measurement="{TEST_MEASUREMENT}"', bucket=self._settings.bucket, org=self._settings.org
            )

    def create_database(self, name: str, retention_seconds: float | None) -> str:
        """A database of 1.x whose default retention policy keeps points for ``keep`` seconds."""
        wanted = f"{int(retention_seconds)}s" if retention_seconds else "INF"
        if [name] not in self.query("SHOW DATABASES"):
            self.query(
                f"CREATE DATABASE {_quote_identifier(name)} WITH DURATION {wanted} NAME {_quote_identifier('kept')}"
            )
            return f"database {name} was made and keeps points for {_format_retention(retention_seconds)}"
        for row in self.query(f"SHOW RETENTION POLICIES ON {_quote_identifier(name)}"):
            if row[-1] is True:
                return _describe_existing("database", name, _parse_duration(row[1]), retention_seconds)
        return f"database {name} exists and has no default retention policy: make one"

    def create_bucket(self, name: str, retention_seconds: float | None) -> str:
        """A bucket of 2.x that keeps points for ``keep`` seconds."""
        from influxdb_client import BucketRetentionRules  # noqa: PLC0415 - as above
        from influxdb_client.rest import ApiException  # noqa: PLC0415 - as above

        api = self._client.buckets_api()
        with _translate_errors(self._settings):
            try:
                found = next(iter(api.find_buckets(name=name, org=self._settings.org).buckets or ()), None)
            except ApiException as error:
                if error.status != _NOT_FOUND:  # some versions answer so for a name that is not there
                    raise
                found = None
            if found is None:
                rules = (
                    [BucketRetentionRules(type="expire", every_seconds=int(retention_seconds))]
                    if retention_seconds
                    else []
                )
                api.create_bucket(bucket_name=name, retention_rules=rules, org=self._settings.org)
                return f"bucket {name} was made and keeps points for {_format_retention(retention_seconds)}"
            kept = sum(rule.every_seconds or 0 for rule in found.retention_rules or ())
        return _describe_existing("bucket", name, float(kept) or None, retention_seconds)


@contextmanager
def _translate_errors(settings: InfluxDBSettings) -> Iterator[None]:
    """Turn whatever the client raises into one sentence."""
    from influxdb_client.client.exceptions import InfluxDBError  # noqa: PLC0415 - as above
    from influxdb_client.rest import ApiException  # noqa: PLC0415 - as above
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - as above

    try:
        yield
    except ApiException as error:
        raise AdminError(
            _describe_error(settings, error.status or 0, error_message(error.body) or error_message(str(error.reason)))
        ) from error
    except InfluxDBError as error:
        raise AdminError(str(error)) from error
    except HTTPError as error:
        raise AdminError(f"{settings.url} cannot be reached: {error}") from error
    except UnicodeDecodeError as error:
        raise AdminError(f"{settings.url} answered with something that is no UTF-8 text") from error


def _describe_error(settings: InfluxDBSettings, status: int, server_message: str) -> str:
    """What an answer that is no success means for the operator."""
    if status == 0:
        return (
            f"{settings.url} cannot be reached over TLS, set 'ca_file' if its authority is your own: {server_message}"
        )
    meanings = {
        401: f"the token is wrong or missing for {settings.url}",
        403: f"the token may not do this on {settings.bucket}",
        404: f"there is no bucket or database {settings.bucket} on {settings.url}, or it is no InfluxDB that we know "
        "(1.8, 2.x, 3.x)",
    }
    return f"{meanings.get(status, f'{settings.url} answered with status {status}')}: {server_message}"


def _http_method(statement: str) -> str:
    """1.x changes something by POST alone, 3.x promises to read by GET."""
    return "GET" if statement.startswith(("SELECT ", "SHOW ")) else "POST"


def _quote_identifier(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parse_duration(text: str) -> float | None:
    """Seconds of a duration such as 2400h0m0s; None for 0s, which is for ever."""
    total, number = 0.0, ""
    for sign in text:
        if sign.isdigit():
            number += sign
        else:
            total += int(number) * {"h": 3600, "m": 60, "s": 1}[sign]
            number = ""
    return total or None


def _format_retention(retention_seconds: float | None) -> str:
    return f"{retention_seconds / 86_400:g} days" if retention_seconds else "ever"


def _describe_existing(resource: str, name: str, actual_seconds: float | None, configured_seconds: float | None) -> str:
    if actual_seconds == configured_seconds:
        return f"{resource} {name} exists and keeps points for {_format_retention(actual_seconds)}"
    return (
        f"{resource} {name} exists and keeps points for {_format_retention(actual_seconds)}, not for {_format_retention(configured_seconds)} as configured; "
        "it was left alone, since a shorter time throws data away"
    )
