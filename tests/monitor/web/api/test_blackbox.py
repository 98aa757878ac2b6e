"""``/probe``: requests for blackbox_exporter are served from the status cache, and no probe is run for them."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client.parser import text_string_to_metric_families

from tests import factories
from tests.monitor.web.conftest import text
from tests.monitor.web.scene import Stage

Client = TestClient[Any, Any]


def series(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(page)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


async def test_the_answer_has_blackbox_names_and_no_labels_of_ours(client: Client, stage: Stage):
    found = series(await text(client, "/probe?target=da-nang&module=http_2xx"))
    assert found["probe_success", frozenset()] == 1
    assert found["probe_http_status_code", frozenset()] == 200
    assert (
        found["probe_http_duration_seconds", frozenset({("phase", "tls")})]
        == stage.cache.latest["da-nang/uptime"].values["tls_seconds"]
    )
    assert not {"portal", "check", "instance", "location", "kind"} & {key for _, pairs in found for key, _ in pairs}


async def test_it_has_the_values_of_the_metrics_page(client: Client, stage: Stage):
    alone = series(await text(client, "/probe?target=bo-y-te"))
    everyone = series(await text(client, "/metrics"))
    own = {("portal", "bo-y-te"), ("check", "uptime")}
    same = {
        (
            name,
            frozenset((key, value) for key, value in pairs if key in {"phase", "family", "reason", "version"}),
        ): value
        for (name, pairs), value in everyone.items()
        if own <= pairs and "info" not in name
    }
    assert {key: value for key, value in alone.items() if "info" not in key[0]} == same


@pytest.mark.parametrize("form", ["{id}", "{url}", "https://{host}", "https://{host}/", "http://{host}/", "{host}"])
async def test_a_target_is_a_portal_an_address_or_a_host(client: Client, stage: Stage, form: str):
    url = stage.cache.checks["da-nang/uptime"].probe.url
    host = url.removeprefix("https://").rstrip("/")
    assert "probe_success 1" in await text(client, f"/probe?target={form.format(id='da-nang', url=url, host=host)}")


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("", 400),
        ("?target=da-nang&module=tcp_connect", 400),
        ("?target=https://unknown.example.vn/", 404),
        ("?target=https://169.254.169.254/latest/meta-data", 404),
        ("?target=http://[", 404),
        ("?target=da-nang-2", 404),
    ],
)
async def test_unknown_targets_and_bad_parameters_are_refused(client: Client, question: str, status: int):
    await text(client, f"/probe{question}", status)


async def test_before_the_first_probe_there_is_no_result(client: Client, stage: Stage):
    stage.cache.latest.pop("da-nang/uptime")
    assert "not probed yet" in await text(client, "/probe?target=da-nang", 503)


async def test_an_unknown_outcome_is_neither_success_nor_failure(client: Client, stage: Stage):
    unknown = factories.measurement(portal="da-nang", outcome=factories.Outcome.UNKNOWN, location=stage.cache.location)
    stage.cache.latest["da-nang/uptime"] = unknown
    page = await text(client, "/probe?target=da-nang")
    assert "probe_success" not in page
    assert "portal_monitor_unknown_info" in page
