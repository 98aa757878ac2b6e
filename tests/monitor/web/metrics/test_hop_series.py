"""The requests of the newest measurement as series: in order, with bounded labels."""

from __future__ import annotations

from monitor.model.records import Measurement
from monitor.web.metrics.hop_series import INFO, MAX_LABEL_VALUES, OVERFLOW_VALUE, PHASE, STATUS, HopSeries
from probes.result import Outcome
from tests import factories


def samples(one: Measurement, series: HopSeries | None = None) -> dict[tuple[str, ...], float]:
    """(name, label values in order) -> value."""
    found = (series or HopSeries()).samples(one)
    return {(name, *pairs.values()): value for name, pairs, value in found}


def test_requests_follow_each_other():
    chain = (
        factories.hop(url="http://a.example.gov.vn/", status=301, phases={"connect": 0.1, "wait": 0.2}),
        factories.hop(url="https://a.example.gov.vn/", address="192.0.2.11", phases={"connect": 0.3, "tls": 0.4}),
    )
    assert samples(factories.measurement(hops=chain)) == {
        (INFO, "1", "http://a.example.gov.vn/", "192.0.2.10"): 1.0,
        (STATUS, "1"): 301.0,
        (PHASE, "1", "connect"): 0.1,
        (PHASE, "1", "wait"): 0.2,
        (INFO, "2", "https://a.example.gov.vn/", "192.0.2.11"): 1.0,
        (STATUS, "2"): 200.0,
        (PHASE, "2", "connect"): 0.3,
        (PHASE, "2", "tls"): 0.4,
    }


def test_a_successful_attempt_with_one_request_is_read_from_its_values():
    one = factories.measurement(values=factories.values(status=200, address="192.0.2.10"))
    assert one.hops == ()
    assert samples(one) == {
        (INFO, "1", "https://ha-noi.example.gov.vn/", "192.0.2.10"): 1.0,
        (STATUS, "1"): 200.0,
        **{(PHASE, "1", name): seconds for name, seconds in factories.PHASES.items()},
    }


def test_a_request_without_an_answer_has_no_status():
    found = samples(factories.measurement(outcome=Outcome.DOWN))
    assert {name for name, *_ in found} == {INFO, PHASE}


def test_rendered_pages_have_no_requests():
    assert samples(factories.measurement(kind="mobile", values={"lcp_seconds": 1.0})) == {}


def test_labels_stay_few_whatever_a_portal_does():
    """A portal that redirects every client to a new URL, over a thousand servers."""
    series = HopSeries()
    urls, addresses = set(), set()
    for number in range(1000):
        hop = factories.hop(url=f"https://a.example.gov.vn/{number}", address=f"192.0.{number // 250}.{number % 250}")
        for name, pairs, _ in series.samples(factories.measurement(hops=(hop, hop))):
            if name == INFO:
                urls.add(pairs["url"])
                addresses.add(pairs["address"])
    assert len(urls) == len(addresses) == MAX_LABEL_VALUES + 1
    assert OVERFLOW_VALUE in urls & addresses


def test_checks_that_are_gone_are_forgotten():
    series = HopSeries()
    for number in range(MAX_LABEL_VALUES + 1):
        list(series.samples(factories.measurement(hops=(factories.hop(url=f"https://a.example.gov.vn/{number}"),))))
    fresh = factories.measurement(hops=(factories.hop(url="https://a.example.gov.vn/new"),))
    assert (INFO, "1", OVERFLOW_VALUE, "192.0.2.10") in samples(fresh, series)
    series.retain(set())
    assert (INFO, "1", "https://a.example.gov.vn/new", "192.0.2.10") in samples(fresh, series)
