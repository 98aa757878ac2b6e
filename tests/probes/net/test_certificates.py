"""Expiry of the leaf, of what was presented and of what was verified are three facts, known even when TLS fails."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from probes.net import certificates
from probes.result import Fault, Outcome
from tests.servers.raw import RawServer, answer, redirect
from tests.servers.tls import NAMES, issue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers.tls import Authority

ProbeUrl = Any


async def test_a_certificate_that_no_verifier_needs_does_not_shorten_the_chain(
    probe_url: ProbeUrl, authority: Authority
) -> None:
    """A server sends its intermediate twice: signed by the trusted root, and cross-signed by a root that is gone."""
    context, leaf, intermediate, twin = authority.cross_signed()
    async with RawServer([answer()], tls=context) as server:
        result = await probe_url(server.url(host="portal.test"), min_certificate_days=7)
    assert result.outcome is Outcome.UP, result.detail
    values = result.values
    assert values["cert_leaf_expiry"] == leaf.expiry
    assert values["cert_earliest_expiry"] == twin.expiry
    assert values["cert_chain_expiry"] == min(leaf.expiry, intermediate.expiry, authority.root.expiry)
    assert values["cert_subject"] == "CN=localhost"
    assert values["cert_issuer"] == "CN=Test Intermediate"
    assert values["cert_fingerprint"] == certificates.read_certificate(leaf.der).fingerprint


@pytest.mark.parametrize(("days", "fault"), [(0, None), (29, None), (31, Fault.TLS_EXPIRED)])
async def test_a_certificate_must_last_as_long_as_expected(
    probe_url: ProbeUrl, authority: Authority, days: float, fault: Fault | None
) -> None:
    context, *_ = authority.cross_signed()  # its leaf lasts 30 days
    async with RawServer([answer()], tls=context) as server:
        result = await probe_url(server.url(host="portal.test"), min_certificate_days=days)
    assert result.fault is fault
    assert result.phase is None


async def test_an_intermediate_that_ends_before_its_leaf_is_what_counts(
    probe_url: ProbeUrl, authority: Authority
) -> None:
    intermediate = issue("Short Intermediate", by=authority.root, days=(-1.0, 3.0))
    leaf = issue("localhost", by=intermediate, names=NAMES, days=(-1.0, 80.0))
    async with RawServer([answer()], tls=authority.context(leaf, intermediate)) as server:
        result = await probe_url(server.url(host="portal.test"), min_certificate_days=14)
    assert result.fault is Fault.TLS_EXPIRED
    assert result.values["cert_leaf_expiry"] == leaf.expiry
    assert result.values["cert_chain_expiry"] == intermediate.expiry


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("name", ["expired", "not_yet_valid", "wrong_name", "self_signed", "unknown_authority"])
async def test_a_refused_certificate_still_has_its_expiry(
    probe_url: ProbeUrl, authority: Authority, name: str, version: ssl.TLSVersion
) -> None:
    make: Callable[[], ssl.SSLContext] = getattr(authority, name)
    context = make()
    context.maximum_version = version
    async with RawServer([answer()], tls=context) as server:
        refused = await probe_url(server.url(host="portal.test"))
        accepted = await probe_url(server.url(host="portal.test"), verify_certificate=False)
    assert refused.outcome is Outcome.DOWN
    assert accepted.outcome is Outcome.UP, accepted.detail
    for fact in ("cert_leaf_expiry", "cert_earliest_expiry", "cert_fingerprint", "cert_subject", "cert_issuer"):
        assert refused.values[fact] == accepted.values[fact]
    assert "cert_chain_expiry" not in refused.values, "what was not verified has no verified chain"
    assert "cert_chain_expiry" not in accepted.values


async def test_an_incomplete_chain_is_untrusted(probe_url: ProbeUrl, authority: Authority) -> None:
    leaf = issue("localhost", by=issue("Unsent Intermediate", by=authority.root), names=NAMES)
    async with RawServer([answer()], tls=authority.context(leaf)) as server:
        result = await probe_url(server.url(host="portal.test"))
    assert result.fault is Fault.TLS_UNTRUSTED


async def test_the_certificate_is_that_of_the_last_hop(probe_url: ProbeUrl, authority: Authority) -> None:
    first, last = authority.leaf(days=(-1.0, 5.0)), authority.leaf(days=(-1.0, 50.0))
    async with (
        RawServer([answer()], tls=authority.context(last)) as target,
        RawServer([redirect(target.url(host="portal.test"))], tls=authority.context(first)) as server,
    ):
        result = await probe_url(server.url(host="portal.test"))
    assert result.values["cert_leaf_expiry"] == last.expiry


async def test_without_tls_there_is_no_certificate(probe_url: ProbeUrl) -> None:
    async with RawServer([answer()]) as server:
        result = await probe_url(server.url(), min_certificate_days=30)
    assert result.outcome is Outcome.UP
    assert not [name for name in result.values if name.startswith(("cert_", "tls_"))]


def test_what_is_no_certificate_is_left_out(authority: Authority) -> None:
    good = authority.leaf()
    assert certificates.metric_values((b"junk",), ()) == {}
    assert certificates.metric_values((b"junk", good.der), ()) == {}
    found = certificates.metric_values((good.der, b"junk", b"x" * 10_000), (good.der, b"junk"))
    assert (found["cert_earliest_expiry"], found["cert_chain_expiry"]) == (good.expiry, good.expiry)
